"""Painting with soft edges on a float image, in coordinates of the thing painted instead of pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from edge.signals import Float32Array

_SUBPIXEL_BITS = 4


@dataclass(frozen=True, eq=False)
class Mask:
    """Coverage 0..1 of the part of a canvas between ``top``, ``left`` and its own float32 (height, width)."""

    values: Float32Array
    top: int
    left: int

    @property
    def area(self) -> tuple[slice, slice]:
        """Rows and columns of the canvas it covers."""
        height, width = self.values.shape
        return slice(self.top, self.top + height), slice(self.left, self.left + width)


class Canvas:
    """A square image, float32 (side, side, 3) BGR, over the coordinates -extent..extent both ways."""

    def __init__(self, side: int, extent: float) -> None:
        self.side = side
        self.extent = extent
        self.scale = (side - 1) / (2 * extent)
        axis = np.linspace(-extent, extent, side, dtype=np.float32)
        self.x, self.y = np.meshgrid(axis, axis)
        self.image = np.zeros((side, side, 3), np.float32)

    def pixels(self, points: ArrayLike) -> Float32Array:
        """Where ``points`` (n, 2) lie, in pixels: float32 (n, 2)."""
        return (np.asarray(points, np.float32) + self.extent) * self.scale

    def paint(self, mask: Mask, colour: ArrayLike, opacity: float = 1.0, clip: Mask | None = None) -> None:
        """Lays ``colour`` over the image where ``mask`` is, as far as ``clip`` lets it through."""
        values = mask.values * np.float32(opacity)
        if clip is not None:
            values = values * self.spread(clip)[mask.area]
        patch = self.image[mask.area]
        patch += values[..., None] * (np.asarray(colour, np.float32) - patch)

    def spread(self, mask: Mask) -> Float32Array:
        """``mask`` over the whole canvas: float32 (side, side)."""
        whole = np.zeros((self.side, self.side), np.float32)
        whole[mask.area] = mask.values
        return whole

    def polygon(self, points: ArrayLike, blur: float = 0.0) -> Mask:
        """The inside of a closed outline (n, 2), its edge softened by ``blur`` (standard deviation)."""
        return self._drawn(points, 0.0, blur, filled=True)

    def stroke(self, points: ArrayLike, width: float, blur: float = 0.0) -> Mask:
        """A line along ``points`` (n, 2)."""
        return self._drawn(points, width, blur, filled=False)

    def spot(self, x: float, y: float, spread_x: float, spread_y: float) -> Mask:
        """A Gaussian spot around (x, y)."""
        top, left, bottom, right = self._box([(x, y)], 3 * spread_x, 3 * spread_y)
        along_x = np.exp(-(((self.x[0, left:right] - x) / spread_x) ** 2) / 2)
        along_y = np.exp(-(((self.y[top:bottom, 0] - y) / spread_y) ** 2) / 2)
        return Mask(np.outer(along_y, along_x).astype(np.float32), top, left)

    def disc(self, x: float, y: float, radius: float, edge: float) -> Mask:
        """A disc around (x, y) whose coverage falls from 1 to 0 within ``edge`` inside its radius."""
        top, left, bottom, right = self._box([(x, y)], radius, radius)
        distance = np.hypot(self.x[top:bottom, left:right] - x, self.y[top:bottom, left:right] - y)
        return Mask(1 - smoothstep(radius - edge, radius, distance), top, left)

    def _drawn(self, points: ArrayLike, width: float, blur: float, *, filled: bool) -> Mask:
        margin = width + 3 * blur + 2 / self.scale
        top, left, bottom, right = self._box(points, margin, margin)
        patch = np.zeros((bottom - top, right - left), np.uint8)
        corners = np.round((self.pixels(points) - (left, top)) * 2**_SUBPIXEL_BITS).astype(np.int32)
        if filled:
            cv2.fillPoly(patch, [corners], 255, cv2.LINE_AA, _SUBPIXEL_BITS)
            values = patch.astype(np.float32) / np.float32(255)
        else:
            thickness = width * self.scale
            cv2.polylines(patch, [corners], False, 255, max(1, round(thickness)), cv2.LINE_AA, _SUBPIXEL_BITS)
            # A line thinner than a pixel is a fainter line.
            values = patch.astype(np.float32) * np.float32(min(1.0, thickness) / 255)
        sigma = blur * self.scale
        return Mask(cv2.GaussianBlur(values, (0, 0), sigma) if sigma > 0.3 else values, top, left)

    def _box(self, points: ArrayLike, margin_x: float, margin_y: float) -> tuple[int, int, int, int]:
        """Top, left, bottom, right of the pixels within a margin of ``points``; one pixel at least."""
        inside = self.pixels(points)
        margin = np.array((margin_x, margin_y)) * self.scale
        left, top = np.clip(np.floor(inside.min(axis=0) - margin), 0, self.side - 1).astype(int)
        right, bottom = np.clip(np.ceil(inside.max(axis=0) + margin) + 1, 1, self.side).astype(int)
        return int(top), int(left), max(int(bottom), int(top) + 1), max(int(right), int(left) + 1)


def smoothstep(start: float, end: float, value: NDArray[np.floating[Any]]) -> Float32Array:
    """0 up to ``start``, 1 from ``end``, smooth between."""
    share = np.clip((value - start) / (end - start), 0, 1)
    return (share * share * (3 - 2 * share)).astype(np.float32)


def curve(points: Sequence[tuple[float, float]], steps: int = 12) -> Float32Array:
    """A smooth line (Catmull-Rom) through ``points``, ``steps`` to each span: float32 (n, 2)."""
    inner = np.asarray(points, np.float32)
    knots = np.vstack([2 * inner[0] - inner[1], inner, 2 * inner[-1] - inner[-2]])
    t = np.linspace(0, 1, steps, endpoint=False, dtype=np.float32)[:, None]
    spans = [
        0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
        for a, b, c, d in zip(knots, knots[1:], knots[2:], knots[3:], strict=False)
    ]
    return np.vstack([*spans, inner[-1:]])
