"""Log-mel spectrograms with parts masked and moved (SpecAugment, Park et al. 2019)."""

from __future__ import annotations

import numpy as np

from edge.signals import Float32Array


def disturb(features: Float32Array, rng: np.random.Generator, time_masks: int = 2, band_masks: int = 2) -> Float32Array:
    """A random variant of ``features``, float32 (frames, bands): shifted in time and pitch, with stripes blanked."""
    frames, bands = features.shape
    moved = np.roll(features, rng.integers(-2, 3), axis=1)
    moved = np.roll(moved, rng.integers(0, 16), axis=0)
    for _ in range(time_masks):
        width = int(rng.integers(0, 30))
        start = int(rng.integers(0, frames // 2))
        moved[start : start + width] = 0.0
    for _ in range(band_masks):
        width = int(rng.integers(0, 9))
        start = int(rng.integers(0, bands - width + 1))
        moved[:, start : start + width] = 0.0
    return moved
