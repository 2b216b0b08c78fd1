"""The mute switch: who may turn it, and what is left of it after a power cut."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import get_args

import pytest

from edge.config import Deployment
from edge.privacy.gate import Gate
from edge.privacy.mute import MuteSwitch
from edge.publish.payloads import MutedBy
from edge.signals import Abstention
from edge.state import StateError, StateFolder

DECLARED = Deployment("research", "US", "signed forms")


def switch(directory: Path | None, now: float = 100.0) -> MuteSwitch:
    return MuteSwitch(StateFolder(directory), lambda: now)


def test_a_box_that_nobody_muted_is_not_muted(tmp_path: Path) -> None:
    assert not switch(tmp_path).state.on


@pytest.mark.parametrize("by", ["command", "button", "console"])
def test_a_mute_outlives_a_restart_with_whom_and_when(by: MutedBy, tmp_path: Path) -> None:
    first = switch(tmp_path)
    assert first.turn(True, by)
    assert first.keep()
    after = Gate(DECLARED, StateFolder(tmp_path), lambda: 900.0)
    assert after.closed is Abstention.MUTED
    assert after.notice().muted_by == by
    assert after.notice().since == "1970-01-01T00:01:40.000Z"


def test_an_unmute_outlives_a_restart(tmp_path: Path) -> None:
    first = switch(tmp_path)
    for on in (True, False):
        first.turn(on, "button")
        first.keep()
    assert not switch(tmp_path).state.on


def test_without_a_folder_the_switch_works_until_the_restart() -> None:
    first = switch(None)
    assert first.turn(True, "button")
    assert first.keep()
    assert first.state.on
    assert first.turn(False, "button")
    assert not first.state.on
    assert not switch(None).state.on


# Who has the last word.


@pytest.mark.parametrize("muted_by", ["button", "console"])
def test_a_command_does_not_lift_a_mute_from_the_box(muted_by: MutedBy, tmp_path: Path) -> None:
    one = switch(tmp_path)
    one.turn(True, muted_by)
    assert not one.turn(False, "command")
    assert one.turn(True, "command")
    assert (one.state.on, one.state.by) == (True, muted_by)


@pytest.mark.parametrize("muted_by", get_args(MutedBy))
@pytest.mark.parametrize("by", ["button", "console"])
def test_somebody_at_the_box_lifts_every_mute(muted_by: MutedBy, by: MutedBy, tmp_path: Path) -> None:
    one = switch(tmp_path)
    one.turn(True, muted_by)
    assert one.turn(False, by)
    assert not one.state.on


def test_a_command_lifts_the_mute_of_a_command(tmp_path: Path) -> None:
    one = switch(tmp_path)
    assert one.turn(True, "command")
    assert one.turn(False, "command")
    assert not one.state.on


def test_a_mute_at_the_box_takes_over_that_of_a_command_and_began_with_it(tmp_path: Path) -> None:
    first = switch(tmp_path, 100.0)
    first.turn(True, "command")
    first.keep()
    later = switch(tmp_path, 200.0)
    later.turn(True, "button")
    assert (later.state.by, later.state.since) == ("button", 100.0)
    assert not later.turn(False, "command")


# Two processes.


def test_what_the_console_writes_is_seen_at_the_next_look(tmp_path: Path) -> None:
    box, console = switch(tmp_path), switch(tmp_path)
    assert not box.state.on
    console.turn(True, "console")
    console.keep()
    assert box.state.by == "console"
    console.turn(False, "console")
    console.keep()
    assert not box.state.on


def test_a_command_that_crosses_the_consoles_mute_loses_to_it(tmp_path: Path) -> None:
    box, console = switch(tmp_path), switch(tmp_path)
    box.turn(True, "command")
    box.keep()
    box.turn(False, "command")
    console.turn(True, "console")
    console.keep()
    assert not box.keep()
    assert (box.state.on, box.state.by) == (True, "console")
    assert box.keep()
    assert switch(tmp_path).state.by == "console"


# Damage.


@pytest.mark.parametrize("content", [b"", b'{"on": fal', b"null", b'{"on": false, "by": "nobody", "since": 1.0}'])
def test_a_damaged_record_counts_as_muted_until_somebody_at_the_box_unmutes_it(
    content: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "mute.json").write_bytes(content)
    gate = Gate(DECLARED, StateFolder(tmp_path))
    assert gate.closed is Abstention.MUTED
    assert gate.notice() == gate.notice()
    assert gate.notice().muted_by == "unknown"
    assert "cannot be read" in gate.explanation
    assert len(caplog.records) == 1
    assert str(tmp_path / "mute.json") in caplog.text
    assert not gate.switch.turn(False, "command")
    assert gate.switch.turn(False, "button")
    assert gate.switch.keep()
    assert not switch(tmp_path).state.on


def test_a_record_that_is_damaged_while_the_box_runs_mutes_it(tmp_path: Path) -> None:
    gate = Gate(DECLARED, StateFolder(tmp_path))
    assert gate.closed is None
    (tmp_path / "mute.json").write_bytes(b"\0" * 40)
    assert gate.closed is Abstention.MUTED


def test_a_mute_that_finds_the_disk_full_holds_until_the_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    one = switch(tmp_path)
    one.turn(True, "button")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StateError, match=r"mute\.json: cannot be written \(No space left on device\)"):
        one.keep()
    assert one.state.on
    assert one.keep()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("by", get_args(MutedBy))
def test_every_reason_fits_its_message(by: MutedBy, tmp_path: Path) -> None:
    gate = Gate(DECLARED, StateFolder(tmp_path))
    gate.switch.turn(True, by)
    assert 0 < len(gate.notice().reason) <= 200
