"""Cameras that are absent, or are no cameras: what the log will say. Real ones are untested on hardware."""

from __future__ import annotations

import concurrent.futures
import os
import sys
import types
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.capture import SourceLostError
from edge.capture.opencv import V4L2Camera
from edge.capture.picamera import PiCamera
from edge.clock import ManualClock
from edge.errors import UserError


def open_v4l2(device: str) -> V4L2Camera:
    return V4L2Camera(device, 640, 480, 15.0, ManualClock())


@pytest.mark.parametrize("device", ["/dev/video99", "99"])
def test_an_absent_camera_is_named_with_the_cure(device: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SourceLostError, match=r"^/dev/video99: no such camera; is it plugged in"):
        open_v4l2(device)
    assert capfd.readouterr().err == ""


def test_a_device_file_that_is_no_camera_is_named(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SourceLostError, match=r"^/dev/null: not a camera"):
        open_v4l2("/dev/null")
    assert capfd.readouterr().err == ""


def test_a_file_and_a_folder_are_no_cameras(tmp_path: Path) -> None:
    (tmp_path / "lesson.mp4").write_bytes(b"hello")
    with pytest.raises(SourceLostError, match="not a camera"):
        open_v4l2(str(tmp_path / "lesson.mp4"))
    with pytest.raises(SourceLostError, match="cannot be opened"):
        open_v4l2(str(tmp_path))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may open everything")
def test_a_camera_that_may_not_be_opened_says_which_group_may(tmp_path: Path) -> None:
    device = tmp_path / "video0"
    device.touch(mode=0o000)
    with pytest.raises(SourceLostError, match="group video"):
        open_v4l2(str(device))


def test_without_picamera2_the_message_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "picamera2", None)
    with pytest.raises(UserError, match="apt install python3-picamera2"):
        PiCamera(640, 480, 15.0, ManualClock())


class StandInPicamera2:
    """What of picamera2 the house uses, as its documentation describes it."""

    found: ClassVar[list[dict[str, int]]] = [{"Num": 0}]
    busy = False
    pictures: ClassVar[list[NDArray[np.uint8]]] = []
    closed = False

    def __init__(self) -> None:
        if self.busy:
            raise RuntimeError("Camera __init__ sequence did not complete.")

    @classmethod
    def global_camera_info(cls) -> list[dict[str, int]]:
        return cls.found

    def create_video_configuration(self, main: dict[str, object], controls: dict[str, float]) -> dict[str, object]:
        assert main["format"] == "RGB888"
        return {"main": main, "controls": controls}

    def configure(self, configuration: dict[str, object]) -> None:
        pass

    def start(self) -> None:
        pass

    def capture_array(self, name: str, wait: bool) -> StandInPicamera2:
        return self

    def get_result(self, timeout: float) -> NDArray[np.uint8]:
        if not self.pictures:
            raise concurrent.futures.TimeoutError
        return self.pictures.pop()

    def close(self) -> None:
        StandInPicamera2.closed = True


@pytest.fixture
def picamera2(monkeypatch: pytest.MonkeyPatch) -> type[StandInPicamera2]:
    module = types.ModuleType("picamera2")
    monkeypatch.setattr(module, "Picamera2", StandInPicamera2, raising=False)
    monkeypatch.setitem(sys.modules, "picamera2", module)
    for name in ("found", "busy", "pictures", "closed"):
        monkeypatch.setattr(StandInPicamera2, name, getattr(StandInPicamera2, name))
    return StandInPicamera2


def test_a_pi_camera_gives_frames_until_its_cable_comes_loose(picamera2: type[StandInPicamera2]) -> None:
    picamera2.pictures = [np.full((480, 640, 3), 7, np.uint8)]
    camera = PiCamera(640, 480, 15.0, ManualClock(3.0))
    frame = camera.read()
    assert frame is not None
    assert frame.time == 3.0
    assert frame.image.shape == (480, 640, 3)
    with pytest.raises(SourceLostError, match="ribbon cable"):
        camera.read()
    camera.close()
    assert picamera2.closed


def test_a_pi_without_a_camera_says_so(picamera2: type[StandInPicamera2]) -> None:
    picamera2.found = []
    with pytest.raises(SourceLostError, match="none found"):
        PiCamera(640, 480, 15.0, ManualClock())


def test_a_pi_camera_in_use_says_so(picamera2: type[StandInPicamera2]) -> None:
    picamera2.busy = True
    with pytest.raises(SourceLostError, match="in use by another program"):
        PiCamera(640, 480, 15.0, ManualClock())
