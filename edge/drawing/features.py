"""The features of a drawn face, painted onto its flat texture: skin, eyes, brows, nose, mouth, hair.

Units are half the face's width: x right, y down, the eyes at (+-0.42, -0.10), the mouth at y = 0.73, the chin at
1.26.
"""

from __future__ import annotations

import numpy as np

from edge.drawing.canvas import Canvas, Mask, curve
from edge.drawing.hair import paint_front_hair
from edge.drawing.looks import Appearance, Bgr, Expression
from edge.signals import Float32Array

EYE_X, EYE_Y = 0.42, -0.10
MOUTH_Y = 0.73

_INK = (24, 22, 26)
_BLUSH = np.array((-14, -24, 5), np.float32)


def paint_face(canvas: Canvas, appearance: Appearance, expression: Expression) -> None:
    """Paints the whole face; the canvas must reach from -1.75 to 1.75."""
    skin = np.array(appearance.skin, np.float32)
    canvas.image[:] = skin
    shade = skin * 0.55
    _paint_skin(canvas, skin, shade)
    for side in (-1, 1):
        _paint_eye(canvas, side, appearance.iris, shade, expression)
        _paint_brow(canvas, side, appearance.hair, expression)
        _paint_nose_side(canvas, side, shade, expression)
    _paint_nose_bridge(canvas, skin, shade)
    _paint_furrow(canvas, shade, expression)
    _paint_mouth(canvas, skin, shade, expression)
    paint_front_hair(canvas, appearance)
    if appearance.glasses:
        _paint_glasses(canvas)


def _paint_skin(canvas: Canvas, skin: Float32Array, shade: Float32Array) -> None:
    for side in (-1, 1):
        canvas.paint(canvas.spot(side * 0.55, 0.30, 0.20, 0.16), skin + _BLUSH, 0.8)
        canvas.paint(canvas.spot(side * EYE_X, EYE_Y - 0.06, 0.22, 0.12), shade, 0.26)
        canvas.paint(canvas.spot(side * EYE_X, EYE_Y + 0.13, 0.18, 0.04), shade, 0.14)
    canvas.paint(canvas.spot(0, 0.36, 0.14, 0.12), skin + _BLUSH, 0.5)
    canvas.paint(canvas.spot(0, -0.55, 0.40, 0.14), skin * 1.08, 0.3)


def _paint_eye(canvas: Canvas, side: int, iris: Bgr, shade: Float32Array, expression: Expression) -> None:
    lids, smile = expression.lids, max(expression.smile, 0.0)
    x, y = side * EYE_X, EYE_Y
    rise = 0.110 * lids - 0.012 * (1 - lids)
    drop = 0.060 * (0.35 + 0.65 * lids) - 0.020 * smile
    slack = 0.012 * (1 - lids)
    inner, outer = (x - side * 0.20, y + 0.025), (x + side * 0.205, y - 0.012)
    upper = curve(
        [inner, (x - side * 0.10, y - rise * 0.80 + slack), (x, y - rise + 1.6 * slack),
         (x + side * 0.12, y - rise * 0.75 + slack), outer]
    )  # fmt: skip
    lower = curve(
        [outer, (x + side * 0.10, y + drop), (x - side * 0.02, y + drop * 1.05 + 0.01),
         (x - side * 0.13, y + drop * 0.75 + 0.01), inner]
    )  # fmt: skip
    opening = canvas.polygon(np.vstack([upper, lower]), blur=0.004)
    if lids > 0.08:
        _paint_eyeball(
            canvas,
            opening,
            upper,
            iris,
            (x + 0.105 * expression.gaze_x, y - 0.005 + 0.05 * expression.gaze_y),
        )
        canvas.paint(canvas.disc(*inner, 0.05, 0.03), (120, 130, 190), 0.7, clip=opening)
    canvas.paint(canvas.stroke(upper, 0.030, blur=0.004), _INK, 0.95)
    canvas.paint(canvas.stroke(lower, 0.010, blur=0.004), (70, 70, 100), 0.5)
    crease = upper + np.array((0, -0.055 - 0.02 * lids), np.float32)
    canvas.paint(canvas.stroke(crease[8:-6], 0.014, blur=0.009), shade * 0.8, 0.5)
    if smile > 0:
        fold = lower + np.array((0, 0.055), np.float32)
        canvas.paint(canvas.stroke(fold[10:-10], 0.018, blur=0.014), shade, 0.5 * smile)


