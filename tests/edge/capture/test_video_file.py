"""Video files as cameras: whole, damaged, squeezed, turned."""

from __future__ import annotations

import logging
import struct
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from recorded import film_with_sound

from edge.capture.video_file import VideoFileCamera
from edge.clock import ManualClock, MonotonicClock
from edge.errors import UserError
from edge.signals import Frame

FPS = 10.0


def write_video(path: Path, frames: int = 20, size: tuple[int, int] = (64, 48), fps: float = FPS) -> Path:
    """A video whose frame n is noise around brightness 10 n, so that its bytes are spread over the file."""
    codec = {".avi": "MJPG", ".mp4": "mp4v"}[path.suffix]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), fps, size)
    assert writer.isOpened()
    dice = np.random.default_rng(0)
    for number in range(frames):
        noise = dice.integers(-5, 6, (size[1], size[0], 3))
        writer.write(np.clip(10 * number + 5 + noise, 0, 255).astype(np.uint8))
    writer.release()
    return path


def declare_pixel_aspect(path: Path, width: int, height: int) -> None:
    """Adds a pixel aspect box to an MP4 whose index lies behind its pictures."""
    data = bytearray(path.read_bytes())
    box = struct.pack(">I4sII", 16, b"pasp", width, height)
    entry = data.rindex(b"mp4v") - 4
    end = entry + int.from_bytes(data[entry : entry + 4], "big")
    for parent in (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd", b"mp4v"):
        at = data.rindex(parent) - 4
        data[at : at + 4] = struct.pack(">I", int.from_bytes(data[at : at + 4], "big") + len(box))
    data[end:end] = box
    path.write_bytes(data)


def declare_turned(path: Path) -> None:
    """Writes a quarter turn into an MP4, as a telephone held upright does."""
    data = bytearray(path.read_bytes())
    matrix = data.rindex(b"tkhd") - 4 + 48
    data[matrix : matrix + 20] = struct.pack(">5i", 0, 1 << 16, 0, -1 << 16, 0)
    path.write_bytes(data)


def read_all(camera: VideoFileCamera) -> list[Frame]:
    frames = []
    while (frame := camera.read()) is not None:
        frames.append(frame)
    return frames


@pytest.mark.parametrize("name", ["lesson.avi", "lesson.mp4"])
def test_every_frame_comes_with_its_own_time(tmp_path: Path, name: str) -> None:
    camera = VideoFileCamera(write_video(tmp_path / name), ManualClock(100.0))
    frames = read_all(camera)
    np.testing.assert_allclose([frame.time for frame in frames], 100.0 + np.arange(20) / FPS, atol=1e-6)
    assert [round(float(frame.image.mean()) / 10 - 0.5) for frame in frames] == list(range(20))
    assert frames[0].image.shape == (48, 64, 3)


def test_frames_come_when_they_are_due_and_not_before(tmp_path: Path) -> None:
    clock = MonotonicClock(speed=4.0)
    camera = VideoFileCamera(write_video(tmp_path / "lesson.avi", frames=8), clock)
    lateness = []
    while (frame := camera.read()) is not None:
        lateness.append(clock.now() - frame.time)
    assert len(lateness) == 8
    assert min(lateness) >= 0.0


def test_a_manual_clock_does_not_wait(tmp_path: Path) -> None:
    began = time.monotonic()
    camera = VideoFileCamera(write_video(tmp_path / "lesson.avi", frames=100, fps=1.0), clock := ManualClock())
    assert len(read_all(camera)) == 100
    assert clock.now() == pytest.approx(99.0)
    assert time.monotonic() - began < 10.0


def test_a_stream_without_times_plays_at_its_rate(tmp_path: Path) -> None:
    path = tmp_path / "stream.mjpeg"
    _, picture = cv2.imencode(".jpg", np.full((48, 64, 3), 90, np.uint8))
    path.write_bytes(picture.tobytes() * 10)
    times = np.array([frame.time for frame in read_all(VideoFileCamera(path, ManualClock()))])
    assert len(times) == 10
    assert np.diff(times) == pytest.approx(0.04, abs=0.001)


def test_a_looping_video_goes_on_without_a_gap(tmp_path: Path) -> None:
    camera = VideoFileCamera(write_video(tmp_path / "lesson.avi", frames=5), ManualClock(), loop=True)
    frames = [camera.read() for _ in range(12)]
    times = [frame.time for frame in frames if frame is not None]
    np.testing.assert_allclose(times, np.arange(12) / FPS, atol=1e-6)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "no such video file"),
        (b"", "is empty"),
        (b"This is a text about a lesson.\n" * 200, "not a video"),
        (bytes(100_000), "not a video"),
    ],
    ids=["missing", "zero length", "text", "zeros"],
)
def test_a_file_that_is_no_video_is_the_users_mistake(tmp_path: Path, content: bytes | None, words: str) -> None:
    path = tmp_path / "lesson.mp4"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=words) as refusal:
        VideoFileCamera(path, ManualClock())
    assert str(path) in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_folder_is_not_a_video(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such video file"):
        VideoFileCamera(tmp_path, ManualClock())


def test_an_mp4_without_its_index_is_the_users_mistake(tmp_path: Path) -> None:
    path = write_video(tmp_path / "lesson.mp4", size=(320, 240))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(UserError, match="not a video"):
        VideoFileCamera(path, ManualClock())


def test_a_video_without_one_readable_picture_is_the_users_mistake(tmp_path: Path) -> None:
    path = write_video(tmp_path / "lesson.avi", size=(320, 240))
    whole = path.read_bytes()
    pictures = whole.index(b"movi") + 4
    path.write_bytes(whole[:pictures] + bytes(len(whole) - pictures))
    with pytest.raises(UserError, match=r"lesson\.avi"):
        VideoFileCamera(path, ManualClock())


def test_a_video_that_breaks_off_ends_there_and_says_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = write_video(tmp_path / "lesson.avi", size=(320, 240))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with caplog.at_level(logging.INFO):
        frames = read_all(VideoFileCamera(path, ManualClock()))
    assert 5 <= len(frames) <= 15
    assert len(caplog.records) == 1
    assert "breaks off" in caplog.text
    assert str(path) in caplog.text


def test_a_looping_video_that_breaks_off_says_so_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = write_video(tmp_path / "lesson.avi", size=(320, 240))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    camera = VideoFileCamera(path, ManualClock(), loop=True)
    assert all(camera.read() is not None for _ in range(60))
    assert len(caplog.records) == 1


def test_a_video_damaged_in_the_middle_gives_the_rest_or_ends(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = write_video(tmp_path / "lesson.mp4", size=(320, 240))
    damaged = bytearray(path.read_bytes())
    damaged[len(damaged) // 2 : len(damaged) * 3 // 4] = b"\xaa" * (len(damaged) * 3 // 4 - len(damaged) // 2)
    path.write_bytes(bytes(damaged))
    frames = read_all(VideoFileCamera(path, ManualClock()))
    assert 1 <= len(frames) <= 20
    assert "damaged" not in capfd.readouterr().err


def test_a_whole_video_ends_without_a_word(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    read_all(VideoFileCamera(write_video(tmp_path / "lesson.mp4"), ManualClock()))
    assert caplog.records == []


@pytest.mark.parametrize(
    ("aspect", "shape"), [((4, 3), (48, 85)), ((3, 4), (64, 64)), ((1, 1), (48, 64)), ((100, 1), (48, 64))]
)
def test_squeezed_pixels_are_made_square(tmp_path: Path, aspect: tuple[int, int], shape: tuple[int, int]) -> None:
    path = write_video(tmp_path / "lesson.mp4")
    declare_pixel_aspect(path, *aspect)
    frame = VideoFileCamera(path, ManualClock()).read()
    assert frame is not None
    assert frame.image.shape == (*shape, 3)


def test_a_video_that_declares_a_turn_comes_upright(tmp_path: Path) -> None:
    path = write_video(tmp_path / "lesson.mp4")
    declare_turned(path)
    frame = VideoFileCamera(path, ManualClock()).read()
    assert frame is not None
    assert frame.image.shape == (64, 48, 3)


def test_the_pixels_of_a_turned_video_are_squeezed_the_other_way(tmp_path: Path) -> None:
    path = write_video(tmp_path / "lesson.mp4")
    declare_pixel_aspect(path, 4, 3)
    declare_turned(path)
    frame = VideoFileCamera(path, ManualClock()).read()
    assert frame is not None
    assert frame.image.shape == (85, 48, 3)


@pytest.mark.parametrize("size", [(640, 480), (1280, 720), (3840, 2160), (66, 50)], ids=["4:3", "16:9", "4K", "odd"])
def test_every_shape_of_picture_is_kept(tmp_path: Path, size: tuple[int, int]) -> None:
    frame = VideoFileCamera(write_video(tmp_path / "lesson.avi", frames=2, size=size), ManualClock()).read()
    assert frame is not None
    assert frame.image.shape == (size[1], size[0], 3)


def test_black_frames_are_frames(tmp_path: Path) -> None:
    path = tmp_path / "dark.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), FPS, (64, 48))
    for _ in range(3):
        writer.write(np.zeros((48, 64, 3), np.uint8))
    writer.release()
    frames = read_all(VideoFileCamera(path, ManualClock()))
    assert len(frames) == 3
    assert all(frame.image.max() < 3 for frame in frames)


def test_closing_twice_is_harmless(tmp_path: Path) -> None:
    camera = VideoFileCamera(write_video(tmp_path / "lesson.avi"), ManualClock())
    camera.close()
    camera.close()


def test_a_rate_that_varies_is_followed(tmp_path: Path) -> None:
    pytest.importorskip("av", reason="PyAV is not installed (the extra analyse)")
    times = [0.0, 0.04, 0.5, 0.55, 2.0, 2.01, 3.5]
    images = [np.full((48, 64, 3), 20 * number, np.uint8) for number in range(len(times))]
    video = film_with_sound(tmp_path / "phone.mp4", images, np.zeros(64_000, np.float32), times=times)
    frames = read_all(VideoFileCamera(video, ManualClock()))
    np.testing.assert_allclose([frame.time for frame in frames], times, atol=1e-3)


def test_pictures_that_nobody_wants_are_passed_over(tmp_path: Path) -> None:
    video = write_video(tmp_path / "lesson.mp4")
    camera = VideoFileCamera(video, ManualClock(5.0), wanted=lambda time: round((time - 5.0) * FPS) % 4 == 2)
    every = read_all(VideoFileCamera(video, ManualClock(5.0)))
    frames = read_all(camera)
    assert [round((frame.time - 5.0) * FPS) for frame in frames] == [0, 2, 6, 10, 14, 18]
    assert all((frame.image == every[round((frame.time - 5.0) * FPS)].image).all() for frame in frames)
