"""What of a face mesh the engagement branch reads: principal components, or the paper's correlation reduction."""

from __future__ import annotations

import numpy as np

from edge.errors import UserError
from edge.features.landmarks import POINTS, LandmarkFeatures, normalise
from edge.signals import Float32Array
from quantize.datasets.daisee_landmarks import Clips

LIPS = (
    *(0, 13, 14, 17, 37, 39, 40, 78, 80, 81, 82, 84, 87, 88, 91, 95, 146, 178, 181, 185, 191, 267, 269, 270),
    *(308, 310, 311, 312, 314, 317, 318, 321, 324, 375, 402, 405, 409, 415),
)
LIDS = (
    *(7, 144, 145, 153, 154, 155, 157, 158, 159, 160, 161, 163, 173, 246),
    *(249, 373, 374, 380, 381, 382, 384, 385, 386, 387, 388, 390, 398, 466),
)
FINE = frozenset(LIPS + LIDS)
"""Lip and lid contours without their corners: the data set's refined mesh places them otherwise than the device's."""

SHARED = np.array([point for point in range(POINTS) if point not in FINE], np.int64)
"""The landmarks that both meshes place alike."""


def components(clips: Clips, count: int, steps: int = 75) -> LandmarkFeatures:
    """The ``count`` leading principal components of the clips' first faces, each in standard deviations.

    Raises UserError where there are too few clips for so many.
    """
    shapes = normalise(clips.landmarks[:, 0])
    coordinates = shapes[:, SHARED].reshape(len(shapes), -1)
    if len(shapes) <= count:
        raise UserError(f"engagement: {len(shapes)} training clips are too few for {count} components")
    centred = (coordinates - coordinates.mean(axis=0)).astype(np.float64)
    variances, directions = np.linalg.eigh(centred.T @ centred / len(shapes))
    leading = slice(None, -count - 1, -1)
    basis = directions[:, leading] / np.sqrt(variances[leading])
    return LandmarkFeatures.fitted(shapes, SHARED, basis.T.astype(np.float32), steps)


def reduced(clips: Clips, correlation: float, steps: int = 75) -> LandmarkFeatures:
    """Correlation reduction: the widest-varying coordinate first, none that correlates more with a kept one."""
    shapes = normalise(clips.landmarks[:, 0])
    coordinates = shapes[:, SHARED].reshape(len(shapes), -1)
    spread = coordinates.std(axis=0)
    usable = np.array([index for index in np.argsort(-spread, kind="stable") if spread[index] > 1e-3])
    related = np.abs(np.corrcoef(coordinates[:, usable].T))
    kept: list[int] = []
    for candidate in range(len(usable)):
        if not kept or related[candidate, kept].max() < correlation:
            kept.append(candidate)
    points, axes = np.divmod(usable[kept], 3)
    used, column = np.unique(points, return_inverse=True)
    basis: Float32Array = np.zeros((len(kept), 3 * len(used)), np.float32)
    basis[np.arange(len(kept)), 3 * column + axes] = 1 / spread[usable[kept]]
    return LandmarkFeatures.fitted(shapes, SHARED[used], basis, steps)
