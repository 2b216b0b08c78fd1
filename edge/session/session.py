"""One session: a lesson from its start to its end, named, timed and kept."""

from __future__ import annotations

import logging
import time
from pathlib import Path

from edge.clock import Clock
from edge.config import Box, Scratch
from edge.publish.payloads import SessionPayload
from edge.session.journal import Ending, Heading, Journal, Minute, Said, files, recover
from edge.session.statistics import Part, Statistics, summary
from edge.signals import Affect

log = logging.getLogger(__name__)

TAKE_UP_S = 600.0
"""A session whose box was away for no longer than this goes on; else it ended when the box was last there."""


class Session:
    """Statistics with a name; begins when it is made. An ended session counts nothing more.

    Its time is the monotonic clock's, so that setting the box's clock during a lesson bends nothing.
    """

    def __init__(self, clock: Clock, journal: Journal, heading: Heading, statistics: Statistics, age: float) -> None:
        """``age`` is how many seconds ago it began."""
        self._began = clock.now() - age
        self._clock = clock
        self._journal = journal
        self._heading = heading
        self._statistics = statistics
        self._ended: float | None = None

    def add(self, affect: Affect) -> None:
        """Counts the room's next state."""
        if self._ended is None:
            self._keep(self._statistics.add(affect, affect.time - self._began))
            self._journal.sketch(self._statistics.current)

    def mark(self, activity: str) -> None:
        """From now on the room is at ``activity``; "" for nothing in particular."""
        if self._ended is None:
            self._keep(self._statistics.mark(activity))

    def alerted(self, kind: str, phase: str) -> None:
        """Notes that an alert began or is over."""
        if self._ended is None:
            self._journal.append(Said(kind, phase, self._clock.now() - self._began))

    def running(self) -> SessionPayload:
        """The statistics so far; the summary, once ended."""
        return summary(self._statistics.parts, self._heading.id, self._heading.started, self._ended)

    @property
    def ended(self) -> bool:
        """Whether it is over."""
        return self._ended is not None

    def end(self, after_s: float | None = None) -> SessionPayload:
        """Ends the session, if it has not ended yet, and gives its summary; one without any state leaves no file.

        It ended ``after_s`` seconds after its start; now if None.
        """
        if self._ended is None:
            self._ended = self._heading.started + (self._clock.now() - self._began if after_s is None else after_s)
            if self._statistics.seconds > 0:
                self._keep(self._statistics.current)
                self._journal.append(Ending(self._ended))
                self._journal.clear()
            else:
                self._journal.remove()
        return self.running()

    def leave(self) -> SessionPayload:
        """Keeps the unfinished minute for good, as nobody knows when the box is back; the statistics so far."""
        if self._ended is None:
            self._keep(self._statistics.current)
        return self.running()

    def _keep(self, part: Part | None) -> None:
        if part is not None and part.tally.elapsed > 0:
            self._journal.append(Minute(part))


def begin(clock: Clock, box: Box, folder: Path | None, scratch: Scratch | None) -> Session:
    """A new session, kept in ``folder`` under its name, its minute in ``scratch``; None keeps nothing there."""
    started = time.time()
    heading = Heading(identifier(started), started, box.site, box.room)
    journal = Journal(folder / f"{heading.id}.jsonl" if folder else None, scratch)
    journal.append(heading)
    return Session(clock, journal, heading, Statistics(), age=0.0)


def identifier(started: float) -> str:
    """The name of a session begun at ``started``, in seconds since 1970; names sort by time."""
    second = time.strftime("%Y%m%dT%H%M%S", time.gmtime(started))
    return f"{second}.{int(started % 1 * 1000):03d}Z"


def take_up(clock: Clock, folder: Path | None, scratch: Scratch | None) -> Session | None:
    """The last session in ``folder``, if it never ended; one that the box was away from for long ends where it was."""
    file = max(files(folder), default=None)
    if file is None:
        return None
    try:
        read = recover(file)
    except OSError as error:
        log.warning("%s: cannot be read (%s); its session is over", file, error.strerror)
        return None
    if not read or not isinstance(read[0], Heading) or isinstance(read[-1], Ending):
        return None
    heading, journal = read[0], Journal(file, scratch)
    statistics = Statistics([line.part for line in read if isinstance(line, Minute)])
    sketched = journal.sketched()
    if sketched is not None and sketched.start == statistics.current.start:
        statistics.take_up(sketched)
    age = time.time() - heading.started
    session = Session(clock, journal, heading, statistics, age)
    if not 0 <= age - statistics.seconds <= TAKE_UP_S:
        session.end(statistics.seconds)
    return session
