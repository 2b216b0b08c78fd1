"""RAVDESS, speech and song: ``.../Actor_NN/MM-CC-EE-II-SS-RR-AA.{wav,flac}`` anywhere below one folder.

Livingstone & Russo 2018, doi:10.1371/journal.pone.0196391. CC BY-NC-SA 4.0.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import soundfile
import soxr

from edge.errors import UserError
from edge.signals import SAMPLE_RATE, Float32Array
from quantize.datasets import FoldChoice
from quantize.datasets.layouts import Layout

EMOTIONS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")
"""In the order of the third field of a file name, 01 to 08."""

NAME = re.compile(r"(\d\d)-(0[12])-(0[1-8])-(0[12])-(0[12])-(0[12])-(\d\d)$")
FOLDS = 5


@dataclass(frozen=True)
class Recording:
    """One file, of this data set or of another in its terms: ``emotion`` indexes EMOTIONS; ``sex`` is the actor's."""

    path: Path
    channel: Literal["speech", "song"]
    emotion: int
    actor: int
    sex: Literal["male", "female"] | None


def recordings(folder: Path) -> list[Recording]:
    """Every recording below ``folder``, sorted by name.

    Raises UserError where there is none, or where a sound file's name or actor folder is not RAVDESS's.
    """
    found = [_recording(path) for path in sorted(folder.rglob("*")) if path.suffix in (".wav", ".flac")]
    if not found:
        raise UserError(f"{folder}: no RAVDESS recordings here (.../Actor_01/03-01-01-01-01-01-01.wav)")
    return found


def _recording(path: Path) -> Recording:
    match = NAME.match(path.stem)
    if match is None:
        raise UserError(f"{path}: not a RAVDESS file name (MM-CC-EE-II-SS-RR-AA, modality to actor)")
    _, channel, emotion, *_, actor = match.groups()
    if path.parent.name != f"Actor_{actor}":
        raise UserError(f"{path}: lies in {path.parent.name}, its name says Actor_{actor}")
    # odd actors are male, even ones female
    sex: Literal["male", "female"] = "female" if int(actor) % 2 == 0 else "male"
    return Recording(path, "speech" if channel == "01" else "song", int(emotion) - 1, int(actor), sex)


def sound(recording: Recording) -> Float32Array:
    """The recording as float32 (n,), mono at 16 kHz. Raises UserError where the file cannot be read."""
    try:
        return samples_of(recording.path)
    except (soundfile.LibsndfileError, OSError) as error:
        raise UserError(f"{recording.path}: not a readable sound file ({error})") from error


def samples_of(path: Path) -> Float32Array:
    """A sound file as float32 (n,), mono at 16 kHz. Raises LibsndfileError or OSError where it cannot be read."""
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    mono = samples.mean(axis=1)
    return mono if rate == SAMPLE_RATE else np.asarray(soxr.resample(mono, rate, SAMPLE_RATE), np.float32)


def fold_of(actors: list[int]) -> dict[int, int]:
    """A fold, 0..4, for every actor: men and women dealt out in turn, so that each fold has as many of both."""
    folds: dict[int, int] = {}
    for sex in (1, 0):
        folds |= {actor: i % FOLDS for i, actor in enumerate(sorted(a for a in set(actors) if a % 2 == sex))}
    return folds


def checked_fold(fold: FoldChoice) -> int:
    """``fold`` as a number. Raises UserError where it is none of the folds of actors."""
    if not isinstance(fold, int) or not 0 <= fold < FOLDS:
        raise UserError(f"--fold {fold}: there are folds of actors from 0 to {FOLDS - 1}")
    return fold


def without_copies(sounds: list[Float32Array]) -> list[int]:
    """Indices of the sounds to keep: of several with the same samples only the first."""
    first: dict[bytes, int] = {}
    for index, samples in enumerate(sounds):
        first.setdefault(hashlib.sha256(samples.tobytes()).digest(), index)
    return list(first.values())


LAYOUT = Layout(
    name="RAVDESS, speech and song",
    files=(".../Actor_01/03-01-01-01-01-01-01.wav (or .flac)",),
    page="https://zenodo.org/records/1188976",
    terms="CC BY-NC-SA 4.0",
    recognises=lambda folder: folder.name.startswith("Actor_") or any(folder.rglob("Actor_*")),
    splits=lambda _: (),
    load=recordings,
)
