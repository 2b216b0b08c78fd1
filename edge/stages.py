"""How long each stage of the loop takes: the last few hundred durations of each, for health and benchmarks."""

from __future__ import annotations

import time
from collections import deque

import numpy as np

KEPT = 512
"""Durations remembered per stage."""


class StageTimes:
    """Durations by stage name, in the order the stages first ran."""

    def __init__(self) -> None:
        self._durations: dict[str, deque[float]] = {}

    def timed(self, stage: str) -> _Timer:
        """Times what runs inside ``with`` as one turn of ``stage``."""
        return _Timer(self, stage)

    def add(self, stage: str, seconds: float) -> None:
        """Records one turn of ``stage``."""
        self._durations.setdefault(stage, deque(maxlen=KEPT)).append(seconds)

    def quantile_ms(self, q: float) -> dict[str, float]:
        """The ``q`` quantile (0..1) of every stage's remembered durations, in milliseconds."""
        return {stage: 1000.0 * float(np.quantile(d, q)) for stage, d in self._durations.items()}

    def reset(self) -> None:
        """Forgets all durations."""
        self._durations.clear()


class _Timer:
    """A context manager without a generator: the loop enters several a frame."""

    __slots__ = ("_began", "_stage", "_times")

    def __init__(self, times: StageTimes, stage: str) -> None:
        self._times = times
        self._stage = stage

    def __enter__(self) -> None:
        self._began = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self._times.add(self._stage, time.perf_counter() - self._began)
