"""The late rule (AffectFusion): speech moves the face's satisfaction; engagement is what most exceeds its threshold."""

from __future__ import annotations

from collections.abc import Mapping
from math import exp, log
from typing import Literal, cast

from edge.signals import ENGAGEMENT_STATES, Engagement

SPEECH_WEIGHT = 0.5
"""How far one fully reliable utterance moves satisfaction, against the faces' 1."""

NO_PRIORS: Mapping[str, float] = {}

Label = Literal["boredom", "confusion", "engagement", "frustration"]


def satisfaction(face: tuple[float, float] | None, speech: tuple[float, float] | None) -> tuple[float | None, float]:
    """Satisfaction 0..1 (None without any modality) and its confidence 0..1, from (P(positive), reliability) pairs.

    With face p, r and speech q, s (all 0..1) and w = SPEECH_WEIGHT::

        satisfaction = sigmoid(logit p + w s logit q)
        a            = (2p - 1)(2q - 1)                          agreement, -1..1
        confidence   = r + (1 - r) s a   where a >= 0,   r (1 + s a)   where a < 0

    Speech moves satisfaction in speech's own direction; agreement raises confidence, conflict lowers it. A missing
    modality is absent: face alone gives (p, r), speech alone (q, w s).
    """
    if face is None and speech is None:
        return None, 0.0
    if speech is None:
        assert face is not None
        return face
    q, s = speech
    if face is None:
        return q, SPEECH_WEIGHT * s
    p, r = face
    agreement = (2 * p - 1) * (2 * q - 1)
    confidence = r + (1 - r) * s * agreement if agreement >= 0 else r * (1 + s * agreement)
    return _sigmoid(_logit(p) + SPEECH_WEIGHT * s * _logit(q)), confidence


def engagement(
    probabilities: Mapping[str, float], thresholds: Mapping[str, float], priors: Mapping[str, float] = NO_PRIORS
) -> Engagement:
    """The four probabilities 0..1 with their label: of those that reach their own threshold, the one furthest above it.

    Distance is taken in log-odds, logit p - logit t, so that rare states are not drowned by common ones. No state
    over its threshold gives no label. ``priors`` says in log-odds how much likelier than in training a state is here;
    it is added first, p := sigmoid(logit p + prior), which is Bayes' rule for other base rates than those of training.
    A state without one keeps its probability to the last bit.
    """
    probabilities = {
        state: _sigmoid(_logit(p) + priors[state]) if state in priors else p for state, p in probabilities.items()
    }
    above = {state: _logit(probabilities[state]) - _logit(thresholds[state]) for state in ENGAGEMENT_STATES}
    state = max(above, key=lambda name: above[name])
    label = cast(Label, state) if above[state] >= 0 else None
    return Engagement(**{name: probabilities[name] for name in ENGAGEMENT_STATES}, label=label)


def _logit(p: float) -> float:
    p = min(max(p, 0.01), 0.99)
    return log(p / (1 - p))


def _sigmoid(x: float) -> float:
    return 1.0 / (1.0 + exp(-x))
