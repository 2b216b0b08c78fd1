"""One session: a lesson from its start to its end, named and timed."""

from __future__ import annotations

import time

from edge.clock import Clock
from edge.publish.payloads import SessionPayload
from edge.session.statistics import SessionStatistics
from edge.signals import Affect


class Session:
    """Statistics with a name and wall-clock times; begins when it is made. An ended session counts nothing more."""

    def __init__(self, clock: Clock) -> None:
        self._started = time.time()
        second = time.strftime("%Y%m%dT%H%M%S", time.gmtime(self._started))
        self._identifier = f"{second}.{int(self._started % 1 * 1000):03d}Z"
        self._statistics = SessionStatistics(clock.now())
        self._ended: float | None = None

    def add(self, affect: Affect) -> None:
        """Counts the room's next state."""
        if self._ended is None:
            self._statistics.add(affect)

    def running(self) -> SessionPayload:
        """The statistics so far; the summary, once ended."""
        return self._statistics.summary(self._identifier, self._started, self._ended)

    def end(self) -> SessionPayload:
        """Ends the session, if it has not ended yet, and gives its summary."""
        self._ended = self._ended or time.time()
        return self.running()
