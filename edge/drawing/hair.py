"""Hair: one pattern of strands, painted in front of the face and behind the head."""

from __future__ import annotations

import numpy as np

from edge.drawing.canvas import Canvas, curve, smoothstep
from edge.drawing.looks import Appearance, Hair
from edge.signals import Float32Array

_SKULL_Y, _SKULL_WIDTH, _SKULL_HEIGHT = -0.22, 0.94, 1.10
_CROWN_Y = -1.55
_STRANDS = np.interp(np.arange(4096) / 8, np.arange(513), np.random.default_rng(7).normal(size=513)).astype(np.float32)


def front_outline(style: Hair, margin: float = 0.0) -> Float32Array:
    """The closed outline, (n, 2), of the hair seen from the front: over the top, back along the hairline.

    ``margin`` widens it over the top.
    """
    line = curve(style.line)
    start = np.arctan2((line[0, 1] - _SKULL_Y) / _SKULL_HEIGHT, line[0, 0] / _SKULL_WIDTH)
    # Clockwise from the left temple over the top to the right temple.
    angle = np.linspace(np.mod(start, 2 * np.pi), 2 * np.pi + np.pi - np.mod(start, 2 * np.pi), 97)
    radius = _ripple(style, angle) + margin
    top = np.stack(
        [
            (_SKULL_WIDTH + 0.75 * style.volume) * radius * np.cos(angle),
            _SKULL_Y + (_SKULL_HEIGHT + style.volume) * radius * np.sin(angle),
        ],
        1,
    )
    return np.vstack([top.astype(np.float32), line[::-1]])


def paint_front_hair(canvas: Canvas, appearance: Appearance) -> None:
    """Paints the hair that frames the face onto the face's texture."""
    style = appearance.style
    line = curve(style.line)
    shadow = line + np.array((0, 0.05), np.float32)
    canvas.paint(canvas.stroke(shadow, 0.07, blur=0.03), np.array(appearance.skin) * 0.5, 0.5)
    # Wider than the outline of the head, so that no skin shows at its edge.
    mask = canvas.polygon(front_outline(style, margin=0.08), blur=0.012)
    canvas.paint(mask, strands(appearance, canvas.x[mask.area], canvas.y[mask.area]))


def strands(appearance: Appearance, x: Float32Array, y: Float32Array) -> Float32Array:
    """The colour of the hair at (x, y): strands that radiate from the crown, with a band of gloss."""
    angle = np.arctan2(x - 0.15, y - _CROWN_Y - 0.25)
    wave = 300 * appearance.style.curl * np.sin(25 * np.hypot(x, y - _CROWN_Y) + 3 * np.sin(9 * angle))
    near_crown = smoothstep(0.1, 0.6, np.hypot(x - 0.15, y - _CROWN_Y - 0.25))
    texture = near_crown * _STRANDS[((angle / np.pi + 1) * 500 + 5 * wave).astype(np.int32) % len(_STRANDS)]
    gloss = np.exp(-(((np.hypot(x / 1.15, y + 0.35) - 0.92) / 0.13) ** 2) / 2) * smoothstep(0.1, -0.9, y)
    light = 0.92 + 0.13 * texture + 0.40 * gloss * (1 + 0.4 * texture)
    hair = np.array(appearance.hair, np.float32)
    return np.asarray(hair * light[..., None] + 14 * gloss[..., None], np.float32)


def back_hair(style: Hair, x: Float32Array, y: Float32Array, edge: float) -> Float32Array:
    """Coverage 0..1 of the hair behind the head at (x, y), its edge softened over ``edge``."""
    angle = np.arctan2(y - _SKULL_Y, x)
    width = _SKULL_WIDTH + 0.75 * style.volume
    round_head = np.hypot(x / width, (y - _SKULL_Y) / (_SKULL_HEIGHT + style.volume)) / _ripple(style, angle)
    head = 1 - smoothstep(1 - edge, 1 + edge, round_head)
    fall = np.clip((y - _SKULL_Y) / (style.length - _SKULL_Y), 0, None)
    # A superellipse: straight sides and a rounded end.
    hanging = np.cbrt((np.abs(x) / width) ** 3 + fall**3) / _ripple(style, angle)
    curtain = (1 - smoothstep(1 - edge, 1 + edge, hanging)) * (y > _SKULL_Y)
    covered = np.maximum(head * (y <= _SKULL_Y), curtain)
    if style.bun:
        bun = np.hypot(x / 0.42, (y + 1.46) / 0.34)
        covered = np.maximum(covered, 1 - smoothstep(1 - 2 * edge, 1 + 2 * edge, bun))
    return np.asarray(covered, np.float32)


def _ripple(style: Hair, angle: Float32Array) -> Float32Array:
    """The radius of an outline, around 1, in each direction ``angle``."""
    waves = np.sin(11 * angle + 2) + 0.7 * np.sin(19 * angle) + 0.5 * np.sin(31 * angle + 1)
    return np.asarray(1 + style.curl * waves, np.float32)
