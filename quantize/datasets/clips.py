"""Pictures that are frames of clips; a still is a clip of one frame, so that both take the same way.

``clip`` is int64 (frames,) throughout: the number of each frame's clip, 0 and up without a gap.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edge.signals import Float32Array


def numbered(parts: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Numbers, each of which counts from 0 in its own part, one after the other in one."""
    starts = np.cumsum([0, *(part.max(initial=-1) + 1 for part in parts[:-1])])
    return np.concatenate([part + start for part, start in zip(parts, starts, strict=True)])


def firsts(clip: NDArray[np.int64]) -> NDArray[np.int64]:
    """The row of each clip's first frame, int64 (clips,): where to look up what is true of the whole clip."""
    return np.unique(clip, return_index=True)[1]


def one_frame_each(clip: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """The row of a frame drawn from each clip, int64 (clips,): AffectFusion learns from one per clip and epoch."""
    sizes = np.bincount(clip)
    by_clip = np.argsort(clip, kind="stable")
    return by_clip[np.cumsum(sizes) - sizes + rng.integers(0, sizes)]


def summed(logits: Float32Array, clip: NDArray[np.int64]) -> Float32Array:
    """The logits that decide on each clip, float32 (clips, labels), from those of its frames, float32 (frames, labels).

    AffectFusion sums a clip's logits. Here the sum is brought back to the scale of one frame, divided by their number:
    clips of one length decide alike, and the temperature and thresholds that are tuned on them fit the device as well,
    which decides frame by frame. One frame's logits stay as they are.
    """
    sums = np.zeros((len(firsts(clip)), logits.shape[1]), np.float32)
    np.add.at(sums, clip, logits)
    return sums / np.bincount(clip)[:, None].astype(np.float32)
