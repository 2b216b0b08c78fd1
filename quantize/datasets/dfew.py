"""DFEW, its single-labelled clips of 16 faces: ``Clip/clip_224x224_16f`` and ``EmoLabel_DataSplit``, five folds.

Jiang et al. 2020, doi:10.1145/3394171.3413620. A clip's 16 pictures, aligned and 224 pixels wide, lie in a folder named
for its number. Of five official folds each tests on its own fifth of the clips and trains on the others. There is no
official validation part: every tenth training clip of each emotion, by number, validates.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from edge.errors import UserError
from quantize.datasets import ALL, FoldChoice, Split, face_labels, face_pictures
from quantize.datasets.face_labels import EMOTIONS, FaceLoader, Faces
from quantize.datasets.layouts import Layout
from quantize.datasets.tables import rows

CLIPS, SPLITS = Path("Clip") / "clip_224x224_16f", Path("EmoLabel_DataSplit")
FRAMES, FOLDS = 16, 5
CODES = ("happy", "sad", "neutral", "angry", "surprised", "disgust", "fear")
"""The emotions in the order of the labels, 1 to 7."""

HELD_BACK = 10


def load(folder: Path, split: Split, fold: FoldChoice = 0) -> Faces:
    """One split of the official ``fold`` (0..4, set_1 to set_5): 16 rows for each clip in a row; groups are clips.

    The test of all folds is every clip, and their training and validation parts share out every clip as well: for a
    network that the five folds' stand the test for.

    Raises UserError naming file and line for a label out of range, and the split file or folder that is missing.
    """
    if not (folder / CLIPS).is_dir():
        archive = (folder / CLIPS).with_suffix(".zip")
        hint = f"; unpack {archive.name} there" if archive.is_file() else ""
        raise UserError(f"{folder / CLIPS}: no such folder{hint}")
    clips = _clips(folder, split, fold)
    if not clips:
        raise UserError(f"{folder / SPLITS}: too few clips for the split {split!r} (fold {fold})")
    sources = [_source(folder, number) for number, _ in clips]
    kept, crops = face_pictures.crops_of(folder, sources, FRAMES)
    emotion = np.repeat([EMOTIONS.index(clips[i][1]) for i in kept], FRAMES).astype(np.int64)
    return face_labels.from_emotions(np.concatenate(crops), emotion, np.repeat(kept, FRAMES).tolist(), FRAMES)


def _clips(folder: Path, split: Split, fold: FoldChoice) -> list[tuple[int, str]]:
    """Number and emotion of every clip of one split."""
    if fold == ALL:
        clips = sorted({clip for number in range(FOLDS) for clip in _listed(folder, "test", number)})
    else:
        clips = _listed(folder, "test", fold) if split == "test" else sorted(_listed(folder, "train", fold))
    if split == "test":
        return clips
    held_back = {
        clip for name in EMOTIONS for clip in [clip for clip in clips if clip[1] == name][HELD_BACK - 1 :: HELD_BACK]
    }
    return [clip for clip in clips if (clip in held_back) == (split == "valid")]


def _listed(folder: Path, part: str, fold: int) -> list[tuple[int, str]]:
    # the data set's own README writes it the other way
    names = [folder / SPLITS / f"{part}({spelling})" for spelling in ("single-labeled", "single_labeled")]
    path = next((name for name in names if name.is_dir()), names[0]) / f"set_{fold + 1}.csv"
    return [
        (row.integer("video_name", 1, 99_999), CODES[row.integer("label", 1, len(CODES)) - 1])
        for row in rows(path, ("video_name", "label"))
    ]


def _source(folder: Path, number: int) -> Path:
    """The clip's folder: its number with or without leading zeros."""
    names: Sequence[str] = (f"{number:05d}", str(number))
    return next(
        (folder / CLIPS / name for name in names if (folder / CLIPS / name).is_dir()), folder / CLIPS / names[0]
    )


LAYOUT: Layout[FaceLoader] = Layout(
    name="DFEW, clips of 16 faces in five official folds",
    files=(
        "Clip/clip_224x224_16f/00001/*.jpg",
        "EmoLabel_DataSplit/train(single-labeled)/set_1.csv ... set_5.csv",
        "EmoLabel_DataSplit/test(single-labeled)/set_1.csv ... set_5.csv",
    ),
    page="https://dfew-dataset.github.io/",
    terms="on application, for non-commercial research and teaching; the clips' rights are their owners'",
    recognises=lambda folder: (folder / SPLITS).is_dir() or (folder / CLIPS).is_dir(),
    splits=lambda _: ("train", "valid", "test"),
    load=load,
    folds={fold: partial(load, fold=fold) for fold in (*range(FOLDS), ALL)},
)
