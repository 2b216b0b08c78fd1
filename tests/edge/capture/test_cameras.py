"""Cameras that are absent, or are no cameras: what the log will say. Real ones are untested on hardware."""

from __future__ import annotations

import concurrent.futures
import os
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

import edge.capture.opencv
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


class Pictures:
    """What of OpenCV's capture the house uses, on a camera whose pictures are given."""

    def __init__(self, *pictures: NDArray[np.uint8], fourcc: str = "BGR3") -> None:
        self._left = list(pictures)
        self._properties = {
            cv2.CAP_PROP_FOURCC: cv2.VideoWriter.fourcc(*fourcc),
            cv2.CAP_PROP_FRAME_WIDTH: 6,
            cv2.CAP_PROP_FRAME_HEIGHT: 4,
        }

    def isOpened(self) -> bool:  # noqa: N802
        return True

    def set(self, key: int, value: float) -> bool:
        return False

    def get(self, key: int) -> float:
        return float(self._properties[key])

    def grab(self) -> bool:
        return bool(self._left)

    def retrieve(self) -> tuple[bool, NDArray[np.uint8]]:
        return True, self._left.pop(0)


@pytest.fixture
def camera_with(monkeypatch: pytest.MonkeyPatch) -> Callable[[Pictures], V4L2Camera]:
    def make(pictures: Pictures) -> V4L2Camera:
        monkeypatch.setattr(edge.capture.opencv, "_check", lambda path: None)
        monkeypatch.setattr(edge.capture.opencv.cv2, "VideoCapture", lambda *_: pictures)
        return open_v4l2("0")

    return make


def test_pictures_that_come_as_one_row_of_bytes_get_their_shape(
    camera_with: Callable[[Pictures], V4L2Camera],
) -> None:
    picture = np.arange(72, dtype=np.uint8).reshape(4, 6, 3)
    frame = camera_with(Pictures(picture.reshape(1, -1))).read()
    assert frame is not None
    assert (frame.image == picture).all()


def test_bytes_that_were_not_decoded_are_no_picture(camera_with: Callable[[Pictures], V4L2Camera]) -> None:
    picture = np.full((4, 6, 3), 7, np.uint8)
    damaged = np.zeros((1, 72), np.uint8)
    frame = camera_with(Pictures(damaged, picture, fourcc="MJPG")).read()
    assert frame is not None
    assert (frame.image == picture).all()
    with pytest.raises(SourceLostError, match="delivers no pictures"):
        camera_with(Pictures(damaged, damaged, fourcc="MJPG")).read()
