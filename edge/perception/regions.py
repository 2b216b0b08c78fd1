"""Square, turned regions of a picture: where a face is, and the crop a model sees of it."""

from __future__ import annotations

from dataclasses import dataclass
from math import atan2, cos, sin

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.signals import Float32Array, Uint8Image


@dataclass(frozen=True, slots=True)
class Region:
    """A square of ``side`` pixels around (x, y), turned by ``angle`` radians (clockwise in the picture)."""

    x: float
    y: float
    side: float
    angle: float

    def overlap(self, other: Region) -> float:
        """Intersection over union of the two squares, their angles left out; 0..1."""
        width = min(self.x + self.side / 2, other.x + other.side / 2) - max(
            self.x - self.side / 2, other.x - other.side / 2
        )
        height = min(self.y + self.side / 2, other.y + other.side / 2) - max(
            self.y - self.side / 2, other.y - other.side / 2
        )
        if width <= 0 or height <= 0:
            return 0.0
        shared = width * height
        return shared / (self.side**2 + other.side**2 - shared)

    def to_picture(self, size: int) -> NDArray[np.float64]:
        """The (2, 3) affine matrix from pixels of a ``size`` x ``size`` crop to pixels of the picture."""
        scale = self.side / size
        c, s = cos(self.angle) * scale, sin(self.angle) * scale
        half = size / 2
        return np.array([[c, -s, self.x - half * (c - s)], [s, c, self.y - half * (s + c)]])

    def crop(self, image: Uint8Image, size: int, border: int = cv2.BORDER_REPLICATE) -> Uint8Image:
        """The region as uint8 (size, size, 3); outside the picture its edge repeats, or OpenCV's ``border`` is."""
        matrix = self.to_picture(size)
        # to_picture speaks of pixel corners, warpAffine of pixel centres
        matrix[:, 2] += matrix[:, :2].sum(axis=1) * 0.5 - 0.5
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        crop: Uint8Image = cv2.warpAffine(image, matrix, (size, size), flags=flags, borderMode=border)
        return crop


def region_around(low: Float32Array, high: Float32Array, eyes: tuple[Float32Array, Float32Array]) -> Region:
    """The region MediaPipe gives its mesh: 1.5 times the longer side of the box, turned until the eyes are level.

    ``low`` and ``high`` are the box's corners, ``eyes`` two points (left of the picture first), all float32 (2,)
    pixels.
    """
    (left, top), (right, bottom) = low.tolist(), high.tolist()
    first, second = eyes
    angle = atan2(second[1] - first[1], second[0] - first[0])
    return Region((left + right) / 2, (top + bottom) / 2, 1.5 * max(right - left, bottom - top), angle)
