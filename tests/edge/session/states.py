"""Room states for the tests of sessions."""

from __future__ import annotations

from typing import Literal

from edge.signals import Abstention, Affect, Engagement

Label = Literal["boredom", "confusion", "engagement", "frustration"]
CALM = {"neutral": 0.8, "happy": 0.2, "surprised": 0.0, "sad": 0.0, "angry": 0.0, "disgust": 0.0, "fear": 0.0}
MERRY = CALM | {"neutral": 0.2, "happy": 0.8}


def scored(
    time: float,
    satisfaction: float = 0.5,
    label: Label | None = "engagement",
    emotions: dict[str, float] = CALM,
    confidence: float = 1.0,
) -> Affect:
    return Affect(
        time,
        3.0,
        6,
        {"face": 1.0},
        Engagement(0.1, 0.1, 0.1, 0.1, label),
        2 * satisfaction - 1,
        satisfaction,
        confidence,
        emotions=emotions,
    )


def abstained(time: float, reason: Abstention = Abstention.TOO_DARK) -> Affect:
    return Affect(time, 3.0, 0, {}, abstain=reason)
