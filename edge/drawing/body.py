"""Everything behind a drawn face: hair at the back, neck, clothes and ears."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from edge.drawing.canvas import smoothstep
from edge.drawing.hair import back_hair, strands
from edge.drawing.looks import Appearance, Bgr, Point, Pose
from edge.signals import Float32Array

_HAIR_DEPTH = 0.22
_NECK_SHIFT = 0.10


class Layers:
    """A sprite being built from the back to the front.

    ``planes`` is float32 (4, height, width): premultiplied BGR, and alpha; ``u``, ``v`` are float32 (height,
    width), the picture's coordinates in half face widths around the middle of the head; ``pixel`` is one pixel in
    that unit.
    """

    def __init__(self, u: Float32Array, v: Float32Array, planes: Float32Array | None = None) -> None:
        self.u, self.v = u, v
        self.pixel = float(u[0, 1] - u[0, 0])
        self.planes = np.zeros((4, *u.shape), np.float32) if planes is None else planes

    def part(self, left: float, top: float, right: float, bottom: float) -> Layers:
        """The part of the sprite within a box, in half face widths; painting it paints this sprite."""
        columns = slice(*np.searchsorted(self.u[0], (left, right)))
        rows = slice(*np.searchsorted(self.v[:, 0], (top, bottom)))
        return Layers(self.u[rows, columns], self.v[rows, columns], self.planes[:, rows, columns])

    def lay(self, cover: Float32Array, colour: ArrayLike, light: Float32Array | float = 1.0) -> None:
        """Puts ``colour``, (3,) or (height, width, 3), times ``light`` over it; ``cover`` is 0..1."""
        colours = np.asarray(colour, np.float32)
        for index, plane in enumerate(self.planes):
            plane += cover * ((colours[..., index] * light if index < 3 else 255) - plane)

    def inside(self, distance: Float32Array) -> Float32Array:
        """Coverage, soft over two pixels, of where ``distance`` (in half face widths) is negative."""
        return smoothstep(self.pixel, -self.pixel, distance)


def lay_body(layers: Layers, appearance: Appearance, pose: Pose) -> None:
    """Lays the hair at the back, the neck and the clothes."""
    _lay_back_hair(layers, appearance, pose)
    below_mouth = layers.part(-3, 0.4, 3, 3)
    _lay_neck(below_mouth, appearance, pose)
    _lay_clothes(below_mouth, appearance)


def lay_ears(layers: Layers, appearance: Appearance, turn: Float32Array) -> None:
    """Lays both ears where the head, turned by the rotation ``turn`` (3, 3), carries them."""
    skin = np.array(appearance.skin, np.float32)
    for side in (-1, 1):
        x, y, _ = turn @ np.array((side * 0.95, 0.05, 0.0), np.float32)
        around = layers.part(x - 0.3, y - 0.4, x + 0.3, y + 0.4)
        distance = np.hypot((around.u - x) / 0.14, (around.v - y) / 0.27)
        around.lay(around.inside((distance - 1) * 0.14), skin * 0.80)
        hollow = np.exp(-((np.hypot(around.u - x, (around.v - y) / 2) / 0.06) ** 2) / 2)
        around.lay(hollow * 0.5, skin * 0.52)


def _lay_back_hair(layers: Layers, appearance: Appearance, pose: Pose) -> None:
    yaw = np.deg2rad(pose.yaw)
    # The head tilts; what hangs below it does not.
    roll = np.deg2rad(pose.roll) * (1 - smoothstep(0.2, 1.6, layers.v))
    x = np.cos(roll) * layers.u + np.sin(roll) * layers.v + _HAIR_DEPTH * np.sin(yaw)
    y = np.cos(roll) * layers.v - np.sin(roll) * layers.u
    layers.lay(back_hair(appearance.style, x, y, layers.pixel), strands(appearance, x, y), 0.75)


def _lay_neck(layers: Layers, appearance: Appearance, pose: Pose) -> None:
    u, v = layers.u, layers.v
    across = np.abs(u - _NECK_SHIFT * np.sin(np.deg2rad(pose.yaw)) * (1.6 - v))
    flare = 0.30 * np.clip(v - 1.35, 0, None) ** 1.5
    sideways = across - 0.52 - flare
    lit = 0.60 + 0.22 * smoothstep(1.15, 1.65, v) - 0.16 * across**2
    ends = np.maximum(0.4 - v, v - 2.2).astype(np.float32)
    layers.lay(layers.inside(np.maximum(sideways, ends)), appearance.skin, lit)


def _lay_clothes(layers: Layers, appearance: Appearance) -> None:
    u, v = layers.u, layers.v
    reach = np.clip(1 - (np.abs(u) / 1.80) ** 3.2, 0, 1)
    shoulders = 2.50 - 0.90 * np.sqrt(reach)
    opening = np.hypot(u / 0.68, (v - 1.42) / 0.46)
    light = 1.02 - 0.07 * (u + 0.4) ** 2 - 0.10 * smoothstep(1.9, 2.5, v) + 0.03 * np.sin(7 * u + 2 * v) * np.sin(3 * v)
    outside_opening = (1 - opening) * 0.46
    cut = np.maximum(shoulders - v, outside_opening)
    shadow = np.exp(-((np.clip(opening - 1, 0, None) / 0.12) ** 2) / 2) * 0.25
    layers.lay(layers.inside(cut), appearance.clothing, light - shadow)
    if appearance.collar is None:
        band = np.maximum(cut, (opening - 1.17) * 0.46)
        layers.lay(layers.inside(band), appearance.clothing, 0.72)
    else:
        for side in (-1, 1):
            flap = [(side * 0.66, 1.44), (side * 0.02, 1.92), (side * 0.40, 2.22), (side * 0.80, 1.66)]
            _lay_convex(layers, flap, appearance.collar, 0.90 + 0.05 * side)


def _lay_convex(layers: Layers, corners: Sequence[Point], colour: Bgr, light: float) -> None:
    points = np.asarray(corners, np.float32)
    centre = points.mean(axis=0)
    distance = np.full_like(layers.u, -np.inf)
    for (ax, ay), (bx, by) in zip(points, np.roll(points, -1, axis=0), strict=True):
        normal = np.array((by - ay, ax - bx)) / np.hypot(bx - ax, by - ay)
        normal *= -np.sign(normal @ (centre - (ax, ay)))
        distance = np.maximum(distance, normal[0] * (layers.u - ax) + normal[1] * (layers.v - ay))
    layers.lay(layers.inside(distance), colour, light)
