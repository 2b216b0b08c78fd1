"""One file per trained branch: signals in, a Reading out. The model store gives each its model and preprocessing.

A reading's reliability is how often decisions like it were right: see ``edge.inference.reliability``. A model that
cannot tell is as reliable as its input is good times how far it beats chance at all (``skill`` in its manifest): a
perfect picture does not make a weak model strong.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

import numpy as np

from edge.inference.reliability import familiarity, margin, side
from edge.inference.store import Manifest
from edge.signals import Float32Array, Limit, Qualities


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


def trust(
    manifest: Manifest, qualities: Qualities, embedding: Float32Array | None, probabilities: Mapping[str, float]
) -> tuple[float, Limit | None]:
    """How far to trust an answer, 0..1, and what limits that.

    ``qualities`` are its input's, ``embedding`` its own; ``probabilities`` those that are held against the manifest's
    thresholds, by decision.
    """
    if not manifest.reliability:
        # what is missing in several ways is missing the more
        return prod(qualities.values()) * manifest.skill, None
    known = dict(qualities)
    if manifest.baseline is not None:
        known["familiarity"] = 0.0 if embedding is None else familiarity(manifest.baseline, embedding)
    decided = side(probabilities, manifest.thresholds)
    return manifest.reliability[decided].read(known, margin(probabilities, manifest.thresholds))
