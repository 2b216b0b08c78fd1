"""Faces in folders named for their emotion: ``train/angry/*.png``, ``test/...``, or the emotions' folders alone.

FER2013 is often handed on like this. Pictures may have any size, in colour or grey. FER+ votes (``fer2013new.csv``)
beside the folders are the truth where they name the pictures.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from edge.errors import UserError
from quantize.datasets import Split, face_labels, face_pictures, ferplus_votes
from quantize.datasets.face_labels import EMOTIONS, Faces
from quantize.datasets.layouts import Layout

SYNONYMS = {
    "happiness": "happy",
    "surprise": "surprised",
    "sadness": "sad",
    "anger": "angry",
    "disgusted": "disgust",
    "fearful": "fear",
}
NAMES = {name: name for name in EMOTIONS} | SYNONYMS
"""What the emotions' folders may be called, in any case."""

IGNORED = ("contempt",)
"""Folders of an eighth emotion that other data sets have."""

SPLITS: dict[Split, tuple[str, ...]] = {
    "train": ("train", "training"),
    "valid": ("valid", "validation", "val"),
    "test": ("test", "testing"),
}
HELD_BACK = 10
"""Where there is no validation folder, one picture in so many of the training folder validates."""


def load(folder: Path, split: Split) -> Faces:
    """One split, without copies of pictures of an earlier one. Emotions' folders alone, without splits, are a test.

    Raises UserError naming the folder that is missing or is no emotion's, and for more than 1 % damaged pictures.
    """
    files = _files(folder, split)
    earlier = [file for other in _earlier(folder, split) for file in _files(folder, other)]
    files = _without(files, earlier)
    if not files:
        raise UserError(f"{folder}: no pictures for the split {split!r}")
    votes = _votes(folder, files)
    if votes:
        files = [file for file in files if file.stem in votes]
    kept, crops = face_pictures.crops_of(folder, files)
    images = np.concatenate(crops)
    groups = [image.tobytes() for image in images]
    if votes:
        counts = np.array([votes[files[i].stem] for i in kept], np.float32)
        return face_labels.from_votes(images, counts, groups)
    emotion = np.array([EMOTIONS.index(_emotion(files[i].relative_to(folder))) for i in kept], np.int64)
    return face_labels.from_emotions(images, emotion, groups)


def _files(folder: Path, split: Split) -> list[Path]:
    """The pictures of one split."""
    parts = _parts(folder)
    if not parts:
        if split != "test":
            raise UserError(f"{folder}: has no folder {split}/; emotions' folders alone can only be evaluated on")
        return _pictures(folder)
    if split in parts:
        files = _pictures(parts[split])
        return [file for file in files if not _held_back(file)] if split == "train" and "valid" not in parts else files
    if split == "valid" and "train" in parts:
        return [file for file in _pictures(parts["train"]) if _held_back(file)]
    raise UserError(f"{folder / split}: no such folder; it belongs to the data set")


def _earlier(folder: Path, split: Split) -> list[Split]:
    """The splits before this one that the folder has."""
    parts = _parts(folder)
    order = list(SPLITS)
    return [other for other in order[: order.index(split)] if other in parts]


def _parts(folder: Path) -> dict[Split, Path]:
    """The folders of the splits that are there."""
    found = {path.name.lower(): path for path in folder.iterdir() if path.is_dir()}
    return {split: found[name] for split, names in SPLITS.items() for name in names if name in found}


def _pictures(folder: Path) -> list[Path]:
    files: list[Path] = []
    for place in sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")):
        if place.name.lower() in IGNORED:
            continue
        if place.name.lower() not in NAMES:
            raise UserError(f"{place}: not the folder of an emotion (one of {', '.join(EMOTIONS)})")
        files += face_pictures.pictures_in(place)
    return files


def _emotion(path: Path) -> str:
    """The emotion of a picture by the last folder on its path that names one."""
    return next(NAMES[part.lower()] for part in reversed(path.parts[:-1]) if part.lower() in NAMES)


def _held_back(file: Path) -> bool:
    """The same pictures every time; copies of one, which have the same bytes, together."""
    return int(_sha256(file), 16) % HELD_BACK == 0


def _without(files: Sequence[Path], earlier: Sequence[Path]) -> list[Path]:
    """``files`` without byte-for-byte copies of any of ``earlier``."""
    sizes = {file.stat().st_size for file in files}
    known = {_sha256(file) for file in earlier if file.stat().st_size in sizes}
    return [file for file in files if _sha256(file) not in known] if known else list(files)


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _votes(folder: Path, files: Sequence[Path]) -> dict[str, tuple[int, ...]]:
    """FER+ votes by the picture's name without suffix; empty where there are none for these pictures."""
    path = folder / ferplus_votes.FILE
    if not path.is_file():
        return {}
    votes = {Path(vote.name).stem: vote.counts for vote in ferplus_votes.read(path) if vote.name}
    return {file.stem: votes[file.stem] for file in files if file.stem in votes}


def _splits(folder: Path) -> tuple[str, ...]:
    parts = _parts(folder)
    there = tuple(split for split in SPLITS if split in parts or (split == "valid" and "train" in parts))
    return there or ("test",)


def _recognises(folder: Path) -> bool:
    places = [folder, *_parts(folder).values()]
    named = [{p.name.lower() for p in place.iterdir() if p.is_dir()} & set(NAMES) for place in places]
    return any(len(names) >= 2 for names in named)


LAYOUT = Layout(
    name="faces in folders of emotions",
    files=(
        "train/angry/*.png",
        "test/angry/*.png ... or angry/*.png ... alone",
        "fer2013new.csv (FER+ votes, where present)",
    ),
    page="https://www.kaggle.com/datasets/msambare/fer2013 (FER2013 in this layout), or pictures of your own",
    terms="FER2013: pictures from the web, for research, rights not cleared; otherwise as their owner says",
    recognises=_recognises,
    splits=_splits,
    load=load,
)
