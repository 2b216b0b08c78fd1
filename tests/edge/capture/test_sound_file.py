"""Sound files as microphones: every rate and depth, and damaged ones."""

from __future__ import annotations

import logging
import struct
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile

from edge.capture.sound_file import SoundFileMicrophone
from edge.clock import ManualClock, MonotonicClock
from edge.errors import UserError
from edge.signals import SAMPLE_RATE, AudioChunk, Float32Array


def write_tone(
    path: Path,
    *,
    rate: int = SAMPLE_RATE,
    channels: int = 1,
    subtype: str | None = None,
    seconds: float = 2.0,
) -> Path:
    sound = 0.5 * np.sin(2 * np.pi * 440.0 * np.arange(round(rate * seconds)) / rate)
    soundfile.write(path, np.repeat(sound[:, None], channels, axis=1), rate, subtype=subtype)
    return path


def read_all(microphone: SoundFileMicrophone) -> list[AudioChunk]:
    chunks = []
    while (chunk := microphone.read()) is not None:
        chunks.append(chunk)
    return chunks


def joined(chunks: list[AudioChunk]) -> Float32Array:
    return np.concatenate([chunk.samples for chunk in chunks])


@pytest.mark.parametrize(
    ("name", "rate", "channels", "subtype"),
    [
        ("a.wav", 16_000, 1, "PCM_16"),
        ("a.wav", 8_000, 1, "PCM_U8"),
        ("a.wav", 44_100, 2, "PCM_16"),
        ("a.wav", 48_000, 6, "PCM_24"),
        ("a.wav", 22_050, 1, "FLOAT"),
        ("a.flac", 48_000, 2, "PCM_16"),
        ("a.flac", 16_000, 1, "PCM_S8"),
        ("a.ogg", 44_100, 1, "VORBIS"),
    ],
)
def test_every_kind_of_file_becomes_16_khz_mono(
    tmp_path: Path, name: str, rate: int, channels: int, subtype: str
) -> None:
    path = write_tone(tmp_path / name, rate=rate, channels=channels, subtype=subtype)
    heard = joined(read_all(SoundFileMicrophone(path, ManualClock())))
    assert heard.dtype == np.float32
    assert len(heard) == pytest.approx(2 * SAMPLE_RATE, abs=200)
    spectrum = np.abs(np.fft.rfft(heard))
    assert np.argmax(spectrum) * SAMPLE_RATE / len(heard) == pytest.approx(440.0, abs=1.0)
    assert np.abs(heard[2000:-2000]).max() == pytest.approx(0.5, abs=0.05)


def test_chunks_follow_each_other_without_a_gap(tmp_path: Path) -> None:
    path = write_tone(tmp_path / "a.wav", rate=44_100)
    chunks = read_all(SoundFileMicrophone(path, ManualClock(100.0)))
    assert chunks[0].time == 100.0
    for chunk, after in pairwise(chunks):
        assert after.time == pytest.approx(chunk.end, abs=1e-9)
    assert chunks[-1].end == pytest.approx(102.0, abs=0.001)
    assert max(len(chunk.samples) for chunk in chunks) <= 0.2 * SAMPLE_RATE


def test_sound_comes_once_it_has_been_heard(tmp_path: Path) -> None:
    clock = MonotonicClock(speed=4.0)
    microphone = SoundFileMicrophone(write_tone(tmp_path / "a.wav", seconds=1.0), clock)
    waits = []
    while (chunk := microphone.read()) is not None:
        waits.append(clock.now() - chunk.end)
    assert len(waits) == 10
    assert min(waits) >= 0.0


def test_a_manual_clock_does_not_wait(tmp_path: Path) -> None:
    path = write_tone(tmp_path / "a.wav", seconds=60.0)
    began = time.monotonic()
    read_all(SoundFileMicrophone(path, clock := ManualClock()))
    assert clock.now() == pytest.approx(60.0)
    assert time.monotonic() - began < 10.0


def test_a_looping_sound_goes_on_without_a_gap(tmp_path: Path) -> None:
    path = write_tone(tmp_path / "a.wav", rate=48_000, seconds=0.25)
    microphone = SoundFileMicrophone(path, ManualClock(), loop=True)
    chunks = [chunk for chunk in (microphone.read() for _ in range(20)) if chunk is not None]
    assert len(chunks) == 20
    assert chunks[-1].end > 1.0
    assert np.sqrt(np.mean(joined(chunks) ** 2)) == pytest.approx(0.5 / np.sqrt(2), abs=0.02)


def test_what_is_not_a_number_becomes_silence(tmp_path: Path) -> None:
    sound = np.full(SAMPLE_RATE, 0.25, np.float32)
    sound[100:200] = np.nan
    soundfile.write(tmp_path / "a.wav", sound, SAMPLE_RATE, subtype="FLOAT")
    heard = joined(read_all(SoundFileMicrophone(tmp_path / "a.wav", ManualClock())))
    assert (heard[100:200] == 0.0).all()
    assert (heard[200:] == 0.25).all()


def header_only(path: Path) -> None:
    soundfile.write(path, np.zeros(0), SAMPLE_RATE)


def text(path: Path) -> None:
    path.write_text("This is a text about a lesson.\n" * 100)


def truncated_in_the_header(path: Path) -> None:
    write_tone(path)
    path.write_bytes(path.read_bytes()[:20])


def impossible_rate(path: Path) -> None:
    write_tone(path)
    data = bytearray(path.read_bytes())
    data[24:28] = struct.pack("<I", 3)
    path.write_bytes(bytes(data))


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: None,
        lambda path: path.touch(),
        header_only,
        text,
        truncated_in_the_header,
        impossible_rate,
    ],
    ids=["missing", "zero length", "header only", "text", "truncated in the header", "impossible rate"],
)
def test_a_file_without_sound_is_the_users_mistake(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    path = tmp_path / "lesson.wav"
    damage(path)
    with pytest.raises(UserError) as refusal:
        SoundFileMicrophone(path, ManualClock())
    assert str(path) in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_flac_that_is_only_a_header_is_the_users_mistake(tmp_path: Path) -> None:
    path = write_tone(tmp_path / "lesson.flac")
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(UserError, match=r"lesson\.flac"):
        SoundFileMicrophone(path, ManualClock())


def test_a_flac_that_breaks_off_ends_there_and_says_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "lesson.flac"
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 4 * SAMPLE_RATE)
    soundfile.write(path, noise, SAMPLE_RATE)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with caplog.at_level(logging.INFO):
        heard = joined(read_all(SoundFileMicrophone(path, ManualClock())))
    assert SAMPLE_RATE < len(heard) < 3 * SAMPLE_RATE
    assert len(caplog.records) == 1
    assert str(path) in caplog.text


def test_a_looping_flac_that_breaks_off_says_so_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "lesson.flac"
    soundfile.write(path, np.random.default_rng(0).uniform(-0.5, 0.5, 2 * SAMPLE_RATE), SAMPLE_RATE)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    microphone = SoundFileMicrophone(path, ManualClock(), loop=True)
    assert all(microphone.read() is not None for _ in range(60))
    assert len(caplog.records) == 1


def test_a_truncated_wav_gives_what_is_there(tmp_path: Path) -> None:
    path = write_tone(tmp_path / "lesson.wav")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    heard = joined(read_all(SoundFileMicrophone(path, ManualClock())))
    assert len(heard) == pytest.approx(SAMPLE_RATE, abs=50)


def test_closing_twice_is_harmless(tmp_path: Path) -> None:
    microphone = SoundFileMicrophone(write_tone(tmp_path / "a.wav"), ManualClock())
    microphone.close()
    microphone.close()
