"""RAVDESS as the device would hear it: utterances, and who is kept apart from whom."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from edge.branches import speech_emotion as device
from edge.errors import UserError
from edge.perception.voice import utterances_of
from edge.signals import Float32Array
from quantize.datasets import ravdess

NEGATIVE = tuple(ravdess.EMOTIONS.index(name) for name in device.NEGATIVE)
"""Indices of the emotions that count as negative."""


@dataclass(frozen=True)
class Voices:
    """What was heard: one utterance per recording, its emotion and its actor."""

    utterances: list[Float32Array]
    emotion: NDArray[np.int64]
    actor: NDArray[np.int64]

    @property
    def negative(self) -> NDArray[np.int64]:
        """1 where the emotion is a negative one, int64 (N,)."""
        return np.isin(self.emotion, NEGATIVE).astype(np.int64)

    @property
    def sex(self) -> NDArray[np.str_]:
        """By the data set's numbering, (N,)."""
        return np.where(self.actor % 2 == 0, "female", "male")

    def only(self, rows: NDArray[np.int64]) -> Voices:
        """The recordings in ``rows``."""
        return Voices([self.utterances[row] for row in rows], self.emotion[rows], self.actor[rows])


@lru_cache(maxsize=1)
def listen(data: Path) -> Voices:
    """Each recording's longest utterance, cut as the device cuts it; copies and recordings without voice left out."""
    found = ravdess.recordings(data)
    heard = [ravdess.sound(recording) for recording in tqdm(found, desc="listening", unit="file", leave=False)]
    kept, utterances = [], []
    for index in ravdess.without_copies(heard):
        if cut := utterances_of(heard[index]):
            kept.append(found[index])
            utterances.append(max(cut, key=lambda utterance: len(utterance.samples)).samples)
    return Voices(utterances, np.array([r.emotion for r in kept]), np.array([r.actor for r in kept]))


def folds_of(voices: Voices) -> NDArray[np.int64]:
    """Each recording's fold of actors, int64 (N,). Raises UserError for too few actors."""
    folds = ravdess.fold_of(voices.actor.tolist())
    if len(set(folds.values())) < ravdess.FOLDS:
        raise UserError(f"speech_emotion: {len(folds)} actors are too few to keep {ravdess.FOLDS} folds of them apart")
    return np.array([folds[int(actor)] for actor in voices.actor])


def actors_of(voices: Voices, rows: NDArray[np.int64]) -> list[int]:
    """Who is heard in ``rows``."""
    return sorted({int(actor) for actor in voices.actor[rows]})


def at_random(voices: Voices, seed: int) -> dict[str, NDArray[np.int64]]:
    """Rows of ``train`` (80 %), ``valid`` and ``test`` (10 % each), whoever speaks."""
    order = np.random.default_rng(seed).permutation(len(voices.actor))
    train, valid, test = np.split(order, [int(0.8 * len(order)), int(0.9 * len(order))])
    return {"train": np.sort(train), "valid": np.sort(valid), "test": np.sort(test)}
