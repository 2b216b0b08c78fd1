"""What leaves the box, and nothing else: topics, payloads, the schema that guards them and the MQTT client.

``payloads`` says what a message may hold, ``schema`` enforces it on every message, ``topics`` says where it
goes and ``mqtt`` sends it; ``announcement`` is what others find the box by. No type that can hold media, landmarks
or a person has a path through here.
"""
