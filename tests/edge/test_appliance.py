"""The whole box in this process: drawn learners in, a real broker out, sensors that are opened, lost and closed."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from functools import cache, partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import soundfile
from services import Mosquitto, free_port, wait_until
from subscriber import PATIENCE_S, Subscriber

import edge.appliance
from edge.appliance import Appliance
from edge.capture import SourceLostError
from edge.capture.drawn import DrawnCamera
from edge.cli import main
from edge.clock import Clock, ManualClock, MonotonicClock
from edge.config import Box, Broker, CameraSettings, Deployment, Fusion, MicrophoneSettings, Privacy, Settings, Storage
from edge.demo.lesson import SOUND
from edge.errors import UserError
from edge.privacy.gate import Gate
from edge.privacy.panel import BOUNCE_S
from edge.signals import AudioChunk, Frame, Uint8Image

ROOM = Deployment("research", "US", "signed forms, class 7b", "room", 5)
SELF = Deployment("wellbeing", "US", "the learner's own device", "self", 1)
NONE = MicrophoneSettings(source="none")


def settings(port: int, camera: CameraSettings, **sections: Any) -> Settings:
    defaults: dict[str, Any] = {
        "deployment": ROOM,
        "box": Box("school", "lab"),
        "microphone": NONE,
        # a busy machine may be slow, and is to be tested all the same
        "fusion": Fusion(period_s=0.2, longest_lag_s=10.0),
        "broker": Broker(host="127.0.0.1", port=port),
    }
    return Settings(camera=camera, **(defaults | sections))


DRAWN = CameraSettings(source="drawn", learners=6, width=640, height=360)


@pytest.fixture
def subscriber(mosquitto: Mosquitto) -> Iterator[Subscriber]:
    subscriber = Subscriber(mosquitto.port)
    yield subscriber
    subscriber.close()


@pytest.fixture
def start() -> Iterator[Callable[..., Appliance]]:
    """Starts boxes in threads, and stops them afterwards."""
    running: list[tuple[Appliance, threading.Thread]] = []

    def started(settings: Settings, speed: float = 1.0) -> Appliance:
        appliance = Appliance(settings, MonotonicClock(speed))
        thread = threading.Thread(target=appliance.run)
        thread.start()
        running.append((appliance, thread))
        return appliance

    yield started
    for appliance, thread in running:
        appliance.stop()
        thread.join(PATIENCE_S)
        assert not thread.is_alive()


@cache
def six_learners() -> Uint8Image:
    return DrawnCamera(6, 640, 360, 15.0, ManualClock()).read().image


class FakeCamera:
    """Drawn learners seen through a camera that can be unplugged and that counts its openings."""

    def __init__(self) -> None:
        self.plugged = True
        self.openings = 0
        self.open_now = 0
        self.given = 0
        self._image = six_learners()
        self._clock: Clock = ManualClock()

    def open(self, _: CameraSettings, clock: Clock) -> FakeCamera:
        self.openings += 1
        if not self.plugged:
            raise SourceLostError("fake: no such camera; is it plugged in?")
        self.open_now += 1
        self._clock = clock
        return self

    def read(self) -> Frame:
        self._clock.sleep(0.05)
        if not self.plugged:
            raise SourceLostError("fake: delivers no pictures; plug it in again")
        self.given += 1
        image = self._image.copy()
        # the noise of a real sensor: a picture that never changes is a frozen one
        image[0, self.given % image.shape[1]] += 1
        return Frame(image, self._clock.now())

    def close(self) -> None:
        self.open_now -= 1


@pytest.fixture
def camera(monkeypatch: pytest.MonkeyPatch) -> FakeCamera:
    camera = FakeCamera()
    monkeypatch.setattr(edge.appliance, "open_camera", camera.open)
    return camera


# From settings to messages.


def test_a_declared_room_is_scored_and_every_message_is_valid(
    mosquitto: Mosquitto, subscriber: Subscriber, start: Callable[..., Appliance]
) -> None:
    start(settings(mosquitto.port, DRAWN))
    assert subscriber.until("affect", abstain=None, group="5-9")
    assert subscriber.until("privacy", state="capturing", minimum_group=5)
    assert subscriber.until("health", camera="live", microphone="none")
    health = subscriber.last("health")
    assert set(health["models"]) == {"face_detector", "face_mesh", "face_emotion", "engagement", "speech_emotion"}
    assert 0 < health["rss_mib"] < 1000
    assert subscriber.of("status") == ["online"]


def test_a_small_group_is_never_scored_in_a_room(
    mosquitto: Mosquitto, subscriber: Subscriber, start: Callable[..., Appliance]
) -> None:
    start(settings(mosquitto.port, CameraSettings(source="drawn", learners=2, width=640, height=360)))
    assert subscriber.until("affect", abstain="too_few_faces", group="2-4")
    assert all(state["satisfaction"] is None for state in subscriber.of("affect"))


def test_states_come_at_their_period_and_are_counted(
    mosquitto: Mosquitto, subscriber: Subscriber, start: Callable[..., Appliance], camera: FakeCamera
) -> None:
    start(settings(mosquitto.port, CameraSettings()))
    assert wait_until(lambda: len(subscriber.of("affect")) >= 6, PATIENCE_S)
    numbers = [state["sequence"] for state in subscriber.of("affect")]
    assert numbers == list(range(1, len(numbers) + 1))


def test_recordings_that_have_ended_end_the_run_with_the_summary(
    mosquitto: Mosquitto, subscriber: Subscriber, tmp_path: Path
) -> None:
    image = six_learners()
    for number in range(12):
        cv2.imwrite(str(tmp_path / f"{number:02}.png"), image)
    Appliance(settings(mosquitto.port, CameraSettings(source="images", path=tmp_path, fps=10.0))).run()
    assert subscriber.until("session", final=True)
    assert subscriber.last("session")["seconds"]["scored"] > 0
    assert wait_until(lambda: subscriber.of("status") == ["online", "offline"])


def test_the_last_picture_of_a_recording_is_looked_at(
    mosquitto: Mosquitto, subscriber: Subscriber, tmp_path: Path
) -> None:
    cv2.imwrite(str(tmp_path / "only.png"), six_learners())
    Appliance(settings(mosquitto.port, CameraSettings(source="images", path=tmp_path))).run()
    assert wait_until(lambda: subscriber.of("status") == ["online", "offline"])
    assert subscriber.last("affect")["abstain"] is None


def test_no_source_at_all_is_a_mistake() -> None:
    with pytest.raises(UserError, match=r"camera\.source and microphone\.source are both none"):
        Appliance(settings(free_port(), CameraSettings(source="none")))


def test_the_voice_alone_is_scored_on_a_learners_own_device_whose_camera_is_gone(
    mosquitto: Mosquitto, subscriber: Subscriber, start: Callable[..., Appliance], tmp_path: Path
) -> None:
    samples, rate = soundfile.read(SOUND, start=12 * 16_000, stop=20 * 16_000)
    soundfile.write(tmp_path / "voice.wav", samples, rate)
    start(
        settings(
            mosquitto.port,
            CameraSettings(source="v4l2", device="/dev/video99"),
            deployment=SELF,
            microphone=MicrophoneSettings(source="file", path=tmp_path / "voice.wav", loop=True),
        ),
        speed=4.0,
    )
    assert wait_until(lambda: any(state["abstain"] is None for state in subscriber.of("affect")), 30.0)
    scored = next(state for state in subscriber.of("affect") if state["abstain"] is None)
    assert scored["satisfaction"] is not None
    assert scored["valence"] is None
    assert set(scored["reliability"]) == {"speech"}
    assert subscriber.last("health")["camera"] == "lost"


# Consent.


@pytest.mark.parametrize(
    ("deployment", "state"),
    [
        (Deployment(), "not_declared"),
        (Deployment(purpose="research", jurisdiction="US"), "not_declared"),
        (Deployment("education", "EU", "signed forms"), "prohibited"),
        (Deployment("education", "eu", "signed forms"), "prohibited"),
    ],
)
def test_without_leave_no_device_is_ever_opened_and_the_messages_say_why(
    deployment: Deployment,
    state: str,
    mosquitto: Mosquitto,
    subscriber: Subscriber,
    start: Callable[..., Appliance],
    camera: FakeCamera,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    heard: list[object] = []
    monkeypatch.setattr(edge.appliance, "open_microphone", lambda *given: heard.append(given))
    start(
        settings(mosquitto.port, CameraSettings(), deployment=deployment, microphone=MicrophoneSettings(device="any"))
    )
    assert wait_until(lambda: len(subscriber.of("affect")) >= 3, PATIENCE_S)
    assert subscriber.until("privacy", state=state)
    assert subscriber.last("privacy")["reason"]
    assert {message["abstain"] for message in subscriber.of("affect")} == {state}
    assert subscriber.until("health", camera="closed", microphone="closed")
    subscriber.command("unmute")
    subscriber.command("start_session")
    states = len(subscriber.of("affect"))
    assert wait_until(lambda: len(subscriber.of("affect")) >= states + 3, PATIENCE_S)
    assert subscriber.of("session") == []
    assert (camera.openings, heard) == (0, [])


# Mute.


def test_mute_closes_the_devices_forgets_everybody_and_unmute_opens_them(
    mosquitto: Mosquitto,
    subscriber: Subscriber,
    start: Callable[..., Appliance],
    camera: FakeCamera,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    microphone = FakeMicrophone()
    monkeypatch.setattr(edge.appliance, "open_microphone", microphone.open)
    start(settings(mosquitto.port, CameraSettings(), microphone=MicrophoneSettings()))
    assert subscriber.until("affect", abstain=None)

    subscriber.command("mute")
    assert wait_until(lambda: camera.open_now == microphone.open_now == 0, 1.0)
    assert subscriber.until("privacy", 1.0, state="muted")
    given = camera.given
    assert subscriber.until("affect", abstain="muted", group="0", reliability={}, confidence=0.0)
    assert subscriber.until("health", camera="closed", microphone="closed")
    muted_states = len(subscriber.of("affect"))
    assert wait_until(lambda: len(subscriber.of("affect")) >= muted_states + 3)
    assert camera.given == given
    assert subscriber.last("affect")["abstain"] == "muted"

    late = Subscriber(mosquitto.port)
    assert late.until("privacy", state="muted")
    late.close()

    subscriber.command("unmute")
    assert subscriber.until("privacy", state="capturing")
    assert subscriber.until("affect", abstain=None, group="5-9")
    assert camera.given > given
    assert (camera.open_now, microphone.open_now) == (1, 1)


class FakeMicrophone:
    """A microphone in a quiet room."""

    def __init__(self) -> None:
        self.open_now = 0
        self._clock: Clock = ManualClock()

    def open(self, _: MicrophoneSettings, clock: Clock) -> FakeMicrophone:
        self.open_now += 1
        self._clock = clock
        return self

    def read(self) -> AudioChunk:
        self._clock.sleep(0.1)
        return AudioChunk(np.tile(np.array([0.0, 1e-4], np.float32), 800), self._clock.now() - 0.1)

    def close(self) -> None:
        self.open_now -= 1


def test_a_camera_whose_driver_hangs_keeps_no_microphone_open(
    mosquitto: Mosquitto, subscriber: Subscriber, start: Callable[..., Appliance], monkeypatch: pytest.MonkeyPatch
) -> None:
    answer, reading = threading.Event(), threading.Event()

    class HungCamera(FakeCamera):
        def read(self) -> Frame:
            reading.set()
            answer.wait(PATIENCE_S)
            return super().read()

    camera, microphone = HungCamera(), FakeMicrophone()
    monkeypatch.setattr(edge.appliance, "open_camera", camera.open)
    monkeypatch.setattr(edge.appliance, "open_microphone", microphone.open)
    start(settings(mosquitto.port, CameraSettings(), microphone=MicrophoneSettings()))
    assert reading.wait(PATIENCE_S)
    assert wait_until(lambda: microphone.open_now and subscriber.of("status") == ["online"])
    subscriber.command("mute")
    assert wait_until(lambda: microphone.open_now == 0, 0.8)
    assert subscriber.until("privacy", state="muted")
    answer.set()
    assert wait_until(lambda: camera.open_now == 0)
    assert subscriber.until("affect", abstain="muted", group="0")


def test_muting_forgets_whom_the_box_had_seen(
    mosquitto: Mosquitto, subscriber: Subscriber, start: Callable[..., Appliance], camera: FakeCamera
) -> None:
    start(settings(mosquitto.port, CameraSettings()), speed=4.0)
    assert wait_until(lambda: subscriber.last("affect").get("engagement"), PATIENCE_S)
    subscriber.command("mute")
    assert subscriber.until("affect", abstain="muted")
    subscriber.command("unmute")
    assert subscriber.until("affect", abstain=None)
    # a window of engagement takes seconds to fill: an early one would be a memory of before the mute
    assert subscriber.last("affect")["engagement"] is None


# The console, the button and the light.


@pytest.fixture
def stored(tmp_path: Path) -> Storage:
    """Where a box and its console keep their state."""
    (tmp_path / "config.toml").write_text(
        f'[deployment]\npurpose = "research"\njurisdiction = "US"\n[storage]\ndirectory = "{tmp_path / "state"}"\n'
    )
    return Storage(tmp_path / "state")


def console(stored: Storage, *arguments: str) -> None:
    assert stored.directory is not None
    assert main(["privacy", *arguments, "--config", str(stored.directory.parent / "config.toml")]) == 0


@pytest.fixture
def header(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    gpiozero = pytest.importorskip("gpiozero", reason="gpiozero is not installed: pip install gpiozero")
    from gpiozero.pins.mock import MockFactory

    monkeypatch.setattr(gpiozero.Device, "pin_factory", factory := MockFactory())
    yield factory
    factory.close()


def test_the_console_mutes_and_unmutes_a_running_box(
    mosquitto: Mosquitto,
    subscriber: Subscriber,
    start: Callable[..., Appliance],
    camera: FakeCamera,
    stored: Storage,
) -> None:
    start(settings(mosquitto.port, CameraSettings(), storage=stored))
    assert subscriber.until("affect", abstain=None)
    console(stored, "mute")
    assert wait_until(lambda: camera.open_now == 0, 1.0)
    assert subscriber.until("privacy", state="muted", muted_by="console")
    console(stored, "unmute")
    assert wait_until(lambda: camera.open_now == 1, 1.0)
    assert subscriber.until("privacy", state="capturing", muted_by=None)
    assert subscriber.until("affect", abstain=None)


def test_a_revocation_closes_a_running_box_and_a_grant_opens_it(
    mosquitto: Mosquitto,
    subscriber: Subscriber,
    start: Callable[..., Appliance],
    camera: FakeCamera,
    stored: Storage,
) -> None:
    start(settings(mosquitto.port, CameraSettings(), storage=stored))
    assert subscriber.until("affect", abstain=None)
    console(stored, "revoke")
    assert wait_until(lambda: camera.open_now == 0, 1.0)
    assert subscriber.until("privacy", state="no_consent")
    assert subscriber.until("affect", abstain="no_consent", group="0", reliability={})
    subscriber.command("unmute")
    console(stored, "grant", "--consent", "signed by Anna Example")
    assert subscriber.until("privacy", state="capturing")
    assert subscriber.until("affect", abstain=None)
    assert not any("Anna" in str(message) for topic in ("privacy", "health") for message in subscriber.of(topic))


@pytest.mark.parametrize(
    ("closing", "state", "restart"),
    [("revoke", "no_consent", False), ("revoke", "no_consent", True), ("mute", "muted", False)],
    ids=["revoke", "revoke-restart", "mute"],
)
def test_of_what_waits_for_the_broker_nothing_leaves_after_a_revocation_and_all_after_a_mute(
    closing: str,
    state: str,
    restart: bool,
    make_mosquitto: Callable[..., Mosquitto],
    tmp_path: Path,
    start: Callable[..., Appliance],
    camera: FakeCamera,
    stored: Storage,
) -> None:
    broker = make_mosquitto(options=["persistence true", f"persistence_location {tmp_path}/"])
    broker.start()
    listener = Subscriber(broker.port, name="listener")
    box = start(settings(broker.port, CameraSettings(), storage=stored))
    assert listener.until("affect", abstain=None)
    assert wait_until(lambda: listener.of("session"))
    broker.end()
    assert wait_until(lambda: "broker away" in box.status)
    cut = time.time()
    time.sleep(1.5)
    if restart:
        box.stop()
        assert wait_until(lambda: camera.open_now == 0)
    console(stored, closing)
    if restart:
        box = start(settings(broker.port, CameraSettings(), storage=stored))
    assert wait_until(lambda: state in box.status)
    broker.start()
    assert listener.until("privacy", PATIENCE_S, state=state)
    assert listener.until("affect", abstain=state)
    box.stop()
    assert wait_until(lambda: listener.of("status")[-1:] == ["offline"])
    waited = [affect["abstain"] for affect in listener.of("affect") if seconds(affect["time"]) > cut]
    spoken_for = [seconds(session["started"]) + session["seconds"]["total"] for session in listener.of("session")]
    lawful = closing == "mute"
    assert (None in waited) == lawful
    assert (max(spoken_for) > cut) == lawful
    assert listener.last("health")["lost"] == 0
    listener.close()


def seconds(moment: str) -> float:
    """A message's time, since 1970."""
    return datetime.fromisoformat(moment.replace("Z", "+00:00")).timestamp()


