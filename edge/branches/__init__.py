"""One file per trained branch: signals in, a Reading out. The model store gives each its model and preprocessing.

A reading's reliability is how good its input was times how far the branch beats chance at all (``skill`` in its
manifest): a perfect picture does not make a weak model strong.
"""

from __future__ import annotations

from math import prod

import numpy as np

from edge.signals import Float32Array, Qualities


def softmax(logits: Float32Array, temperature: float) -> Float32Array:
    """Probabilities float32 (..., n) of ``logits`` float32 (..., n), softened by ``temperature`` > 0."""
    scaled = logits / np.float32(temperature)
    powers = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def sigmoid(logits: Float32Array, temperature: float) -> Float32Array:
    """Probabilities of independent ``logits``, float32 of any shape, softened by ``temperature`` > 0."""
    one = np.float32(1.0)
    return one / (one + np.exp(-np.clip(logits / np.float32(temperature), -30.0, 30.0)))


def recentred(probability: float, threshold: float) -> float:
    """``probability`` 0..1 moved in log-odds so that the decision ``threshold`` tuned on validation data lands on 0.5.

    Training sets hold far more of one class than a classroom; without this, "undecided" would read as positive.
    """
    odds = max(probability, 1e-6) / max(1.0 - probability, 1e-6) * (1.0 - threshold) / threshold
    return odds / (1.0 + odds)


def overall(qualities: Qualities) -> float:
    """How good an input is in all, 0..1: what is missing in several ways is missing the more."""
    return prod(qualities.values())
