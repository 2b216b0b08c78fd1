"""Folders of pictures as cameras."""

from __future__ import annotations

import logging
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.capture import SourceLostError
from edge.capture.image_folder import ImageFolderCamera
from edge.clock import ManualClock
from edge.errors import UserError
from edge.signals import Frame


def write_pictures(folder: Path, names: list[str]) -> Path:
    """Picture n has brightness 10 n."""
    for number, name in enumerate(names):
        assert cv2.imwrite(str(folder / name), np.full((24, 32, 3), 10 * number, np.uint8))
    return folder


def read_all(camera: ImageFolderCamera) -> list[Frame]:
    frames = []
    while (frame := camera.read()) is not None:
        frames.append(frame)
    return frames


def brightness(frames: list[Frame]) -> list[int]:
    return [round(float(frame.image.mean()) / 10) for frame in frames]


def test_pictures_come_in_the_order_of_their_names_at_the_rate_asked_for(tmp_path: Path) -> None:
    write_pictures(tmp_path, ["b.png", "a.png", "c.jpg"])
    (tmp_path / "notes.txt").write_text("not a picture")
    frames = read_all(ImageFolderCamera(tmp_path, ManualClock(50.0), fps=2.0))
    assert brightness(frames) == [1, 0, 2]
    assert [frame.time for frame in frames] == [50.0, 50.5, 51.0]


def test_timestamps_set_the_pace(tmp_path: Path) -> None:
    write_pictures(tmp_path, ["a.png", "b.png", "c.png"])
    (tmp_path / "timestamps.txt").write_text("10.0\n10.25\n12.0\n")
    frames = read_all(ImageFolderCamera(tmp_path, ManualClock(), fps=2.0))
    assert [frame.time for frame in frames] == [0.0, 0.25, 2.0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0.0\n1.0\n", "2 times for 3 pictures"),
        ("0.0\nsoon\n2.0\n", "line 2"),
        ("0.0\nnan\n2.0\n", "line 2"),
        ("0.0\n2.0\n1.0\n", "line 3"),
        ("0.0\n1.0\n1.0\n", "line 3"),
    ],
)
def test_timestamps_that_do_not_fit_are_the_users_mistake(tmp_path: Path, text: str, words: str) -> None:
    write_pictures(tmp_path, ["a.png", "b.png", "c.png"])
    (tmp_path / "timestamps.txt").write_text(text)
    with pytest.raises(UserError, match=words) as refusal:
        ImageFolderCamera(tmp_path, ManualClock(), fps=2.0)
    assert "timestamps.txt" in str(refusal.value)


def test_timestamps_that_are_not_text_are_the_users_mistake(tmp_path: Path) -> None:
    write_pictures(tmp_path, ["a.png"])
    (tmp_path / "timestamps.txt").write_bytes(b"\xff\xfe\x80")
    with pytest.raises(UserError, match=r"timestamps\.txt"):
        ImageFolderCamera(tmp_path, ManualClock(), fps=2.0)


def test_a_missing_folder_is_the_users_mistake(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such folder"):
        ImageFolderCamera(tmp_path / "nowhere", ManualClock(), fps=2.0)


def test_a_folder_without_pictures_is_the_users_mistake(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no pictures here"):
        ImageFolderCamera(tmp_path, ManualClock(), fps=2.0)


def test_a_folder_of_damaged_pictures_is_the_users_mistake(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"")
    (tmp_path / "b.jpg").write_bytes(b"hello")
    with pytest.raises(UserError, match="none of its 2 pictures"):
        ImageFolderCamera(tmp_path, ManualClock(), fps=2.0)


def test_a_damaged_picture_is_left_out_and_named_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_pictures(tmp_path, ["a.png", "b.png", "c.png"])
    (tmp_path / "b.png").write_bytes(b"hello")
    camera = ImageFolderCamera(tmp_path, ManualClock(), fps=2.0, loop=True)
    with caplog.at_level(logging.INFO):
        times = [frame.time for frame in (camera.read() for _ in range(4)) if frame is not None]
    assert times == [0.0, 1.0, 1.5, 2.5]
    assert len(caplog.records) == 1
    assert "b.png" in caplog.text


def test_a_loop_waits_one_interval_before_it_starts_again(tmp_path: Path) -> None:
    write_pictures(tmp_path, ["a.png", "b.png"])
    camera = ImageFolderCamera(tmp_path, ManualClock(), fps=4.0, loop=True)
    times = [frame.time for frame in (camera.read() for _ in range(5)) if frame is not None]
    assert times == [0.0, 0.25, 0.5, 0.75, 1.0]


def test_grey_deep_and_transparent_pictures_are_shown_in_bgr(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.full((24, 32), 70, np.uint8))
    cv2.imwrite(str(tmp_path / "b.png"), np.full((24, 32, 4), 70, np.uint8))
    cv2.imwrite(str(tmp_path / "c.png"), np.full((24, 32), 70 * 257, np.uint16))
    frames = read_all(ImageFolderCamera(tmp_path, ManualClock(), fps=2.0))
    assert [frame.image.shape for frame in frames] == [(24, 32, 3)] * 3
    assert all(frame.image.dtype == np.uint8 and (frame.image == 70).all() for frame in frames)


def test_a_looping_folder_that_is_emptied_is_lost(tmp_path: Path) -> None:
    write_pictures(tmp_path, ["a.png", "b.png"])
    camera = ImageFolderCamera(tmp_path, ManualClock(), fps=4.0, loop=True)
    camera.read()
    for picture in tmp_path.iterdir():
        picture.unlink()
    with pytest.raises(SourceLostError, match="still there"):
        camera.read()


def test_truncated_pictures_are_shown_as_far_as_they_go_or_left_out(tmp_path: Path) -> None:
    write_pictures(tmp_path, ["a.png", "b.png", "c.jpg"])
    noise = np.random.default_rng(0).integers(0, 255, (200, 200, 3), np.uint8)
    for name in ("b.png", "c.jpg"):
        cv2.imwrite(str(tmp_path / name), noise)
        whole = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(whole[: len(whole) // 2])
    frames = read_all(ImageFolderCamera(tmp_path, ManualClock(), fps=2.0))
    assert 1 <= len(frames) <= 3
    assert frames[0].image.shape == (24, 32, 3)
