"""Recordings play at their own pace: each item is given out when the clock reaches its time."""

from __future__ import annotations

from edge.clock import Clock


class Pace:
    """Places a recording on the appliance's clock, beginning at the first item asked for."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._start: float | None = None

    def time_of(self, position: float) -> float:
        """The time on the clock of ``position`` seconds into the recording."""
        if self._start is None:
            self._start = self._clock.now()
        return self._start + position

    def wait_for(self, position: float) -> None:
        """Returns once the clock has reached ``position``."""
        self._clock.sleep(self.time_of(position) - self._clock.now())
