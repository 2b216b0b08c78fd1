"""Voices as a classroom microphone gives them: other throats, other rooms, noise, and far away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.signals import SAMPLE_RATE, Float32Array


def disturb(samples: Float32Array, rng: np.random.Generator) -> Float32Array:
    """A random variant of an utterance, float32 (n,): speaker, then room, then microphone. Level means nothing here."""
    samples = _speak_faster(samples, np.exp(rng.normal(0, 0.08)))
    if rng.random() < 0.4:
        samples = reverberate(samples, rng.uniform(0.15, 0.7), rng.uniform(0.2, 1.0), rng)
    if rng.random() < 0.5:
        samples = _tilt(samples, rng.normal(0, 4.0))
    if rng.random() < 0.6:
        samples = add_noise(samples, rng.uniform(0, 35), rng)
    ragged = rng.integers(0, SAMPLE_RATE // 10, 2)
    return samples[ragged[0] : len(samples) - ragged[1]].astype(np.float32)


def add_noise(samples: Float32Array, snr_db: float, rng: np.random.Generator) -> Float32Array:
    """``samples`` in noise whose spectrum falls by a random 0 to 6 dB an octave, at ``snr_db`` of mean power."""
    spectrum = np.fft.rfft(rng.normal(size=_fast(len(samples))))
    spectrum *= np.maximum(np.arange(len(spectrum)), 1.0) ** -rng.uniform(0, 1)
    noise = np.fft.irfft(spectrum)[: len(samples)]
    power = float(np.mean(samples**2)) / max(float(np.mean(noise**2)), 1e-20)
    return (samples + noise * np.sqrt(power * 10 ** (-snr_db / 10))).astype(np.float32)


def reverberate(samples: Float32Array, decay_s: float, wet: float, rng: np.random.Generator) -> Float32Array:
    """``samples`` in a room that dies away by 60 dB in ``decay_s``; ``wet`` 1 is a speaker far from the microphone."""
    length = int(decay_s * SAMPLE_RATE)
    room = rng.normal(size=length) * 10 ** (-3 * np.arange(length) / length)
    room *= wet / np.sqrt(np.sum(room**2))
    room[0] += 1.0
    return _filtered(samples, lambda size: np.fft.rfft(room, size), tail=length)


def _speak_faster(samples: Float32Array, factor: float) -> Float32Array:
    """Resamples: tempo, pitch and formants move together, as between a larger and a smaller speaker."""
    moments = np.arange(0, len(samples) - 1, factor)
    return np.interp(moments, np.arange(len(samples)), samples).astype(np.float32)


def _tilt(samples: Float32Array, decibels: float) -> Float32Array:
    """Raises (or lowers) high frequencies by ``decibels`` for every two octaves, as microphones and distance do."""

    def response(size: int) -> Float32Array:
        hertz = np.maximum(np.fft.rfftfreq(size, 1 / SAMPLE_RATE), 60.0)
        return 10 ** (decibels * np.clip(np.log2(hertz / 1000.0), -3, 3) / 40)

    return _filtered(samples, response)


def _filtered(samples: Float32Array, response: Callable[[int], NDArray[Any]], tail: int = 0) -> Float32Array:
    """``samples`` through a filter, given as its spectrum at any transform size, with room for its ``tail``."""
    size = _fast(len(samples) + tail)
    return np.fft.irfft(np.fft.rfft(samples, size) * response(size))[: len(samples)].astype(np.float32)


def _fast(length: int) -> int:
    """The next power of two: transforms of some other lengths take ten times as long."""
    return 1 << (length - 1).bit_length()
