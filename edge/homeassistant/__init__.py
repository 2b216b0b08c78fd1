"""Home Assistant finds the box by itself: one message that says what of the published topics to show, and how.

Nothing here holds a value of the room: the message is made of the settings alone, before the loop begins.
"""
