"""Evidence of how a room feels, in log-odds, that fades: the longer ago something was learned, the less it counts."""

from __future__ import annotations

from edge.fusion.fused import logit, shares, sigmoid
from edge.fusion.room import trust
from edge.signals import Modality

CHANGE = 0.1
"""The chance that a room's valence turns within a second; chosen with the weights of ``weighted`` on validation."""


class Fading:
    """The log-odds x of something that may change with chance c in a second: the forward pass of a two-state HMM.

    ``age`` by t seconds makes them logit(0.5 + (sigmoid x - 0.5) (1 - 2c)^t); ``add`` adds evidence.
    """

    def __init__(self, change: float = CHANGE) -> None:
        self._kept = 1.0 - 2.0 * change
        self.log_odds = 0.0

    @property
    def probability(self) -> float:
        """The probability whose log-odds are x, 0..1."""
        return sigmoid(self.log_odds)

    def age(self, seconds: float) -> None:
        """Lets ``seconds`` >= 0 go by."""
        self.log_odds = logit(0.5 + (self.probability - 0.5) * self._kept**seconds)

    def add(self, evidence: float) -> None:
        """Adds log-odds; held where ``logit`` holds them, so that nothing is beyond being changed."""
        self.log_odds = logit(sigmoid(self.log_odds + evidence))


class Evidence:
    """What all modalities together say for positive valence, and how much they say at all."""

    def __init__(self, change: float = CHANGE) -> None:
        self._change = change
        self._valence, self._support = Fading(change), Fading(change)
        self._said: dict[Modality, Fading] = {}
        self._worth: dict[Modality, Fading] = {}

    def age(self, seconds: float) -> None:
        """Lets ``seconds`` >= 0 go by."""
        for fading in (self._valence, self._support, *self._said.values(), *self._worth.values()):
            fading.age(seconds)

    def add(self, modality: Modality, positive: float, right: float, weight: float = 1.0) -> None:
        """``modality`` says that valence is positive with a probability of ``positive``, and is ``right`` so often."""
        for fading in (self._valence, self._said.setdefault(modality, Fading(self._change))):
            fading.add(weight * logit(positive))
        for fading in (self._support, self._worth.setdefault(modality, Fading(self._change))):
            fading.add(weight * logit(right))

    @property
    def known(self) -> bool:
        """Whether anything was ever said."""
        return bool(self._worth)

    @property
    def positive(self) -> float:
        """The probability of positive valence, 0..1."""
        return self._valence.probability

    @property
    def support(self) -> float:
        """How often a decision would be right if all had agreed, 0.5..1: it grows with evidence and fades without."""
        return self._support.probability

    @property
    def confidence(self) -> float:
        """How far above an even chance the support is, 0..1, less what pulls against the rest.

        (2 support - 1)(1 - 2 a), a the share 0..0.5 of the evidence of those modalities that say the opposite of all
        together. A room of many minds is no conflict: its faces' evidence is their mean's.
        """
        direction = 1.0 if self._valence.log_odds >= 0 else -1.0
        against = sum(max(0.0, -direction * fading.log_odds) for fading in self._said.values())
        total = sum(fading.log_odds for fading in self._worth.values())
        return trust(self.support) * (1.0 - 2.0 * min(0.5, against / total)) if total > 0 else 0.0

    @property
    def weights(self) -> dict[Modality, float]:
        """The share of the evidence that each modality stands for."""
        return shares({name: fading.log_odds for name, fading in self._worth.items()})
