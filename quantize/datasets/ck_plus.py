"""CK+: ``cohn-kanade-images/S005/001/*.png`` and ``Emotion/S005/001/*_emotion.txt`` in one folder.

Lucey et al. 2010, doi:10.1109/CVPRW.2010.5543262. A sequence begins neutral and ends at its peak: the last picture of
each labelled one shows the label's emotion, its first is neutral. Contempt, an eighth emotion, is left out with its
neutral picture. Subjects, whom no official split keeps apart, are dealt out by number: of five one validates and one
tests.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from edge.errors import UserError
from quantize.datasets import Split, face_labels, face_pictures
from quantize.datasets.face_labels import EMOTIONS, Faces
from quantize.datasets.layouts import Layout

IMAGES, LABELS = "cohn-kanade-images", "Emotion"
CODES = ("neutral", "angry", "contempt", "disgust", "fear", "happy", "sad", "surprised")
"""The emotions in the order of the labels, 0 to 7."""

PARTS: tuple[Split, ...] = ("train", "train", "train", "valid", "test")


def load(folder: Path, split: Split) -> Faces:
    """The first and last pictures of the labelled sequences of one split's subjects; groups are subjects.

    Raises UserError naming the label file that is not 0 to 7 or has no pictures, or the folder that is missing.
    """
    labelled = sorted((folder / LABELS).glob("S*/*/*_emotion.txt"))
    if not labelled:
        raise UserError(f"{folder / LABELS}: no labels here (S005/001/S005_001_00000011_emotion.txt)")
    subjects = sorted({label.parent.parent.name for label in labelled})
    own = {subject for i, subject in enumerate(subjects) if PARTS[i % len(PARTS)] == split}
    pictures = [pair for label in labelled if label.parent.parent.name in own for pair in _pictures(folder, label)]
    if not pictures:
        raise UserError(f"{folder}: {len(subjects)} subjects are too few for a split {split!r}")
    kept, crops = face_pictures.crops_of(folder, [picture for picture, _ in pictures])
    emotion = np.array([EMOTIONS.index(pictures[i][1]) for i in kept], np.int64)
    return face_labels.from_emotions(np.concatenate(crops), emotion, [pictures[i][0].parent.parent.name for i in kept])


def _pictures(folder: Path, label: Path) -> Iterator[tuple[Path, str]]:
    """The neutral and the peak picture of one sequence, each with its emotion."""
    name = CODES[_code(label)]
    if name not in EMOTIONS:
        return
    place = folder / IMAGES / label.parent.parent.name / label.parent.name
    sequence = face_pictures.pictures_in(place)
    if len(sequence) < 2:
        raise UserError(f"{place}: {len(sequence)} pictures for the label {label.name}; a sequence was expected")
    yield sequence[0], "neutral"
    yield sequence[-1], name


def _code(label: Path) -> int:
    try:
        code = float(label.read_text(encoding="ascii"))
    except (OSError, ValueError) as error:
        raise UserError(f"{label}: line 1: not a label, a number from 0 to 7") from error
    if code not in range(len(CODES)):
        raise UserError(f"{label}: line 1: the label is {code:g}, not a whole number from 0 to 7")
    return int(code)


LAYOUT = Layout(
    name="CK+",
    files=("cohn-kanade-images/S005/001/*.png", "Emotion/S005/001/*_emotion.txt"),
    page="https://www.jeffcohn.net/Resources/",
    terms="by signed agreement, for non-commercial research; few subjects' faces may be printed",
    recognises=lambda folder: (folder / IMAGES).is_dir(),
    splits=lambda _: ("train", "valid", "test"),
    load=load,
)
