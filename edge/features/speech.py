"""Speech features: how one utterance sounds as a whole, in a few hundred numbers that know nothing of its level."""

from __future__ import annotations

from functools import lru_cache
from typing import ClassVar

import msgspec
import numpy as np

from edge.features import Preprocessing
from edge.signals import SAMPLE_RATE, Float32Array

LOWEST_HZ, HIGHEST_HZ = 70, 600
"""Voices are looked for between these pitches: a deep man's and a scream's."""

CEPSTRA = 23
CLIP = 4.0
"""Standardised features are held within this, so that one odd recording cannot spoil the scale of int8."""

TEMPO_BANDS, TEMPO_BINS, TEMPO_FRAMES = 8, 12, 256


class SpeechFeatures(Preprocessing, frozen=True):
    """Turns an utterance into functionals, float32 (features,), the same for a whisper and a shout of the same shape.

    Functionals are statistics over time (as in openSMILE's sets, Eyben et al. 2016): of the spectrum in mel bands and
    of its cepstrum, of energy and pitch, and of how fast each of them goes up and down. All are taken relative to the
    utterance's own peak, and windows at either end that stay ``edge_db`` under the loudest are left out: how generously
    voice activity cuts depends on the microphone's level. ``centre`` and ``spread`` standardise them; without these
    they come as they are.

    With ``frames`` it is the standardised log-mel spectrogram itself, float32 (frames, bands): zeros (the utterance's
    mean) fill up shorter utterances, longer ones keep their beginning.
    """

    version: ClassVar[int] = 1

    window: int = 1024
    hop: int = 256
    fft: int = 2048
    bands: int = 80
    low_hz: float = 60.0
    high_hz: float = 7600.0
    floor_db: float = 60.0
    edge_db: float = 25.0
    frames: int = 0
    centre: tuple[float, ...] = ()
    spread: tuple[float, ...] = ()

    def __call__(self, samples: Float32Array) -> Float32Array:
        """Features of ``samples``, float32 (n,) mono at 16 kHz, of any length."""
        power = self._power(samples)
        mel = power @ _mel_filters(self.bands, self.fft, self.low_hz, self.high_hz)
        loud = np.flatnonzero(mel.sum(axis=1) >= mel.sum(axis=1).max() * 10.0 ** (-self.edge_db / 10.0))
        power, mel = power[loud[0] : loud[-1] + 1], mel[loud[0] : loud[-1] + 1]
        spectrogram = self._spectrogram(mel)
        if self.frames:
            padded = np.zeros((self.frames, self.bands), np.float32)
            padded[: len(spectrogram)] = spectrogram[: self.frames]
            return padded
        values = np.concatenate(
            [_spectrum(spectrogram), _energy(spectrogram), *_melody(spectrogram, *_pitch(power))]
        ).astype(np.float32)
        return self.standardised(values) if self.centre else values

    def standardised(self, values: Float32Array) -> Float32Array:
        """Functionals float32 (..., features) by ``centre`` and ``spread``, within -CLIP..CLIP."""
        standard = (values - np.asarray(self.centre, np.float32)) / np.asarray(self.spread, np.float32)
        return np.clip(standard, -CLIP, CLIP).astype(np.float32)

    def standardising(self, values: Float32Array) -> SpeechFeatures:
        """The same features, standardised as the examples ``values``, float32 (N, features), ask for."""
        spread = np.maximum(values.std(axis=0), 1e-3)
        return msgspec.structs.replace(
            self, centre=tuple(np.round(values.mean(axis=0), 4).tolist()), spread=tuple(np.round(spread, 4).tolist())
        )

    def _power(self, samples: Float32Array) -> Float32Array:
        """Power spectra (T, fft // 2 + 1) of overlapping windows."""
        if len(samples) < self.window:
            samples = np.pad(samples, (0, self.window - len(samples)))
        windows = np.lib.stride_tricks.sliding_window_view(samples, self.window)[:: self.hop]
        spectra = np.fft.rfft(windows * _hann(self.window), self.fft)
        return spectra.real**2 + spectra.imag**2

    def _spectrogram(self, mel: Float32Array) -> Float32Array:
        """Decibels (T, bands) under the peak, standardised over the utterance; zeros for silence."""
        peak = float(mel.max())
        if peak <= 0.0:
            return np.zeros(mel.shape, np.float32)
        decibels = 10.0 * np.log10(np.maximum(mel / peak, 10.0 ** (-self.floor_db / 10.0)))
        return ((decibels - decibels.mean()) / max(float(decibels.std()), 1.0)).astype(np.float32)


def _spectrum(spectrogram: Float32Array) -> Float32Array:
    """How bands and cepstra lie, vary and move."""
    energy = spectrogram.mean(axis=1)
    loud = energy >= np.median(energy)
    bands = np.sort(spectrogram, axis=0)
    cepstra = spectrogram @ _cosines(spectrogram.shape[1])
    ordered = np.sort(cepstra, axis=0)
    return np.concatenate(
        [
            spectrogram.mean(axis=0),
            spectrogram[loud].mean(axis=0),
            _quantile(bands, 0.5),
            _quantile(bands, 0.9),
            spectrogram.std(axis=0),
            _moves(spectrogram).std(axis=0),
            cepstra.mean(axis=0),
            cepstra.std(axis=0),
            _moves(cepstra).std(axis=0),
            _quantile(ordered, 0.1),
            _quantile(ordered, 0.9),
        ]
    )


