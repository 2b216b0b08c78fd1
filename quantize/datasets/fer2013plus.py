"""FER2013 pictures with FER+ votes: ``train.npz``, ``valid.npz`` and ``test.npz`` in one folder.

Pictures: Goodfellow et al. 2013. Votes of ten people a picture: Barsoum et al. 2016 (doi:10.1145/2993148.2993165).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from edge.errors import UserError
from edge.signals import Float32Array, Uint8Image
from quantize.datasets import Split, read_npz

EMOTIONS = ("neutral", "happy", "surprised", "sad", "angry", "disgust", "fear")
"""The first seven of the ten columns of votes; contempt, unknown and not-a-face follow and are left out."""

FIELDS = ("images", "ferplus_votes", "binary_ferplus", "dup_group", "leak")
SIDE = 48


@dataclass(frozen=True)
class Faces:
    """N pictures of one split.

    ``images`` is uint8 (N, 48, 48) grey; ``votes`` float32 (N, 7), the share of each emotion among the votes for any of
    the seven; ``emotion`` int64 (N,), the emotion with most votes of all ten columns, -1 where there is none;
    ``positive`` int64 (N,), 1 positive, 0 negative, -1 left out; ``groups`` (N,) marks near-duplicates.
    """

    images: Uint8Image
    votes: Float32Array
    emotion: NDArray[np.int64]
    positive: NDArray[np.int64]
    groups: NDArray[np.int64]


def load(folder: Path, split: Split) -> Faces:
    """One split, without pictures whose near-duplicate sits in an earlier split and without those mostly voted out.

    Raises UserError naming the file that is missing or is not what it should be.
    """
    path = folder / f"{split}.npz"
    content = read_npz(path, FIELDS)
    images, votes = content["images"], content["ferplus_votes"].astype(np.float32)
    if images.dtype != np.uint8 or images.shape[1:] != (SIDE, SIDE):
        raise UserError(f"{path}: images are {images.dtype}{list(images.shape)}, not uint8 (N, {SIDE}, {SIDE})")
    if votes.ndim != 2 or votes.shape[1] != len(EMOTIONS) + 3:
        raise UserError(f"{path}: ferplus_votes is {list(votes.shape)}, not (N, 10)")
    counted = votes[:, : len(EMOTIONS)]
    total = counted.sum(axis=1)
    keep = ~content["leak"].astype(bool) & (2 * total > votes.sum(axis=1))
    binary = content["binary_ferplus"].astype(np.int64)
    return Faces(
        images=images[keep],
        votes=counted[keep] / total[keep, None],
        emotion=_plurality(votes)[keep],
        positive=np.where(binary < 0, -1, 1 - binary)[keep],
        groups=content["dup_group"].astype(np.int64)[keep],
    )


def load_all(folder: Path) -> Faces:
    """Every split that lies in ``folder``, in one. Raises UserError where there is none."""
    found = [split for split in get_args(Split) if (folder / f"{split}.npz").exists()]
    parts = [load(folder, split) for split in found or ["test"]]
    return Faces(**{f.name: np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Faces)})


def _plurality(votes: Float32Array) -> NDArray[np.int64]:
    """The column with strictly most votes, int64 (N,); -1 for a tie or a column that is no emotion."""
    winner = votes.argmax(axis=1)
    ordered = np.sort(votes, axis=1)
    clear = (ordered[:, -1] > ordered[:, -2]) & (winner < len(EMOTIONS))
    return np.where(clear, winner, -1)
