"""The box as a service: what it tells systemd, when, and with which exit code it ends."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from services import wait_until
from systemd_stand_in import PATIENCE_S, Service

from edge.daemon import Supervisor, log_to_the_journal_or_stderr

DECLARED = '[deployment]\npurpose = "research"\njurisdiction = "US"\nconsent = "signed forms"\n'
DRAWN = '[camera]\nsource = "drawn"\nlearners = 6\nwidth = 640\nheight = 360\n[microphone]\nsource = "none"\n'
# a busy machine may be slow, and is to be tested all the same
AWAY = "[fusion]\nlongest_lag_s = 10.0\n[broker]\nport = 9\n"

HANGS_ON_A_SIGNAL = """
import signal, sys, time
from edge import cli, pipeline

look = pipeline.Pipeline.see
hung = []
signal.signal(signal.SIGUSR1, lambda *_: hung.append(True))

def see(self, frame):
    while hung:
        time.sleep(0.1)
    return look(self, frame)

pipeline.Pipeline.see = see
sys.exit(cli.main(sys.argv[1:]))
"""


def terminate(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Service]]:
    """Starts ``affect-edge run`` as a service with a configuration."""
    made: list[Service] = []

    def start(
        configuration: str = DECLARED + DRAWN + AWAY,
        program: Sequence[str] = ("-m", "edge"),
        watchdog_s: float = 2.0,
        hidden: Sequence[str] = (),
    ) -> Service:
        config = tmp_path / "config.toml"
        config.write_text(configuration)
        made.append(Service(tmp_path, [*program, "run", "--config", str(config)], watchdog_s, hidden))
        return made[-1]

    yield start
    for service in made:
        service.close()


# The real command.


def test_systemd_hears_that_the_box_is_ready_what_it_does_that_it_lives_and_that_it_stops(
    serve: Callable[..., Service],
) -> None:
    pytest.importorskip("systemd", reason="systemd-python needs libsystemd-dev and a compiler")
    service = serve()
    assert service.tells("STATUS=camera live; giving scores; broker away"), service.log
    assert service.count_over(2.5) >= 3
    assert service.end(terminate) == 0
    heard = service.heard
    assert heard.count("READY=1") == 1
    assert heard.index("READY=1") < heard.index("WATCHDOG=1")
    assert heard[-1] == "STOPPING=1"
    assert "Traceback" not in service.log


def test_a_hung_loop_feeds_the_watchdog_no_more(serve: Callable[..., Service]) -> None:
    pytest.importorskip("systemd", reason="systemd-python needs libsystemd-dev and a compiler")
    service = serve(program=("-c", HANGS_ON_A_SIGNAL))
    assert service.tells("STATUS=camera live; giving scores; broker away"), service.log
    service.process.send_signal(signal.SIGUSR1)
    service.count_over(1.0)
    assert service.count_over(2.0) == 0
    assert service.process.poll() is None
    # what systemd does then
    assert service.end(lambda process: process.send_signal(signal.SIGABRT)) == -signal.SIGABRT
    assert "in see" in service.log


def test_a_mistake_in_the_configuration_is_shown_and_never_ready(serve: Callable[..., Service]) -> None:
    pytest.importorskip("systemd", reason="systemd-python needs libsystemd-dev and a compiler")
    service = serve(DECLARED + "[camera]\nfsp = 3\n")
    assert service.process.wait(PATIENCE_S) == 2
    heard = service.heard
    assert "READY=1" not in heard
    assert any(line.startswith("STATUS=") and "unknown field `fsp`" in line for line in heard)


def test_without_its_package_a_service_says_so_in_one_line(serve: Callable[..., Service]) -> None:
    service = serve(hidden=["systemd"])
    assert service.process.wait(PATIENCE_S) == 2
    assert wait_until(lambda: "affectfusion-edge[systemd]" in service.log)
    assert len(service.log.splitlines()) == 1


# The journal.


def logs_with(monkeypatch: pytest.MonkeyPatch, journal_stream: str) -> logging.Handler:
    """What the box logs with where systemd says that ``journal_stream`` is the journal."""
    monkeypatch.setenv("JOURNAL_STREAM", journal_stream)
    monkeypatch.setattr(logging.root, "handlers", [])
    monkeypatch.setattr(logging.root, "level", logging.WARNING)
    log_to_the_journal_or_stderr("info")
    (handler,) = logging.root.handlers
    return handler


def test_where_stderr_is_the_journal_a_record_keeps_its_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    journal = pytest.importorskip("systemd.journal", reason="systemd-python needs libsystemd-dev and a compiler")
    stderr = os.fstat(2)
    handler = logs_with(monkeypatch, f"{stderr.st_dev}:{stderr.st_ino}")
    assert isinstance(handler, journal.JournalHandler)
    sent: dict[str, object] = {}
    monkeypatch.setattr(handler, "send", lambda words, /, **fields: sent.update(fields, MESSAGE=words))
    logging.getLogger("edge.capture.sensor").warning("camera: %s", "gone", extra={"SENSOR": "camera", "STATE": "lost"})
    assert (sent["MESSAGE"], sent["SENSOR"], sent["STATE"], sent["PRIORITY"]) == ("camera: gone", "camera", "lost", "4")


@pytest.mark.parametrize("stream", ["", "0:0"])
def test_where_stderr_is_not_the_journal_lines_are_plain(stream: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert type(logs_with(monkeypatch, stream)) is logging.StreamHandler


# What systemd is told, and how often.


class Heard:
    """A Supervisor on a clock that is set by hand, and what it told systemd."""

    def __init__(self, watchdog_s: float | None = 10.0) -> None:
        self.now = 0.0
        self.lines: list[str] = []
        self.supervisor = Supervisor(self.lines.append, watchdog_s, lambda: self.now)


def test_nothing_is_ready_or_alive_before_the_loop_has_turned() -> None:
    heard = Heard()
    heard.supervisor.say("loading")
    assert heard.lines == ["STATUS=loading"]
    heard.supervisor.turned("giving scores")
    assert heard.lines[1:] == ["READY=1", "STATUS=giving scores", "WATCHDOG=1"]


def test_the_watchdog_is_fed_by_turns_alone_and_no_oftener_than_it_needs() -> None:
    heard = Heard()
    for turn in range(100):
        heard.now = turn / 10
        heard.supervisor.turned("giving scores")
    assert heard.lines.count("WATCHDOG=1") == 10
    heard.now += 60.0
    assert heard.lines.count("WATCHDOG=1") == 10


def test_an_impatient_watchdog_is_fed_four_times_as_often_as_it_asks() -> None:
    heard = Heard(watchdog_s=1.0)
    for turn in range(40):
        heard.now = turn / 20
        heard.supervisor.turned("giving scores")
    assert heard.lines.count("WATCHDOG=1") == 8


def test_without_a_watchdog_none_is_fed() -> None:
    heard = Heard(watchdog_s=None)
    heard.supervisor.turned("giving scores")
    assert "WATCHDOG=1" not in heard.lines


def test_a_status_is_told_once_until_it_changes_and_fits_one_line() -> None:
    heard = Heard()
    for status in ("camera live", "camera live", "camera\nlost"):
        heard.supervisor.turned(status)
    assert [line for line in heard.lines if line.startswith("STATUS=")] == ["STATUS=camera live", "STATUS=camera lost"]
