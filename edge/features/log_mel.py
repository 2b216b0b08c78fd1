"""Speech features: a level-normalised log-mel spectrogram of one utterance."""

from __future__ import annotations

from functools import lru_cache
from typing import ClassVar

import numpy as np

from edge.features import Preprocessing
from edge.signals import SAMPLE_RATE, Float32Array


class LogMel(Preprocessing, frozen=True):
    """Turns an utterance into float32 (frames, bands), the same for a whisper and a shout of the same shape.

    Power is floored ``floor_db`` below the utterance's own peak and the result is standardised over the utterance, so a
    gain applied to the samples changes nothing. Shorter utterances are padded with zeros (the utterance's mean), longer
    ones keep their first ``frames`` frames.
    """

    version: ClassVar[int] = 1

    bands: int = 64
    frames: int = 500
    window: int = 400
    hop: int = 160
    fft: int = 512
    low_hz: float = 60.0
    high_hz: float = 7600.0
    floor_db: float = 60.0

    def __call__(self, samples: Float32Array) -> Float32Array:
        """Features float32 (frames, bands) of ``samples``, float32 (n,) mono at 16 kHz, of any length."""
        features = np.zeros((self.frames, self.bands), np.float32)
        samples = samples[: (self.frames - 1) * self.hop + self.window]
        if len(samples) < self.window:
            samples = np.pad(samples, (0, self.window - len(samples)))
        windows = np.lib.stride_tricks.sliding_window_view(samples, self.window)[:: self.hop]
        power = np.abs(np.fft.rfft(windows * _hann(self.window), self.fft)) ** 2
        mel = (power.astype(np.float32) @ _mel_filters(self.bands, self.fft, self.low_hz, self.high_hz)).astype(
            np.float32
        )
        peak = float(mel.max())
        if peak <= 0.0:
            return features
        decibels = 10.0 * np.log10(np.maximum(mel / peak, 10.0 ** (-self.floor_db / 10.0)))
        spread = float(decibels.std())
        features[: len(decibels)] = (decibels - decibels.mean()) / max(spread, 1.0)
        return features


@lru_cache(maxsize=4)
def _hann(length: int) -> Float32Array:
    return np.hanning(length + 1)[:-1].astype(np.float32)


@lru_cache(maxsize=4)
def _mel_filters(bands: int, fft: int, low_hz: float, high_hz: float) -> Float32Array:
    """Triangular filters float32 (fft // 2 + 1, bands), evenly spaced on the HTK mel scale."""
    low, high = (2595.0 * np.log10(1.0 + np.array([low_hz, high_hz]) / 700.0)).tolist()
    edges = 700.0 * (10.0 ** (np.linspace(low, high, bands + 2) / 2595.0) - 1.0)
    bins = np.arange(fft // 2 + 1) * SAMPLE_RATE / fft
    rising = (bins[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins[:, None]) / (edges[2:] - edges[1:-1])
    return np.maximum(0.0, np.minimum(rising, falling)).astype(np.float32)
