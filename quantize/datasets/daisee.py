"""Whatever layout of DAiSEE a folder holds, landmarks or clips: the engagement branch's one way to its data."""

from __future__ import annotations

from pathlib import Path

from quantize.datasets import daisee_clips, daisee_landmarks
from quantize.datasets.daisee_landmarks import Clips
from quantize.datasets.layouts import choose

LAYOUTS = (daisee_landmarks.LAYOUT, daisee_clips.LAYOUT)


def load(folder: Path, split: str) -> Clips:
    """The clips of the official ``split``, Train, Validation or Test.

    Raises UserError that lists all that was looked for where ``folder`` is none, and whatever its loader finds wrong.
    """
    return choose(folder, LAYOUTS).load(folder, split)
