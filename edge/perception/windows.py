"""Landmark windows: what the engagement branch sees, cut by time whatever the camera's rate."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import numpy as np

from edge.signals import Float32Array


class LandmarkWindow:
    """The recent landmarks of one track, as ``features`` sees them: float32 (n, 468, 3) to (n, k).

    ``cut`` resamples them to ``steps`` vectors at ``rate_hz``: each step holds the last features seen by its time
    (forward fill), and the steps before the track began hold its first.
    """

    def __init__(self, steps: int, rate_hz: float, features: Callable[[Float32Array], Float32Array]) -> None:
        self._steps = steps
        self._period = 1.0 / rate_hz
        self._features = features
        self._times: deque[float] = deque()
        self._seen: deque[Float32Array] = deque()
        self._fresh = 0

    def add(self, landmarks: Float32Array, time: float) -> None:
        """Appends float32 (468, 3) landmarks seen at ``time``, which must not run backwards."""
        self._times.append(time)
        self._seen.append(landmarks)
        self._fresh += 1
        # one sample older than the window is kept: it fills the first step
        while len(self._times) > 1 and self._times[1] <= time - self._steps * self._period:
            self._times.popleft()
            self._seen.popleft()

    def cut(self, end: float) -> tuple[Float32Array, float]:
        """The window that ends at ``end``, float32 (steps, k), and the share of it that the track was there for, 0..1.

        Raises ValueError on a window nothing was added to.
        """
        if not self._times:
            raise ValueError("nothing was seen yet")
        self._work_out()
        times = end - self._period * np.arange(self._steps - 1, -1, -1)
        # half a period of slack: a camera's jitter must not shift every step by one
        held = np.searchsorted(list(self._times), times + self._period / 2, side="right") - 1
        covered = float(np.mean(held >= 0))
        return np.array(self._seen)[np.maximum(held, 0)], covered

    def _work_out(self) -> None:
        """Turns what was added since the last cut into features, all at once: one by one they cost far more."""
        fresh = [self._seen.pop() for _ in range(min(self._fresh, len(self._seen)))]
        if fresh:
            self._seen.extend(self._features(np.stack(fresh[::-1])))
        self._fresh = 0