def _paint_eyeball(canvas: Canvas, opening: Mask, lid: Float32Array, iris: Bgr, centre: tuple[float, float]) -> None:
    x, y = centre
    colour = np.array(iris, np.float32)
    canvas.paint(opening, (216, 220, 224))
    canvas.paint(canvas.disc(x, y, 0.100, 0.012), colour * 0.45, clip=opening)
    canvas.paint(canvas.disc(x, y, 0.088, 0.040), colour * 1.05, clip=opening)
    canvas.paint(canvas.disc(x, y, 0.046, 0.010), (12, 10, 10), clip=opening)
    canvas.paint(canvas.disc(x - 0.03, y - 0.035, 0.024, 0.010), (250, 250, 250), clip=opening)
    canvas.paint(canvas.stroke(lid, 0.05, blur=0.022), (60, 60, 70), 0.55, clip=opening)


def _paint_brow(canvas: Canvas, side: int, hair: Bgr, expression: Expression) -> None:
    furrow = expression.furrow
    drawn, worried = max(furrow, 0.0), max(-furrow, 0.0)
    y = EYE_Y - 0.25 - 0.11 * expression.brow
    line = curve(
        [
            (side * (0.17 - 0.05 * abs(furrow)), y + 0.035 + 0.10 * drawn - 0.13 * worried),
            (side * 0.28, y - 0.015 + 0.07 * drawn - 0.07 * worried),
            (side * 0.42, y - 0.05 + 0.02 * drawn),
            (side * 0.58, y - 0.02 - 0.02 * drawn + 0.05 * worried),
            (side * 0.70, y + 0.055 - 0.04 * drawn + 0.07 * worried),
        ]
    )
    thickness = 0.050 * (1 - 0.75 * np.linspace(0, 1, len(line)) ** 1.6)
    above, below = line.copy(), line.copy()
    above[:, 1] -= thickness
    below[:, 1] += thickness * 0.9
    ink = np.minimum(np.array(hair, np.float32) * 0.7, 120)
    canvas.paint(canvas.polygon(np.vstack([above, below[::-1]]), blur=0.011), ink, 0.88)


def _paint_nose_side(canvas: Canvas, side: int, shade: Float32Array, expression: Expression) -> None:
    smile, frown = max(expression.smile, 0.0), max(-expression.smile, 0.0)
    fold = curve(
        [
            (side * 0.25, 0.36),
            (side * (0.37 + 0.04 * smile), 0.52),
            (side * (0.45 + 0.09 * smile), 0.74 - 0.08 * smile),
        ]
    )
    wing = curve([(side * 0.175, 0.30), (side * 0.215, 0.37), (side * 0.19, 0.44), (side * 0.14, 0.45)])
    canvas.paint(canvas.stroke(fold, 0.03, blur=0.020), shade, 0.28 + 0.37 * smile + 0.32 * frown)
    canvas.paint(canvas.stroke(wing, 0.02, blur=0.011), shade * 0.8, 0.5)
    canvas.paint(canvas.spot(side * 0.095, 0.435, 0.036, 0.018), shade * 0.4, 0.85)
    canvas.paint(canvas.spot(side * 0.12, 0.08, 0.05, 0.22), shade, 0.18)


def _paint_nose_bridge(canvas: Canvas, skin: Float32Array, shade: Float32Array) -> None:
    canvas.paint(canvas.spot(0, 0.47, 0.12, 0.02), shade * 0.8, 0.35)
    canvas.paint(canvas.spot(0, 0.33, 0.05, 0.05), skin * 1.14, 0.32)
    canvas.paint(canvas.spot(0, 0.05, 0.035, 0.20), skin * 1.14, 0.26)
    canvas.paint(canvas.spot(0, 0.56, 0.03, 0.05), shade, 0.14)


def _paint_furrow(canvas: Canvas, shade: Float32Array, expression: Expression) -> None:
    drawn, worried = max(expression.furrow, 0.0), max(-expression.furrow, 0.0)
    for side in (-1, 1):
        crease = canvas.stroke([(side * 0.055, -0.40), (side * 0.085, -0.20)], 0.026, blur=0.011)
        canvas.paint(crease, shade * 0.7, 0.8 * drawn)
        canvas.paint(canvas.spot(side * 0.28, EYE_Y - 0.10, 0.16, 0.06), shade * 0.7, 0.5 * drawn)
    for y in (-0.62, -0.52):
        line = curve([(-0.28, y + 0.05), (-0.12, y), (0.12, y), (0.28, y + 0.05)])
        canvas.paint(canvas.stroke(line, 0.020, blur=0.012), shade * 0.8, 0.55 * worried)


