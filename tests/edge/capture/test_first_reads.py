"""Devices that are open and not yet awake: a box that is muted meanwhile does not wait for their first item."""

from __future__ import annotations

import concurrent.futures
import sys
import threading
import time
import types
from collections.abc import Callable
from typing import Any

import pytest
from services import wait_until

import edge.capture.opencv
from edge.capture import Source
from edge.capture.opencv import V4L2Camera
from edge.capture.picamera import PiCamera
from edge.capture.pyaudio_microphone import PyAudioMicrophone
from edge.capture.sensor import Sensor
from edge.clock import Clock, MonotonicClock

Opener = Callable[[Clock], Source[Any]]


class Asleep:
    """What of picamera2, of PyAudio and of OpenCV's capture the house uses, on a device that never delivers."""

    def __init__(self, *_: object) -> None:
        self.asked = threading.Event()
        self.released = threading.Event()
        self.haste = 1.0

    def nothing(self, *_: object, **__: object) -> Any:
        return self

    __call__ = configure = create_video_configuration = start = capture_array = set = open = nothing

    def global_camera_info(self) -> list[dict[str, int]]:
        return [{"Num": 0}]

    def get_result(self, timeout: float) -> None:
        self.asked.set()
        time.sleep(timeout / self.haste)
        raise concurrent.futures.TimeoutError

    def isOpened(self) -> bool:  # noqa: N802
        return True

    def grab(self) -> bool:
        self.asked.set()
        time.sleep(0.5 / self.haste)
        return False

    def get_default_input_device_info(self) -> dict[str, object]:
        return {"index": 0, "name": "asleep", "maxInputChannels": 1, "defaultSampleRate": 16_000.0}

    def get_device_count(self) -> int:
        return 1

    def get_device_info_by_index(self, _: int) -> dict[str, object]:
        return self.get_default_input_device_info()

    def is_format_supported(self, *_: object, **__: object) -> bool:
        return True

    def get_read_available(self) -> int:
        self.asked.set()
        return 0

    def close(self) -> None:
        self.released.set()

    release = terminate = close


@pytest.fixture
def asleep() -> Asleep:
    return Asleep()


@pytest.fixture(params=["picamera2", "v4l2", "pyaudio"])
def opener(request: pytest.FixtureRequest, asleep: Asleep, monkeypatch: pytest.MonkeyPatch) -> Opener:
    def install(name: str, **contents: object) -> None:
        module = types.ModuleType(name)
        module.__dict__.update(contents)
        monkeypatch.setitem(sys.modules, name, module)

    if request.param == "picamera2":
        install("picamera2", Picamera2=asleep)
        return lambda clock: PiCamera(640, 480, 15.0, clock)
    if request.param == "v4l2":
        monkeypatch.setattr(edge.capture.opencv, "_check", lambda path: None)
        monkeypatch.setattr(edge.capture.opencv.cv2, "VideoCapture", lambda *_: asleep)
        return lambda clock: V4L2Camera("0", 640, 480, 15.0, clock)
    install("pyaudio", PyAudio=lambda: asleep)
    return lambda clock: PyAudioMicrophone("", clock)


def test_a_device_that_is_not_yet_awake_is_closed_within_a_second(opener: Opener, asleep: Asleep) -> None:
    sensor: Sensor[Any] = Sensor("asleep", opener, lambda item: None, MonotonicClock())
    sensor.start()
    assert asleep.asked.wait(5.0)
    sensor.close()
    assert asleep.released.is_set()
    assert sensor.state == "closed"
    assert sensor.problem == ""


def test_a_device_that_is_never_awake_is_given_up_after_some_seconds(opener: Opener, asleep: Asleep) -> None:
    asleep.haste = 10.0
    sensor: Sensor[Any] = Sensor("asleep", opener, lambda item: None, MonotonicClock(asleep.haste))
    sensor.start()
    assert wait_until(lambda: sensor.state == "lost", 8.0)
    assert "delivers no" in sensor.problem
    assert asleep.released.is_set()
    sensor.close()
