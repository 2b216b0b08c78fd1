"""Sessions as they are kept: over crashes, power cuts and restarts."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from states import scored

from edge.clock import ManualClock
from edge.config import Box, Scratch, SessionSettings
from edge.session.lessons import Lessons

BOX = Box("school", "lab")


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The wall clock, seconds since 1970; set by its only element."""
    now = [1_800_000_000.0]
    monkeypatch.setattr("time.time", lambda: now[0])
    return now


class Life:
    """A box from one start to the next, second by second."""

    def __init__(
        self, folder: Path, wall: list[float], settings: SessionSettings | None = None, every_s: float = 0.0
    ) -> None:
        self.clock = ManualClock()
        self._wall = wall
        scratch = Scratch(folder / "minute.json", every_s)
        self.lessons = Lessons(self.clock, BOX, settings or SessionSettings(), folder, scratch)

    def watch(self, seconds: int, satisfaction: float = 0.5) -> None:
        for _ in range(seconds):
            self._wall[0] += 1.0
            self.clock.sleep(1.0)
            self.lessons.add(scored(self.clock.now(), satisfaction))


def test_a_killed_box_takes_its_session_up_to_the_second(tmp_path: Path, wall: list[float]) -> None:
    first = Life(tmp_path, wall)
    first.watch(150, satisfaction=1.0)
    before = first.lessons.running()
    second = Life(tmp_path, wall)
    assert second.lessons.running() == before
    second.watch(50, satisfaction=0.0)
    session = second.lessons.running()
    assert session.id == before.id
    assert (session.seconds.total, session.seconds.scored) == (200.0, 200.0)
    assert session.satisfaction == pytest.approx(0.75)


def test_the_time_a_box_was_away_counts_as_unobserved(tmp_path: Path, wall: list[float]) -> None:
    Life(tmp_path, wall).watch(100)
    wall[0] += 100.0
    again = Life(tmp_path, wall)
    again.watch(1)
    session = again.lessons.running()
    assert session.seconds.total == pytest.approx(201.0)
    assert session.coverage == pytest.approx(103 / 201, abs=0.01)


def test_a_crash_costs_no_more_than_the_pause_between_writes_to_a_card(tmp_path: Path, wall: list[float]) -> None:
    Life(tmp_path, wall, every_s=10.0).watch(95)
    kept = Life(tmp_path, wall).lessons.running().seconds.scored
    assert 85.0 <= kept < 95.0


def test_a_box_that_is_stopped_keeps_its_session_to_the_second(tmp_path: Path, wall: list[float]) -> None:
    first = Life(tmp_path, wall, every_s=10.0)
    first.watch(95)
    before = first.lessons.leave()
    assert not before.final
    (tmp_path / "minute.json").unlink()
    assert Life(tmp_path, wall).lessons.running().seconds == before.seconds


def test_a_power_cut_costs_no_more_than_the_running_minute(tmp_path: Path, wall: list[float]) -> None:
    Life(tmp_path, wall).watch(150)
    (tmp_path / "minute.json").unlink()
    assert Life(tmp_path, wall).lessons.running().seconds.scored == 120.0


@pytest.mark.parametrize("left", [1, 40])
def test_a_half_written_line_costs_only_itself(tmp_path: Path, wall: list[float], left: int) -> None:
    Life(tmp_path, wall).watch(150)
    (tmp_path / "minute.json").write_bytes(b'{"start":1')
    (file,) = tmp_path.glob("*.jsonl")
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(lines[:-1]) + lines[-1][:left])
    again = Life(tmp_path, wall)
    again.watch(70)
    assert again.lessons.running().seconds.scored == pytest.approx(60.0 + 70.0, abs=3.0)
    assert Life(tmp_path, wall).lessons.running() == again.lessons.running()


def test_a_session_left_for_long_is_over_where_it_stopped(tmp_path: Path, wall: list[float]) -> None:
    first = Life(tmp_path, wall)
    first.watch(100)
    wall[0] += 3600.0
    second = Life(tmp_path, wall)
    assert second.lessons.running().id != first.lessons.running().id
    assert second.lessons.running().seconds.total == 0.0
    # and whoever listens is told
    left = second.lessons.abandoned
    assert left is not None
    assert (left.id, left.final, left.seconds.total) == (first.lessons.running().id, True, 100.0)
    ended = json.loads(min(tmp_path.glob("*.jsonl")).read_text().splitlines()[-1])
    assert ended == {"type": "end", "ended": 1_800_000_100.0}


