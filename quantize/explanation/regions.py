"""Parts of a face that people have names for, in the face mesh: where they are, and what can be measured of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge.signals import Float32Array

POSE = "head pose"

ANCHORS: Mapping[str, Sequence[int]] = {
    "brows": (46, 52, 53, 55, 63, 65, 66, 70, 105, 107, 276, 282, 283, 285, 293, 295, 296, 300, 334, 336),
    "eyes": (7, 33, 133, 144, 145, 153, 157, 158, 159, 160, 163, 173, 249, 263, 362, 373, 374, 380, 384, 385, 386, 387),
    "nose": (1, 4, 5, 6, 48, 64, 94, 98, 115, 122, 168, 195, 197, 278, 294, 327, 344, 351),
    "cheeks": (36, 50, 101, 116, 117, 123, 187, 205, 207, 266, 280, 330, 345, 346, 352, 411, 425, 427),
    "mouth": (0, 13, 14, 17, 37, 39, 40, 61, 84, 91, 146, 181, 185, 267, 269, 270, 291, 314, 321, 375, 405, 409),
    "jaw": (58, 93, 132, 136, 148, 149, 150, 152, 172, 176, 199, 288, 323, 361, 365, 377, 378, 379, 397, 400),
    "forehead": (8, 9, 10, 21, 54, 67, 69, 103, 104, 108, 109, 151, 251, 284, 297, 299, 332, 333, 337, 338),
}
"""Landmarks of the mesh that are surely of a part; every other is of the part of its nearest."""

REGIONS = (POSE, *ANCHORS)
"""What the landmarks' share is told of: how the head is turned, and, whatever that is, where each part of it lies."""


class Heads(NamedTuple):
    """N faces over time with the head's turn taken out of them.

    ``frontal`` is float32 (N, steps, 468, 3), each turned, moved and scaled onto the mean face; ``turn`` float32
    (N, steps, 3, 3) turns it back: row vectors, ``frontal @ turn``.
    """

    frontal: Float32Array
    turn: Float32Array


def members(mean: Float32Array) -> dict[str, NDArray[np.bool_]]:
    """Which landmarks of the ``mean`` face, float32 (468, 3), are of each part but POSE: bool (468,)."""
    anchors = np.concatenate([np.array(points) for points in ANCHORS.values()])
    owner = np.concatenate([np.full(len(points), part) for part, points in enumerate(ANCHORS.values())])
    nearest = np.linalg.norm(mean[:, None] - mean[anchors][None], axis=-1).argmin(axis=1)
    return {name: owner[nearest] == part for part, name in enumerate(ANCHORS)}


def upright(shapes: Float32Array, mean: Float32Array, points: NDArray[np.int64]) -> Heads:
    """``shapes``, float32 (N, steps, 468, 3), without their turn against the ``mean`` face, (468, 3).

    The turn is that of the similarity that best brings the ``points`` of the mean face onto the shape's (Umeyama 1991).
    """
    centre, middles = mean[points].mean(axis=0), shapes[..., points, :].mean(axis=-2, keepdims=True)
    model, seen = mean[points] - centre, shapes[..., points, :] - middles
    left, spread, right = np.linalg.svd(np.einsum("pi,...pj->...ij", model, seen))
    mirrored = np.linalg.det(left @ right) < 0
    left[mirrored, :, -1] *= -1
    spread[mirrored, -1] *= -1
    turn = (left @ right).astype(np.float32)
    scale = spread.sum(axis=-1)[..., None, None] / (model**2).sum()
    frontal = (shapes - middles) @ np.swapaxes(turn, -1, -2) / scale + centre
    return Heads(frontal.astype(np.float32), turn)


def composed(
    mean: Float32Array, frontal: Float32Array, turn: Float32Array, own: NDArray[np.bool_], turned: bool
) -> Float32Array:
    """One clip's face, (steps, 468, 3), of which only the landmarks ``own``, bool (468,), and perhaps the turn are its.

    All other landmarks are where the ``mean`` face, (468, 3), has them; ``frontal`` and ``turn`` are the clip's.
    """
    face = np.where(own[:, None], frontal, mean)
    return face @ turn if turned else face


class Measure(NamedTuple):
    """Something to see at a face: what it is called where it is large and where it is small."""

    large: str
    small: str
    of: Callable[[Heads], Float32Array]
    """(N, steps)."""


def _height(points: Sequence[int]) -> Callable[[Heads], Float32Array]:
    """How far above the nose tip, since y points down."""
    return lambda heads: heads.frontal[..., 1, 1] - heads.frontal[..., points, 1].mean(axis=-1)


def _distance(one: int, other: int) -> Callable[[Heads], Float32Array]:
    return lambda heads: np.linalg.norm(heads.frontal[..., one, :] - heads.frontal[..., other, :], axis=-1)


MEASURES: Mapping[str, Sequence[Measure]] = {
    POSE: (
        Measure("a head turned down", "a head turned up", lambda heads: -heads.turn[..., 2, 1]),
        Measure("a head turned aside", "a head turned to the front", lambda heads: np.abs(heads.turn[..., 2, 0])),
        Measure("a tilted head", "an upright head", lambda heads: np.abs(heads.turn[..., 0, 1])),
    ),
    "brows": (
        Measure("raised brows", "lowered brows", _height((52, 65, 105, 282, 295, 334))),
        Measure("brows far apart", "brows drawn together", _distance(55, 285)),
    ),
    "eyes": (
        Measure("wide eyes", "narrow eyes", lambda heads: _distance(159, 145)(heads) + _distance(386, 374)(heads)),
        Measure("eyes far apart", "eyes close together", _distance(133, 362)),
    ),
    "nose": (
        Measure("a long nose", "a short nose", _height((168,))),
        Measure("a broad nose", "a narrow nose", _distance(64, 294)),
    ),
    "cheeks": (
        Measure("raised cheeks", "lowered cheeks", _height((205, 425))),
        Measure("broad cheeks", "narrow cheeks", _distance(123, 352)),
    ),
    "mouth": (
        Measure("a wide mouth", "a narrow mouth", _distance(61, 291)),
        Measure("raised corners of the mouth", "lowered corners of the mouth", _height((61, 291))),
        Measure("an open mouth", "a closed mouth", _distance(13, 14)),
    ),
    "jaw": (
        Measure("a long chin", "a short chin", lambda heads: -_height((152,))(heads)),
        Measure("a broad jaw", "a narrow jaw", _distance(172, 397)),
    ),
    "forehead": (
        Measure("a high forehead", "a low forehead", _height((10,))),
        Measure("a broad forehead", "a narrow forehead", _distance(54, 284)),
    ),
}
"""What can be seen of each of REGIONS."""


def trend(values: NDArray[np.float64], measure: Float32Array) -> float:
    """Spearman's rank correlation, -1..1, of two columns (N,); 0 where one of them never changes."""
    ranks = np.stack([_ranks(values), _ranks(measure)])
    if (ranks.std(axis=1) == 0).any():
        return 0.0
    return float(np.corrcoef(ranks)[0, 1])


def _ranks(column: NDArray[Any]) -> NDArray[np.float64]:
    """Ranks, of equals their mean."""
    _, place, counts = np.unique(column, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[place]
