"""The room's neutral: what faces look like from where this camera hangs, so that they are read relative to it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from edge.signals import Float32Array

MINUTE_S = 60.0
"""How long a track is watched before it has a neutral."""

LONGEST_GAP_S = 2.0
"""Between two looks at a track, longer than this is not time in which it was watched."""

FEWEST = 3
"""Of fewer people's neutrals, what they have in common cannot be told from who they are."""

REMEMBERED = 64
"""How many neutrals are kept, the newest: a camera that was moved is forgotten with those it saw before."""


@dataclass(slots=True)
class _Minute:
    """What is known of a track that is still in its first minute."""

    total: Float32Array
    looks: int
    last: float
    watched_s: float = 0.0


class Neutral:
    """The neutrals of the tracks that were watched for a minute; they outlive the tracks, in memory only.

    With m the mean of n tracks' neutrals, K features in standard deviations of the training's faces, whose mean is 0,
    a window x becomes::

        x - b m        b = max(0, 1 - K / (n |m|^2)) where n >= FEWEST, otherwise 0

    The means of n people of the training's kind would be about |m|^2 = K / n away from 0 by chance, for no more than
    one standard deviation parts them. Only what exceeds that is taken for the camera's (the positive-part estimate of
    James and Stein 1961): nothing is relative before some were watched for a minute, little where few were, and with
    a camera like the training's nothing ever. A person's own neutral is not taken away beyond that: how somebody
    looks tells more of how they feel than it hides.
    """

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Forgets everybody and the room."""
        self._minutes: dict[int, _Minute] = {}
        self._settled: set[int] = set()
        self._neutrals: deque[Float32Array] = deque(maxlen=REMEMBERED)
        self._shift: Float32Array | None = None

    def saw(self, track: int, window: Float32Array, time: float) -> None:
        """Adds what a track showed at ``time``, float32 (steps, K), while it is in its first minute."""
        if track in self._settled:
            return
        seen = window.mean(axis=0)
        minute = self._minutes.get(track)
        if minute is None:
            self._minutes[track] = _Minute(seen, 1, time)
            return
        minute.watched_s += min(max(time - minute.last, 0.0), LONGEST_GAP_S)
        minute.total, minute.looks, minute.last = minute.total + seen, minute.looks + 1, time
        if minute.watched_s >= MINUTE_S:
            del self._minutes[track]
            self._settled.add(track)
            self._neutrals.append(minute.total / np.float32(minute.looks))
            self._shift = shift(np.stack(self._neutrals))

    def keep(self, tracks: Iterable[int]) -> None:
        """Forgets whose first minute was broken off: all but ``tracks``."""
        alive = set(tracks)
        self._minutes = {track: minute for track, minute in self._minutes.items() if track in alive}
        self._settled &= alive

    def relative(self, window: Float32Array) -> Float32Array:
        """A window float32 (steps, K) of anybody relative to the room's neutral; as it is before there is one."""
        return window if self._shift is None else window - self._shift


def shift(neutrals: Float32Array) -> Float32Array:
    """What is taken from every face's features, float32 (K,), given the neutrals of n people, float32 (n, K)."""
    mean = neutrals.mean(axis=0)
    if len(neutrals) < FEWEST:
        return np.zeros_like(mean)
    by_chance = len(mean) / len(neutrals)
    share = max(0.0, 1.0 - by_chance / max(float(mean @ mean), 1e-9))
    return np.asarray(np.float32(share) * mean, np.float32)
