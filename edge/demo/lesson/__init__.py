"""The bundled lesson: a minute and a half of drawn learners, as a film and its sound.

``STRETCHES`` is its script: who is there, in what mood, in what light, and what is said.
``python -m edge.demo.lesson`` draws and speaks it anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

ASSETS = Path(__file__).resolve().parent.parent / "assets"
VIDEO = ASSETS / "lesson.mp4"
SOUND = ASSETS / "lesson.flac"

Mood = Literal["neutral", "smiling", "frowning"]

EVERYBODY = (0, 1, 2, 3, 4, 5, 6)
"""The learners by their seats: 0..3 in the back row, 4..6 in the front row."""
_ALL_BUT_ONE = (0, 1, 2, 4, 5, 6)


@dataclass(frozen=True)
class Stretch:
    """A part of the lesson, from ``start`` to ``end`` seconds."""

    name: str
    start: float
    end: float
    mood: Mood
    present: tuple[int, ...]
    """The seats that are taken; who is gone in the next stretch walks out at its beginning, within 4 s."""
    light: float = 1.0
    """1 (daylight) .. 0 (black); it changes within half a second."""
    speech: str = ""
    """What the teacher, who is not in the picture, says."""


STRETCHES: tuple[Stretch, ...] = (
    Stretch("settling", 0, 12, "neutral", EVERYBODY),
    Stretch(
        "smiling",
        12,
        28,
        "smiling",
        EVERYBODY,
        speech="Good morning everyone! What a wonderful surprise. All of you solved the riddle, and some of you "
        "found a way that is even nicer than mine. Well done! Let us look at the funniest one together.",
    ),
    Stretch("one leaves", 28, 38, "neutral", _ALL_BUT_ONE),
    Stretch(
        "frowning",
        38,
        54,
        "frowning",
        _ALL_BUT_ONE,
        speech="No. That is wrong again. We have been through this three times now, and nobody did the "
        "homework. Open the book at page ninety, and copy the whole table, by hand.",
    ),
    Stretch("light out", 54, 62, "neutral", _ALL_BUT_ONE, light=0.03),
    Stretch("smiling again", 62, 75, "smiling", _ALL_BUT_ONE),
    Stretch("empty room", 75, 85, "neutral", ()),
)
"""The lesson from its beginning to its end, without a gap."""

DURATION_S = STRETCHES[-1].end


def stretch_at(time: float) -> Stretch:
    """The stretch that ``time``, in seconds from the beginning, falls into; the last one after the end."""
    return next((stretch for stretch in STRETCHES if time < stretch.end), STRETCHES[-1])