def test_a_lesson_begins_anew_with_new_consent(
    mosquitto: Mosquitto,
    subscriber: Subscriber,
    start: Callable[..., Appliance],
    camera: FakeCamera,
    stored: Storage,
) -> None:
    start(settings(mosquitto.port, CameraSettings(), storage=stored))
    assert subscriber.until("session", final=False)
    first = subscriber.last("session")["id"]
    console(stored, "revoke", "--erase")
    assert subscriber.until("privacy", state="no_consent")
    console(stored, "grant", "--consent", "signed forms")
    assert wait_until(lambda: subscriber.last("session")["id"] != first, PATIENCE_S)
    assert [session["final"] for session in subscriber.of("session") if session["id"] == first] == [False]
    assert stored.sessions is not None
    assert [file.stem for file in stored.sessions.iterdir()] == [subscriber.last("session")["id"]]


def test_a_running_box_closes_by_itself_when_the_consent_ends(
    mosquitto: Mosquitto,
    subscriber: Subscriber,
    start: Callable[..., Appliance],
    camera: FakeCamera,
    stored: Storage,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    today, passed = date.today(), [0.0]
    monkeypatch.setattr(edge.appliance, "Gate", partial(Gate, wall_clock=lambda: time.time() + passed[0]))
    console(stored, "grant", "--consent", "signed forms", "--until", str(today + timedelta(days=1)))
    start(settings(mosquitto.port, CameraSettings(), storage=stored))
    assert subscriber.until("privacy", state="capturing", consent_until=str(today + timedelta(days=1)))
    assert wait_until(lambda: camera.open_now == 1)
    passed[0] = 2 * 86_400.0
    assert wait_until(lambda: camera.open_now == 0, 1.0)
    assert subscriber.until("privacy", state="no_consent")


@pytest.mark.parametrize("by", ["command", "console", "press"])
def test_a_box_muted_before_its_end_opens_no_device_when_it_starts_again(
    by: str,
    mosquitto: Mosquitto,
    subscriber: Subscriber,
    start: Callable[..., Appliance],
    camera: FakeCamera,
    stored: Storage,
    header: Any,
) -> None:
    kept = settings(mosquitto.port, CameraSettings(), storage=stored, privacy=Privacy(button_pin=17))
    first = start(kept)
    assert subscriber.until("privacy", state="capturing")
    if by == "command":
        subscriber.command("mute")
    elif by == "console":
        console(stored, "mute")
    else:
        header.pin(17).drive_low()
    assert subscriber.until("privacy", state="muted")
    since = subscriber.last("privacy")["since"]
    first.stop()
    assert wait_until(lambda: subscriber.of("status") == ["online", "offline"])
    openings = camera.openings
    header.reset()

    start(settings(mosquitto.port, CameraSettings(), storage=stored))
    assert wait_until(lambda: len(subscriber.of("status")) == 3)
    assert subscriber.until("affect", abstain="muted", sequence=3)
    assert subscriber.until("privacy", state="muted", since=since)
    assert camera.openings == openings


def test_a_box_whose_record_of_mute_is_damaged_opens_no_device(
    mosquitto: Mosquitto,
    subscriber: Subscriber,
    start: Callable[..., Appliance],
    camera: FakeCamera,
    stored: Storage,
) -> None:
    assert stored.directory is not None
    stored.directory.mkdir()
    (stored.directory / "mute.json").write_bytes(b"")
    start(settings(mosquitto.port, CameraSettings(), storage=stored))
    assert subscriber.until("privacy", state="muted", muted_by="unknown")
    subscriber.command("unmute")
    assert wait_until(lambda: len(subscriber.of("privacy")) >= 2)
    assert camera.openings == 0
    console(stored, "unmute")
    assert subscriber.until("affect", abstain=None)


def test_the_button_has_the_last_word_over_commands(
    mosquitto: Mosquitto,
    subscriber: Subscriber,
    start: Callable[..., Appliance],
    camera: FakeCamera,
    header: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    start(settings(mosquitto.port, CameraSettings(), privacy=Privacy(button_pin=17)))
    assert subscriber.until("affect", abstain=None)
    pin = header.pin(17)
    pin.drive_low()
    assert wait_until(lambda: camera.open_now == 0, 1.0)
    assert subscriber.until("privacy", state="muted", muted_by="button")
    said = len(subscriber.of("privacy"))
    subscriber.command("unmute")
    # refused, and the one who asked is told why
    assert wait_until(lambda: len(subscriber.of("privacy")) > said)
    assert "refused a command: unmute" in caplog.text
    assert subscriber.last("privacy")["muted_by"] == "button"
    assert camera.open_now == 0
    pin.drive_high()
    time.sleep(2 * BOUNCE_S)
    pin.drive_low()
    assert subscriber.until("privacy", state="capturing")
    assert wait_until(lambda: camera.open_now == 1)


class SlowCamera(FakeCamera):
    """A camera whose driver takes seconds to open it, or until it is let go."""

    OPENING_S = 4.0

    def __init__(self) -> None:
        super().__init__()
        self.opening = threading.Event()
        self.let_go = threading.Event()

    def open(self, settings: CameraSettings, clock: Clock) -> FakeCamera:
        self.opening.set()
        self.let_go.wait(self.OPENING_S)
        return super().open(settings, clock)


@pytest.fixture
def slow_camera(monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowCamera]:
    camera = SlowCamera()
    monkeypatch.setattr(edge.appliance, "open_camera", camera.open)
    yield camera
    camera.let_go.set()


def press(pin: Any) -> None:
    pin.drive_low()
    time.sleep(2 * BOUNCE_S)
    pin.drive_high()
    time.sleep(2 * BOUNCE_S)


@pytest.mark.parametrize("presses", [1, 2, 3])
def test_a_mute_pressed_while_devices_open_is_obeyed_at_once_however_often(
    presses: int,
    mosquitto: Mosquitto,
    subscriber: Subscriber,
    header: Any,
    start: Callable[..., Appliance],
    slow_camera: SlowCamera,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    microphone = FakeMicrophone()
    monkeypatch.setattr(edge.appliance, "open_microphone", microphone.open)
    start(settings(mosquitto.port, CameraSettings(), microphone=MicrophoneSettings(), privacy=Privacy(17, 22)))
    light = header.pin(22)
    assert slow_camera.opening.wait(PATIENCE_S)
    # side by side: no device waits for another one to be open
    assert wait_until(lambda: microphone.open_now == 1, 1.0)
    for _ in range(presses):
        press(header.pin(17))
    assert wait_until(lambda: microphone.open_now == 0, 1.0)
    assert subscriber.until("privacy", 2.0, state="muted", muted_by="button")
    # the driver still holds the camera: said, and to be seen
    assert "a driver still holds camera open" in subscriber.last("privacy")["reason"]
    assert subscriber.until("health", camera="closing", microphone="closed")
    light.clear_states()
    assert wait_until(lambda: len(light.states) > 2)
    slow_camera.let_go.set()
    assert subscriber.until("health", camera="closed")
    assert wait_until(lambda: "still holds" not in subscriber.last("privacy")["reason"])
    assert wait_until(lambda: not light.state)
    assert subscriber.last("privacy")["state"] == "muted"
    assert (slow_camera.open_now, slow_camera.given, microphone.open_now) == (0, 0, 0)
    press(header.pin(17))
    assert subscriber.until("privacy", state="capturing")
    assert wait_until(lambda: slow_camera.open_now == 1)


def test_the_console_mutes_a_box_whose_devices_open(
    mosquitto: Mosquitto,
    subscriber: Subscriber,
    start: Callable[..., Appliance],
    slow_camera: SlowCamera,
    stored: Storage,
) -> None:
    start(settings(mosquitto.port, CameraSettings(), storage=stored))
    assert slow_camera.opening.wait(PATIENCE_S)
    console(stored, "mute")
    assert subscriber.until("privacy", 2.0, state="muted", muted_by="console")


def test_a_box_that_is_told_to_stop_while_devices_open_stops(
    mosquitto: Mosquitto, subscriber: Subscriber, start: Callable[..., Appliance], slow_camera: SlowCamera
) -> None:
    box = start(settings(mosquitto.port, CameraSettings()))
    assert slow_camera.opening.wait(PATIENCE_S)
    box.stop()
    assert wait_until(lambda: subscriber.of("status") == ["online", "offline"], 2.5)


def test_a_wrong_setting_that_is_found_late_still_ends_the_run(
    mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: CameraSettings, __: Clock) -> FakeCamera:
        time.sleep(0.3)
        raise UserError("camera.path: no such file")

    monkeypatch.setattr(edge.appliance, "open_camera", refuse)
    turns: list[None] = []
    with pytest.raises(UserError, match=r"camera\.path"):
        Appliance(settings(mosquitto.port, CameraSettings())).run(lambda: turns.append(None))
    # before anybody was told that the box works
    assert turns == []


def test_the_light_is_on_only_while_the_box_captures(
    mosquitto: Mosquitto,
    subscriber: Subscriber,
    start: Callable[..., Appliance],
    camera: FakeCamera,
    header: Any,
) -> None:
    box = start(settings(mosquitto.port, CameraSettings(), privacy=Privacy(led_pin=22)))
    light = header.pin(22)
    assert subscriber.until("affect", abstain=None)
    assert wait_until(lambda: len(subscriber.of("affect")) >= 4 and light.state)
    light.clear_states()
    assert not wait_until(lambda: len(light.states) > 1, 1.0)
    subscriber.command("mute")
    assert wait_until(lambda: camera.open_now == 0)
    assert wait_until(lambda: not light.state)
    camera.plugged = False
    light.clear_states()
    subscriber.command("unmute")
    # the camera may answer at any moment
    assert wait_until(lambda: sum(state.state for state in light.states) >= 2)
    camera.plugged = True
    assert subscriber.until("affect", abstain=None)
    box.stop()
    assert wait_until(lambda: not light.state)


# Sessions.


def test_a_session_is_started_and_ended_by_command(
    mosquitto: Mosquitto, subscriber: Subscriber, start: Callable[..., Appliance], camera: FakeCamera
) -> None:
    start(settings(mosquitto.port, CameraSettings()))
    assert subscriber.until("session", final=False)
    first = subscriber.last("session")["id"]
    # sessions are named by the second they began in
    assert wait_until(lambda: time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()) > first)
    subscriber.command("start_session")
    assert wait_until(lambda: subscriber.last("session").get("id") != first, 2.0)
    assert [session["final"] for session in subscriber.of("session") if session["id"] == first][-1] is True
    assert subscriber.last("session")["final"] is False
    subscriber.command("end_session")
    assert subscriber.until("session", 2.0, final=True)
    assert subscriber.last("session")["id"] != first
    assert subscriber.until("affect", abstain=None)


def test_the_kind_of_lesson_is_published_and_changed_by_command(
    mosquitto: Mosquitto, subscriber: Subscriber, start: Callable[..., Appliance], camera: FakeCamera
) -> None:
    start(settings(mosquitto.port, CameraSettings()))
    assert subscriber.until("session", scenario="lecture")
    subscriber.command("scenario", name="exam")
    # at once, not with the next report
    assert subscriber.until("session", 2.0, scenario="exam")
    subscriber.command("scenario", name="party")
    subscriber.command("end_session")
    assert subscriber.until("session", 2.0, final=True, scenario="exam")


def test_a_session_that_the_box_left_for_long_is_published_as_ended(
    mosquitto: Mosquitto, subscriber: Subscriber, start: Callable[..., Appliance], camera: FakeCamera, stored: Storage
) -> None:
    assert stored.sessions is not None
    stored.sessions.mkdir(parents=True)
    name = "20260901T080000.000Z"
    heading = {"type": "session", "id": name, "started": 1_788_249_600.0, "site": "school", "room": "lab"}
    (stored.sessions / f"{name}.jsonl").write_text(json.dumps(heading) + "\n")
    start(settings(mosquitto.port, CameraSettings(), storage=stored))
    assert wait_until(lambda: len(subscriber.of("session")) >= 2, PATIENCE_S)
    left, running = subscriber.of("session")[:2]
    assert (left["id"], left["final"]) == (name, True)
    assert (running["id"] != name, running["final"]) == (True, False)


# Weather.


def test_a_missing_camera_is_said_and_the_box_runs_on(
    mosquitto: Mosquitto, subscriber: Subscriber, start: Callable[..., Appliance], caplog: pytest.LogCaptureFixture
) -> None:
    start(settings(mosquitto.port, CameraSettings(source="v4l2", device="/dev/video99")))
    assert subscriber.until("affect", abstain="no_camera")
    assert subscriber.until("health", camera="lost")
    said = [record.getMessage() for record in caplog.records if "video99" in record.getMessage()]
    assert said == ["camera: /dev/video99: no such camera; is it plugged in?"]


def test_a_camera_that_dies_and_returns(
    mosquitto: Mosquitto,
    subscriber: Subscriber,
    start: Callable[..., Appliance],
    camera: FakeCamera,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    start(settings(mosquitto.port, CameraSettings()))
    assert subscriber.until("affect", abstain=None)
    camera.plugged = False
    assert subscriber.until("health", camera="lost")
    assert subscriber.until("affect", abstain="no_camera")
    assert camera.open_now == 0
    camera.plugged = True
    assert subscriber.until("health", camera="live")
    assert subscriber.until("affect", abstain=None, group="5-9")
    said = [record.getMessage() for record in caplog.records if record.getMessage().startswith("camera:")]
    assert said == ["camera: fake: delivers no pictures; plug it in again", "camera: back"]


def test_a_camera_whose_driver_hangs_is_left_behind_and_opened_afresh(
    mosquitto: Mosquitto, subscriber: Subscriber, start: Callable[..., Appliance], monkeypatch: pytest.MonkeyPatch
) -> None:
    hung, answer = threading.Event(), threading.Event()

    class HangingCamera(FakeCamera):
        def read(self) -> Frame:
            if hung.is_set() and self.openings == 1:
                answer.wait(PATIENCE_S)
            return super().read()

    camera = HangingCamera()
    monkeypatch.setattr(edge.appliance, "open_camera", camera.open)
    start(settings(mosquitto.port, CameraSettings()), speed=8.0)
    assert subscriber.until("health", camera="live")
    hung.set()
    assert wait_until(lambda: any(health["camera"] == "lost" for health in subscriber.of("health")), PATIENCE_S)
    assert subscriber.until("health", camera="live")
    assert camera.openings == 2
    answer.set()
    assert wait_until(lambda: camera.open_now == 1)


def test_a_folder_of_pictures_that_disappears_and_comes_back(
    mosquitto: Mosquitto, subscriber: Subscriber, start: Callable[..., Appliance], tmp_path: Path
) -> None:
    folder, elsewhere = tmp_path / "pictures", tmp_path / "elsewhere"
    folder.mkdir()
    cv2.imwrite(str(folder / "1.png"), six_learners())
    start(settings(mosquitto.port, CameraSettings(source="images", path=folder, loop=True)))
    assert subscriber.until("affect", abstain=None)
    folder.rename(elsewhere)
    assert subscriber.until("health", camera="lost")
    elsewhere.rename(folder)
    assert subscriber.until("health", camera="live")
    assert subscriber.until("affect", abstain=None)


def test_a_missing_microphone_does_not_stop_the_faces_from_being_scored(
    mosquitto: Mosquitto, subscriber: Subscriber, start: Callable[..., Appliance], camera: FakeCamera
) -> None:
    pytest.importorskip("pyaudio", reason="PyAudio needs portaudio19-dev and a compiler")
    missing = MicrophoneSettings(source="pyaudio", device="no microphone is called this")
    start(settings(mosquitto.port, CameraSettings(), microphone=missing))
    assert subscriber.until("health", camera="live", microphone="lost")
    assert subscriber.until("affect", abstain=None)


def test_a_bug_in_the_loop_still_closes_the_devices_and_says_offline(
    mosquitto: Mosquitto, subscriber: Subscriber, camera: FakeCamera, monkeypatch: pytest.MonkeyPatch
) -> None:
    appliance = Appliance(settings(mosquitto.port, CameraSettings()))

    def break_down(_: Frame) -> bool:
        wait_until(lambda: subscriber.of("status"))
        raise RuntimeError("a bug")

    monkeypatch.setattr(edge.pipeline.Pipeline, "see", lambda self, frame: break_down(frame))
    with pytest.raises(RuntimeError, match="a bug"):
        appliance.run()
    assert camera.open_now == 0
    assert wait_until(lambda: subscriber.of("status") == ["online", "offline"])


def test_no_frame_outlives_the_run(mosquitto: Mosquitto, camera: FakeCamera) -> None:
    before = set(threading.enumerate())
    appliance = Appliance(settings(mosquitto.port, CameraSettings()))
    thread = threading.Thread(target=appliance.run)
    thread.start()
    assert wait_until(lambda: camera.given > 3)
    appliance.stop()
    thread.join(PATIENCE_S)
    assert not thread.is_alive()
    assert camera.open_now == 0
    assert not [thread for thread in set(threading.enumerate()) - before if thread.name == "camera"]


def test_the_log_says_whether_scores_are_given_and_never_the_scores(
    mosquitto: Mosquitto,
    subscriber: Subscriber,
    start: Callable[..., Appliance],
    camera: FakeCamera,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    start(settings(mosquitto.port, CameraSettings()))
    assert subscriber.until("affect", abstain=None)
    states = len(subscriber.of("affect"))
    assert wait_until(lambda: len(subscriber.of("affect")) >= states + 5)
    said = [record.getMessage() for record in caplog.records if record.name == "edge.appliance"]
    assert said[-1] == "giving scores"
    assert set(said) <= {"giving scores", "giving no scores: starting"}
    assert len(said) <= 2
