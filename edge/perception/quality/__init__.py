"""How good picture and sound are: named inputs of every reading's reliability, each 0..1, 1 where nothing is missing.

Plain ramps between a level at which a person could not tell either and one at which nothing is missing. The latter is
what nineteen in twenty of the pictures or voices have that the branches learned from, where those can say.
"""

from __future__ import annotations

from edge.perception.quality.faces import DARK, SMALLEST_EYE_DISTANCE, brightness, face_qualities
from edge.perception.quality.voices import voice_qualities

__all__ = ["DARK", "SMALLEST_EYE_DISTANCE", "brightness", "face_qualities", "voice_qualities"]
