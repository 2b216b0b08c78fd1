"""The last hour of a room, in steps of ten seconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from edge.words.sentence import Message

STEP_S = 10
HOUR_S = 3600

Point = list[Any]
"""A step as the page draws it: its number since 1970, then the means of engagement, satisfaction and confidence, each
null where unknown, and the reason where there were no scores."""


@dataclass(slots=True)
class _Mean:
    total: float = 0.0
    count: int = 0

    def add(self, value: float | None) -> None:
        if value is not None:
            self.total += value
            self.count += 1

    @property
    def value(self) -> float | None:
        return round(self.total / self.count, 3) if self.count else None


class _Step:
    __slots__ = ("changed", "confidence", "engagement", "reason", "satisfaction")

    def __init__(self) -> None:
        self.changed = 0
        self.engagement, self.satisfaction, self.confidence = _Mean(), _Mean(), _Mean()
        self.reason: str | None = None


class History:
    """At most an hour of steps, whatever comes; ``changes`` counts what was added."""

    def __init__(self) -> None:
        self.changes = 0
        self._steps: dict[int, _Step] = {}

    def add(self, at: float, affect: Message, now: float) -> None:
        """Counts a state of the time ``at``; times in seconds since 1970. One outside of the last hour is left out."""
        if not now - HOUR_S < at <= now + STEP_S:
            return
        number = int(at // STEP_S)
        step = self._steps.setdefault(number, _Step())
        self.changes += 1
        step.changed = self.changes
        if affect["abstain"] is not None:
            step.reason = affect["abstain"]
        else:
            step.engagement.add(affect["engagement"]["engagement"] if affect["engagement"] else None)
            step.satisfaction.add(affect["satisfaction"])
            step.confidence.add(affect["confidence"])
        self.forget(now)

    def forget(self, now: float) -> None:
        """Drops what is older than an hour."""
        oldest = int((now - HOUR_S) // STEP_S)
        for number in [number for number in self._steps if number < oldest]:
            del self._steps[number]

    def points(self, since: int = 0) -> list[Point]:
        """The steps that changed after the change numbered ``since``, in the order of time."""
        return [
            _point(number, self._steps[number]) for number in sorted(self._steps) if self._steps[number].changed > since
        ]


def _point(number: int, step: _Step) -> Point:
    confidence = step.confidence.value
    reason = step.reason if confidence is None else None
    return [number, step.engagement.value, step.satisfaction.value, confidence, reason]
