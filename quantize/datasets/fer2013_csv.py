"""FER2013 in its official table: ``fer2013.csv`` (emotion, pixels, Usage), with ``fer2013new.csv`` (FER+) beside it.

Goodfellow et al. 2013. Where the votes are there, they are the truth and the table's own labels are not used.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edge.errors import UserError
from edge.signals import Uint8Image
from quantize.datasets import Split, face_labels, fer2013plus, ferplus_votes, tolerance
from quantize.datasets.face_labels import EMOTIONS, SIDE, Faces
from quantize.datasets.layouts import Layout
from quantize.datasets.tables import rows

FILES = ("fer2013.csv", "icml_face_data.csv")
"""The table's two official names; the later one's columns come in another order."""

USAGES: dict[Split, str] = {"train": "Training", "valid": "PublicTest", "test": "PrivateTest"}
CODES = ("angry", "disgust", "fear", "happy", "sad", "surprised", "neutral")
"""The emotions in the order of the table's codes, 0 to 6."""


@dataclass(frozen=True)
class _Picture:
    line: int
    usage: str
    emotion: int
    pixels: str


def load(folder: Path, split: Split) -> Faces:
    """One split, without copies of pictures of an earlier split and, with FER+ votes, without those mostly voted out.

    Raises UserError naming file and line for labels out of range, and where more than 1 % of the pictures are damaged.
    """
    path = _table(folder)
    pictures = _pictures(path)
    earlier = list(USAGES.values())[: list(USAGES).index(split)]
    seen = {picture.pixels for picture in pictures if picture.usage in earlier}
    own = [i for i, picture in enumerate(pictures) if picture.usage == USAGES[split]]
    if not own:
        raise UserError(f"{path}: no line with the Usage {USAGES[split]} for the split {split!r}")
    images = {i: image for i in own if (image := _image(pictures[i].pixels)) is not None}
    flaws = {Path(f"{path} line {pictures[i].line}"): "not 48 x 48 grey levels" for i in own if i not in images}
    tolerance.settle(folder, flaws, len(own), "pictures")
    kept = [i for i in images if pictures[i].pixels not in seen]
    stack = np.stack([images[i] for i in kept]) if kept else np.zeros((0, SIDE, SIDE), np.uint8)
    groups = [pictures[i].pixels for i in kept]
    if not (folder / ferplus_votes.FILE).is_file():
        return face_labels.from_emotions(stack, np.array([pictures[i].emotion for i in kept], np.int64), groups)
    votes = _votes(folder, pictures)
    return face_labels.from_votes(stack, votes[kept].astype(np.float32), groups)


def _table(folder: Path) -> Path:
    return next((folder / name for name in FILES if (folder / name).is_file()), folder / FILES[0])


def _pictures(path: Path) -> list[_Picture]:
    pictures = []
    for row in rows(path, ("emotion", "pixels", "Usage")):
        if row["Usage"] not in USAGES.values():
            raise row.error(f"Usage is {row['Usage']!r}, not one of {', '.join(USAGES.values())}")
        emotion = EMOTIONS.index(CODES[row.integer("emotion", 0, len(CODES) - 1)])
        pictures.append(_Picture(row.line, row["Usage"], emotion, row["pixels"]))
    return pictures


def _image(pixels: str) -> Uint8Image | None:
    """uint8 (48, 48) from 2,304 numbers; None where they are not that."""
    try:
        levels = bytes(map(int, pixels.split()))
    except ValueError:
        return None
    return np.frombuffer(levels, np.uint8).reshape(SIDE, SIDE) if len(levels) == SIDE * SIDE else None


def _votes(folder: Path, pictures: list[_Picture]) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """The votes int64 (N, 10) in the order of ``pictures``."""
    path = folder / ferplus_votes.FILE
    votes = ferplus_votes.read(path)
    if len(votes) != len(pictures):
        raise UserError(f"{path}: {len(votes)} lines of votes for {len(pictures)} pictures; is it of another version?")
    for vote, picture in zip(votes, pictures, strict=True):
        if vote.usage != picture.usage:
            raise UserError(f"{path}: line {vote.line}: Usage is {vote.usage!r}, that picture's is {picture.usage!r}")
    return np.array([vote.counts for vote in votes], np.int64)


LAYOUT = Layout(
    name="FER2013 table",
    files=("fer2013.csv", "fer2013new.csv (FER+ votes, where present)"),
    page=fer2013plus.PAGE,
    terms=fer2013plus.TERMS,
    recognises=lambda folder: _table(folder).is_file(),
    splits=lambda _: tuple(USAGES),
    load=load,
)