def test_an_ended_session_is_not_taken_up(tmp_path: Path, wall: list[float]) -> None:
    first = Life(tmp_path, wall)
    first.watch(10)
    ended = first.lessons.end()
    assert ended.final
    wall[0] += 1.0
    assert Life(tmp_path, wall).lessons.running().id != ended.id


def test_setting_the_clock_during_a_lesson_bends_nothing(tmp_path: Path, wall: list[float]) -> None:
    box = Life(tmp_path, wall)
    box.watch(30)
    wall[0] += 365 * 86400.0
    box.watch(30)
    session = box.lessons.running()
    assert (session.seconds.total, session.coverage) == (60.0, 1.0)


def test_old_sessions_are_deleted_after_their_days(tmp_path: Path, wall: list[float]) -> None:
    old, recent = tmp_path / "20260101T080000.000Z.jsonl", tmp_path / "20261101T080000.000Z.jsonl"
    for file, age_days in ((old, 8), (recent, 6)):
        file.write_text("")
        os.utime(file, (wall[0] - age_days * 86400.0,) * 2)
    Life(tmp_path, wall, SessionSettings(keep_days=7))
    assert not old.exists()
    assert recent.exists()


@pytest.mark.parametrize("passing", ["a day", "a new session"])
def test_a_box_that_is_never_restarted_deletes_old_sessions_too(
    passing: str, tmp_path: Path, wall: list[float]
) -> None:
    box = Life(tmp_path, wall, SessionSettings(keep_days=7))
    box.watch(1)
    ended = box.lessons.end().id
    os.utime(tmp_path / f"{ended}.jsonl", (wall[0], wall[0]))
    wall[0] += 8 * 86400.0
    if passing == "a day":
        box.clock.sleep(86400.0)
        box.watch(1)
    else:
        box.lessons.start()
    assert not (tmp_path / f"{ended}.jsonl").exists()


def test_what_older_settings_left_is_deleted_where_zero_days_are_asked_for(tmp_path: Path, wall: list[float]) -> None:
    Life(tmp_path, wall).watch(70)
    Life(tmp_path, wall, SessionSettings(keep_days=0))
    assert list(tmp_path.iterdir()) == []


def test_a_box_without_consent_leaves_no_empty_session(tmp_path: Path, wall: list[float]) -> None:
    box = Life(tmp_path, wall)
    box.lessons.withdraw()
    box.watch(10)
    box.lessons.leave()
    assert list(tmp_path.iterdir()) == []


def test_a_session_that_is_deleted_while_it_runs_stays_deleted(tmp_path: Path, wall: list[float]) -> None:
    box = Life(tmp_path, wall)
    box.watch(70)
    for file in tmp_path.iterdir():
        file.unlink()
    box.watch(70)
    box.lessons.withdraw()
    assert list(tmp_path.iterdir()) == []


def test_a_running_minute_that_cannot_be_written_is_not_said_to_cost_the_session(
    tmp_path: Path, wall: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "minute.new").mkdir()
    Life(tmp_path, wall).watch(3)
    assert caplog.text.count("cannot be written") == 1
    assert "not kept" not in caplog.text


def test_nothing_is_kept_where_zero_days_are_asked_for(tmp_path: Path, wall: list[float]) -> None:
    box = Life(tmp_path, wall, SessionSettings(keep_days=0))
    box.watch(70)
    assert list(tmp_path.iterdir()) == []
    assert box.lessons.leave().final


def test_a_full_disk_is_said_once_and_the_session_goes_on(
    tmp_path: Path, wall: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    box = Life(tmp_path, wall)
    (file,) = tmp_path.glob("*.jsonl")
    file.unlink()
    file.mkdir()
    box.watch(130)
    assert box.lessons.running().seconds.scored == 130.0
    assert caplog.text.count("cannot be written") == 1


def test_no_line_of_a_session_speaks_of_a_person(tmp_path: Path, wall: list[float]) -> None:
    box = Life(tmp_path, wall)
    box.watch(130)
    box.lessons.end()
    (file,) = tmp_path.glob("*.jsonl")
    heading, *parts, ending = map(json.loads, file.read_text().splitlines())
    assert set(heading) == {"type", "id", "started", "site", "room"}
    assert {key for part in parts for key in part["part"]["tally"]} <= {
        *("elapsed", "scored", "abstained", "labels", "emotions", "transitions", "valence", "satisfaction", "low"),
        *("first_label", "last_label"),
    }
    assert set(ending) == {"type", "ended"}
