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
    """Turns one face's landmarks into float32 (K,), K = len(offset).

    Landmarks are taken relative to the nose tip and divided by the distance between the outer eye corners (in x, y
    and z, so that a turned head is not taken for a small one). One matrix product then turns the coordinates of
    ``points`` into K features: ``basis``, float16 (K, 3 * len(points)) row by row as little-endian bytes, less
    ``offset``. The rows are principal components of the training faces divided by their spread, or, as in
    AffectFusion (1,434 -> 54), single coordinates divided by theirs; ``offset`` is the training faces' mean. So every
    feature is in standard deviations, and one int8 scale serves them all: fine expressions, a hundredth of what poses
    and face shapes make up, would be lost in int8 coordinates. The model sees ``steps`` such vectors at ``rate_hz``.

    Raises ValueError where ``basis`` has another size or a point is none of the mesh's.
    """

    version: ClassVar[int] = 3

    points: tuple[int, ...]
    basis: bytes
    offset: tuple[float, ...]
    steps: int = 75
    rate_hz: float = 7.5

    def __post_init__(self) -> None:
        expected = 2 * 3 * len(self.points) * len(self.offset)
        if len(self.basis) != expected:
            raise ValueError(f"basis has {len(self.basis)} bytes, not {expected}")
        if not all(0 <= point < POINTS for point in self.points):
            raise ValueError(f"points are not all in 0..{POINTS - 1}")

    @classmethod
    def fitted(
        cls, shapes: Float32Array, points: NDArray[np.int64], basis: Float32Array, steps: int = 75
    ) -> LandmarkFeatures:
        """Features with mean zero over the training faces ``shapes``, float32 (N, 468, 3) as ``normalise`` gives them.

        ``basis`` is float32 (K, 3 * len(points)).
        """
        rounded = np.asarray(basis, "<f2")
        mean = shapes[:, points].reshape(len(shapes), -1).mean(axis=0, dtype=np.float64)
        offset = np.round(rounded.astype(np.float64) @ mean, 5)
        return cls(tuple(points.tolist()), rounded.tobytes(), tuple(offset.tolist()), steps)

    def __call__(self, landmarks: Float32Array) -> Float32Array:
        """Features float32 (..., K) of ``landmarks``, float32 (..., 468 or 478, 3) in square pixels."""
        points, basis, offset = _arrays(self)
        relative = landmarks[..., points, :] - landmarks[..., NOSE_TIP, None, :]
        shape = relative / _eye_distance(landmarks)[..., None, None]
        return (shape.reshape(*shape.shape[:-2], -1) @ basis - offset).astype(np.float32)


@lru_cache(maxsize=4)
def _arrays(features: LandmarkFeatures) -> tuple[NDArray[np.int64], Float32Array, Float32Array]:
    """The points int64 (P,), the basis float32 (3 P, K) and the offset float32 (K,)."""
    basis = np.frombuffer(features.basis, "<f2").reshape(len(features.offset), -1)
    return (
        np.array(features.points, np.int64),
        np.ascontiguousarray(basis.T, np.float32),
        np.array(features.offset, np.float32),
    )


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
