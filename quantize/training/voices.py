"""Acted speech as the device would hear it: utterances, and who is kept apart from whom."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.branches import speech_emotion as device
from edge.errors import UserError
from edge.features.speech import SpeechFeatures
from edge.perception.quality import voice_qualities
from edge.signals import Float32Array
from quantize.branches.base import Examples
from quantize.datasets import ravdess, speech
from quantize.evaluation.conditions import Condition

NEGATIVE = tuple(ravdess.EMOTIONS.index(name) for name in device.NEGATIVE)
"""Indices of the emotions that count as negative."""


@dataclass(frozen=True)
class Voices:
    """What was heard: one utterance per recording, its emotion, its actor and the actor's sex (or "unknown")."""

    utterances: list[Float32Array]
    emotion: NDArray[np.int64]
    actor: NDArray[np.int64]
    sex: NDArray[np.str_]

    @property
    def negative(self) -> NDArray[np.int64]:
        """1 where the emotion is a negative one, int64 (N,)."""
        return np.isin(self.emotion, NEGATIVE).astype(np.int64)

    def only(self, rows: NDArray[np.int64]) -> Voices:
        """The recordings in ``rows``."""
        utterances = [self.utterances[row] for row in rows]
        return Voices(utterances, self.emotion[rows], self.actor[rows], self.sex[rows])

    def examples(self, inputs: Float32Array, features: SpeechFeatures) -> Examples:
        """These utterances with their ``inputs``, float32 (N, ...), as ``features`` made them."""

        def under(condition: Condition) -> Float32Array:
            return np.stack([features(condition(samples, i)) for i, samples in enumerate(self.utterances)])

        def qualities(condition: Condition) -> dict[str, NDArray[np.float64]]:
            found = [voice_qualities(condition(samples, i)) for i, samples in enumerate(self.utterances)]
            return {name: np.array([one[name] for one in found]) for name in found[0]}

        truth = self.negative[:, None]
        return Examples(inputs, truth, self.emotion, self.actor, under, {"sex": self.sex}, qualities=qualities)


@lru_cache(maxsize=1)
def listen(data: Path) -> Voices:
    """Each recording's longest utterance, cut as the device cuts it; copies and recordings without voice left out."""
    kept, utterances = speech.utterances(data)
    sex = np.array([recording.sex or "unknown" for recording in kept])
    return Voices(utterances, np.array([r.emotion for r in kept]), np.array([r.actor for r in kept]), sex)


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
