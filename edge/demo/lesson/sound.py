"""Speaks the lesson's words with espeak-ng into a quiet room."""

from __future__ import annotations

import io
import subprocess
from typing import Any

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from edge.demo.lesson import DURATION_S, STRETCHES, Mood
from edge.signals import SAMPLE_RATE, Float32Array

SPEECH_LEVEL_DB, ROOM_LEVEL_DB = -22.0, -66.0
"""Root mean square of the voice and of the room, in decibels below full scale."""

_DELIVERY: dict[Mood, tuple[str, ...]] = {
    "neutral": ("-p", "45", "-s", "150"),
    "smiling": ("-p", "75", "-s", "165"),
    "frowning": ("-p", "28", "-s", "140"),
}
_LEAD_S = 0.8


def samples(espeak: str, seed: int = 0) -> Float32Array:
    """The whole lesson's sound, float32 (n,) mono at 16 kHz; ``espeak`` is the path of espeak-ng."""
    sound = _room(round(DURATION_S * SAMPLE_RATE), seed)
    for stretch in STRETCHES:
        if not stretch.speech:
            continue
        voice = _spoken(espeak, stretch.speech, stretch.mood)
        start = round((stretch.start + _LEAD_S) * SAMPLE_RATE)
        if start + len(voice) > stretch.end * SAMPLE_RATE:
            raise ValueError(f"the speech of {stretch.name!r} is {len(voice) / SAMPLE_RATE:.1f} s: too long")
        sound[start : start + len(voice)] += voice
    return np.clip(sound, -1, 1)


def _spoken(espeak: str, text: str, mood: Mood) -> Float32Array:
    command = [espeak, "-v", "en-gb", *_DELIVERY[mood], "--stdout", text]
    wav = subprocess.run(command, check=True, capture_output=True).stdout
    voice, rate = soundfile.read(io.BytesIO(wav), dtype="float32")
    return _levelled(soxr.resample(voice, rate, SAMPLE_RATE), SPEECH_LEVEL_DB)


def _room(count: int, seed: int) -> Float32Array:
    """The hum and hiss of a room nobody speaks in: noise that falls by 6 dB per octave above 100 Hz."""
    spectrum = np.fft.rfft(np.random.default_rng(seed).normal(size=count))
    frequency = np.fft.rfftfreq(count, 1 / SAMPLE_RATE)
    return _levelled(np.fft.irfft(spectrum / np.maximum(frequency, 100.0), count), ROOM_LEVEL_DB)


def _levelled(sound: NDArray[np.floating[Any]], level_db: float) -> Float32Array:
    rms = np.sqrt(np.mean(np.square(sound, dtype=np.float64)))
    return np.asarray(sound * (10 ** (level_db / 20) / rms), np.float32)
