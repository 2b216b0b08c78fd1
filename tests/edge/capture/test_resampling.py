"""Sound of any rate becomes 16 kHz mono with the pitch it had."""

from __future__ import annotations

import numpy as np
import pytest

from edge.capture.resampling import Resampler
from edge.signals import SAMPLE_RATE, Float32Array


def tone(hertz: float, rate: int) -> Float32Array:
    time = np.arange(2 * rate) / rate
    sound: Float32Array = (0.5 * np.sin(2 * np.pi * hertz * time)).astype(np.float32)[:, None]
    return sound


def pitch_of(samples: Float32Array) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum)) * SAMPLE_RATE / len(samples)


def resample(sound: Float32Array, rate: int) -> Float32Array:
    """In blocks of 0.1 s, as a microphone delivers them."""
    resampler = Resampler(rate)
    block = rate // 10
    parts = [resampler.feed(sound[start : start + block]) for start in range(0, len(sound), block)]
    return np.concatenate([*parts, resampler.feed(sound[:0], last=True)])


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000])
def test_a_tone_keeps_its_pitch_its_level_and_its_length(rate: int) -> None:
    heard = resample(tone(440.0, rate), rate)
    assert heard.dtype == np.float32
    assert len(heard) == pytest.approx(2 * SAMPLE_RATE, abs=2)
    assert pitch_of(heard) == pytest.approx(440.0, abs=1.0)
    assert np.abs(heard[1000:-1000]).max() == pytest.approx(0.5, abs=0.01)


def test_the_first_sample_out_is_the_first_sample_in() -> None:
    heard = resample(tone(440.0, 44_100), 44_100)
    expected = tone(440.0, SAMPLE_RATE)[:, 0]
    np.testing.assert_allclose(heard[1000:20_000], expected[1000:20_000], atol=0.01)


def test_what_16_khz_cannot_hold_is_silenced_not_folded() -> None:
    heard = resample(tone(12_000.0, 48_000), 48_000)
    assert np.abs(heard[1000:-1000]).max() < 0.001


def test_stereo_is_mixed_down() -> None:
    left = tone(440.0, SAMPLE_RATE)
    heard = Resampler(SAMPLE_RATE).feed(np.hstack([left, -left]))
    assert np.abs(heard).max() == 0.0


def test_what_is_not_a_number_becomes_silence_and_stays_there() -> None:
    sound = tone(440.0, 48_000)
    sound[1000:1010] = np.nan
    sound[2000] = np.inf
    heard = resample(sound, 48_000)
    assert np.isfinite(heard).all()
    assert pitch_of(heard) == pytest.approx(440.0, abs=1.0)


def test_sound_beyond_full_scale_is_clipped() -> None:
    heard = Resampler(SAMPLE_RATE).feed(np.full((100, 1), 3e38, np.float32))
    assert (heard == 1.0).all()
