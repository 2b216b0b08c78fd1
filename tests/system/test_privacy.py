"""Mute and consent of a box that runs as a process, turned by commands and by a console that is another one."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from runningbox import DRAWN, RunningBox
from services import Mosquitto, wait_until
from subscriber import PATIENCE_S, Subscriber
from watched import why_no_strace

from edge.demo.lesson import SOUND

pytestmark = [pytest.mark.system, pytest.mark.flaky(reruns=1)]

ROOT = Path(__file__).resolve().parents[2]
LISTENING = f'[microphone]\nsource = "file"\nloop = true\npath = {json.dumps(str(SOUND))}\n'
STORED = '[storage]\ndirectory = "state"\n'


def console(folder: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "edge", "privacy", *arguments, "--config", str(folder / "classroom.toml")]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def listens(box: RunningBox) -> bool:
    return SOUND in {path.resolve() for path in Path(f"/proc/{box.process.pid}/fd").iterdir()}


@pytest.mark.parametrize(
    ("closing", "opening"), [("mute", ["unmute"]), ("revoke", ["grant", "--consent", "forms, kept by Anna Example"])]
)
def test_the_console_closes_and_opens_the_devices_of_a_running_box(
    closing: str,
    opening: list[str],
    mosquitto: Mosquitto,
    subscriber: Subscriber,
    run_box: Callable[..., RunningBox],
    tmp_path: Path,
) -> None:
    box = run_box(mosquitto.port, DRAWN + LISTENING + STORED)
    assert subscriber.until("health", microphone="live")
    assert listens(box)
    assert console(tmp_path, closing).startswith("closed: ")
    assert wait_until(lambda: not listens(box), 1.0)
    assert subscriber.until("privacy", state={"mute": "muted", "revoke": "no_consent"}[closing])
    assert console(tmp_path, *opening).startswith("open: ")
    assert wait_until(lambda: listens(box))
    assert subscriber.until("privacy", state="capturing")
    assert box.ends_on(signal.SIGTERM) < PATIENCE_S
    box.assert_ended_well()
    assert "Anna" not in box.log
    assert "signed forms" not in box.log


def test_a_mute_outlives_a_box_that_is_killed(
    mosquitto: Mosquitto, subscriber: Subscriber, run_box: Callable[..., RunningBox], tmp_path: Path
) -> None:
    box = run_box(mosquitto.port, DRAWN + LISTENING + STORED)
    assert subscriber.until("affect", abstain=None)
    subscriber.command("mute")
    assert subscriber.until("privacy", state="muted", muted_by="command")
    since = subscriber.last("privacy")["since"]
    box.ends_on(signal.SIGKILL)
    assert wait_until(lambda: subscriber.last("status") == "offline", PATIENCE_S)

    again = run_box(mosquitto.port, DRAWN + LISTENING + STORED)
    assert wait_until(lambda: subscriber.last("status") == "online", PATIENCE_S)
    assert subscriber.until("privacy", state="muted", muted_by="command", since=since)
    assert not listens(again)
    subscriber.command("unmute")
    assert wait_until(lambda: listens(again), PATIENCE_S)


@pytest.mark.skipif(bool(why_no_strace()), reason=why_no_strace())
def test_a_power_cut_finds_the_old_record_or_the_new_one(tmp_path: Path) -> None:
    (tmp_path / "classroom.toml").write_text(STORED)
    console(tmp_path, "mute")
    trace = tmp_path / "trace"
    watch = ["strace", "-f", "-y", "-e", "trace=write,fsync,?rename,?renameat,?renameat2", "-o", str(trace)]
    command = ["-m", "edge", "privacy", "unmute", "--config", str(tmp_path / "classroom.toml")]
    subprocess.run([*watch, sys.executable, *command], cwd=ROOT, check=True)
    of_the_state = [line for line in trace.read_text().splitlines() if str(tmp_path / "state") in line]
    calls = [re.sub(r"^\d+ +", "", line) for line in of_the_state]
    # whole before it has its name, and the name on the medium before the console says so
    assert [call.partition("(")[0][:6] for call in calls] == ["write", "fsync", "rename", "fsync"]
    assert "/.mute.json." in calls[1]
    assert calls[3].startswith("fsync") and f"<{tmp_path / 'state'}>" in calls[3]
