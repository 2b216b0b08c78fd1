"""Log-odds that fade: what was known of a room counts for less, the longer ago it was learned."""

from __future__ import annotations

from edge.fusion.fused import logit, sigmoid

CHANGE = 0.06
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
        """Sigmoid x, 0..1."""
        return sigmoid(self.log_odds)

    def age(self, seconds: float) -> None:
        """Lets ``seconds`` >= 0 go by."""
        self.log_odds = logit(0.5 + (self.probability - 0.5) * self._kept**seconds)

    def add(self, evidence: float) -> None:
        """Adds log-odds; held where ``logit`` holds them, so that nothing is beyond being changed."""
        self.log_odds = logit(sigmoid(self.log_odds + evidence))
