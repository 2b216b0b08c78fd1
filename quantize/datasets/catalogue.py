"""Every layout that is known, by the branch it serves, and what a folder of one holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edge.errors import UserError
from edge.signals import ENGAGEMENT_STATES
from quantize.datasets import ALL, FoldChoice, daisee, daisee_landmarks, face_labels, faces, paired, ravdess, speech
from quantize.datasets.daisee_landmarks import Clips
from quantize.datasets.face_labels import Faces
from quantize.datasets.layouts import Layout
from quantize.datasets.paired import Lesson
from quantize.datasets.ravdess import Recording

LAYOUTS: dict[str, Sequence[Layout[Any]]] = {
    "face_emotion": faces.LAYOUTS,
    "engagement": daisee.LAYOUTS,
    "speech_emotion": speech.LAYOUTS,
    "attention": (paired.LAYOUT,),
}

Counts = Mapping[str, int]


def listing() -> str:
    """Every layout with its branch, the files it is known by, its official page and its terms."""
    entries = [
        "\n".join(
            [
                f"{layout.name} ({branch})",
                *(f"    {file}" for file in layout.files),
                f"    page:  {layout.page}",
                f"    terms: {layout.terms}",
            ]
        )
        for branch, layouts in LAYOUTS.items()
        for layout in layouts
    ]
    return "\n\n".join(entries)


def summary(folder: Path, fold: FoldChoice | None = None) -> str:
    """The layout that ``folder`` holds, and how many examples of each label are in each of its splits.

    Of a data set with official folds, those of one ``fold``, the first unless named, or of each. Reads and extracts all
    of it, so that training finds it in the cache; what is left out is logged. Raises UserError that lists all that was
    looked for where it holds none, or the folds that there are, and whatever its loader finds wrong.
    """
    for branch, layouts in LAYOUTS.items():
        for layout in layouts:
            if layout.recognises(folder):
                layout.loader(fold)
                folds = [each for each in layout.folds if each != ALL] if fold == ALL else [fold]
                tables = [_title(each) + _table(_counted(layout, folder, each)) for each in folds]
                return "\n\n".join([f"{folder}: {layout.name}, for {branch}", *tables])
    known = "; ".join(f"{layout.files[0]} ({layout.name})" for layouts in LAYOUTS.values() for layout in layouts)
    raise UserError(f"{folder}: not a data set that is known here; looked for {known}")


def _title(fold: FoldChoice | None) -> str:
    return "" if fold is None else f"fold {fold}\n"


def _counted(layout: Layout[Any], folder: Path, fold: FoldChoice | None) -> dict[str, Counts]:
    """Counts of labels by split, or by channel where there are no splits."""
    if layout in speech.LAYOUTS:
        heard, _ = speech.utterances(folder)
        channels = sorted({recording.channel for recording in heard}, reverse=True)
        return {name: _recordings([r for r in heard if r.channel == name]) for name in channels}
    load = layout.loader(fold)
    parts = {split: load(folder, split) for split in layout.splits(folder)}
    count = _lessons if layout is paired.LAYOUT else _faces if layout in faces.LAYOUTS else _clips
    return {split: count(part) for split, part in parts.items()}


def _faces(part: Faces) -> Counts:
    emotion, positive = part.emotion[part.firsts], part.positive[part.firsts]
    clips = {"clips": len(emotion)} if len(emotion) < len(part.images) else {}
    by_emotion = {name: int((emotion == i).sum()) for i, name in enumerate(face_labels.EMOTIONS)}
    valence = {"positive": int((positive == 1).sum()), "negative": int((positive == 0).sum())}
    return {**clips, "pictures": len(part.images), **by_emotion, **valence}


def _clips(part: Clips) -> Counts:
    high = (part.levels >= daisee_landmarks.HIGH).sum(axis=0).tolist()
    by_state = {f"high {state}": count for state, count in zip(ENGAGEMENT_STATES, high, strict=True)}
    return {"clips": len(part.levels), "subjects": len(set(part.subjects.tolist())), **by_state}


def _lessons(part: Sequence[Lesson]) -> Counts:
    positive, levels = (np.concatenate([getattr(one, name) for one in part]) for name in ("positive", "levels"))
    high = (levels >= daisee_landmarks.HIGH).sum(axis=0).tolist()
    return {
        "recordings": len(part),
        "people": len({one.person for one in part}),
        "seconds": len(positive),
        "positive": int((positive == 1).sum()),
        "negative": int((positive == 0).sum()),
        **{f"high {state}": count for state, count in zip(ENGAGEMENT_STATES, high, strict=True)},
        "faces": sum(int((one.face >= 0).sum()) for one in part),
        "utterances": sum(int((one.spoken >= 0).sum()) for one in part),
    }


def _recordings(part: Sequence[Recording]) -> Counts:
    emotions = Counter(recording.emotion for recording in part)
    sexes = {sex: len({r.actor for r in part if r.sex == sex}) for sex in ("female", "male")}
    return {
        "recordings": len(part),
        **{name: emotions[i] for i, name in enumerate(ravdess.EMOTIONS)},
        "actors": len({recording.actor for recording in part}),
        **sexes,
    }


def _table(counted: Mapping[str, Counts]) -> str:
    """Labels down, splits across."""
    labels = list(dict.fromkeys(label for counts in counted.values() for label in counts))
    width = max(map(len, labels))
    lines = [" " * width + "".join(f"{split:>12}" for split in counted)]
    lines += [f"{label:<{width}}" + "".join(f"{counts[label]:>12}" for counts in counted.values()) for label in labels]
    return "\n".join(lines)