def _energy(spectrogram: Float32Array) -> Float32Array:
    """The envelope of the sound: its spread, its quantiles, its ups and downs, and how long it lasts."""
    energy = spectrogram.mean(axis=1)
    ordered = np.sort(energy)
    steps = np.diff(energy) if len(energy) > 1 else np.zeros(1)
    quantiles = [_quantile(ordered, share) for share in (0.1, 0.25, 0.5, 0.75, 0.95)]
    changes = [np.abs(steps).mean(), steps.std(), np.mean(steps > 0)]
    return np.array([energy.std(), np.log(len(energy)), *changes, *quantiles])


def _pitch(power: Float32Array) -> tuple[Float32Array, Float32Array]:
    """Semitones over 100 Hz and how periodic each window is, 0..1, both (T,), from its autocorrelation."""
    first, last = SAMPLE_RATE // HIGHEST_HZ, SAMPLE_RATE // LOWEST_HZ
    related = np.fft.irfft(power)[:, :last]
    related = related / np.maximum(related[:, :1], np.finfo(np.float64).tiny) / _window_related(power.shape[1], last)
    lags = np.arange(first, last)
    # an octave too low fits as well as the pitch itself: prefer the shorter lag
    preference = 1.0 - 0.15 * np.log(lags / first) / np.log(last / first)
    best = lags[(related[:, first:] * preference).argmax(axis=1)]
    periodic = np.clip(related[np.arange(len(best)), best], 0.0, 1.0)
    return 12.0 * np.log2(SAMPLE_RATE / best / 100.0), periodic


def _melody(
    spectrogram: Float32Array, semitones: Float32Array, periodic: Float32Array
) -> tuple[Float32Array, Float32Array]:
    """Functionals of the pitch, and how fast bands and pitch go up and down."""
    energy = spectrogram.mean(axis=1)
    voiced = (periodic > 0.5) & (energy > _quantile(np.sort(energy), 0.3))
    if voiced.sum() < 4:
        voiced = periodic >= np.sort(periodic)[-min(4, len(periodic))]
    pitch, moments = semitones[voiced], np.flatnonzero(voiced) / len(voiced)
    ordered, mean, quarter = np.sort(pitch), pitch.mean(), max(1, len(pitch) // 4)
    steps = np.diff(pitch)
    steps = steps[np.abs(steps) < 3.0]
    steps = steps if len(steps) else np.zeros(1)
    away = moments - moments.mean()
    low, *middle, high = (_quantile(ordered, share) for share in (0.05, 0.25, 0.5, 0.75, 0.95))
    tune = [mean, pitch.std(), low, *middle, high, high - low]
    motion = [np.abs(steps).mean(), steps.std(), np.mean(steps > 0), away @ (pitch - mean) / max(away @ away, 1e-6)]
    clarity = [voiced.mean(), periodic[voiced].mean(), periodic[voiced].std(), periodic.mean()]
    ends = [pitch[:quarter].mean() - mean, pitch[-quarter:].mean() - mean]
    curves = spectrogram.reshape(len(spectrogram), TEMPO_BANDS, -1).mean(axis=2)
    curves = np.concatenate([curves, np.where(voiced, semitones - mean, 0.0)[:, None] / 4.0], axis=1)
    return np.array([*tune, *motion, *clarity, *ends]), _tempo(curves)


def _tempo(curves: Float32Array) -> Float32Array:
    """The logarithm of each curve's share of fluctuation at 0 to 12 Hz in steps of 1 Hz, (TEMPO_BINS * curves,)."""
    moving = np.abs(np.fft.rfft(curves - curves.mean(axis=0), TEMPO_FRAMES, axis=0)) / np.sqrt(len(curves))
    binned = moving[: 4 * TEMPO_BINS].reshape(TEMPO_BINS, 4, -1).mean(axis=1)
    return np.log(binned + 0.05).ravel()


def _moves(values: Float32Array) -> Float32Array:
    return values[2:] - values[:-2] if len(values) > 4 else np.zeros((1, values.shape[1]), np.float32)


def _quantile(ordered: Float32Array, share: float) -> Float32Array:
    return ordered[int(share * len(ordered))]


@lru_cache(maxsize=4)
def _cosines(bands: int) -> Float32Array:
    """The cosine transform of a spectrum without its mean, float32 (bands, CEPSTRA)."""
    turns = np.outer(np.arange(bands) + 0.5, np.arange(1, CEPSTRA + 1)) / bands
    return (2.0 / bands * np.cos(np.pi * turns)).astype(np.float32)


@lru_cache(maxsize=4)
def _window_related(bins: int, lags: int, window: int = 1024) -> Float32Array:
    """The window's own autocorrelation, by which a signal's is too small at longer lags."""
    own = np.fft.irfft(np.abs(np.fft.rfft(_hann(window), 2 * (bins - 1))) ** 2)
    return own[:lags] / own[0]


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
