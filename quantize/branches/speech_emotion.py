"""The speech branch: eight emotions and valence from one utterance, trained on RAVDESS, actors kept apart."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from edge.branches import softmax
from edge.branches import speech_emotion as device
from edge.errors import UserError
from edge.features.log_mel import LogMel
from edge.signals import Float32Array
from quantize.augment import sounds, spectra
from quantize.branches.base import Examples, Fitted, Recipe
from quantize.conditions import SOUNDS, Condition
from quantize.datasets import ravdess, speech
from quantize.tuning import tune

NEGATIVE = tuple(ravdess.EMOTIONS.index(name) for name in device.NEGATIVE)


@dataclass(frozen=True)
class SpeechRecipe(Recipe):
    """``fold`` (0..4) is the test fold, the one before it validates.

    ``variants`` disturbed copies are made of every training utterance; ``valence`` weighs the direct loss on the
    negative share.
    """

    fold: int = 4
    variants: int = 6
    widths: tuple[int, ...] = (80, 112, 160)
    dropout: float = 0.3
    valence: float = 0.5
    smoothing: float = 0.1


@dataclass(frozen=True)
class Voices:
    """What was heard: one utterance per recording, its emotion and its actor."""

    utterances: list[Float32Array]
    emotion: NDArray[np.int64]
    actor: NDArray[np.int64]


class SpeechEmotion:
    """Eight emotions; negative = the shares of sad, angry, fearful and disgust together."""

    name = "speech_emotion"
    labels = ravdess.EMOTIONS
    decisions = ("negative",)
    preprocessing = LogMel
    conditions = SOUNDS
    recipes: ClassVar[dict[str, SpeechRecipe]] = {
        "default": SpeechRecipe("default", epochs=120, batch=64, learning_rate=4e-3, weight_decay=1e-2),
    }

    def fit(self, data: Path, recipe: SpeechRecipe) -> Fitted:
        """Trains on three folds of actors, sets temperature and threshold on the fourth, then trains again on all four.

        The fifth fold is not touched. The last training sees a third more actors, and actors are what is scarce.
        """
        voices, mel = listen(data), LogMel()
        parts = parts_of(voices, recipe.fold)
        model, _ = _train(voices, parts["train"], mel, recipe)
        valid = _examples(voices, parts["valid"], mel)
        tuned = tune(self, model.predict(valid.inputs, batch_size=64, verbose=0), valid)
        model, history = _train(voices, np.concatenate([parts["train"], parts["valid"]]), mel, recipe)
        return Fitted(
            model=_network(mel, recipe, model),
            preprocessing=mel,
            thresholds=tuned.thresholds,
            temperature=tuned.temperature,
            split={name: sorted({int(a) for a in voices.actor[rows]}) for name, rows in parts.items()},
            development=tuned.figures,
            history=history,
        )

    def unseen(self, data: Path, preprocessing: LogMel, split: Mapping[str, Any] | None) -> Examples:
        """Every recording of an actor that was used neither to train nor to validate."""
        voices = listen(data, () if split is None else (*split["train"], *split["valid"]))
        return _examples(voices, np.arange(len(voices.actor)), preprocessing)

    def development(self, data: Path, preprocessing: LogMel, split: Mapping[str, Any]) -> Examples:
        """Every recording of the actors that validated."""
        voices = listen(data)
        rows = np.flatnonzero(np.isin(voices.actor, split["valid"]))
        if not len(rows):
            raise UserError(f"{data}: none of the actors that validated is here")
        return _examples(voices, rows, preprocessing)

    def representative(self, data: Path, preprocessing: LogMel, split: Mapping[str, Any], count: int) -> Float32Array:
        """Utterances of training actors at even distances."""
        voices = listen(data)
        rows = np.flatnonzero(np.isin(voices.actor, split["train"]))
        if not len(rows):
            raise UserError(f"{data}: none of the training actors is here")
        return _examples(voices, rows[:: max(1, len(rows) // count)][:count], preprocessing).inputs

    def probabilities(self, logits: Float32Array, temperature: float) -> Float32Array:
        """The probability of negative valence, float32 (N, 1)."""
        return softmax(logits, temperature)[:, NEGATIVE].sum(axis=1, keepdims=True)


def listen(data: Path, used: Collection[int] = ()) -> Voices:
    """Each recording's longest utterance, cut as the device cuts it, of the actors that were not ``used``.

    Raises UserError where nothing is left.
    """
    kept, utterances = speech.utterances(data, used)
    return Voices(utterances, np.array([r.emotion for r in kept]), np.array([r.actor for r in kept]))


def parts_of(voices: Voices, fold: int) -> dict[str, NDArray[np.int64]]:
    """Rows of ``train``, ``valid`` and ``test`` when ``fold`` is the test. Raises UserError for too few actors."""
    folds = ravdess.fold_of(voices.actor.tolist())
    if len(set(folds.values())) < ravdess.FOLDS:
        raise UserError(
            f"speech_emotion: {len(folds)} actors are too few to train, validate and test apart (at least 5)"
        )
    row_fold = np.array([folds[int(actor)] for actor in voices.actor])
    test, valid = row_fold == fold, row_fold == (fold - 1) % ravdess.FOLDS
    return {
        "train": np.flatnonzero(~test & ~valid),
        "valid": np.flatnonzero(valid),
        "test": np.flatnonzero(test),
    }


def _examples(voices: Voices, rows: NDArray[np.int64], mel: LogMel) -> Examples:
    classes = voices.emotion[rows]
    heard = [voices.utterances[row] for row in rows]

    def under(condition: Condition) -> Float32Array:
        return np.stack([mel(condition(samples, i)) for i, samples in enumerate(heard)])

    return Examples(
        inputs=np.stack([mel(samples) for samples in heard]),
        truth=np.isin(classes, NEGATIVE).astype(np.int64)[:, None],
        classes=classes,
        groups=voices.actor[rows],
        under=under,
        cohorts={"sex": np.where(voices.actor[rows] % 2 == 0, "female", "male")},
    )


def _train(
    voices: Voices, rows: NDArray[np.int64], mel: LogMel, recipe: SpeechRecipe
) -> tuple[Any, list[dict[str, float]]]:
    """The fitted network, any batch size, and its history."""
    from quantize import fitting

    fitting.settle(recipe.seed)
    copies = _variants(voices, rows, mel, recipe)
    targets = np.eye(len(ravdess.EMOTIONS), dtype=np.float32)[voices.emotion[rows]]

    def draw(indices: NDArray[np.int64], rng: np.random.Generator) -> tuple[Float32Array, Float32Array]:
        drawn = copies[rng.integers(0, len(copies), len(indices)), indices].astype(np.float32)
        return np.stack([spectra.disturb(features, rng) for features in drawn]), targets[indices]

    batches = fitting.Batches(draw, lambda rng: rng.permutation(len(rows)), recipe.batch, recipe.seed)
    model = _network(mel, recipe)
    return model, fitting.fit(model, batches, _loss(recipe.valence, recipe.smoothing), recipe)


def _variants(voices: Voices, rows: NDArray[np.int64], mel: LogMel, recipe: SpeechRecipe) -> NDArray[np.float16]:
    """Features of each utterance, as it is and disturbed: float16 (1 + variants, N, frames, bands)."""
    rng = np.random.default_rng(recipe.seed)
    copies = np.zeros((1 + recipe.variants, len(rows), mel.frames, mel.bands), np.float16)
    for i, row in enumerate(tqdm(rows, desc="disturbing", unit="utterance", leave=False)):
        copies[0, i] = mel(voices.utterances[row])
        for k in range(recipe.variants):
            copies[1 + k, i] = mel(sounds.disturb(voices.utterances[row], rng))
    return copies


def _network(mel: LogMel, recipe: SpeechRecipe, trained: Any = None) -> Any:
    """The network; with the weights of ``trained`` and for a batch of one where that is given."""
    from quantize.models.speech_emotion import speech_emotion

    shape = (mel.frames, mel.bands, len(ravdess.EMOTIONS), recipe.widths, recipe.dropout)
    if trained is None:
        return speech_emotion(*shape)
    served = speech_emotion(*shape, batch=1)
    served.set_weights(trained.get_weights())
    return served


def _loss(valence: float, smoothing: float) -> Any:
    """Cross-entropy over the emotions plus ``valence`` times that of the negative share."""
    import tensorflow as tf

    positive = [i for i in range(len(ravdess.EMOTIONS)) if i not in NEGATIVE]

    def loss(truth: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
        smooth = truth * (1 - smoothing) + smoothing / len(ravdess.EMOTIONS)
        emotions = tf.nn.softmax_cross_entropy_with_logits(smooth, logits)
        total = tf.reduce_logsumexp(logits, axis=1)
        log_negative = tf.reduce_logsumexp(tf.gather(logits, NEGATIVE, axis=1), axis=1) - total
        log_positive = tf.reduce_logsumexp(tf.gather(logits, positive, axis=1), axis=1) - total
        bad = tf.reduce_sum(tf.gather(smooth, NEGATIVE, axis=1), axis=1)
        return emotions - valence * (bad * log_negative + (1 - bad) * log_positive)

    return loss
