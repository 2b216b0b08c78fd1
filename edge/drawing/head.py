"""The solid head: its relief, outline and light, and where each point of its texture falls in the picture."""

from __future__ import annotations

import cv2
import numpy as np

from edge.drawing.canvas import smoothstep
from edge.drawing.features import EYE_X, EYE_Y
from edge.drawing.looks import Appearance, Expression, Pose
from edge.signals import Float32Array

EXTENT = 1.75
"""The texture reaches from -EXTENT to EXTENT half face widths."""

_SIDE = 128
_PIVOT_Z = 0.25
_LIGHT = np.array((-0.35, -0.5, 1.0), np.float32) / np.linalg.norm((-0.35, -0.5, 1.0))
_ITERATIONS = 9
_AXIS = np.linspace(-EXTENT, EXTENT, _SIDE, dtype=np.float32)
_X, _Y = np.meshgrid(_AXIS, _AXIS)


def relief(expression: Expression) -> Float32Array:
    """How far the face stands out, in half face widths: float32 (128, 128) over the texture."""
    smile = max(expression.smile, 0.0)
    z = 0.98 * np.sqrt(np.clip(1 - (_X / 1.12) ** 2 - ((_Y + 0.08) / 1.50) ** 2, 0, 1))
    tip = smoothstep(-0.30, 0.36, _Y) * (1 - smoothstep(0.36, 0.50, _Y))
    bridge = np.exp(-((_X / (0.085 + 0.07 * smoothstep(0.05, 0.36, _Y))) ** 2) / 2)
    z += (0.06 + 0.28 * tip) * bridge * smoothstep(-0.45, -0.10, _Y) * (1 - smoothstep(0.38, 0.52, _Y))
    for side in (-1, 1):
        z -= 0.10 * _bump(side * EYE_X, EYE_Y, 0.19, 0.13)
        z += 0.05 * _bump(side * EYE_X, EYE_Y, 0.12, 0.07)
        z += 0.05 * _bump(side * 0.40, -0.34, 0.25, 0.07)
        z += (0.06 + 0.06 * smile) * _bump(side * 0.55, 0.28 - 0.05 * smile, 0.20, 0.17)
        z += 0.08 * _bump(side * 0.15, 0.38, 0.06, 0.06)
    z += 0.07 * _bump(0, 0.67, 0.24, 0.05) + 0.07 * _bump(0, 0.83 + 0.17 * expression.open, 0.20, 0.05)
    z += 0.12 * _bump(0, 1.12, 0.22, 0.12) - 0.05 * _bump(0, 0.96, 0.20, 0.05)
    return np.asarray(z, np.float32)


def rotation(pose: Pose) -> Float32Array:
    """The (3, 3) rotation of ``pose``: yaw first, then pitch, then roll."""
    yaw, pitch, roll = np.deg2rad((pose.yaw, pose.pitch, pose.roll))
    about_y = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
    about_z = np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
    return np.asarray(about_z @ about_x @ about_y, np.float32)


def shading(surface: Float32Array, turn: Float32Array) -> Float32Array:
    """Light on the turned ``surface`` (a relief): a factor around 1 per point, float32 like the relief."""
    step = 2 * EXTENT / (_SIDE - 1)
    slope_y, slope_x = np.gradient(cv2.GaussianBlur(surface, (0, 0), 0.8), step)
    normals = np.stack([-slope_x, -slope_y, np.ones_like(surface)], -1)
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    return np.asarray(0.52 + 0.60 * np.clip(normals @ (turn.T @ _LIGHT), 0, 1), np.float32)


def texture_coordinates(
    u: Float32Array, v: Float32Array, surface: Float32Array, turn: Float32Array
) -> tuple[Float32Array, Float32Array]:
    """Where in the texture each point (u, v) of the picture comes from, in half face widths.

    A point (x, y) at height z(x, y) appears at turn @ (x, y, z - pivot): solved for (x, y) by iteration.
    """
    inverse = np.linalg.inv(turn[:2, :2])
    to_pixels = (_SIDE - 1) / (2 * EXTENT)
    x, y = u, v
    for _ in range(_ITERATIONS):
        z = cv2.remap(
            surface,
            (x + EXTENT) * to_pixels,
            (y + EXTENT) * to_pixels,
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        a, b = u - turn[0, 2] * (z - _PIVOT_Z), v - turn[1, 2] * (z - _PIVOT_Z)
        x = 0.4 * x + 0.6 * (inverse[0, 0] * a + inverse[0, 1] * b)
        y = 0.4 * y + 0.6 * (inverse[1, 0] * a + inverse[1, 1] * b)
    return np.asarray(x, np.float32), np.asarray(y, np.float32)


def outline(appearance: Appearance, expression: Expression) -> Float32Array:
    """The closed outline, (n, 2), of the face from the skull down to the chin."""
    angle = np.linspace(0, 2 * np.pi, 181)
    x, y = np.sin(angle), -np.cos(angle)
    fullness = 0.06 + 0.06 * appearance.jaw
    jaw = 1 + fullness * np.sin(np.pi * np.clip(y, 0, 1)) - 0.16 * smoothstep(0.3, 1.0, y)
    x = 0.95 * x * np.where(y < 0, 1 - 0.08 * np.clip(-y, 0, 1) ** 1.5, jaw)
    y = np.where(y > 0, y * (1.26 + 0.08 * expression.open), y * 1.28)
    return np.asarray(np.stack([x, y], 1), np.float32)


def _bump(x: float, y: float, spread_x: float, spread_y: float) -> Float32Array:
    along_x = np.exp(-(((_AXIS - x) / spread_x) ** 2) / 2)
    along_y = np.exp(-(((_AXIS - y) / spread_y) ** 2) / 2)
    return np.asarray(np.outer(along_y, along_x), np.float32)
