"""What the face branch learns from, whichever data set it is: crops, shares of seven emotions, valence and groups."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge import signals
from edge.branches.face_emotion import LEFT_OUT, POSITIVE
from edge.signals import Float32Array, Uint8Image
from quantize.datasets import Split, clips

EMOTIONS = signals.EMOTIONS
"""The network's outputs: the first seven of the ten columns of FER+ votes."""

SIDE = 48

NEEDED, CLEAR = 6, 0.6
"""Valence is told where so many votes of ten are for a positive or negative emotion, and this share of them agrees."""


@dataclass(frozen=True)
class Faces:
    """N pictures of one split: stills, or the frames of clips.

    ``images`` is uint8 (N, 48, 48) grey; ``votes`` float32 (N, 7), the share of each emotion among the votes for any of
    the seven; ``emotion`` int64 (N,), the emotion with most votes of all ten columns, -1 where there is none;
    ``positive`` int64 (N,), 1 positive, 0 negative, -1 left out; ``groups`` (N,) marks what belongs together:
    near-duplicates, the frames of a clip, the pictures of a subject. ``clip`` int64 (N,) numbers the clips from 0, of
    which each has one emotion; a still is a clip of its own.
    """

    images: Uint8Image
    votes: Float32Array
    emotion: NDArray[np.int64]
    positive: NDArray[np.int64]
    groups: NDArray[np.int64]
    clip: NDArray[np.int64]

    @property
    def firsts(self) -> NDArray[np.int64]:
        """The row of each clip's first picture, int64 (clips,)."""
        return clips.firsts(self.clip)

    def only(self, rows: NDArray[np.bool_]) -> Faces:
        """The pictures at ``rows``, whole clips."""
        return Faces(
            images=self.images[rows],
            votes=self.votes[rows],
            emotion=self.emotion[rows],
            positive=self.positive[rows],
            groups=self.groups[rows],
            clip=np.unique(self.clip[rows], return_inverse=True)[1],
        )


FaceLoader = Callable[[Path, Split], Faces]


def from_emotions(images: Uint8Image, emotion: NDArray[np.int64], groups: Sequence[Any], frames: int = 1) -> Faces:
    """Faces of which one emotion each is known: all votes are for it. So many ``frames`` in a row are a clip."""
    votes = np.eye(len(EMOTIONS), dtype=np.float32)[emotion]
    valence = np.array([-1 if name in LEFT_OUT else int(name in POSITIVE) for name in EMOTIONS], np.int64)
    clip = np.arange(len(images)) // frames
    return Faces(images, votes, emotion, valence[emotion], _numbered(groups), clip)


def from_votes(images: Uint8Image, votes: Float32Array, groups: Sequence[Any]) -> Faces:
    """Faces with FER+ votes, float32 (N, 10); those that are mostly no emotion of the seven are left out."""
    keep = usable(votes)
    counted = votes[keep, : len(EMOTIONS)]
    shares = counted / counted.sum(axis=1, keepdims=True)
    kept = [group for group, kept in zip(groups, keep, strict=True) if kept]
    clip = np.arange(len(kept))
    return Faces(images[keep], shares, plurality(votes)[keep], _valence(votes)[keep], _numbered(kept), clip)


def usable(votes: Float32Array) -> NDArray[np.bool_]:
    """Whether most of the ten columns' votes, float32 (N, 10), are for one of the seven emotions: bool (N,)."""
    keep: NDArray[np.bool_] = 2 * votes[:, : len(EMOTIONS)].sum(axis=1) > votes.sum(axis=1)
    return keep


def plurality(votes: Float32Array) -> NDArray[np.int64]:
    """The column with strictly most votes, int64 (N,); -1 for a tie or a column that is no emotion."""
    winner = votes.argmax(axis=1)
    ordered = np.sort(votes, axis=1)
    clear = (ordered[:, -1] > ordered[:, -2]) & (winner < len(EMOTIONS))
    return np.where(clear, winner, -1)


def _valence(votes: Float32Array) -> NDArray[np.int64]:
    """1 positive, 0 negative, -1 neither clearly, int64 (N,)."""
    good = votes[:, [EMOTIONS.index(name) for name in POSITIVE]].sum(axis=1)
    bad = votes[:, [i for i, name in enumerate(EMOTIONS) if name not in (*POSITIVE, *LEFT_OUT)]].sum(axis=1)
    share = good / np.maximum(good + bad, 1)
    told = (good + bad >= NEEDED) & ((share >= CLEAR) | (1 - share >= CLEAR))
    return np.where(told, (share > 0.5).astype(np.int64), -1)


def _numbered(groups: Sequence[Any]) -> NDArray[np.int64]:
    """The same number for the same group."""
    numbers: dict[Any, int] = {}
    return np.array([numbers.setdefault(group, len(numbers)) for group in groups], np.int64)
