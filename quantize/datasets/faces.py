"""Whatever layout of faces a folder holds: the face branch's one way to its data."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import numpy as np

from quantize.datasets import FoldChoice, Split, ck_plus, class_folders, clips, dfew, fer2013_csv, fer2013plus
from quantize.datasets.face_labels import FaceLoader, Faces
from quantize.datasets.layouts import Layout, choose

LAYOUTS: tuple[Layout[FaceLoader], ...] = (
    fer2013plus.LAYOUT,
    fer2013_csv.LAYOUT,
    dfew.LAYOUT,
    ck_plus.LAYOUT,
    class_folders.LAYOUT,
)


def load(folder: Path, split: Split, fold: FoldChoice | None = None) -> Faces:
    """One split of the data set in ``folder``, of its official ``fold``; of one with folds, unless named, the first.

    Raises UserError that lists all that was looked for where it is none, where it has no such fold, and whatever its
    loader finds wrong.
    """
    return choose(folder, LAYOUTS).loader(fold)(folder, split)


def folds_of(folder: Path) -> tuple[FoldChoice, ...]:
    """What can be named as a fold of the data set in ``folder``; nothing where it has none. Raises as ``load``."""
    return tuple(choose(folder, LAYOUTS).folds)


def load_all(folder: Path) -> Faces:
    """Every split of the data set in ``folder``, in one. Raises UserError as ``load`` does."""
    layout = choose(folder, LAYOUTS)
    parts = [layout.load(folder, split) for split in get_args(Split) if split in layout.splits(folder)]
    return Faces(
        images=np.concatenate([part.images for part in parts]),
        votes=np.concatenate([part.votes for part in parts]),
        emotion=np.concatenate([part.emotion for part in parts]),
        positive=np.concatenate([part.positive for part in parts]),
        groups=clips.numbered([part.groups for part in parts]),
        clip=clips.numbered([part.clip for part in parts]),
    )
