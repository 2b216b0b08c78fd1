"""Clips as the engagement network reads them: ten seconds of features, of real clips or of stills."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.errors import UserError
from edge.features.landmarks import NOSE_TIP, OUTER_EYE_CORNERS, LandmarkFeatures
from edge.signals import Float32Array
from quantize.augment import motion
from quantize.datasets.daisee_landmarks import HIGH, Clips
from quantize.evaluation.conditions import Condition
from quantize.training.mirror import mirror

CHUNK = 64
"""Clips that are set in motion at a time: their meshes take some 30 MB."""


@dataclass(frozen=True)
class Sequences:
    """N clips ready for training.

    ``moving`` is float32 (N, steps, K), stills set in motion; ``means`` float32 (N, K), the mean of what was really
    seen, and ``mirrored`` the same in a mirror; ``levels`` (N, 4) and ``subjects`` (N,).
    """

    moving: Float32Array
    means: Float32Array
    mirrored: Float32Array
    levels: NDArray[np.int64]
    subjects: NDArray[np.str_]

    @property
    def high(self) -> NDArray[np.int64]:
        """Whether each state is high, int64 (N, 4)."""
        return (self.levels >= HIGH).astype(np.int64)


def held(clips: Clips, features: LandmarkFeatures, condition: Condition | None = None) -> Float32Array:
    """Features float32 (N, steps, K): real clips as they are, stills held, as the device holds the last face it saw.

    Nothing is made up here but what ``condition`` spoils, so this is what a test is made of. Raises UserError for clips
    of another length.
    """
    steps = clips.landmarks.shape[1]
    if steps not in (1, features.steps):
        raise UserError(f"engagement: clips have {steps} steps, not {features.steps}")
    if condition is not None:
        return np.stack([features(sequence) for sequence in shown(clips, features.steps, condition)])
    read = features(clips.landmarks)
    return np.repeat(read, features.steps, axis=1) if steps == 1 else read


def shown(clips: Clips, steps: int, condition: Condition) -> Iterator[Float32Array]:
    """Each clip's landmarks (steps, 468, 3) under ``condition``, one by one: all at once would not fit in memory."""
    whole = np.broadcast_to(clips.landmarks, (len(clips.landmarks), steps, *clips.landmarks.shape[2:]))
    for clip, sequence in enumerate(whole):
        yield condition(sequence, clip)


def prepare(clips: Clips, features: LandmarkFeatures, seed: int) -> Sequences:
    """The clips as training takes them. Raises UserError for clips of another length."""
    seen = held(clips, features)
    shown = seen if clips.landmarks.shape[1] != 1 else _set_in_motion(clips.landmarks[:, 0], features, seed)
    mirrored = features(mirror(clips.landmarks)).mean(axis=1)
    return Sequences(shown, seen.mean(axis=1), mirrored, clips.levels, clips.subjects)


def _set_in_motion(stills: Float32Array, features: LandmarkFeatures, seed: int) -> Float32Array:
    points = np.unique([NOSE_TIP, *OUTER_EYE_CORNERS, *features.points])
    rng = np.random.default_rng(seed)
    return np.concatenate(
        [
            features(motion.expand(part, points, features.steps, features.rate_hz, rng))
            for part in np.array_split(stills, -(-len(stills) // CHUNK))
        ]
    )
