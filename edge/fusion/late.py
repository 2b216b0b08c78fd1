"""The late rule (AffectFusion): speech moves the face's satisfaction; engagement is what most exceeds its threshold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, cast

from edge.fusion.fused import Fused, logit, shares, sigmoid
from edge.fusion.room import RoomReading, trust
from edge.signals import ENGAGEMENT_STATES, Engagement, Modality, Reading

SPEECH_WEIGHT = 0.5
"""How far one fully reliable utterance moves satisfaction, against the faces' 1."""

NO_PRIORS: Mapping[str, float] = {}

Label = Literal["boredom", "confusion", "engagement", "frustration"]


class Late:
    """The late rule on what counts at this moment; it remembers nothing. See ``satisfaction``.

    A modality's reliability, the chance that it is right, enters the rule as what it is above an even one, 2r - 1.
    """

    def __init__(self, thresholds: Mapping[str, float]) -> None:
        self.thresholds = thresholds

    def fuse(self, readings: Sequence[Reading], rooms: Mapping[Modality, RoomReading], now: float) -> Fused:
        """The state at ``now``, of ``rooms`` alone."""
        pairs = {
            name: (rooms[name].values["positive"], trust(rooms[name].reliability))
            for name in ("face", "speech")
            if name in rooms
        }
        own, confidence = satisfaction(pairs.get("face"), pairs.get("speech"))
        evidence: dict[Modality, float] = {}
        if "face" in pairs:
            evidence["face"] = pairs["face"][1]
        if "speech" in pairs:
            evidence["speech"] = SPEECH_WEIGHT * pairs["speech"][1]
        return Fused(
            satisfaction=own,
            confidence=confidence,
            engagement=rooms["engagement"].values if "engagement" in rooms else None,
            support=max((reading.reliability for reading in rooms.values()), default=0.5),
            weights=shares(evidence),
        )

    def forget(self) -> None:
        """Nothing is remembered."""


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
    return sigmoid(logit(p) + SPEECH_WEIGHT * s * logit(q)), confidence


def moved(own: tuple[float | None, float], outside: Sequence[tuple[float, float]]) -> tuple[float | None, float]:
    """Satisfaction and confidence, moved by modalities from outside: (P(positive), reliability) pairs in any order.

    With ``own`` = (x, c), what the box itself has seen and heard, pairs q_i, s_i and n = max(1, sum of s_i)::

        satisfaction = sigmoid(logit x + w sum of s_i/n logit q_i)              w = SPEECH_WEIGHT
        a_i          = (2x - 1)(2q_i - 1)                                       agreement, -1..1
        confidence   = (1 - (1 - c) prod of (1 - s_i/n a_i)) prod of (1 + s_i/n a_i)

    with the agreeing i (a_i >= 0) in the first product and the conflicting ones in the second. One of them does what
    speech does; by n, all together weigh no more than one fully reliable utterance, so that no number of them
    overrules faces that are sure. Where the box itself knows nothing they say nothing.
    """
    x, confidence = own
    if x is None:
        return own
    weighed = _shared(outside)
    agreements = [s * (2 * x - 1) * (2 * q - 1) for q, s in weighed]
    for agreement in sorted(agreements, reverse=True):  # those that agree come first
        confidence += (1 - confidence) * agreement if agreement >= 0 else confidence * agreement
    return _pushed(x, weighed), confidence


def engaged(probabilities: Mapping[str, float], outside: Sequence[tuple[float, float]]) -> Mapping[str, float]:
    """The four probabilities, that of engagement moved by modalities from outside: (engagement, reliability) pairs.

    P(engagement) := sigmoid(logit P(engagement) + w sum of s_i/n logit e_i), as in ``moved``. The other three stay: who
    sees that a room is at work, or not, knows nothing of boredom, confusion or frustration.
    """
    return {**probabilities, "engagement": _pushed(probabilities["engagement"], _shared(outside))}


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
        state: sigmoid(logit(p) + priors[state]) if state in priors else p for state, p in probabilities.items()
    }
    above = {state: logit(probabilities[state]) - logit(thresholds[state]) for state in ENGAGEMENT_STATES}
    state = max(above, key=lambda name: above[name])
    label = cast(Label, state) if above[state] >= 0 else None
    return Engagement(**{name: probabilities[name] for name in ENGAGEMENT_STATES}, label=label)


def _shared(outside: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The pairs that weigh anything, with reliabilities that add up to 1 at most."""
    total = max(1.0, sum(s for _, s in outside))
    return [(q, s / total) for q, s in outside if s > 0]


def _pushed(p: float, outside: Sequence[tuple[float, float]]) -> float:
    """``p`` itself, to the last bit, where nothing pushes."""
    return sigmoid(logit(p) + SPEECH_WEIGHT * sum(s * logit(q) for q, s in outside)) if outside else p
