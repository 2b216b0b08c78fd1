"""How good the picture and the sound are: the input side of every reading's reliability, 0..1.

Plain ramps between a level at which a person could not tell either and one at which nothing is missing; a
low-quality-video study and the smart-learning study name the same causes (light, distance, pose, short speech).
"""

from __future__ import annotations

import numpy as np

from edge.features.landmarks import NOSE_TIP, OUTER_EYE_CORNERS
from edge.perception.tracking import eye_distance
from edge.signals import Face, Float32Array, Uint8Image, Utterance

DARK = 30.0
"""Mean grey level (0..255) of a picture under which faces cannot be read."""

SMALLEST_EYE_DISTANCE = 14.0
"""Pixels between the outer eye corners under which a face is too far away to read."""


def brightness(image: Uint8Image) -> float:
    """Mean grey level 0..255 of a uint8 BGR picture, from the green of a dozen rows and as densely along them."""
    step = max(1, min(image.shape[:2]) // 12)
    return float(image[::step, ::step, 1].mean())


def face_quality(face: Face) -> float:
    """Size and pose of a face and the mesh's own certainty: 1 for a large frontal face."""
    size = _ramp(eye_distance(face.landmarks), SMALLEST_EYE_DISTANCE, 36.0)
    pose = _ramp(_turn(face.landmarks), 0.8, 0.35)
    return size * pose * _ramp(face.presence, 0.3, 0.9)


def utterance_quality(utterance: Utterance) -> float:
    """Length and clipping of an utterance: 1 for two unclipped seconds or more."""
    clipped = float(np.mean(np.abs(utterance.samples) > 0.99)) if len(utterance.samples) else 1.0
    return _ramp(utterance.end - utterance.start, 0.3, 2.0) * _ramp(clipped, 0.1, 0.005)


def _turn(landmarks: Float32Array) -> float:
    """How far the nose tip is from between the eyes, in half eye distances: 0 frontal, about 1 in profile."""
    left, right = (landmarks[i, :2] for i in OUTER_EYE_CORNERS)
    axis = right - left
    along = float(np.dot(landmarks[NOSE_TIP, :2] - (left + right) / 2, axis)) / max(float(np.dot(axis, axis)), 1e-6)
    return abs(2.0 * along)


def _ramp(value: float, zero: float, one: float) -> float:
    """0 at ``zero`` and beyond, 1 at ``one`` and beyond, linear between."""
    return min(1.0, max(0.0, (value - zero) / (one - zero)))
