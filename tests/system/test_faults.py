"""``affect-edge run`` as a process, while the broker, the devices and the operator do what they do in a classroom."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from runningbox import DRAWN, SILENT, RunningBox
from services import Mosquitto, free_port, wait_until
from subscriber import PATIENCE_S, Subscriber

from edge.config import MODELS
from edge.demo.lesson import SOUND

pytestmark = [pytest.mark.system, pytest.mark.flaky(reruns=1)]

LEAVE_S = 2.0
OUTAGE_S = 3.0
"""Long enough for more than one state to be made while no broker is there."""
LISTENING = f'[microphone]\nsource = "file"\nloop = true\npath = {json.dumps(str(SOUND))}\n'


# Leaving.


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_running_box_cleanly(
    number: signal.Signals, mosquitto: Mosquitto, subscriber: Subscriber, run_box: Callable[..., RunningBox]
) -> None:
    box = run_box(mosquitto.port, DRAWN + LISTENING)
    assert subscriber.until("affect", abstain=None)
    assert box.ends_on(number) < LEAVE_S
    box.assert_ended_well()
    assert wait_until(lambda: subscriber.of("status") == ["online", "offline"])
    assert subscriber.last("session")["final"] is True


def test_a_signal_ends_a_box_whose_broker_is_away(run_box: Callable[..., RunningBox]) -> None:
    box = run_box(free_port())
    assert box.says("giving scores")
    assert box.ends_on(signal.SIGTERM) < LEAVE_S
    box.assert_ended_well()


def test_a_signal_ends_a_box_whose_broker_hangs(mosquitto: Mosquitto, run_box: Callable[..., RunningBox]) -> None:
    box = run_box(mosquitto.port)
    assert box.says("publishing to")
    assert box.says("giving scores")
    assert mosquitto.process is not None
    os.kill(mosquitto.process.pid, signal.SIGSTOP)
    assert box.ends_on(signal.SIGTERM) < LEAVE_S
    box.assert_ended_well()


def test_a_signal_ends_a_box_whose_camera_is_lost(run_box: Callable[..., RunningBox]) -> None:
    box = run_box(free_port(), '[camera]\ndevice = "/dev/video99"\n' + SILENT)
    assert box.says("giving no scores: no_camera")
    assert box.ends_on(signal.SIGINT) < LEAVE_S
    box.assert_ended_well()


# The broker.


def test_a_broker_that_appears_later_is_found_and_its_absence_is_said_once(
    make_mosquitto: Callable[..., Mosquitto], run_box: Callable[..., RunningBox]
) -> None:
    broker = make_mosquitto()
    box = run_box(broker.port)
    assert box.says("no broker listens there")
    assert box.says("giving scores")
    broker.start()
    subscriber = Subscriber(broker.port)
    assert subscriber.until("affect", abstain=None)
    assert subscriber.until("privacy", state="capturing")
    assert subscriber.of("status") == ["online"]
    subscriber.close()
    assert box.ends_on(signal.SIGTERM) < LEAVE_S
    box.assert_ended_well()
    assert box.log.count("no broker listens there") == 1


def test_a_broker_that_dies_is_said_once_and_found_again_by_a_loop_that_ran_on(
    mosquitto: Mosquitto, run_box: Callable[..., RunningBox]
) -> None:
    before = Subscriber(mosquitto.port)
    box = run_box(mosquitto.port)
    assert before.until("affect", abstain=None)
    mosquitto.kill()
    sent = before.last("affect")["sequence"]
    before.close()
    assert box.says("the connection was lost")
    time.sleep(OUTAGE_S)
    mosquitto.start()
    after = Subscriber(mosquitto.port)
    # states went on being made while nobody listened, and are sent before the newest
    assert box.says("messages that waited")
    assert wait_until(lambda: after.last("affect").get("sequence", 0) > sent + OUTAGE_S, PATIENCE_S)
    came = list(dict.fromkeys(state["sequence"] for state in after.of("affect")))
    assert came == list(range(came[0], came[0] + len(came)))
    assert after.until("affect", abstain=None)
    after.close()
    assert box.process.poll() is None
    assert sum(line.startswith("WARNING") for line in box.log.splitlines()) == 1


def test_refused_credentials_are_said_once_and_the_loop_runs_on(
    make_mosquitto: Callable[..., Mosquitto], run_box: Callable[..., RunningBox], tmp_path: Path
) -> None:
    broker = make_mosquitto("box", "right")
    broker.start()
    (tmp_path / "password").write_text("wrong\n")
    box = run_box(broker.port, broker='username = "box"\npassword_file = "password"\n')
    assert box.says("refused the user name or password; check broker.username and broker.password_file")
    assert box.says("giving scores")
    attempted = time.monotonic() + 4.0  # another two attempts
    assert wait_until(lambda: time.monotonic() > attempted or box.process.poll() is not None)
    assert box.process.poll() is None
    assert box.log.count("refused the user name") == 1
    assert "wrong" not in box.log
    assert box.ends_on(signal.SIGTERM) < LEAVE_S
    box.assert_ended_well()


# The devices.


def test_a_box_without_camera_and_microphone_runs_on_and_says_so(
    mosquitto: Mosquitto, subscriber: Subscriber, run_box: Callable[..., RunningBox]
) -> None:
    pytest.importorskip("pyaudio", reason="PyAudio needs portaudio19-dev and a compiler")
    box = run_box(
        mosquitto.port, '[camera]\ndevice = "/dev/video99"\n[microphone]\ndevice = "no microphone is called this"\n'
    )
    assert subscriber.until("affect", abstain="no_camera")
    assert subscriber.until("health", camera="lost", microphone="lost")
    assert subscriber.until("privacy", state="capturing")
    assert box.log.count("WARNING camera: /dev/video99: no such camera; is it plugged in?") == 1
    assert box.log.count("WARNING microphone: ") == 1
    assert box.ends_on(signal.SIGTERM) < LEAVE_S
    box.assert_ended_well()


def test_a_mute_closes_the_sound_file_of_a_real_box(
    mosquitto: Mosquitto, subscriber: Subscriber, run_box: Callable[..., RunningBox]
) -> None:
    box = run_box(mosquitto.port, DRAWN + LISTENING)
    open_files = Path(f"/proc/{box.process.pid}/fd")

    def listens() -> bool:
        return SOUND in {path.resolve() for path in open_files.iterdir()}

    assert subscriber.until("health", microphone="live")
    assert listens()
    subscriber.command("mute")
    assert wait_until(lambda: not listens(), 1.0)
    assert subscriber.until("affect", abstain="muted")
    subscriber.command("unmute")
    assert wait_until(listens)
    assert subscriber.until("affect", abstain=None)


# Refusing to start.


def test_a_damaged_model_keeps_the_box_from_starting(run_box: Callable[..., RunningBox], tmp_path: Path) -> None:
    shutil.copytree(MODELS, tmp_path / "models")
    path = tmp_path / "models/face_emotion.tflite"
    promised = json.loads(path.with_suffix(".json").read_text())["sha256"]
    path.write_bytes(path.read_bytes()[:-1])
    box = run_box(free_port(), DRAWN + SILENT + '[models]\ndirectory = "models"\n')
    assert box.process.wait(PATIENCE_S) == 2
    assert f"affect-edge run: {path}: sha256 is " in box.log
    assert promised in box.log
    assert "Traceback" not in box.log


def test_a_mistake_in_the_configuration_keeps_the_box_from_starting(run_box: Callable[..., RunningBox]) -> None:
    box = run_box(free_port(), DRAWN + "fsp = 3\n")
    assert box.process.wait(PATIENCE_S) == 2
    assert len(box.log.splitlines()) == 1
    assert "classroom.toml: camera: Object contains unknown field `fsp`" in box.log
