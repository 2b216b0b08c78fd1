"""Faces as a classroom camera gives them: turned, shifted, dim, blurred, far away, half hidden."""

from __future__ import annotations

import cv2
import numpy as np

from edge.signals import Uint8Image


def disturb(face: Uint8Image, rng: np.random.Generator) -> Uint8Image:
    """A random variant of a grey ``face``, uint8 (side, side): geometry, then light, then lens, then occlusion."""
    face = _place(face, rng)
    face = _light(face, rng)
    if rng.random() < 0.25:
        face = _soften(face, rng)
    if rng.random() < 0.2:
        face = hide(face, rng.uniform(0.05, 0.35), rng)
    return face


def hide(face: Uint8Image, share: float, rng: np.random.Generator) -> Uint8Image:
    """``face`` with a rectangle of ``share`` of its area, somewhere inside, set to one random grey."""
    side = face.shape[0]
    height = int(np.clip(side * np.sqrt(share) * np.exp(rng.uniform(-0.4, 0.4)), 1, side))
    width = int(np.clip(share * side * side / height, 1, side))
    top, left = rng.integers(0, side - height + 1), rng.integers(0, side - width + 1)
    hidden = face.copy()
    hidden[top : top + height, left : left + width] = rng.integers(0, 256)
    return hidden


def _place(face: Uint8Image, rng: np.random.Generator) -> Uint8Image:
    """Mirror, turn, scale, stretch and shift, in one warp."""
    side = face.shape[0]
    angle, scale = np.radians(rng.normal(0, 7)), np.exp(rng.normal(0, 0.09))
    stretch = np.exp(rng.normal(0, 0.04))
    mirror = -1.0 if rng.random() < 0.5 else 1.0
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    turn = turn @ np.diag([mirror * stretch, 1.0 / stretch])
    centre = np.full(2, (side - 1) / 2)
    offset = centre - turn @ centre + rng.normal(0, 0.045 * side, 2)
    border = cv2.BORDER_REPLICATE if rng.random() < 0.5 else cv2.BORDER_REFLECT
    return np.asarray(cv2.warpAffine(face, np.column_stack([turn, offset]), (side, side), borderMode=border), np.uint8)


def _light(face: Uint8Image, rng: np.random.Generator) -> Uint8Image:
    """Gamma, a shadow from one side, contrast, brightness and sensor noise."""
    side = face.shape[0]
    light = (face / 255.0) ** np.exp(rng.normal(0, 0.3))
    if rng.random() < 0.3:
        direction, strength = rng.uniform(0, 2 * np.pi), rng.uniform(0, 0.6)
        ramp = np.linspace(-1, 1, side)
        light = light * (1 + strength * (np.cos(direction) * ramp[None] + np.sin(direction) * ramp[:, None]))
    light = light * np.exp(rng.normal(0, 0.25)) + rng.normal(0, 0.05)
    if rng.random() < 0.3:
        light = light + rng.normal(0, rng.uniform(0, 0.05), face.shape)
    return np.clip(light * 255, 0, 255).astype(np.uint8)


def _soften(face: Uint8Image, rng: np.random.Generator) -> Uint8Image:
    """Out of focus, or seen from so far that only some 16 to 36 pixels were left."""
    if rng.random() < 0.5:
        return np.asarray(cv2.GaussianBlur(face, (0, 0), rng.uniform(0.4, 1.6)), np.uint8)
    few = int(rng.integers(16, 37))
    small = cv2.resize(face, (few, few), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, face.shape, interpolation=cv2.INTER_LINEAR), np.uint8)
