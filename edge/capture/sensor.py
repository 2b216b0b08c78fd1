"""One source and the thread that captures from it: opens it, reads it, and brings it back when it is lost."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from threading import Event, Lock, Thread
from typing import Any, Generic, Literal

from edge.capture import Item, Source, SourceLostError
from edge.capture.vigil import Vigil
from edge.clock import Clock
from edge.errors import UserError

log = logging.getLogger(__name__)

State = Literal["closing", "closed", "opening", "live", "lost", "frozen", "silent", "ended"]

BACK_OFF_S = (1.0, 2.0, 4.0, 8.0, 10.0)
"""Waits between attempts to reopen a lost source; the last one repeats."""

CLOSE_S = 0.9
"""How long ``close`` waits for a driver that does not answer."""

DEAD_S = 6.0
"""A live device without a sign of life for this long is frozen or silent."""

LONGEST_DEAD_S = 60.0
"""Longest time that a device found dead before is given until it is opened afresh; it starts at ``DEAD_S``, doubles
with every attempt and is spent listening, so that a microphone whose switch is turned back is heard at once."""

HUNG_S = 9.0
"""A driver that has not answered for this long hangs; a camera may need some seconds to wake up."""

MOST_HUNG = 3
"""Threads that may hang in a driver at once; a further attempt waits until one of them comes back."""

STEADY_S = 30.0
"""A source that has lived for this long has recovered: its failures are forgotten."""


class Sensor(Generic[Item]):
    """Keeps a source open and its items flowing into ``sink``, from ``start`` until ``close`` and again.

    A source that is absent, dies or, with a ``vigil``, delivers without being alive or hangs in its driver (``watch``)
    is weather: logged once per outage and reopened with back-off. A recording that ends stays ``ended``; closed and
    started again it plays from its beginning.
    """

    def __init__(
        self,
        name: str,
        open_source: Callable[[Clock], Source[Item]],
        sink: Callable[[Item], None],
        clock: Clock,
        *,
        vigil: Vigil[Item] | None = None,
        back_off_s: Sequence[float] = BACK_OFF_S,
    ) -> None:
        """Names the sensor for the log. Closing it makes waits on ``open_source``'s clock raise."""
        self.name = name
        self._open_source = open_source
        self._sink = sink
        self._clock = clock
        self._vigil = vigil
        self._back_off_s = back_off_s
        self._failures = 0
        self._lock = Lock()
        self._stop = Event()
        self._stop.set()
        self._thread: Thread | None = None
        self._left: list[Thread] = []
        self._attempted = False
        self._mistake: UserError | None = None
        self._state: State = "closed"
        self._problem = ""
        # when the driver was last called or last answered; None while it is not at work
        self._busy_since: float | None = None
        self._alive_at = self._live_since = 0.0

    @property
    def state(self) -> State:
        """What the source is doing; ``live`` once its first item has come, ``closed`` once no driver is at work."""
        if self._state == "closed" and any(thread.is_alive() for thread in self._threads()):
            return "closing"
        return self._state

    @property
    def problem(self) -> str:
        """Why the source is not live: one line, with the cure. Empty while nothing is wrong."""
        return self._problem

    @property
    def attempted(self) -> bool:
        """Whether it is known by now if what the settings name can be opened at all."""
        return self._attempted

    def start(self) -> None:
        """Starts capturing and does not wait for it; nothing happens where it is already started."""
        if not self._stop.is_set():
            return
        self._state, self._failures = "opening", 0
        self._begin(wait_s=0.0)

    def release(self) -> None:
        """Has the device released, and does not wait for it; nothing reaches the sink from here on."""
        with self._lock:
            self._stop.set()
            self._state, self._problem, self._busy_since = "closed", "", None

    def close(self, wait_s: float = CLOSE_S) -> None:
        """Releases the device, waiting so long for a driver that does not answer. May be called twice."""
        self.release()
        if self._thread is None:
            return
        self._thread.join(wait_s)
        if self._thread.is_alive():
            log.warning("%s: the driver does not answer; the device is released as soon as it does", self.name)

    def watch(self) -> None:
        """Notices a driver that hangs, leaves it behind and tries afresh. Called by the loop; never waits.

        Raises UserError where the first attempt has found the settings wrong; later, a file that has gone is an outage
        like any other.
        """
        mistake, self._mistake = self._mistake, None
        if mistake is not None:
            self.close()
            raise mistake
        with self._lock:
            if self._vigil is None or self._stop.is_set() or self._busy_since is None:
                return
            if self._clock.now() - self._busy_since <= HUNG_S:
                return
            self._fail("lost", "the driver does not answer; unplug the device and plug it in again")
            self._stop.set()
            self._begin(wait_s=self._wait_s())

    def _threads(self) -> list[Thread]:
        return [*self._left, self._thread] if self._thread is not None else []

    def _begin(self, wait_s: float) -> None:
        self._left = [thread for thread in self._threads() if thread.is_alive()]
        self._stop, self._busy_since = Event(), None
        self._thread = Thread(target=self._run, args=(self._stop, wait_s), name=self.name, daemon=True)
        self._thread.start()

    def _run(self, stop: Event, wait_s: float) -> None:
        self._make_room(stop)
        stop.wait(wait_s)
        while not stop.is_set():
            try:
                self._read_to_the_end(stop)
                return
            except Exception as error:  # drivers raise whatever they like; none may end the capture
                self._lose(stop, error)
            stop.wait(self._wait_s())

    def _make_room(self, stop: Event) -> None:
        """Lets the threads left behind release the device; goes on beside those that hang, while they are few."""
        left = self._left
        for thread in left:
            thread.join(CLOSE_S)
        while sum(thread.is_alive() for thread in left) >= MOST_HUNG and not stop.is_set():
            stop.wait(CLOSE_S)

    def _read_to_the_end(self, stop: Event) -> None:
        self._at_work(stop)
        source = self._open_source(_StoppableClock(self._clock, stop))
        self._attempted = True
        self._alive_at = self._clock.now()
        try:
            while not stop.is_set():
                self._at_work(stop)
                item = source.read()
                if item is None:
                    self._end(stop)
                    return
                self._deliver(stop, item)
        finally:
            source.close()

    def _at_work(self, stop: Event) -> None:
        with self._lock:
            if not stop.is_set():
                self._busy_since = self._clock.now()

    def _deliver(self, stop: Event, item: Item) -> None:
        alive = self._vigil is None or self._vigil.alive(item)
        with self._lock:
            if stop.is_set():
                return
            now = self._clock.now()
            if alive:
                self._live(now)
            elif self._vigil is not None and now - self._alive_at > self._patience_s():
                raise _DeadError(self._vigil)
            if self._state == "live":
                self._sink(item)

    def _live(self, now: float) -> None:
        self._alive_at = now
        if self._state != "live":
            if self._state != "opening":
                log.info("%s: back", self.name, extra={"SENSOR": self.name, "STATE": "live"})
            self._state, self._problem, self._live_since = "live", "", now
        elif now - self._live_since > STEADY_S:
            self._failures = 0

    def _patience_s(self) -> float:
        if self._state in ("opening", "live"):
            return DEAD_S
        return min(DEAD_S * 2.0**self._failures, LONGEST_DEAD_S)

    def _wait_s(self) -> float:
        return self._back_off_s[max(0, min(self._failures, len(self._back_off_s)) - 1)]

    def _end(self, stop: Event) -> None:
        with self._lock:
            if not stop.is_set():
                self._state, self._busy_since = "ended", None

    def _lose(self, stop: Event, error: Exception) -> None:
        with self._lock:
            if stop.is_set():
                return
            self._busy_since = None
            if isinstance(error, UserError) and not self._attempted:
                self._mistake = error
                stop.set()
            else:
                self._fail(error.vigil.state if isinstance(error, _DeadError) else "lost", _in_one_line(error))
            self._attempted = True

    def _fail(self, state: State, problem: str) -> None:
        self._failures += 1
        if self._state != state:
            log.warning("%s: %s", self.name, problem, extra={"SENSOR": self.name, "STATE": state})
        self._state, self._problem = state, problem


class _DeadError(SourceLostError):
    """A device that delivers without being alive."""

    def __init__(self, vigil: Vigil[Any]) -> None:
        super().__init__(vigil.problem)
        self.vigil = vigil


class _ClosingError(Exception):
    """The sensor is being closed: what its source waits for is wanted no more."""


class _StoppableClock:
    """A clock whose waits, be they for nothing, raise once ``stop`` is set, so that no source holds a closing up."""

    SLICE_S = 0.05

    def __init__(self, clock: Clock, stop: Event) -> None:
        self._clock = clock
        self._stop = stop

    def now(self) -> float:
        return self._clock.now()

    def sleep(self, seconds: float) -> None:
        due = self._clock.now() + seconds
        while not self._stop.is_set():
            if (left := due - self._clock.now()) <= 0:
                return
            self._clock.sleep(min(left, self.SLICE_S))
        raise _ClosingError


def _in_one_line(error: Exception) -> str:
    words = " ".join(str(error).split())
    return words if isinstance(error, (SourceLostError, UserError)) else f"{type(error).__name__}: {words}"
