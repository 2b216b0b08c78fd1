"""CREMA-D: ``AudioWAV/1001_DFA_ANG_XX.wav`` and, for the actors' sex, ``VideoDemographics.csv``.

Cao et al. 2014, doi:10.1109/TAFFC.2014.2336244. Six of RAVDESS's eight emotions: nobody is calm or surprised.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from edge.errors import UserError
from quantize.datasets.layouts import Layout
from quantize.datasets.ravdess import EMOTIONS, Recording
from quantize.datasets.tables import rows

SOUNDS, DEMOGRAPHICS = "AudioWAV", "VideoDemographics.csv"
CODES = {"ANG": "angry", "DIS": "disgust", "FEA": "fearful", "HAP": "happy", "NEU": "neutral", "SAD": "sad"}
NAME = re.compile(rf"(\d{{4}})_[A-Z]{{3}}_({'|'.join(CODES)})_(?:LO|MD|HI|XX|X)$")

Sex = Literal["male", "female"]


def recordings(folder: Path) -> list[Recording]:
    """Every recording, sorted by name; the actors' sex is None where the table of them is missing.

    Raises UserError where there is none, where a sound file's name is not CREMA-D's, and for an actor not in the table.
    """
    found = sorted((folder / SOUNDS).glob("*.wav"))
    if not found:
        raise UserError(f"{folder / SOUNDS}: no CREMA-D recordings here (1001_DFA_ANG_XX.wav)")
    table = folder / DEMOGRAPHICS
    sexes = _sexes(table) if table.is_file() else None
    return [_recording(path, table, sexes) for path in found]


def _recording(path: Path, table: Path, sexes: dict[int, Sex] | None) -> Recording:
    match = NAME.match(path.stem)
    if match is None:
        raise UserError(f"{path}: not a CREMA-D file name (ACTOR_SENTENCE_EMOTION_LEVEL)")
    actor = int(match[1])
    if sexes is not None and actor not in sexes:
        raise UserError(f"{table}: has no line for the actor {actor}")
    return Recording(path, "speech", EMOTIONS.index(CODES[match[2]]), actor, sexes[actor] if sexes else None)


def _sexes(table: Path) -> dict[int, Sex]:
    sexes: dict[int, Sex] = {}
    for row in rows(table, ("ActorID", "Sex")):
        if row["Sex"] not in ("Male", "Female"):
            raise row.error(f"Sex is {row['Sex']!r}, not Male or Female")
        sexes[row.integer("ActorID", 1000, 9999)] = "male" if row["Sex"] == "Male" else "female"
    return sexes


LAYOUT = Layout(
    name="CREMA-D",
    files=("AudioWAV/1001_DFA_ANG_XX.wav", "VideoDemographics.csv (the actors' sex, where present)"),
    page="https://github.com/CheyneyComputerScience/CREMA-D",
    terms="Open Database License 1.0, contents under the Database Contents License",
    recognises=lambda folder: (folder / SOUNDS).is_dir(),
    splits=lambda _: (),
    load=recordings,
)
