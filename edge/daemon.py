"""The box as a service: says to systemd that it is ready, alive and stopping, and to the journal what happened.

Away from systemd none of this does anything, and its package is not loaded.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from edge import config
from edge.appliance import Appliance
from edge.errors import DeviceError, UserError

log = logging.getLogger(__name__)

LONGEST_PULSE_S = 1.0
"""The watchdog hears of a turning loop at least this often, and four times within its own patience."""


def run(configuration: Path, log_level: str) -> int:
    """Runs the appliance until it is told to stop or every recording has ended; returns the exit code 0.

    Raises UserError (a mistake in the configuration or the installation: another start would fail the same way) or
    DeviceError.
    """
    log_to_the_journal_or_stderr(log_level)
    _keep_memory_off_the_disk()
    supervisor = Supervisor(_notifier(), watchdog_s=_watchdog_s())
    try:
        appliance = Appliance(config.load(configuration))

        def stop(*_: object) -> None:
            supervisor.stopping()
            appliance.stop()

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)
        appliance.run(lambda: supervisor.turned(appliance.status))
    except (UserError, DeviceError) as error:
        supervisor.say(str(error))
        raise
    supervisor.stopping()
    return 0


class Supervisor:
    """What systemd is told, by way of ``notify``, which takes the lines that sd_notify(3) describes."""

    def __init__(
        self, notify: Callable[[str], object], watchdog_s: float | None, now: Callable[[], float] = time.monotonic
    ) -> None:
        """``watchdog_s`` is the patience of the unit's watchdog; None where it has none."""
        self._notify = notify
        self._now = now
        self._pulse_s = None if watchdog_s is None else min(LONGEST_PULSE_S, watchdog_s / 4)
        self._next_pulse = float("-inf")
        self._ready = False
        self._said = ""

    def turned(self, status: str) -> None:
        """The loop has made a turn, and ``status`` is what the box is doing.

        Nothing else feeds the watchdog: a loop that hangs lets it bite.
        """
        if not self._ready:
            self._ready = True
            self._notify("READY=1")
        self.say(status)
        if self._pulse_s is not None and self._now() >= self._next_pulse:
            self._next_pulse = self._now() + self._pulse_s
            self._notify("WATCHDOG=1")

    def say(self, status: str) -> None:
        """Shows one line in ``systemctl status``."""
        line = " ".join(status.split())
        if line != self._said:
            self._said = line
            self._notify(f"STATUS={line}")

    def stopping(self) -> None:
        """The box has begun to stop. May be called twice."""
        self._notify("STOPPING=1")


def _notifier() -> Callable[[str], object]:
    """Sends a line to systemd; does nothing where nobody asked for it. Raises UserError without the package."""
    if "NOTIFY_SOCKET" not in os.environ:
        return lambda line: None
    try:
        from systemd.daemon import notify
    except ImportError as error:
        # a box that systemd never hears from is killed and started for ever: better to say why, once
        raise UserError(
            "systemd waits to hear from the box, but systemd-python is not installed; run "
            f"`pip install 'affectfusion-edge[systemd]'` or `apt install python3-systemd` ({error})"
        ) from error
    return lambda line: notify(line)


def _watchdog_s() -> float | None:
    """The watchdog's patience in seconds, where this process has one (sd_watchdog_enabled(3))."""
    microseconds = os.environ.get("WATCHDOG_USEC", "")
    meant = os.environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
    return int(microseconds) / 1e6 if meant and microseconds.isdecimal() and int(microseconds) > 0 else None


def log_to_the_journal_or_stderr(level: str) -> None:
    """Logs with fields (SENSOR, STATE ...) where stderr is the journal, and in plain lines everywhere else."""
    logging.basicConfig(level=level.upper(), format="%(levelname)s %(message)s", stream=sys.stderr)
    if not _stderr_is_the_journal():
        return
    try:
        from systemd.journal import JournalHandler
    except ImportError:
        log.warning("systemd-python is not installed: the journal gets plain lines, without fields")
        return
    handler = JournalHandler(SYSLOG_IDENTIFIER="affect-edge")
    handler.setFormatter(logging.Formatter("%(message)s"))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)


def _stderr_is_the_journal() -> bool:
    """Whether stderr is the stream that systemd connected to the journal (systemd.exec(5), JOURNAL_STREAM)."""
    try:
        here = os.fstat(2)
    except OSError:
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{here.st_dev}:{here.st_ino}"


def _keep_memory_off_the_disk() -> None:
    """Where the box hung is logged when the watchdog ends it; its memory, which holds pictures, is never dumped."""
    faulthandler.enable()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
