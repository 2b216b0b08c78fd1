"""Whatever layout of DAiSEE a folder holds, landmarks or clips: the engagement branch's one way to its data."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import numpy as np

from edge.errors import UserError
from quantize.datasets import daisee_clips, daisee_landmarks
from quantize.datasets.daisee_landmarks import Clips
from quantize.datasets.layouts import choose

LAYOUTS = (daisee_landmarks.LAYOUT, daisee_clips.LAYOUT)


def load(folder: Path, split: str | None, used: Collection[str] = ()) -> Clips:
    """The clips of the official ``split``, Train, Validation or Test, or of all, but none of the subjects ``used``.

    Raises UserError that lists all that was looked for where ``folder`` is none, where nothing is left, and whatever
    its loader finds wrong.
    """
    layout = choose(folder, LAYOUTS)
    splits = layout.splits(folder) if split is None else (split,)
    parts = [layout.load(folder, part) for part in splits]
    if not parts:
        raise UserError(f"{folder}: no clip of any split")
    subjects = np.concatenate([part.subjects for part in parts])
    rows = ~np.isin(subjects, list(used))
    if not rows.any():
        raise UserError(f"{folder}: every subject here was trained on; nothing unseen is left (evaluate --seen)")
    landmarks, levels = (np.concatenate([getattr(part, name) for part in parts]) for name in ("landmarks", "levels"))
    return Clips(landmarks[rows], levels[rows], subjects[rows])
