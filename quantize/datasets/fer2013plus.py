"""FER2013 pictures with FER+ votes: ``train.npz``, ``valid.npz`` and ``test.npz`` in one folder.

Pictures: Goodfellow et al. 2013. Votes of ten people a picture: Barsoum et al. 2016 (doi:10.1145/2993148.2993165).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edge.errors import UserError
from quantize.datasets import Split, read_npz, whole
from quantize.datasets.face_labels import EMOTIONS, SIDE, Faces, plurality, usable
from quantize.datasets.layouts import Layout

__all__ = ["EMOTIONS", "LAYOUT", "SIDE", "Faces", "load"]

FIELDS = ("images", "ferplus_votes", "binary_ferplus", "dup_group", "leak")
PAGE = (
    "https://www.kaggle.com/c/challenges-in-representation-learning-facial-expression-recognition-challenge, "
    "https://github.com/microsoft/FERPlus"
)
VOTERS = 10
RANGES = {"binary_ferplus": (-1, 1), "dup_group": (-(2**31), 2**31 - 1), "leak": (0, 1)}
TERMS = "pictures from the web, for research, rights not cleared; FER+ votes: MIT"


def load(folder: Path, split: Split) -> Faces:
    """One split, without pictures whose near-duplicate sits in an earlier split and without those mostly voted out.

    Raises UserError naming the file that is missing or is not what it should be.
    """
    path = folder / f"{split}.npz"
    content = read_npz(path, FIELDS)
    images, counts, binary = (content[field] for field in FIELDS[:3])
    if images.dtype != np.uint8 or images.shape[1:] != (SIDE, SIDE):
        raise UserError(f"{path}: images are {images.dtype}{list(images.shape)}, not uint8 (N, {SIDE}, {SIDE})")
    if counts.ndim != 2 or counts.shape[1] != len(EMOTIONS) + 3:
        raise UserError(f"{path}: ferplus_votes is {list(counts.shape)}, not (N, 10)")
    if not whole(counts, 0, VOTERS):
        raise UserError(f"{path}: ferplus_votes are not whole numbers from 0 to {VOTERS}")
    for field, (low, high) in RANGES.items():
        if content[field].ndim != 1 or not whole(content[field], low, high):
            raise UserError(f"{path}: {field} is not (N,) of whole numbers from {low} to {high}")
    votes = counts.astype(np.float32)
    counted = votes[:, : len(EMOTIONS)]
    keep = ~content["leak"].astype(bool) & usable(votes)
    if not keep.any():
        raise UserError(f"{path}: no picture is left: all leak or are mostly voted to be no emotion of the seven")
    return Faces(
        images=images[keep],
        votes=counted[keep] / counted[keep].sum(axis=1, keepdims=True),
        emotion=plurality(votes)[keep],
        positive=np.where(binary < 0, -1, 1 - binary.astype(np.int64))[keep],
        groups=content["dup_group"].astype(np.int64)[keep],
        clip=np.arange(keep.sum()),
    )


def _splits(folder: Path) -> tuple[str, ...]:
    return tuple(split for split in ("train", "valid", "test") if (folder / f"{split}.npz").is_file())


LAYOUT = Layout(
    name="FER2013 with FER+ votes as NumPy archives",
    files=("train.npz", "valid.npz", "test.npz"),
    page=PAGE,
    terms=TERMS,
    recognises=lambda folder: bool(_splits(folder)),
    splits=_splits,
    load=load,
)
