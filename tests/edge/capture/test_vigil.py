"""Devices that are open and deliver, and yet are dead: noticed, reopened with growing patience, and given back."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from services import wait_until

from edge.capture import SourceLostError
from edge.capture.sensor import HUNG_S, LONGEST_DEAD_S, MOST_HUNG, STEADY_S, Sensor
from edge.capture.sources import camera_vigil, microphone_vigil
from edge.capture.vigil import PictureVigil, SoundVigil
from edge.clock import Clock, ManualClock
from edge.config import CameraSettings, MicrophoneSettings
from edge.signals import AudioChunk, Frame

NOTICED_S = 10.0
STEP_S = 0.1
NOW = (0.0,)
"""No back-off: a device is opened again at once."""


def picture(seed: int) -> Frame:
    return Frame(np.random.default_rng(seed).integers(0, 255, (48, 64, 3), np.uint8), 0.0)


class Device:
    """A microphone on a clock of its own: every reading takes a tenth of a second; counts who holds it open."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.works = True
        self.plugged = True
        self.opened_at: list[float] = []
        self.open_now = 0
        self.until = 0.0
        """The clock stands still from here on."""

    def open(self, _: Clock) -> Device:
        self.opened_at.append(self.clock.now())
        if not self.plugged:
            raise SourceLostError("fake: no such device; is it plugged in?")
        self.open_now += 1
        return self

    def read(self) -> AudioChunk:
        while self.clock.now() >= self.until:
            time.sleep(0.001)
            if not self.plugged:
                raise SourceLostError("fake: unplugged; plug it in")
            if self.until < 0:
                raise SourceLostError("the test is over")
        self.clock.sleep(STEP_S)
        return AudioChunk(np.full(1600, 0.5) + (np.arange(1600) % 2) * 1e-4 * self.works, self.clock.now())  # type: ignore[arg-type]

    def close(self) -> None:
        self.open_now -= 1


class Bench:
    """A sensor on a device and a clock that a test moves on."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.device = Device(self.clock)
        self.heard: list[AudioChunk] = []
        self.sensor = Sensor(
            "microphone", self.device.open, self.heard.append, self.clock, vigil=SoundVigil(), back_off_s=NOW
        )

    def runs(self, seconds: float) -> None:
        """Lets the device deliver for ``seconds`` of its clock."""
        self.device.until = self.clock.now() + seconds
        assert wait_until(lambda: self.clock.now() >= self.device.until - 1e-6)

    def becomes(self, state: str) -> bool:
        return wait_until(lambda: self.sensor.state == state)


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    bench.sensor.start()
    yield bench
    bench.device.until = -1.0
    bench.sensor.close()


def test_a_microphone_that_falls_silent_is_noticed_within_ten_seconds_and_reopened(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.runs(60.0)
    assert bench.becomes("live")
    bench.device.works = False
    fell_silent = bench.clock.now()
    bench.runs(NOTICED_S)
    assert bench.becomes("silent")
    assert "muted by a switch" in bench.sensor.problem
    assert len(bench.device.opened_at) == 2
    assert bench.device.opened_at[1] - fell_silent < NOTICED_S
    (record,) = caplog.records
    assert (record.__dict__["SENSOR"], record.__dict__["STATE"]) == ("microphone", "silent")


def test_a_microphone_muted_by_its_switch_is_reopened_ever_more_rarely_and_said_once(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.device.works = False
    bench.runs(600.0)
    assert bench.becomes("silent")
    waits = np.diff(bench.device.opened_at)
    assert len(waits) < 16
    assert np.all(np.diff(waits) > -2 * STEP_S)
    assert waits[-1] == pytest.approx(LONGEST_DEAD_S, abs=1.0)
    assert len(caplog.records) == 1
    assert bench.device.open_now == 1
    assert not bench.heard


def test_a_microphone_whose_switch_is_turned_back_is_heard_at_once(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    bench.device.works = False
    bench.runs(300.0)
    assert bench.becomes("silent")
    openings = len(bench.device.opened_at)
    bench.device.works = True
    bench.runs(3 * STEP_S)
    assert bench.becomes("live")
    assert bench.sensor.problem == ""
    assert bench.heard
    assert len(bench.device.opened_at) <= openings + 1
    assert caplog.records[-1].getMessage() == "microphone: back"


def test_a_device_that_dies_again_is_noticed_as_soon_as_the_first_time(bench: Bench) -> None:
    bench.device.works = False
    bench.runs(300.0)
    assert bench.becomes("silent")
    bench.device.works = True
    bench.runs(2.0)
    assert bench.becomes("live")
    bench.device.works = False
    bench.runs(NOTICED_S)
    assert bench.becomes("silent")


def test_a_device_that_lived_for_a_while_is_reopened_as_eagerly_as_at_first(bench: Bench) -> None:
    bench.device.works = False
    bench.runs(300.0)
    bench.device.works = True
    bench.runs(STEADY_S + 2.0)
    assert bench.becomes("live")
    bench.device.works = False
    before = len(bench.device.opened_at)
    bench.runs(30.0)
    assert bench.becomes("silent")
    assert wait_until(lambda: len(bench.device.opened_at) >= before + 2)


def test_a_silent_microphone_that_is_unplugged_is_lost_and_comes_back(bench: Bench) -> None:
    bench.device.works = False
    bench.runs(60.0)
    assert bench.becomes("silent")
    bench.device.plugged = False
    assert bench.becomes("lost")
    bench.device.plugged, bench.device.works = True, True
    bench.runs(1.0)
    assert bench.becomes("live")


class FreezingCamera:
    """Gives fifteen pictures a second, each another until it freezes."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.shown = 0
        self.changed_at = 0.0
        self.opened_at: list[float] = []
        self.frozen = threading.Event()
        self.enough = threading.Event()

    def open(self, _: Clock) -> FreezingCamera:
        self.opened_at.append(self.clock.now())
        return self

    def read(self) -> Frame:
        if not self.frozen.is_set():
            self.shown += 1
            self.changed_at = self.clock.now()
        if self.enough.is_set():
            time.sleep(0.001)
        else:
            self.clock.sleep(1 / 15)
        return picture(self.shown)

    def close(self) -> None:
        pass


