"""Whatever layout of faces a folder holds: the face branch's one way to its data."""

from __future__ import annotations

from pathlib import Path

from quantize.datasets import Split, ck_plus, class_folders, dfew, fer2013_csv, fer2013plus
from quantize.datasets.face_labels import FaceLoader, Faces
from quantize.datasets.layouts import Layout, choose

LAYOUTS: tuple[Layout[FaceLoader], ...] = (
    fer2013plus.LAYOUT,
    fer2013_csv.LAYOUT,
    dfew.LAYOUT,
    ck_plus.LAYOUT,
    class_folders.LAYOUT,
)


def load(folder: Path, split: Split) -> Faces:
    """One split of the data set in ``folder``; of one with folds the first.

    Raises UserError that lists all that was looked for where it is none, and whatever its loader finds wrong.
    """
    return choose(folder, LAYOUTS).load(folder, split)
