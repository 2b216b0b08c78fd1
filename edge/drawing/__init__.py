"""Drawn learners: faces that a face mesh finds and follows, and that belong to nobody.

``render`` draws a learner's head and shoulders; ``APPEARANCES`` are the learners there are.
"""

from __future__ import annotations

import cv2
import numpy as np

from edge.drawing import head
from edge.drawing.body import Layers, lay_body, lay_ears
from edge.drawing.canvas import Canvas
from edge.drawing.features import paint_face
from edge.drawing.hair import front_outline
from edge.drawing.looks import APPEARANCES, Appearance, Bgr, Expression, Hair, Pose
from edge.signals import Float32Array, Uint8Image

__all__ = ["APPEARANCES", "FACE_WIDTH", "HEAD_Y", "Appearance", "Bgr", "Expression", "Hair", "Pose", "render"]

FACE_WIDTH = 0.46
"""The width of the face in a sprite, as a share of the sprite's side."""
HEAD_Y = 0.43
"""How far down the middle of the head lies in a sprite, as a share of its side; it is centred left to right."""

_OVERSAMPLING = 1.5


def render(appearance: Appearance, expression: Expression, pose: Pose, size: int) -> Uint8Image:
    """Draws head, neck and shoulders, cut off at the lower edge.

    Returns a sprite, uint8 (size, size, 4): BGR premultiplied by alpha, and alpha. The same arguments give the
    same sprite. ``size`` is at least 32.
    """
    unit = FACE_WIDTH * size / 2
    middle = (np.arange(size, dtype=np.float32) + 0.5) / unit
    u, v = np.meshgrid(middle - 0.5 * size / unit, middle - HEAD_Y * size / unit)
    turn = head.rotation(pose)
    layers = Layers(u, v)
    lay_body(layers, appearance, pose)
    if appearance.style.shows_ears:
        lay_ears(layers, appearance, turn)
    _lay_head(layers, appearance, expression, turn)
    planes = np.clip(layers.planes + 0.5, 0, 255).astype(np.uint8)
    return np.ascontiguousarray(planes.transpose(1, 2, 0))


def _lay_head(layers: Layers, appearance: Appearance, expression: Expression, turn: Float32Array) -> None:
    canvas = Canvas(round(2 * head.EXTENT / layers.pixel * _OVERSAMPLING), head.EXTENT)
    paint_face(canvas, appearance, expression)
    surface = head.relief(expression)
    light = cv2.resize(head.shading(surface, turn), (canvas.side, canvas.side), interpolation=cv2.INTER_CUBIC)
    canvas.image *= light[..., None]
    face = canvas.spread(canvas.polygon(head.outline(appearance, expression), blur=0.008))
    hair = canvas.spread(canvas.polygon(front_outline(appearance.style), blur=0.008))
    map_x, map_y = _texture_map(layers, surface, turn, canvas)
    cover = cv2.remap(np.maximum(face, hair), map_x, map_y, cv2.INTER_LINEAR)
    layers.lay(
        np.asarray(cover, np.float32),
        cv2.remap(canvas.image, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE),
    )


def _texture_map(
    layers: Layers, surface: Float32Array, turn: Float32Array, canvas: Canvas
) -> tuple[Float32Array, Float32Array]:
    """The texture pixel, float32 (height, width) each, behind each pixel of the sprite."""
    # The relief is smooth: solving at half the resolution is as good and takes a quarter of the time.
    height, width = layers.u.shape
    half = (max(width // 2, 1), max(height // 2, 1))
    u, v = (cv2.resize(axis, half, interpolation=cv2.INTER_AREA) for axis in (layers.u, layers.v))
    x, y = head.texture_coordinates(u, v, surface, turn)
    map_x, map_y = (cv2.resize((axis + head.EXTENT) * canvas.scale, (width, height)) for axis in (x, y))
    return map_x, map_y
