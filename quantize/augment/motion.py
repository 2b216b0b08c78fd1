"""Stills brought to life: how a head and its landmarks move in ten seconds of sitting and looking."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge.signals import Float32Array


def expand(
    faces: Float32Array, points: NDArray[np.int64], steps: int, rate_hz: float, rng: np.random.Generator
) -> Float32Array:
    """Sequences float32 (N, steps, 468, 3) from stills float32 (N, 468, 3), in the stills' own pixels.

    The head turns smoothly about its centre and now and then nods, and the mesh trembles: a lasting error and white
    jitter for every landmark. Where the head is and how near makes no difference to the features, so it does not move.
    Only ``points`` are worked out; the others stay zero.
    """
    seconds = np.arange(steps) / rate_hz
    centred = faces - faces.mean(axis=1, keepdims=True)
    size = np.linalg.norm(faces[:, 33] - faces[:, 263], axis=-1)[:, None, None, None]
    degrees = np.add(_drift(len(faces), seconds, (2.0, 2.0, 1.5), rng), _nods(len(faces), seconds, rng))
    angles = np.radians(degrees)
    kept = centred[:, points]
    error = rng.normal(0, 0.003, (len(faces), 1, *kept.shape[1:])).astype(np.float32)
    turned = kept[:, None] @ rotations(angles).swapaxes(-1, -2)
    jitter = rng.standard_normal(turned.shape, np.float32) * np.float32(0.004)
    moved = np.zeros((len(faces), steps, *faces.shape[1:]), np.float32)
    moved[:, :, points] = turned + size * (error + jitter)
    return moved


def rotations(angles: Float32Array) -> Float32Array:
    """Matrices float32 (..., 3, 3) that turn by ``angles``, (..., 3) radians: pitch (x), yaw (y), roll (z)."""
    (cx, cy, cz), (sx, sy, sz) = np.moveaxis(np.cos(angles), -1, 0), np.moveaxis(np.sin(angles), -1, 0)
    rows = [
        [cy * cz, sx * sy * cz - cx * sz, cx * sy * cz + sx * sz],
        [cy * sz, sx * sy * sz + cx * cz, cx * sy * sz - sx * cz],
        [-sy, sx * cy, cx * cy],
    ]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2).astype(np.float32)


def _drift(
    count: int, seconds: NDArray[np.float64], degrees: tuple[float, ...], rng: np.random.Generator
) -> Float32Array:
    """Slow angles (count, steps, 3): two waves of 4 to 20 s; every head is more or less restless."""
    shape = (count, 1, len(degrees))
    angles = np.zeros((count, len(seconds), len(degrees)))
    for _ in range(2):
        wave = 2 * np.pi * (seconds[:, None] / rng.uniform(4, 20, shape) + rng.uniform(0, 1, shape))
        angles += rng.normal(0, 0.6, shape) * np.sin(wave)
    restless = np.exp(rng.normal(0, 0.5, (count, 1, 1)))
    return np.asarray(angles * np.array(degrees) * restless, np.float32)


def _nods(count: int, seconds: NDArray[np.float64], rng: np.random.Generator) -> Float32Array:
    """Pitch angles (count, steps, 3): one head in five nods for about a second, 3 to 10 degrees deep."""
    angles = np.zeros((count, len(seconds), 3))
    depth = rng.uniform(3, 10, (count, 1)) * (rng.random((count, 1)) < 0.2)
    since = seconds - rng.uniform(0, seconds[-1], (count, 1))
    angles[..., 0] = depth * np.sin(2 * np.pi * 2 * since) * np.exp(-((since / 0.5) ** 2))
    return angles.astype(np.float32)
