"""The capture thread: outages, back-off, mute, the end of a recording."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest
import soundfile

from edge.capture import SourceLostError
from edge.capture.sensor import Sensor
from edge.capture.sound_file import SoundFileMicrophone
from edge.clock import Clock, ManualClock, MonotonicClock
from edge.errors import UserError

PATIENCE_S = 10.0


class FakeDevice:
    """A device that can be unplugged, counts its openings and gives a number every few milliseconds."""

    def __init__(self) -> None:
        self.plugged = True
        self.damage: Exception = SourceLostError("fake: unplugged; plug it in")
        self.openings = 0
        self.open_now = 0

    def open(self, clock: Clock) -> FakeDevice:
        self.openings += 1
        if not self.plugged:
            raise SourceLostError("fake: no such device; is it plugged in?")
        self.open_now += 1
        return self

    def read(self) -> int | None:
        time.sleep(0.002)
        if not self.plugged:
            raise self.damage
        return self.openings

    def close(self) -> None:
        self.open_now -= 1


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.002)


@pytest.fixture
def device() -> FakeDevice:
    return FakeDevice()


@pytest.fixture
def items() -> list[int]:
    return []


@pytest.fixture
def sensor(device: FakeDevice, items: list[int]) -> Iterator[Sensor[int]]:
    sensor = Sensor("fake", device.open, items.append, MonotonicClock(), back_off_s=(0.01, 0.02))
    yield sensor
    sensor.close()


def test_what_is_read_reaches_the_sink(sensor: Sensor[int], items: list[int]) -> None:
    sensor.start()
    wait_until(lambda: len(items) > 5)
    assert sensor.state == "live"
    assert sensor.problem == ""


def test_a_lost_device_is_reopened_and_each_turn_is_logged_once(
    sensor: Sensor[int], device: FakeDevice, items: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    sensor.start()
    wait_until(lambda: sensor.state == "live")
    device.plugged = False
    wait_until(lambda: device.openings >= 5)
    assert sensor.state == "lost"
    assert sensor.problem == "fake: no such device; is it plugged in?"
    device.plugged = True
    wait_until(lambda: sensor.state == "live")
    assert sensor.problem == ""
    assert [record.getMessage() for record in caplog.records] == [
        "fake: fake: unplugged; plug it in",
        "fake: back",
    ]
    assert device.open_now == 1


def test_a_device_that_is_absent_from_the_start_is_weather(sensor: Sensor[int], device: FakeDevice) -> None:
    device.plugged = False
    sensor.start()
    wait_until(lambda: sensor.state == "lost")
    device.plugged = True
    wait_until(lambda: sensor.state == "live")


def test_a_driver_that_raises_anything_is_an_outage(sensor: Sensor[int], device: FakeDevice) -> None:
    sensor.start()
    wait_until(lambda: sensor.state == "live")
    device.damage = RuntimeError("ioctl\nfailed")
    device.plugged = False
    wait_until(lambda: sensor.state == "lost")
    assert "\n" not in sensor.problem
    device.plugged = True
    wait_until(lambda: sensor.state == "live")


def test_the_back_off_grows_and_starts_afresh_after_a_recovery(device: FakeDevice) -> None:
    tried: list[float] = []

    def open_later(clock: Clock) -> FakeDevice:
        tried.append(time.monotonic())
        return device.open(clock)

    device.plugged = False
    sensor = Sensor("fake", open_later, lambda item: None, MonotonicClock(), back_off_s=(0.05, 0.2, 0.4))
    sensor.start()
    wait_until(lambda: len(tried) == 4)
    sensor.close()
    waits = [later - earlier for earlier, later in pairwise(tried)]
    assert waits[0] >= 0.05
    assert waits[1] >= 0.2
    assert waits[2] >= 0.4


def test_a_closed_sensor_has_released_the_device_and_delivers_nothing(
    sensor: Sensor[int], device: FakeDevice, items: list[int]
) -> None:
    sensor.start()
    wait_until(lambda: len(items) > 0)
    sensor.close()
    assert device.open_now == 0
    assert sensor.state == "closed"
    heard = len(items)
    time.sleep(0.05)
    assert len(items) == heard


def test_a_closed_sensor_starts_again_with_a_fresh_device(
    sensor: Sensor[int], device: FakeDevice, items: list[int]
) -> None:
    for opening in (1, 2, 3):
        sensor.start()
        wait_until(lambda opening=opening: items[-1:] == [opening])  # type: ignore[misc]
        sensor.close()
        assert device.open_now == 0


def test_closing_during_an_outage_is_quick_and_twice_is_harmless(device: FakeDevice) -> None:
    device.plugged = False
    sensor = Sensor("fake", device.open, lambda item: None, MonotonicClock(), back_off_s=(60.0,))
    sensor.start()
    wait_until(lambda: sensor.state == "lost")
    began = time.monotonic()
    sensor.close()
    sensor.close()
    assert time.monotonic() - began < 1.0
    assert sensor.state == "closed"
    assert sensor.problem == ""


def test_starting_twice_opens_once(sensor: Sensor[int], device: FakeDevice, items: list[int]) -> None:
    sensor.start()
    sensor.start()
    wait_until(lambda: len(items) > 3)
    assert device.openings == 1


def test_a_driver_that_hangs_holds_neither_the_close_nor_the_sink(caplog: pytest.LogCaptureFixture) -> None:
    reading, answer, closed = threading.Event(), threading.Event(), threading.Event()
    items: list[int] = []

    class Hanging:
        def read(self) -> int | None:
            reading.set()
            answer.wait(PATIENCE_S)
            return 1

        def close(self) -> None:
            closed.set()

    sensor = Sensor("fake", lambda clock: Hanging(), items.append, MonotonicClock())
    sensor.start()
    assert reading.wait(PATIENCE_S)
    began = time.monotonic()
    sensor.close()
    assert time.monotonic() - began < 2.0
    assert "does not answer" in caplog.text
    # the device is still open, and nobody is told otherwise
    assert sensor.state == "closing"
    answer.set()
    assert closed.wait(PATIENCE_S)
    wait_until(lambda: sensor.state == "closed")
    assert items == []


def test_a_recording_that_waits_for_its_next_picture_closes_at_once() -> None:
    reading = threading.Event()

    class Slow:
        def __init__(self, clock: Clock) -> None:
            self._clock = clock

        def read(self) -> int | None:
            reading.set()
            self._clock.sleep(60.0)
            return 1

        def close(self) -> None:
            pass

    items: list[int] = []
    sensor = Sensor("slow", Slow, items.append, MonotonicClock())
    sensor.start()
    assert reading.wait(PATIENCE_S)
    began = time.monotonic()
    sensor.close()
    assert time.monotonic() - began < 0.8
    assert sensor.state == "closed"
    assert items == []


def test_the_end_of_a_recording_ends_the_sensor_and_a_new_start_plays_it_again(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, [0.0] * 8000, 16_000)
    chunks: list[object] = []
    sensor = Sensor("sound", lambda clock: SoundFileMicrophone(path, clock), chunks.append, ManualClock())
    for rounds in (1, 2):
        sensor.start()
        wait_until(lambda: sensor.state == "ended")
        assert len(chunks) == 5 * rounds
        sensor.close()
        assert sensor.state == "closed"


def test_a_users_mistake_reaches_whoever_watches_the_sensor(tmp_path: Path) -> None:
    path = tmp_path / "nowhere.wav"
    sensor = Sensor("sound", lambda clock: SoundFileMicrophone(path, clock), lambda item: None, ManualClock())
    sensor.start()
    wait_until(lambda: sensor.attempted)
    with pytest.raises(UserError, match=r"nowhere\.wav"):
        sensor.watch()
    assert sensor.state == "closed"


def test_a_mistake_that_an_interrupted_opening_found_is_found_again() -> None:
    opening, answer = threading.Event(), threading.Event()

    def refuse(_: Clock) -> FakeDevice:
        opening.set()
        answer.wait(PATIENCE_S)
        raise UserError("camera.path: no such file")

    sensor = Sensor("fake", refuse, lambda item: None, MonotonicClock())
    sensor.start()
    assert opening.wait(PATIENCE_S)
    sensor.release()
    answer.set()
    wait_until(lambda: sensor.state == "closed")
    sensor.watch()
    assert not sensor.attempted
    sensor.start()
    wait_until(lambda: sensor.attempted)
    with pytest.raises(UserError):
        sensor.watch()


def test_a_file_that_goes_while_muted_is_an_outage_not_a_crash(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, [0.0] * 8000, 16_000)
    sensor = Sensor("sound", lambda clock: SoundFileMicrophone(path, clock), lambda item: None, ManualClock())
    sensor.start()
    wait_until(lambda: sensor.state == "ended")
    sensor.close()
    path.unlink()
    sensor.start()
    wait_until(lambda: sensor.state == "lost")
    assert "a.wav" in sensor.problem
    sensor.close()
