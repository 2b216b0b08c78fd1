"""FER2013 pictures with FER+ votes: ``train.npz``, ``valid.npz`` and ``test.npz`` in one folder.

Pictures: Goodfellow et al. 2013. Votes of ten people a picture: Barsoum et al. 2016 (doi:10.1145/2993148.2993165).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edge.errors import UserError
from quantize.datasets import Split, read_npz
from quantize.datasets.face_labels import EMOTIONS, SIDE, Faces, plurality, usable
from quantize.datasets.layouts import Layout

__all__ = ["EMOTIONS", "LAYOUT", "SIDE", "Faces", "load"]

FIELDS = ("images", "ferplus_votes", "binary_ferplus", "dup_group", "leak")
PAGE = (
    "https://www.kaggle.com/c/challenges-in-representation-learning-facial-expression-recognition-challenge, "
    "https://github.com/microsoft/FERPlus"
)
TERMS = "pictures from the web, for research, rights not cleared; FER+ votes: MIT"


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
    keep = ~content["leak"].astype(bool) & usable(votes)
    binary = content["binary_ferplus"].astype(np.int64)
    return Faces(
        images=images[keep],
        votes=counted[keep] / counted[keep].sum(axis=1, keepdims=True),
        emotion=plurality(votes)[keep],
        positive=np.where(binary < 0, -1, 1 - binary)[keep],
        groups=content["dup_group"].astype(np.int64)[keep],
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
