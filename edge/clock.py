"""Where times come from: one monotonic clock for the whole appliance, replaceable where nobody should have to wait."""

from __future__ import annotations

import time
from typing import Annotated, Protocol

from msgspec import Meta

WallTime = Annotated[float, Meta(ge=0.0, le=2.5e11)]
"""Seconds since 1970, up to a year that calendars know: for what outlives a restart."""


class Clock(Protocol):
    """Seconds on a monotonic scale of its own, and waiting on that scale."""

    def now(self) -> float:
        """The time now, in seconds."""
        ...

    def sleep(self, seconds: float) -> None:
        """Returns once ``seconds`` have passed on this clock; at once where ``seconds`` is not positive."""
        ...


class MonotonicClock:
    """The machine's monotonic clock, optionally running ``speed`` times as fast (for recordings)."""

    def __init__(self, speed: float = 1.0) -> None:
        self.speed = speed
        self._origin = time.monotonic()

    def now(self) -> float:
        """The time now, in seconds."""
        return self._origin + (time.monotonic() - self._origin) * self.speed

    def sleep(self, seconds: float) -> None:
        """Waits ``seconds`` of this clock's time."""
        if seconds > 0:
            time.sleep(seconds / self.speed)


class ManualClock:
    """A clock that moves only when told to: recordings are read as fast as they can be processed."""

    def __init__(self, start: float = 0.0) -> None:
        self._now = start

    def now(self) -> float:
        """The time now, in seconds."""
        return self._now

    def sleep(self, seconds: float) -> None:
        """Moves the clock on by ``seconds`` without waiting."""
        self._now += max(0.0, seconds)