def test_a_camera_that_freezes_is_noticed_and_none_of_its_pictures_is_used() -> None:
    clock = ManualClock()
    camera = FreezingCamera(clock)
    used: list[Frame] = []
    sensor = Sensor("camera", camera.open, used.append, clock, vigil=PictureVigil(), back_off_s=NOW)
    sensor.start()
    assert wait_until(lambda: len(used) > 30)
    camera.frozen.set()
    assert wait_until(lambda: sensor.state == "frozen" and len(camera.opened_at) > 1)
    camera.enough.set()
    assert camera.opened_at[1] - camera.changed_at < NOTICED_S
    assert "same picture" in sensor.problem
    before, checked = len(used), camera.shown
    time.sleep(0.05)
    assert (len(used), camera.shown) == (before, checked)
    camera.frozen.clear()
    assert wait_until(lambda: sensor.state == "live" and len(used) > before)
    sensor.close()


# Drivers that hang.


class Hanging:
    """A device whose driver does not come back, until it is let go or ``hangs`` no more."""

    def __init__(self, at: str) -> None:
        self.at = at
        self.hangs = True
        self.let_go = threading.Event()
        self.openings = 0
        self.closings = 0

    def _call(self, name: str) -> None:
        if self.hangs and name == self.at:
            self.let_go.wait(60.0)

    def open(self, _: Clock) -> Hanging:
        self.openings += 1
        self._call("open")
        return self

    def read(self) -> AudioChunk:
        self._call("read")
        time.sleep(0.001)
        return AudioChunk(np.arange(10, dtype=np.float32), 0.0)

    def close(self) -> None:
        self.closings += 1
        self._call("close")


@pytest.fixture
def hang() -> Iterator[Callable[[str], tuple[Hanging, Sensor[AudioChunk], ManualClock]]]:
    made: list[tuple[Hanging, Sensor[AudioChunk]]] = []

    def make(at: str) -> tuple[Hanging, Sensor[AudioChunk], ManualClock]:
        clock, device = ManualClock(), Hanging(at)
        sensor = Sensor("camera", device.open, lambda item: None, clock, vigil=SoundVigil(), back_off_s=NOW)
        made.append((device, sensor))
        sensor.start()
        return device, sensor, clock

    yield make
    for device, sensor in made:
        device.let_go.set()
        sensor.close()


