"""A pulse from the colour of cheeks: POS (Wang, den Brinker, Stuijk and de Haan, IEEE TBME 64(7), 2017).

Nothing calls it but its benchmark. A heart rate is a person's health data, which this box has no use for, and what it
would say of a room's affect has not been shown.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from edge.signals import Float32Array, Uint8Image

Float64Array = NDArray[np.float64]

SHORTEST_S, LONGEST_S = 10.0, 20.0
"""Less shows too few beats; of more only the last is looked at."""

LOWEST_HZ, HIGHEST_HZ = 0.7, 3.0
"""Hearts beat 42 to 180 times a minute."""

WINDOW_S = 1.6
"""The paper's: a beat at the lowest rate."""

LINE_HZ = 0.1
"""Half the width of a line in the spectrum of so short a signal."""

CHEEKS = ((50, 101, 118, 117, 123, 187, 205), (280, 330, 347, 346, 352, 411, 425))
"""Landmarks of the face mesh around each cheek."""


@dataclass(frozen=True, slots=True)
class Pulse:
    """Beats a minute, 42..180, and ``quality``: the share 0..1 of the spectrum that the beat and its overtone hold."""

    bpm: float
    quality: float


def cheeks(image: Uint8Image, landmarks: Float32Array) -> Float64Array:
    """The mean colour of both cheeks, float64 (3,) in RGB order, 0..255; NaN where they lie outside the picture.

    ``image`` is uint8 (height, width, 3) BGR, ``landmarks`` float32 (468, 3) in its pixels.
    """
    mask = np.zeros(image.shape[:2], np.uint8)
    for cheek in CHEEKS:
        cv2.fillConvexPoly(mask, cv2.convexHull(np.rint(landmarks[list(cheek), :2]).astype(np.int32)), 1)
    if not mask.any():
        return np.full(3, np.nan)
    return np.array(cv2.mean(image, mask)[2::-1])


def pulse(times: Float64Array, colours: Float64Array) -> Pulse | None:
    """The pulse in cheeks of mean colours (n, 3), RGB, seen at rising ``times`` (n,) in seconds.

    None where they cannot show one: less than ten seconds, fewer looks a second than two per beat of the highest rate,
    no light, or a colour that is not known.
    """
    if len(times) < 2 or not np.isfinite(colours).all():
        return None
    recent = times >= times[-1] - LONGEST_S
    times, colours = times[recent], colours[recent]
    seconds = float(times[-1] - times[0])
    rate = (len(times) - 1) / seconds if seconds > 0 else 0.0
    if seconds < SHORTEST_S or rate < 2 * HIGHEST_HZ:
        return None
    even = np.linspace(times[0], times[-1], len(times))
    signal = _pos(np.stack([np.interp(even, times, channel) for channel in colours.T]), round(WINDOW_S * rate))
    return None if signal is None else _strongest(signal, rate)


def _pos(colours: Float64Array, window: int) -> Float64Array | None:
    """Algorithm 1 of the paper: (n,) from RGB (3, n); None in the dark. Light that changes for all colours cancels."""
    pieces = sliding_window_view(colours, window, axis=1)
    means = pieces.mean(axis=2, keepdims=True)
    if means.min() < 1.0:
        return None
    red, green, blue = pieces / means
    first, second = green - blue, green + blue - 2 * red
    spread = second.std(axis=1, keepdims=True)
    ratio = np.divide(first.std(axis=1, keepdims=True), spread, out=np.zeros_like(spread), where=spread > 0)
    beats = first + ratio * second
    beats -= beats.mean(axis=1, keepdims=True)
    signal = np.zeros(colours.shape[1])
    for start, piece in enumerate(beats):
        signal[start : start + window] += piece
    return signal


def _strongest(signal: Float64Array, rate: float) -> Pulse | None:
    """The strongest line of the spectrum between the lowest and the highest rate, to a quarter of a beat a minute."""
    spectrum = np.abs(np.fft.rfft(signal * np.hanning(len(signal)), round(240 * rate))) ** 2
    hertz = np.fft.rfftfreq(round(240 * rate), 1 / rate)
    band = (hertz >= LOWEST_HZ) & (hertz <= HIGHEST_HZ)
    total = float(spectrum[band].sum())
    if total <= 0:
        return None
    beat = float(hertz[band][spectrum[band].argmax()])
    lines = (np.abs(hertz - beat) <= LINE_HZ) | (np.abs(hertz - 2 * beat) <= LINE_HZ)
    return Pulse(60 * beat, float(spectrum[band & lines].sum()) / total)
