"""The paper's way to train the speech branch (AffectFusion, Ajadalu, Attafuah and Hill 2025), on our input.

Three blocks of convolutions over five seconds, class-weighted cross-entropy on the negative/positive decision, the
rarer answer drawn as often as the commoner in every epoch, Adam at 5e-4, halved when the validation loss stalls,
stopped when it stays so, and the threshold from validation. The authors' network reads the raw waveform at 22.05 kHz
and has one output; ours reads a log-mel spectrogram, and of its eight outputs only the negative share is trained. They
split recordings at random; here whole actors validate and test, so that the figures compare with the other recipes'.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.errors import UserError
from edge.features.speech import SpeechFeatures
from edge.signals import Float32Array
from quantize.branches.base import Branch, Fitted, Recipe
from quantize.datasets import ALL, FoldChoice, ravdess
from quantize.training.checkpoints import Checkpoints
from quantize.training.tuning import tune
from quantize.training.voices import NEGATIVE, Voices, actors_of, folds_of


@dataclass(frozen=True)
class PaperRecipe(Recipe):
    """``fold`` (0..4) is the test fold, the one before it validates; ``patience`` is in epochs."""

    fold: int = 4
    frames: int = 313
    widths: tuple[int, ...] = (64, 96, 128)
    dropout: float = 0.3
    patience: int = 3

    def of_fold(self, fold: FoldChoice) -> PaperRecipe:
        """The same that tests on ``fold`` of the actors."""
        if fold == ALL:
            raise UserError(f"--fold {fold}: the recipe {self.name} keeps one fold for the test; name it")
        return replace(self, fold=ravdess.checked_fold(fold))


RECIPE = PaperRecipe("affectfusion-2025", epochs=100, batch=32, learning_rate=5e-4, weight_decay=0.0)


def fit(branch: Branch, voices: Voices, recipe: PaperRecipe, checkpoints: Checkpoints) -> Fitted:
    """Trains on three folds of actors; a fourth halves the rate, stops the training and sets the threshold."""
    from quantize.models.speech_emotion import convolutional
    from quantize.training import fitting
    from quantize.training.callbacks import Validation

    fold = folds_of(voices)
    test, valid = fold == recipe.fold, fold == (recipe.fold - 1) % ravdess.FOLDS
    parts = {"train": np.flatnonzero(~test & ~valid), "valid": np.flatnonzero(valid)}
    features = SpeechFeatures(frames=recipe.frames)
    inputs = {name: np.stack([features(voices.utterances[row]) for row in rows]) for name, rows in parts.items()}
    negative = {name: voices.negative[rows] for name, rows in parts.items()}

    def order(rng: np.random.Generator) -> NDArray[np.int64]:
        """Every training example, the rarer answer's over again until there are as many."""
        answers = [np.flatnonzero(negative["train"] == answer) for answer in (0, 1)]
        most = max(len(rows) for rows in answers)
        drawn = [np.concatenate([rows, rng.choice(rows, most - len(rows))]) for rows in answers]
        return rng.permutation(np.concatenate(drawn))

    def draw(indices: NDArray[np.int64], rng: np.random.Generator) -> tuple[Float32Array, Float32Array]:
        return inputs["train"][indices], negative["train"][indices].astype(np.float32)

    fitting.settle(recipe.seed)
    shape = (recipe.frames, features.bands, len(branch.labels), recipe.widths, recipe.dropout)
    model = convolutional(*shape)
    batches = fitting.Batches(draw, order, recipe.batch, recipe.seed)
    held_out = Validation(inputs["valid"], negative["valid"].astype(np.float32))
    loss = _weighted(float(negative["train"].mean()))
    part = checkpoints.part("train")
    history = fitting.fit_to_plateau(model, batches, loss, recipe, part, held_out, recipe.patience)
    logits = model.predict(inputs["valid"], batch_size=64, verbose=0)
    # the eight labels were not trained: only the decision is tuned
    judged = voices.only(parts["valid"]).examples(inputs["valid"], features)
    tuned = tune(branch, logits, replace(judged, classes=None))
    served = convolutional(*shape, batch=1)
    served.set_weights(model.get_weights())
    return Fitted(
        model=served,
        preprocessing=features,
        thresholds=tuned.thresholds,
        temperature=tuned.temperature,
        split={name: actors_of(voices, rows) for name, rows in parts.items()},
        development=tuned.figures,
        history=history,
    )


def _weighted(share: float) -> Any:
    """Binary cross-entropy of the negative share, each answer weighed by the rarity it has before oversampling."""
    import tensorflow as tf

    positive = [i for i in range(len(ravdess.EMOTIONS)) if i not in NEGATIVE]

    def loss(truth: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
        bad = tf.reshape(truth, (-1,))
        odds = tf.reduce_logsumexp(tf.gather(logits, NEGATIVE, axis=1), axis=1) - tf.reduce_logsumexp(
            tf.gather(logits, positive, axis=1), axis=1
        )
        weight = bad * 0.5 / share + (1.0 - bad) * 0.5 / (1.0 - share)
        return weight * tf.nn.sigmoid_cross_entropy_with_logits(bad, odds)

    return loss