@pytest.mark.parametrize("at", ["open", "read"])
def test_a_driver_that_hangs_is_noticed_within_ten_seconds_and_left_behind(
    at: str, hang: Callable[[str], tuple[Hanging, Sensor[AudioChunk], ManualClock]], caplog: pytest.LogCaptureFixture
) -> None:
    device, sensor, clock = hang(at)
    assert wait_until(lambda: device.openings == 1 and sensor._busy_since is not None)
    time.sleep(0.01)
    clock.sleep(HUNG_S - 0.5)
    sensor.watch()
    assert sensor.state == "opening"
    device.hangs = False
    clock.sleep(1.0)
    sensor.watch()
    assert sensor.state == "lost"
    assert wait_until(lambda: sensor.state == "live")
    assert device.openings == 2
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "does not answer" in caplog.text


def test_a_driver_that_hangs_for_ever_holds_a_few_threads_and_no_more(
    hang: Callable[[str], tuple[Hanging, Sensor[AudioChunk], ManualClock]],
) -> None:
    before = threading.active_count()
    device, sensor, clock = hang("read")
    for opening in range(1, MOST_HUNG + 1):
        assert wait_until(lambda opening=opening: device.openings == opening)  # type: ignore[misc]
        assert wait_until(lambda: sensor._busy_since is not None)
        time.sleep(0.01)
        clock.sleep(HUNG_S + 1.0)
        sensor.watch()
    for _ in range(20):
        clock.sleep(HUNG_S + 1.0)
        sensor.watch()
    assert sensor.state == "lost"
    assert device.openings == MOST_HUNG
    assert threading.active_count() <= before + MOST_HUNG + 1
    device.hangs = False
    device.let_go.set()
    assert wait_until(lambda: sensor.state == "live")
    assert wait_until(lambda: device.closings == MOST_HUNG)


def test_a_closed_sensor_is_not_watched(
    hang: Callable[[str], tuple[Hanging, Sensor[AudioChunk], ManualClock]],
) -> None:
    device, sensor, clock = hang("read")
    assert wait_until(lambda: device.openings == 1)
    sensor.release()
    clock.sleep(60.0)
    sensor.watch()
    assert sensor.state in ("closing", "closed")
    assert device.openings == 1


# What counts as alive.


def test_a_dark_room_seen_through_a_real_sensor_is_alive() -> None:
    dice = np.random.default_rng(0)
    vigil = PictureVigil()
    dark = [Frame((dice.random((48, 64, 3)) < 0.01).astype(np.uint8), 0.0) for _ in range(20)]
    assert all(vigil.alive(frame) for frame in dark)


def test_a_picture_that_stands_still_is_not_alive_and_a_new_one_is() -> None:
    vigil = PictureVigil()
    assert [vigil.alive(picture(seed)) for seed in (1, 1, 1, 2, 2, 1)] == [True, False, False, True, False, True]


@pytest.mark.parametrize("level", [0.0, 0.25, -1.0])
def test_sound_that_does_not_move_is_not_alive(level: float) -> None:
    assert not SoundVigil().alive(AudioChunk(np.full(1600, level, np.float32), 0.0))


def test_the_quietest_noise_of_a_microphone_is_alive() -> None:
    last_bit = (np.random.default_rng(0).random(1600) < 0.01).astype(np.float32) / 32768
    assert SoundVigil().alive(AudioChunk(last_bit, 0.0))


def test_only_hardware_is_watched() -> None:
    assert camera_vigil(CameraSettings(source="v4l2")) is not None
    assert camera_vigil(CameraSettings(source="picamera2")) is not None
    assert camera_vigil(CameraSettings(source="drawn")) is None
    assert microphone_vigil(MicrophoneSettings(source="pyaudio")) is not None
    assert microphone_vigil(MicrophoneSettings(source="none")) is None
