import numpy as np
import pytest

from edge.perception.voice import VoiceSegmenter, utterances_of
from edge.signals import SAMPLE_RATE, AudioChunk


def voice(seconds: float, level: float = 0.3) -> np.ndarray:
    """A vowel: harmonics of a wavering 120 Hz under three formants."""
    t = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    pitch = 2 * np.pi * np.cumsum(120 + 8 * np.sin(2 * np.pi * 3 * t)) / SAMPLE_RATE
    sound = sum(
        np.exp(-(((120 * k - f) / 150) ** 2)) * np.sin(k * pitch) for k in range(1, 30) for f in (600, 1200, 2500)
    )
    sound = sound * (0.6 + 0.4 * np.sin(2 * np.pi * 4 * t))
    return (level * sound / np.abs(sound).max()).astype(np.float32)


def noise(seconds: float, level: float = 0.001) -> np.ndarray:
    return (np.random.default_rng(1).normal(size=int(seconds * SAMPLE_RATE)) * level).astype(np.float32)


def test_a_word_between_silences_is_one_utterance() -> None:
    (utterance,) = utterances_of(np.concatenate([noise(1), voice(1.5), noise(1)]))
    assert utterance.start == pytest.approx(1.0, abs=0.2)
    assert utterance.end == pytest.approx(2.5, abs=0.3)
    assert len(utterance.samples) == pytest.approx((utterance.end - utterance.start) * SAMPLE_RATE, abs=1)


@pytest.mark.parametrize("level", [0.01, 0.1, 0.9])
def test_loudness_does_not_decide_who_is_heard(level: float) -> None:
    assert len(utterances_of(np.concatenate([noise(1, 0.0003), voice(1.5, level), noise(1, 0.0003)]))) == 1


def test_long_speech_is_cut_at_five_seconds() -> None:
    utterances = utterances_of(np.concatenate([noise(0.5), voice(12.0)]))
    assert all(u.end - u.start <= 5.01 for u in utterances)
    assert sum(u.end - u.start for u in utterances) > 10


@pytest.mark.parametrize(
    "samples", [np.zeros(0, np.float32), np.zeros(3 * SAMPLE_RATE, np.float32), noise(3.0), noise(3.0, 0.1)]
)
def test_silence_and_noise_are_no_utterance(samples: np.ndarray) -> None:
    assert utterances_of(samples) == []


def test_chunk_borders_change_nothing() -> None:
    sound = np.concatenate([noise(0.7), voice(1.7), noise(1)])
    segmenter = VoiceSegmenter()
    heard = []
    for start in range(0, len(sound), 1111):
        heard += segmenter.hear(AudioChunk(sound[start : start + 1111], start / SAMPLE_RATE))
    (whole,), (piecewise,) = utterances_of(sound), heard
    assert np.array_equal(whole.samples, piecewise.samples)
    assert whole.start == pytest.approx(piecewise.start, abs=1e-6)


def test_a_gap_in_time_does_not_glue_two_speakers_together() -> None:
    segmenter = VoiceSegmenter()
    segmenter.hear(AudioChunk(np.concatenate([noise(0.5), voice(1.0)]), 0.0))
    later = segmenter.hear(AudioChunk(np.concatenate([noise(0.5), voice(1.0), noise(1)]), 60.0))
    assert [round(u.start, 1) for u in later] == [pytest.approx(60.5, abs=0.2)]