def _paint_mouth(canvas: Canvas, skin: Float32Array, shade: Float32Array, expression: Expression) -> None:
    smile, frown = max(expression.smile, 0.0), max(-expression.smile, 0.0)
    half = 0.33 + 0.10 * smile - 0.01 * frown
    gap = 0.17 * expression.open
    middle = MOUTH_Y + 0.025 * smile - 0.050 * frown
    corner = MOUTH_Y - 0.012 - 0.115 * smile + 0.110 * frown
    along = np.linspace(-1, 1, 41, dtype=np.float32)
    rim = np.sqrt(np.clip(1 - along**2, 0, 1))
    cupid = np.exp(-((along / 0.14) ** 2) / 2) - 0.5 * np.exp(-(((np.abs(along) - 0.3) / 0.14) ** 2) / 2)
    x = along * half
    meet = middle + (corner - middle) * along**2
    upper_in = np.stack([x, meet + 0.010 * cupid], 1)
    lower_in = np.stack([x, meet + 0.012 * rim + gap * rim], 1)
    upper_out = np.stack([x, meet - (0.085 - 0.020 * smile) * rim + 0.018 * cupid], 1)
    lower_out = np.stack([x, lower_in[:, 1] + (0.100 - 0.015 * smile) * rim], 1)
    lips = skin * np.array((0.70, 0.62, 0.90), np.float32)
    lower_lip = canvas.polygon(np.vstack([lower_in, lower_out[::-1]]), blur=0.006)
    canvas.paint(canvas.polygon(np.vstack([upper_out, upper_in[::-1]]), blur=0.006), lips * 0.86, 0.85)
    canvas.paint(lower_lip, lips, 0.85)
    canvas.paint(canvas.spot(0, middle + gap + 0.065, 0.12, 0.02), lips * 1.25 + 20, 0.5, clip=lower_lip)
    if expression.open > 0.03:
        _paint_teeth(canvas, upper_in, lower_in)
    canvas.paint(canvas.stroke(upper_in, 0.016, blur=0.004), shade * np.array((0.5, 0.42, 0.7), np.float32), 0.85)
    for side in (-1, 1):
        canvas.paint(canvas.spot(side * (half + 0.01), corner, 0.035, 0.035), shade * 0.8, 0.5)
        if frown > 0:
            droop = canvas.stroke([(side * half, corner), (side * (half + 0.07), corner + 0.14)], 0.030, blur=0.014)
            canvas.paint(droop, shade, 0.6 * frown)
    canvas.paint(canvas.spot(0, 0.93 + gap * 0.6, 0.16, 0.03), shade, 0.30 + 0.35 * frown)


def _paint_teeth(canvas: Canvas, upper: Float32Array, lower: Float32Array) -> None:
    inside = canvas.polygon(np.vstack([upper, lower[::-1]]), blur=0.004)
    canvas.paint(inside, (40, 28, 66))
    teeth = np.vstack([upper, (upper + np.array((0, 0.075), np.float32))[::-1]])
    canvas.paint(canvas.polygon(teeth[6:-6], blur=0.006), (226, 234, 238), clip=inside)


def _paint_glasses(canvas: Canvas) -> None:
    angle = np.linspace(0, 2 * np.pi, 49)
    for side in (-1, 1):
        # A superellipse: a rounded rectangle.
        rim_x = side * EYE_X + 0.30 * np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** 0.6
        rim_y = EYE_Y + 0.03 + 0.22 * np.sign(np.sin(angle)) * np.abs(np.sin(angle)) ** 0.6
        canvas.paint(canvas.stroke(np.stack([rim_x, rim_y], 1), 0.030, blur=0.004), (40, 36, 40), 0.9)
        canvas.paint(canvas.stroke([(side * 0.72, EYE_Y - 0.02), (side * 1.0, EYE_Y - 0.05)], 0.03), (40, 36, 40), 0.9)
    canvas.paint(canvas.stroke(curve([(-0.12, -0.08), (0, -0.12), (0.12, -0.08)]), 0.03), (40, 36, 40), 0.9)
