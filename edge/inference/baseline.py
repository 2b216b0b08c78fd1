"""Where a branch's training data lie among embeddings, and how far from there an embedding is."""

from __future__ import annotations

from functools import lru_cache

import msgspec
import numpy as np
from numpy.typing import NDArray

from edge.signals import Float32Array


class Baseline(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A normal distribution of embeddings (D,): ``mean`` and a covariance of a few components and a rest.

    ``mean`` is float32 (D,) as little-endian bytes; ``components`` are orthonormal directions, float16 (K, D) row by
    row likewise, in which the variance is ``variances``; in every direction across them it is ``rest``. ``unit`` is the
    training data's median of the squared Mahalanobis distance over D. ``model_sha256`` names the file whose embeddings
    these are: another model's lie elsewhere.

    Distances of this kind tell inputs that a network knows from those it does not: Lee et al. 2018, "A Simple Unified
    Framework for Detecting Out-of-Distribution Samples and Adversarial Attacks".

    Raises ValueError where the sizes do not fit each other or a variance is not positive.
    """

    mean: bytes
    components: bytes
    variances: tuple[float, ...]
    rest: float
    unit: float
    model_sha256: str

    def __post_init__(self) -> None:
        if not self.mean or len(self.mean) % 4:
            raise ValueError(f"mean has {len(self.mean)} bytes, which are no float32 numbers")
        expected = 2 * self.size * len(self.variances)
        if len(self.components) != expected:
            raise ValueError(f"components have {len(self.components)} bytes, not {expected}")
        if not all(0.0 < value < float("inf") for value in (*self.variances, self.rest, self.unit)):
            raise ValueError("variances, rest and unit must be positive")

    @property
    def size(self) -> int:
        """D, how many numbers an embedding has."""
        return len(self.mean) // 4

    def distance(self, embedding: Float32Array) -> float:
        """Squared Mahalanobis distance of ``embedding``, float32 (D,), over D: >= 0, 1 for the median of training.

        Infinite for another number of numbers, or where one is not finite: such an input is known in no way.
        """
        if embedding.shape != (self.size,) or not np.isfinite(embedding).all():
            return float("inf")
        mean, components, precision = _arrays(self)
        away = embedding.astype(np.float64) - mean
        along = components @ away
        across = away - along @ components
        squared = precision @ (along * along) + across @ across / self.rest
        return float(squared) / (self.size * self.unit)


@lru_cache(maxsize=8)
def _arrays(baseline: Baseline) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """The mean (D,), the components (K, D) and one over their variances (K,)."""
    components = np.frombuffer(baseline.components, "<f2").reshape(-1, baseline.size)
    return (
        np.frombuffer(baseline.mean, "<f4").astype(np.float64),
        np.ascontiguousarray(components, np.float64),
        1.0 / np.array(baseline.variances, np.float64),
    )
