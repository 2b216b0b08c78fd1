"""What is known of one room: the newest message of each topic, its alerts, and the last hour."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

from edge.dashboard.history import HOUR_S, History
from edge.publish.topics import AFFECT, ALERT, STATUS
from edge.words.sentence import Message, Newest, moment, seconds_since

REMINDED_S = 660.0
"""A box repeats an alert every five minutes; one not repeated for twice as long, and a little, is not on any more."""

SPANS = 40
"""Most alerts kept of a room's last hour."""

AHEAD_S, BEHIND_S = 60.0, 24 * 3600.0
"""From these differences on a box's clock is said to be wrong; what waited for a broker is hours old by right."""

OVER = ("cleared", "unobserved")


@dataclass(frozen=True, slots=True)
class Now:
    """The same moment in seconds since 1970 and on a clock that nobody sets."""

    wall: float
    steady: float


@dataclass(slots=True)
class Span:
    """An alert of the last hour, in seconds since 1970; ``end`` is None while it is on."""

    kind: str
    start: float
    end: float | None
    said: float
    """When the box last said so, on the steady clock."""
    share: float


@dataclass(slots=True)
class Room:
    """One room. ``heard`` is when its last message came, on the steady clock."""

    site: str
    name: str
    heard: float
    newest: dict[str, Any] = field(default_factory=dict)
    """The decoded messages by topic name."""
    history: History = field(default_factory=History)
    spans: deque[Span] = field(default_factory=lambda: deque(maxlen=SPANS))
    invalid: int = 0
    """Messages that broke the schema."""
    clock_s: float | None = None
    """How far the box's clock is ahead, where it is wrong."""
    revision: int = 0
    """That of the last change."""
    said: str = ""
    """The sentence of the last look, which tells whether time alone has changed something."""
    _age_s: float | None = None
    _aged: float = 0.0

    @property
    def online(self) -> bool:
        """Whether the box says it is there, or says nothing of it."""
        return bool(self.newest.get(STATUS.name) != "offline")

    @property
    def active(self) -> list[Span]:
        """The alerts that are on."""
        return [span for span in self.spans if span.end is None]

    def receive(self, topic: str, message: Any, retained: bool, now: Now) -> None:
        """Takes a message that fulfils the schema; of a retained one nobody knows when it was published."""
        self.newest[topic] = message
        self.heard = now.steady
        if topic == AFFECT.name:
            self._receive_affect(message, retained, now)
        elif topic == ALERT.name:
            self._receive_alert(message, now)
        elif topic == STATUS.name and message == "offline":
            self._end_alerts(now)

    def look(self, now: Now) -> Newest:
        """What can be said of the room at this moment."""
        age = None if self._age_s is None else self._age_s + now.steady - self._aged
        return Newest(
            now=now.wall,
            status=self.newest.get("status"),
            affect=self.newest.get("affect"),
            privacy=self.newest.get("privacy"),
            age_s=age,
        )

    def forget(self, now: Now) -> bool:
        """Drops what is over an hour old, and ends alerts that nobody repeats; whether that changed anything shown."""
        self.history.forget(now.wall)
        changed = False
        for span in self.active:
            if now.steady - span.said > REMINDED_S:
                span.end, changed = now.wall, True
        while self.spans and self.spans[0].end is not None and self.spans[0].end < now.wall - HOUR_S:
            self.spans.popleft()
        return changed

    def _receive_affect(self, affect: Message, retained: bool, now: Now) -> None:
        age = seconds_since(affect["time"], now.wall)
        if not retained:
            self.clock_s = _ahead(affect["time"], now.wall)
        # What comes now from a clock that is ahead is of now, whatever it says.
        self._age_s, self._aged = 0.0 if age is None and not retained else age, now.steady
        if self._age_s is not None:
            self.history.add(now.wall - self._age_s, affect, now.wall)

    def _receive_alert(self, alert: Message, now: Now) -> None:
        kind, over = alert["kind"], alert["phase"] in OVER
        span = next((span for span in self.active if span.kind == kind), None)
        if span is None:
            # by the box's own count, which no wrong clock reaches
            span = Span(kind, now.wall - min(alert["seconds"], HOUR_S), None, now.steady, alert["share"])
            self.spans.append(span)
        span.said, span.share = now.steady, alert["share"]
        if over:
            span.end = now.wall

    def _end_alerts(self, now: Now) -> None:
        for span in self.active:
            span.end = now.wall


def _ahead(time: str, now: float) -> float | None:
    at = moment(time)
    return at - now if at is not None and not -BEHIND_S < at - now < AHEAD_S else None
