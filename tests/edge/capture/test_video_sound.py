"""The sound in a video: complete, in step with the pictures, and read as any sound file is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from recorded import film, film_with_sound

from edge.capture import video_sound
from edge.capture.video_sound import VideoSoundMicrophone
from edge.clock import ManualClock
from edge.errors import UserError
from edge.signals import SAMPLE_RATE, AudioChunk, Float32Array

pytest.importorskip("av", reason="PyAV is not installed (the extra analyse)")

SECONDS = 3
PICTURES = [np.full((48, 64, 3), 90, np.uint8)] * (5 * SECONDS)
TONE: Float32Array = (0.3 * np.sin(np.arange(SECONDS * SAMPLE_RATE) / 9)).astype(np.float32)


def chunks(microphone: VideoSoundMicrophone) -> list[AudioChunk]:
    found = []
    while (chunk := microphone.read()) is not None:
        found.append(chunk)
    return found


def test_the_sound_in_a_video_is_given_whole_and_in_short_stretches(tmp_path: Path) -> None:
    video = film_with_sound(tmp_path / "a.mkv", PICTURES, TONE, codec="pcm_s16le")
    found = chunks(VideoSoundMicrophone(video, ManualClock(100.0)))
    samples = np.concatenate([chunk.samples for chunk in found])
    np.testing.assert_allclose(samples, TONE[: len(samples)], atol=1e-4)
    assert len(samples) > len(TONE) - 1024
    assert found[0].time == pytest.approx(100.0)
    assert all(0.05 < len(chunk.samples) / SAMPLE_RATE < 0.2 for chunk in found[:-1])
    np.testing.assert_allclose([c.time for c in found[1:]], [c.end for c in found[:-1]], atol=1e-3)


def test_sound_that_begins_after_the_pictures_is_heard_when_it_was(tmp_path: Path) -> None:
    video = film_with_sound(tmp_path / "a.mkv", PICTURES, TONE, codec="pcm_s16le", begins=0.8)
    assert chunks(VideoSoundMicrophone(video, ManualClock()))[0].time == pytest.approx(0.8, abs=0.01)


def test_a_loop_goes_on_without_a_gap(tmp_path: Path) -> None:
    video = film_with_sound(tmp_path / "a.mkv", PICTURES, TONE, codec="pcm_s16le")
    microphone = VideoSoundMicrophone(video, ManualClock(), loop=True)
    found = [chunk for _ in range(60) if (chunk := microphone.read())]
    assert found[-1].end > 1.5 * SECONDS
    np.testing.assert_allclose([c.time for c in found[1:]], [c.end for c in found[:-1]], atol=1e-3)


def test_a_video_without_sound_is_told_from_one_with(tmp_path: Path) -> None:
    silent = film(tmp_path / "silent.mp4", PICTURES)
    assert not video_sound.has_sound(silent)
    assert video_sound.has_sound(film_with_sound(tmp_path / "a.mp4", PICTURES, TONE))
    with pytest.raises(UserError, match="there is no sound in this video"):
        VideoSoundMicrophone(silent, ManualClock())


def test_what_is_cut_off_is_the_end(tmp_path: Path) -> None:
    video = film_with_sound(tmp_path / "a.mkv", PICTURES, TONE, codec="pcm_s16le")
    video.write_bytes(video.read_bytes()[: video.stat().st_size // 2])
    found = chunks(VideoSoundMicrophone(video, ManualClock()))
    assert 0.5 < found[-1].end < 2.5


def test_a_file_that_is_no_video_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_text("notes of a lesson")
    with pytest.raises(UserError, match=r"a\.mp4: not a video whose sound can be read"):
        VideoSoundMicrophone(path, ManualClock())


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ("2026-11-16T08:15:00.000000Z", 1_794_816_900.0),
        ("1904-01-01T00:00:00.000000Z", None),
        ("2199-01-01T00:00:00.000000Z", None),
        ("", None),
    ],
)
def test_a_video_says_when_it_was_made_if_its_clock_was_set(made: str, said: float | None, tmp_path: Path) -> None:
    assert video_sound.made_at(film_with_sound(tmp_path / "a.mp4", PICTURES, TONE, made=made)) == said
