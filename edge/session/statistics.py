"""Running statistics of a session: what was felt, for how long, and how much of it the box could tell."""

from __future__ import annotations

from collections import defaultdict

from edge.publish.payloads import AbstainedSeconds, LabelShares, SessionPayload, SessionSeconds, timestamp
from edge.signals import ENGAGEMENT_STATES, Affect


class SessionStatistics:
    """Adds up the room's states; memory does not grow with the session.

    Each state speaks for the time since the one before it, but never for more than its own window: a longer
    gap was observed by nobody and lowers the coverage. ``start`` is when the session began, on the clock that
    stamps the states.
    """

    def __init__(self, start: float) -> None:
        self._start = start
        self._last = start
        self._scored = 0.0
        self._abstained: defaultdict[str, float] = defaultdict(float)
        self._labels: defaultdict[str, float] = defaultdict(float)
        self._valence = _Mean()
        self._satisfaction = _Mean()

    def add(self, affect: Affect) -> None:
        """Count the room's next state. One that is not later than the last counts for nothing."""
        seconds = min(max(0.0, affect.time - self._last), affect.window_s)
        self._last = max(self._last, affect.time)
        if affect.abstain is not None:
            self._abstained[affect.abstain.value] += seconds
            return
        self._scored += seconds
        if affect.engagement is not None:
            self._labels[affect.engagement.label or "none"] += seconds
        self._valence.add(affect.valence, seconds)
        self._satisfaction.add(affect.satisfaction, seconds)

    def summary(self, identifier: str, started: float, ended: float | None = None) -> SessionPayload:
        """Return the statistics so far, final once the session has ``ended``; both in seconds since 1970."""
        total = self._last - self._start
        return SessionPayload(
            id=identifier,
            started=timestamp(started),
            ended=None if ended is None else timestamp(ended),
            final=ended is not None,
            seconds=SessionSeconds(total=total, scored=self._scored, abstained=AbstainedSeconds(**self._abstained)),
            engagement=self._label_shares(),
            valence=self._valence.value,
            satisfaction=self._satisfaction.value,
            coverage=self._scored / total if total > 0 else 0.0,
        )

    def _label_shares(self) -> LabelShares | None:
        known = sum(self._labels.values())
        if known <= 0:
            return None
        return LabelShares(**{label: self._labels[label] / known for label in (*ENGAGEMENT_STATES, "none")})


class _Mean:
    """A mean weighted by time, of the values that are known."""

    def __init__(self) -> None:
        self._sum = 0.0
        self._seconds = 0.0

    def add(self, value: float | None, seconds: float) -> None:
        if value is not None:
            self._sum += value * seconds
            self._seconds += seconds

    @property
    def value(self) -> float | None:
        return self._sum / self._seconds if self._seconds > 0 else None
