"""One capture thread for one source: opens it, reads it, and brings it back when it is lost."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from threading import Event, Lock, Thread
from typing import Generic, Literal

from edge.capture import Item, Source, SourceLostError
from edge.clock import Clock
from edge.errors import UserError

log = logging.getLogger(__name__)

State = Literal["closed", "opening", "live", "lost", "ended"]

BACK_OFF_S = (1.0, 2.0, 4.0, 8.0, 10.0)
"""Waits between attempts to reopen a lost source; the last one repeats."""

FIRST_ATTEMPT_S = 5.0
"""How long the first ``start`` waits to learn whether what the settings name can be opened at all."""

CLOSE_S = 0.9
"""How long ``close`` waits for a driver that does not answer."""


class Sensor(Generic[Item]):
    """Keeps a source open and its items flowing into ``sink``, from ``start`` until ``close`` and again.

    A source that is absent or dies is weather: logged once per outage and reopened with back-off.
    A recording that ends stays ``ended``; closed and started again it plays from its beginning.
    """

    def __init__(
        self,
        name: str,
        open_source: Callable[[Clock], Source[Item]],
        sink: Callable[[Item], None],
        clock: Clock,
        *,
        back_off_s: Sequence[float] = BACK_OFF_S,
    ) -> None:
        """Names the sensor for the log. Closing it ends the waits on the clock ``open_source`` is given."""
        self.name = name
        self._open_source = open_source
        self._sink = sink
        self._clock = clock
        self._back_off_s = back_off_s
        self._failures = 0
        self._lock = Lock()
        self._stop = Event()
        self._stop.set()
        self._thread: Thread | None = None
        self._attempted = Event()
        self._mistake: UserError | None = None
        self._state: State = "closed"
        self._problem = ""

    @property
    def state(self) -> State:
        """What the source is doing; ``live`` once its first item has come."""
        return self._state

    @property
    def problem(self) -> str:
        """Why the source is lost: one line, with the cure. Empty while nothing is wrong."""
        return self._problem

    def start(self) -> None:
        """Starts capturing; nothing happens where it is already started.

        The first time it waits for the source to be opened and raises UserError where the settings are wrong;
        later, a file that has gone is an outage like any other.
        """
        if not self._stop.is_set():
            return
        self._stop = Event()
        self._state = "opening"
        self._thread = Thread(target=self._run, args=(self._stop, self._thread), name=self.name, daemon=True)
        self._thread.start()
        self._attempted.wait(FIRST_ATTEMPT_S)
        self._attempted.set()
        mistake, self._mistake = self._mistake, None
        if mistake is not None:
            self.close()
            raise mistake

    def close(self) -> None:
        """Releases the device within a second; nothing reaches the sink from here on. May be called twice."""
        with self._lock:
            self._stop.set()
            self._state, self._problem = "closed", ""
        if self._thread is None:
            return
        self._thread.join(CLOSE_S)
        if self._thread.is_alive():
            log.warning("%s: the driver does not answer; the device is released as soon as it does", self.name)

    def _run(self, stop: Event, previous: Thread | None) -> None:
        if previous is not None:
            previous.join()
        self._failures = 0
        while not stop.is_set():
            try:
                self._read_to_the_end(stop)
                return
            except Exception as error:  # drivers raise whatever they like; none may end the capture
                if isinstance(error, UserError) and not self._attempted.is_set():
                    self._mistake = error
                    stop.set()
                self._lose(stop, error)
            finally:
                self._attempted.set()
            stop.wait(self._back_off_s[min(self._failures, len(self._back_off_s)) - 1])

    def _read_to_the_end(self, stop: Event) -> None:
        source = self._open_source(_StoppableClock(self._clock, stop))
        self._attempted.set()
        try:
            while not stop.is_set():
                item = source.read()
                if item is None:
                    self._end(stop)
                    return
                self._deliver(stop, item)
        finally:
            source.close()

    def _deliver(self, stop: Event, item: Item) -> None:
        with self._lock:
            if stop.is_set():
                return
            if self._state == "lost":
                log.info("%s: back", self.name)
            self._state, self._problem, self._failures = "live", "", 0
            self._sink(item)

    def _end(self, stop: Event) -> None:
        with self._lock:
            if not stop.is_set():
                self._state = "ended"

    def _lose(self, stop: Event, error: Exception) -> None:
        with self._lock:
            self._failures += 1
            if stop.is_set():
                return
            if self._state != "lost":
                log.warning("%s: %s", self.name, _in_one_line(error))
            self._state, self._problem = "lost", _in_one_line(error)


class _StoppableClock:
    """A clock whose waits end when ``stop`` is set, so that no recording holds a closing sensor up."""

    SLICE_S = 0.05

    def __init__(self, clock: Clock, stop: Event) -> None:
        self._clock = clock
        self._stop = stop

    def now(self) -> float:
        return self._clock.now()

    def sleep(self, seconds: float) -> None:
        due = self._clock.now() + seconds
        while (left := due - self._clock.now()) > 0 and not self._stop.is_set():
            self._clock.sleep(min(left, self.SLICE_S))


def _in_one_line(error: Exception) -> str:
    words = " ".join(str(error).split())
    return words if isinstance(error, (SourceLostError, UserError)) else f"{type(error).__name__}: {words}"
