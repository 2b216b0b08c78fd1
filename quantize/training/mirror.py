"""Face meshes in a mirror."""

from __future__ import annotations

import numpy as np

from edge.features.landmarks import POINTS
from edge.signals import Float32Array

MIDLINE = (0, 1, 2, *range(4, 7), *range(8, 20), 94, 151, 152, 164, 168, 175, 195, 197, 199, 200)
LEFT_HALF = 248
"""The mesh numbers one half of the face first and, from here on, the other half in the same order."""

_right = np.setdiff1d(np.arange(LEFT_HALF), MIDLINE)
TWINS = np.arange(POINTS)
"""Every landmark's mirror image, int64 (468,)."""
TWINS[_right], TWINS[LEFT_HALF:] = np.arange(LEFT_HALF, POINTS), _right


def mirror(landmarks: Float32Array) -> Float32Array:
    """Landmarks float32 (..., 468, 3), mirrored about x = 0 with left and right renamed."""
    return landmarks[..., TWINS, :] * np.array([-1, 1, 1], np.float32)
