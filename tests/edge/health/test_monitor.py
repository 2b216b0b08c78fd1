"""What the box knows of itself, and when it says so."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from edge.clock import ManualClock
from edge.config import Settings
from edge.health.board import Board
from edge.health.load import JUDGE_S
from edge.health.monitor import HealthMonitor
from edge.publish.payloads import HealthPayload
from edge.publish.schema import encode

LIVE = {"camera": "live", "microphone": "live"}
FIRMWARE = "devices/platform/soc/soc:firmware/get_throttled"


class Monitored:
    """A monitor of a board whose firmware says what a test wants."""

    def __init__(self, sys: Path) -> None:
        self.clock = ManualClock()
        self._firmware = sys / FIRMWARE
        self._firmware.parent.mkdir(parents=True)
        self.board_says("0")
        self.monitor = HealthMonitor(Settings(), {}, self.clock, Board(sys))

    def board_says(self, flags: str) -> None:
        self._firmware.write_text(flags)

    def works(self, seconds: float) -> None:
        """Lets the loop run with time to spare."""
        for _ in range(round(seconds / JUDGE_S) + 1):
            self.monitor.worked(0.1)
            self.clock.sleep(JUDGE_S)

    def report(self) -> HealthPayload:
        payload = self.monitor.report(
            LIVE, latency_ms={"mesh": 2.0}, dropped_frames=0, dropped_audio_s=0.0, queue=0, lost=0
        )
        assert encode("health", payload)
        return payload


@pytest.fixture
def monitored(tmp_path: Path) -> Monitored:
    return Monitored(tmp_path)


def test_a_weak_power_supply_is_said_once_and_reported(monitored: Monitored, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    monitored.works(30.0)
    assert monitored.report().undervoltage is False
    monitored.board_says("50005")
    monitored.works(60.0)
    report = monitored.report()
    assert (report.undervoltage, report.throttled, report.load) == (True, True, "normal")
    monitored.board_says("50000")
    monitored.works(30.0)
    assert monitored.report().undervoltage is False
    assert [record.getMessage() for record in caplog.records] == [
        "the power supply is too weak for the board; use the one that is made for it"
    ]


def test_the_longest_lag_since_the_last_report_is_told_and_none_where_nothing_was_seen(monitored: Monitored) -> None:
    for lag_s in (0.1, 0.4, 0.2):
        monitored.monitor.published(lag_s)
    assert monitored.report().lag_ms == pytest.approx(400.0)
    assert monitored.report().lag_ms is None


def test_a_sensor_that_changes_is_news_until_it_is_reported(monitored: Monitored) -> None:
    monitored.report()
    assert not monitored.monitor.changed(LIVE)
    assert monitored.monitor.changed({**LIVE, "microphone": "silent"})
