"""What every kind of fusion gives, and what it is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import exp, log
from typing import Protocol

from edge.fusion.room import RoomReading
from edge.signals import Modality, Reading

SUREST = 0.99
"""No probability counts for more than this, so that nothing is beyond being changed by what comes after it."""


@dataclass(frozen=True, slots=True)
class Fused:
    """The room's state of all modalities together.

    ``satisfaction`` 0..1 is the probability of positive valence, None where nothing was ever known; ``confidence`` 0..1
    says how far to trust it. ``engagement`` are the four probabilities, None where nothing is known of them.
    ``support`` 0..1 is how reliable what stands behind them is, 0.5 for nothing: where it is low the box abstains.
    ``weights`` is the share of the evidence that each modality stands for; they sum to 1, or there are none.
    """

    satisfaction: float | None
    confidence: float
    engagement: Mapping[str, float] | None
    support: float
    weights: Mapping[Modality, float] = field(default_factory=dict)


class Fusion(Protocol):
    """One kind of fusion; it may remember a moment. ``thresholds`` are those of its engagement probabilities."""

    @property
    def thresholds(self) -> Mapping[str, float]:
        """By engagement state, 0..1."""

    def fuse(self, readings: Sequence[Reading], rooms: Mapping[Modality, RoomReading], now: float) -> Fused:
        """The state at ``now``, which never runs backwards.

        ``readings`` are all that still count and ``rooms`` the same, pooled.
        """
        ...

    def forget(self) -> None:
        """Forgets everything (mute, consent withdrawn, another camera)."""
        ...


def logit(p: float) -> float:
    """The log-odds of ``p``, held within those of SUREST."""
    p = min(max(p, 1.0 - SUREST), SUREST)
    return log(p / (1.0 - p))


def sigmoid(x: float) -> float:
    """The probability whose log-odds are ``x``, which may be as large as any ``logit``s' sum."""
    return 1.0 / (1.0 + exp(-x))


def shares(evidence: Mapping[Modality, float]) -> dict[Modality, float]:
    """``evidence`` >= 0 of each modality as shares of 1; empty where there is none."""
    total = sum(evidence.values())
    return {name: part / total for name, part in evidence.items() if part > 0} if total > 0 else {}
