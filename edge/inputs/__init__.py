"""Modalities from outside: what a wearable, an LMS or a text service says of the room, checked at the door."""
