"""Faces as a classroom camera gives them: turned, shifted, blurred, far away, dim, compressed, half hidden."""

from __future__ import annotations

import cv2
import numpy as np

from edge.signals import Uint8Image

LEVELS = np.arange(256) / 255.0


def disturb(face: Uint8Image, rng: np.random.Generator) -> Uint8Image:
    """A random variant of a grey ``face``, uint8 (side, side): geometry, lens, light, compression, occlusion.

    About every fifth face is only moved and mirrored, so that the network also sees the pictures as they are.
    """
    face = _place(face, rng)
    if rng.random() < 0.25:
        face = _soften(face, rng)
    if rng.random() < 0.5:
        face = _light(face, rng)
    if rng.random() < 0.08:
        face = compress(face, int(rng.integers(15, 70)))
    if rng.random() < 0.25:
        face = hide(face, rng.uniform(0.05, 0.6), rng)
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


def compress(face: Uint8Image, quality: int) -> Uint8Image:
    """``face`` after JPEG compression at ``quality``, 1 to 100."""
    _, written = cv2.imencode(".jpg", face, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(written, cv2.IMREAD_GRAYSCALE), np.uint8)


def _place(face: Uint8Image, rng: np.random.Generator) -> Uint8Image:
    """Mirror, turn, scale, stretch and shift, in one warp."""
    side = face.shape[0]
    angle, scale = np.radians(rng.normal(0, 7)), np.exp(rng.normal(0, 0.08))
    stretch = np.exp(rng.normal(0, 0.04))
    mirror = -1.0 if rng.random() < 0.5 else 1.0
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    turn = turn @ np.diag([mirror * stretch, 1.0 / stretch])
    centre = np.full(2, (side - 1) / 2)
    offset = centre - turn @ centre + rng.normal(0, 0.035 * side, 2)
    border = cv2.BORDER_REPLICATE if rng.random() < 0.5 else cv2.BORDER_REFLECT
    return np.asarray(cv2.warpAffine(face, np.column_stack([turn, offset]), (side, side), borderMode=border), np.uint8)


def _light(face: Uint8Image, rng: np.random.Generator) -> Uint8Image:
    """Gamma, contrast and brightness down to a dim room; a shadow from one side; sensor noise."""
    side = face.shape[0]
    gain = rng.uniform(0.06, 0.4) if rng.random() < 0.15 else np.exp(rng.normal(0, 0.25))
    curve = LEVELS ** np.exp(rng.normal(0, 0.3)) * gain + rng.normal(0, 0.05) * min(gain, 1.0)
    light = (255 * curve)[face]
    if rng.random() < 0.3:
        direction, strength = rng.uniform(0, 2 * np.pi), rng.uniform(0, 0.6)
        ramp = np.linspace(-1, 1, side)
        light *= 1 + strength * (np.cos(direction) * ramp[None] + np.sin(direction) * ramp[:, None])
    if rng.random() < 0.4:
        light += rng.normal(0, 255 * rng.uniform(0, 0.06) * np.sqrt(min(gain, 1.0)), face.shape)
    return np.clip(light, 0, 255).astype(np.uint8)


def _soften(face: Uint8Image, rng: np.random.Generator) -> Uint8Image:
    """Out of focus, or seen from so far that only some 12 to 36 pixels were left."""
    if rng.random() < 0.5:
        return np.asarray(cv2.GaussianBlur(face, (0, 0), rng.uniform(0.4, 1.8)), np.uint8)
    few = int(rng.integers(12, 37))
    small = cv2.resize(face, (few, few), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, face.shape, interpolation=cv2.INTER_LINEAR), np.uint8)
