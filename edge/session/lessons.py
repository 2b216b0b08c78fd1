"""The lessons of a box: the session that runs, its alarm, and what is kept of those before."""

from __future__ import annotations

import logging
import time
from pathlib import Path

import msgspec

from edge.clock import Clock
from edge.config import Box, Scratch, SessionSettings
from edge.publish.payloads import AlertPayload, SessionPayload, timestamp
from edge.session import session
from edge.session.alerts import Alarm, Alert
from edge.session.journal import Journal, files
from edge.session.scenarios import Scenario, configured
from edge.signals import Affect

log = logging.getLogger(__name__)

DAY_S = 86_400.0


class Lessons:
    """One session after another; each begins where the one before was ended, and all speak of a room, never a person.

    ``folder`` keeps a file for each session, ``scratch`` the running minute of the newest; None keeps nothing. Files
    older than the settings allow are deleted at the start, with each new session and once a day. Raises UserError where
    the settings' scenarios cannot be used.
    """

    def __init__(
        self, clock: Clock, box: Box, settings: SessionSettings, folder: Path | None, scratch: Scratch | None
    ) -> None:
        self._scenarios = configured(settings)
        self._clock = clock
        self._box = box
        self._folder = folder
        self._keep_days = settings.keep_days
        self._tidy()
        if not self._keep_days:
            self._folder = None
            Journal(None, scratch).clear()
        self._scratch = scratch if self._folder else None
        self._scenario: str = settings.scenario
        self.abandoned: SessionPayload | None = None
        """The summary of a session that the box was away from for too long; to be published once."""
        self._session = session.take_up(clock, self._folder, self._scratch) or self._begin()
        if self._session.ended:
            self.abandoned = self.running()
            self._session = self._begin()
        self._watch_anew()

    @property
    def scenario(self) -> Scenario:
        """The kind of lesson that it is now."""
        return self._scenarios[self._scenario]

    @property
    def kept(self) -> bool:
        """Whether a session goes on after a restart."""
        return self._folder is not None

    def add(self, affect: Affect) -> list[AlertPayload]:
        """Counts the room's next state; returns the alerts that it causes, mostly none."""
        if self._clock.now() - self._tidied >= DAY_S:
            self._tidy()
        self._session.add(affect)
        alerts = self._alarm.add(affect)
        for alert in alerts:
            log.info("alert: %s %s", alert.kind, alert.phase)
            if alert.phase != "still":
                self._session.alerted(alert.kind, alert.phase)
        return [self._message(alert, affect.time) for alert in alerts]

    def running(self) -> SessionPayload:
        """The statistics so far; the summary, once ended."""
        return self._under_rules(self._session.running())

    def end(self) -> SessionPayload:
        """Ends the session that runs, if one does, and gives its summary."""
        return self._under_rules(self._session.end())

    def start(self) -> None:
        """Begins a new session; the alarm watches anew."""
        self._session.end()
        self._tidy()
        self._session = self._begin()
        self._watch_anew()

    def withdraw(self) -> None:
        """Consent is gone: the session that runs ends, and the alarm forgets what it had begun to say."""
        self._session.end()
        self._watch_anew()

    def mark(self, activity: str) -> None:
        """From now on the room is at ``activity``; "" for nothing in particular."""
        self._session.mark(activity)

    def choose(self, scenario: str) -> bool:
        """Switches to the rules of another kind of lesson; False where there is none of that name."""
        if scenario not in self._scenarios:
            return False
        self._scenario = scenario
        self._watch_anew()
        return True

    def leave(self) -> SessionPayload:
        """The box goes away: a session that is kept stays open for its return, any other ends."""
        return self._under_rules(self._session.leave()) if self.kept else self.end()

    def _under_rules(self, session: SessionPayload) -> SessionPayload:
        return msgspec.structs.replace(session, scenario=self._scenario)

    def _watch_anew(self) -> None:
        self._alarm = Alarm(self.scenario.rules)

    def _begin(self) -> session.Session:
        return session.begin(self._clock, self._box, self._folder, self._scratch)

    def _message(self, alert: Alert, now: float) -> AlertPayload:
        seconds, wall = now - alert.since, time.time()
        return AlertPayload(
            time=timestamp(wall),
            kind=alert.kind,
            phase=alert.phase,
            since=timestamp(wall - seconds),
            seconds=seconds,
            share=alert.share,
            scenario=self._scenario,
        )

    def _tidy(self) -> None:
        """Deletes the sessions that were last written to more than ``keep_days`` ago; all of them where that is 0."""
        self._tidied = self._clock.now()
        for file in files(self._folder):
            try:
                if not self._keep_days or time.time() - file.stat().st_mtime > self._keep_days * DAY_S:
                    file.unlink()
            except OSError as error:
                log.warning("%s: cannot be deleted (%s)", file, error.strerror)
