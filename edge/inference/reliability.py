"""How often a branch's decision is right: how good its input was, how known it looked, how clear the answer is."""

from __future__ import annotations

from collections.abc import Mapping
from math import exp, isfinite, log, log2

import msgspec

from edge.inference.baseline import Baseline
from edge.signals import Float32Array, Limit, Qualities

NOTABLE = 0.02
"""What a perfect input would have to add for the real one to count as a limit: less is no reason anybody would see."""

STRANGE = 16.0
"""Distance from training, in units of its median, from which an input is as good as unknown: its square root, 4, is
where the bulk of a normal distribution of few effective dimensions has ended."""

CLEAREST = 6.0
"""Log-odds beyond which a decision is not clearer: a network's certainty there is its training's, not the world's."""


ANY, YES, NO = "any", "yes", "no"
"""Whose reliability: that of several decisions together, or of one by what it was."""


class Reliability(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A logistic regression whose weights are none below 0: a better input never makes an answer less reliable.

    With the qualities q_i in 0..1 and the decision's margin m, 0 and up, of which ``bias``, ``margin``, ``level`` and
    ``slope`` (both by quality) are the weights::

        reliability = sigmoid(bias + margin m + sum of (level_i + slope_i m) q_i)

    So a quality may decide both how often answers are right at all and how much a clear one says.
    Raises ValueError where a weight is below 0 or a quality is none.
    """

    bias: float
    margin: float
    level: dict[str, float]
    slope: dict[str, float]

    def __post_init__(self) -> None:
        weights = {**self.level, **{f"slope {name}": value for name, value in self.slope.items()}}
        if bad := [name for name, value in {"margin": self.margin, **weights}.items() if not 0 <= value < 1e3]:
            raise ValueError(f"weights are not all 0 or more: {', '.join(bad)}")
        if unknown := {*self.level, *self.slope} - {limit.value for limit in Limit}:
            raise ValueError(f"not a quality: {', '.join(sorted(unknown))}")

    def weighs(self, quality: Limit) -> bool:
        """Whether ``quality`` has a say."""
        return quality.value in {*self.level, *self.slope}

    def read(self, qualities: Qualities, margin: float) -> tuple[float, Limit | None]:
        """The probability 0..1 that the decision is right, and what limits it: see ``NOTABLE``.

        ``qualities`` are all that are known; one that is weighed but not known counts as perfect, and one that is not a
        finite number as missing altogether. ``margin`` as ``margin`` gives it.
        """
        # in one order: sums of floats depend on it, and the order of a set on the process
        known = {name: _share(qualities.get(name, 1.0)) for name in sorted({*self.level, *self.slope})}
        clear = min(max(margin, 0.0), CLEAREST) if isfinite(margin) else 0.0
        gain = {name: self.level.get(name, 0.0) + self.slope.get(name, 0.0) * clear for name in known}
        evidence = self.bias + self.margin * clear + sum(gain[name] * known[name] for name in known)
        now = _sigmoid(evidence)
        missing = {name: gain[name] * (1.0 - known[name]) for name in known}
        worst = max(sorted(missing), key=lambda name: missing[name], default=None)
        if worst is None or _sigmoid(evidence + missing[worst]) - now <= NOTABLE:
            return now, None
        return now, Limit(worst)


def familiarity(baseline: Baseline, embedding: Float32Array) -> float:
    """How known an embedding, float32 (D,), looks, 0..1: 1 up to the median distance of training, 0 from STRANGE on."""
    distance = baseline.distance(embedding)
    return 1.0 - min(max(log2(distance), 0.0) / log2(STRANGE), 1.0) if distance > 0 else 1.0


def side(probabilities: Mapping[str, float], thresholds: Mapping[str, float]) -> str:
    """What was decided: ANY of several decisions together, YES or NO of a single one.

    What spoils an input makes networks say one thing more often than the other, and that one then means little.
    """
    if len(thresholds) != 1:
        return ANY
    ((name, threshold),) = thresholds.items()
    return YES if probabilities[name] >= threshold else NO


def margin(probabilities: Mapping[str, float], thresholds: Mapping[str, float]) -> float:
    """How clear the decisions are, 0..CLEAREST: log-odds between probability and threshold, mean over the decisions."""
    sizes = [abs(_logit(probabilities[name]) - _logit(threshold)) for name, threshold in thresholds.items()]
    return min(sum(sizes) / len(sizes), CLEAREST)


def _share(value: float) -> float:
    return min(max(value, 0.0), 1.0) if isfinite(value) else 0.0


def _logit(p: float) -> float:
    p = min(max(p, 1e-6), 1.0 - 1e-6)
    return log(p / (1.0 - p))


def _sigmoid(x: float) -> float:
    return 1.0 / (1.0 + exp(-min(max(x, -30.0), 30.0)))
