"""Engagement features: face-mesh landmarks freed from where the face is and how large it looks."""

from __future__ import annotations

from functools import lru_cache
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from edge.features import Preprocessing
from edge.signals import Float32Array

POINTS = 468
"""Landmarks of the MediaPipe face mesh without irises."""

NOSE_TIP = 1
OUTER_EYE_CORNERS = (33, 263)


class LandmarkFeatures(Preprocessing, frozen=True):
    """Turns one face's landmarks into float32 (len(selected),).

    Landmarks are taken relative to the nose tip and divided by the distance between the outer eye corners (in x, y
    and z, so that a turned head is not taken for a small one), then ``selected`` keeps the coordinates that
    correlation reduction left (indices into the flattened (468, 3) array; AffectFusion: 1,434 -> 54). Each is
    expressed in standard deviations (``spread``) from the training faces' mean (``centre``), so that one int8 scale
    serves them all. The model sees ``steps`` such vectors at ``rate_hz``.
    """

    version: ClassVar[int] = 2

    selected: tuple[int, ...]
    centre: tuple[float, ...]
    spread: tuple[float, ...]
    steps: int = 75
    rate_hz: float = 7.5

    def __call__(self, landmarks: Float32Array) -> Float32Array:
        """Features float32 (..., len(selected)) of ``landmarks``, float32 (..., 468 or 478, 3) in square pixels."""
        points, axes, centre, spread = _arrays(self)
        relative = landmarks[..., points, axes] - landmarks[..., NOSE_TIP, :][..., axes]
        return ((relative / _eye_distance(landmarks)[..., None] - centre) / spread).astype(np.float32)


@lru_cache(maxsize=4)
def _arrays(features: LandmarkFeatures) -> tuple[NDArray[np.int64], NDArray[np.int64], Float32Array, Float32Array]:
    """Which landmarks, which of their axes, and the standardisation."""
    points, axes = np.divmod(np.array(features.selected, np.int64), 3)
    return points, axes, np.array(features.centre, np.float32), np.array(features.spread, np.float32)


def normalise(landmarks: Float32Array) -> Float32Array:
    """Landmarks float32 (..., 468, 3) relative to the nose tip, in units of the outer-eye-corner distance.

    ``landmarks`` is (..., 468 or 478, 3) in square pixels: correct the picture's aspect first.
    """
    mesh = landmarks[..., :POINTS, :]
    relative = mesh - mesh[..., NOSE_TIP, None, :]
    return (relative / _eye_distance(mesh)[..., None, None]).astype(np.float32)


def _eye_distance(landmarks: Float32Array) -> Float32Array:
    left, right = OUTER_EYE_CORNERS
    distance = np.linalg.norm(landmarks[..., left, :] - landmarks[..., right, :], axis=-1)
    return np.asarray(np.maximum(distance, 1e-6), np.float32)
