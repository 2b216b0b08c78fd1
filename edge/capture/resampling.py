"""Sound at any rate, in any number of channels -> float32 mono at 16 kHz."""

from __future__ import annotations

from typing import cast

import numpy as np
import soxr

from edge.signals import SAMPLE_RATE, Float32Array


class Resampler:
    """Resamples a stream; output lags by the filter's length, but its first sample is the input's first."""

    def __init__(self, rate: int) -> None:
        """Takes sound at ``rate`` Hz."""
        self._stream = None if rate == SAMPLE_RATE else soxr.ResampleStream(rate, SAMPLE_RATE, 1, dtype="float32")

    def feed(self, samples: Float32Array, *, last: bool = False) -> Float32Array:
        """Takes float32 (n, channels), gives float32 (m,) in -1..1, which may be empty.

        What is not a number becomes silence. ``last`` gives out what is left in the filter.
        """
        mono = np.clip(np.nan_to_num(samples, posinf=0.0, neginf=0.0), -1.0, 1.0).mean(axis=1)
        if self._stream is not None:
            mono = self._stream.resample_chunk(mono, last=last)
        return cast(Float32Array, np.clip(mono, -1.0, 1.0))
