"""What the recipes share: reproducible single-threaded TensorFlow, batches made on the fly, one way to fit."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from edge.signals import Float32Array
from quantize.branches.base import Recipe

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import tensorflow as tf

Draw = Callable[[NDArray[np.int64], np.random.Generator], tuple[Float32Array, Float32Array]]
"""Makes a batch: inputs and targets of the examples at the given indices, disturbed with the given generator."""

Loss = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]

Validation = tuple[Float32Array, Float32Array]
"""Inputs and targets that are not trained on."""


def settle(seed: int) -> None:
    """Fixes every seed and keeps TensorFlow to one thread, so that a run can be repeated."""
    tf.keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
    for limit in (
        tf.config.threading.set_intra_op_parallelism_threads,
        tf.config.threading.set_inter_op_parallelism_threads,
    ):
        try:
            limit(1)
        except RuntimeError:  # already running in this process: the first caller has set it
            return


class Batches(tf.keras.utils.Sequence):  # type: ignore[misc]
    """Shuffled batches of ``count`` examples, drawn afresh every epoch; the last, incomplete one is left out."""

    def __init__(
        self, draw: Draw, order: Callable[[np.random.Generator], NDArray[np.int64]], batch: int, seed: int
    ) -> None:
        super().__init__()
        self._draw, self._order, self._batch = draw, order, batch
        self._rng = np.random.default_rng(seed)
        self._indices = order(self._rng)

    def __len__(self) -> int:
        return max(1, len(self._indices) // self._batch)

    def __getitem__(self, index: int) -> tuple[Float32Array, Float32Array]:
        return self._draw(self._indices[index * self._batch : (index + 1) * self._batch], self._rng)

    def on_epoch_end(self) -> None:
        """Shuffles again."""
        self._indices = self._order(self._rng)


class _Progress(tf.keras.callbacks.Callback):  # type: ignore[misc]
    """One bar over all epochs, with the latest loss."""

    def __init__(self, recipe: Recipe, steps: int) -> None:
        super().__init__()
        self._bar = tqdm(total=recipe.epochs * steps, desc=recipe.name, unit="step", mininterval=1.0)

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._bar.update()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._bar.set_postfix({name: f"{value:.3f}" for name, value in (logs or {}).items()})

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        self._bar.close()


def fit(
    model: tf.keras.Model, batches: Batches, loss: Loss, recipe: Recipe, validation: Validation | None = None
) -> list[dict[str, float]]:
    """Trains ``model`` with AdamW down a cosine to zero: no epoch is picked on validation data. Returns the history.

    ``validation``, inputs and targets, is only watched: its loss stands in the history beside the training's.
    """
    steps = len(batches)
    schedule = tf.keras.optimizers.schedules.CosineDecay(
        recipe.learning_rate / 20,
        decay_steps=recipe.epochs * steps,
        warmup_target=recipe.learning_rate,
        warmup_steps=min(steps, 100),
    )
    optimizer = tf.keras.optimizers.AdamW(schedule, weight_decay=recipe.weight_decay, global_clipnorm=5.0)
    return _fit(model, optimizer, batches, loss, recipe, validation, [])


def fit_to_plateau(
    model: tf.keras.Model, batches: Batches, loss: Loss, recipe: Recipe, validation: Validation, patience: int = 2
) -> list[dict[str, float]]:
    """Trains ``model`` as AffectFusion did: Adam, halved when ``validation`` no longer gets better, stopped early.

    The rate is halved after ``patience`` epochs without a better loss, and training ends after three times as many.
    Leaves the weights of the best epoch in ``model``, so figures of ``validation`` are a little kind. Returns the
    history.
    """
    callbacks = [
        tf.keras.callbacks.ReduceLROnPlateau(monitor="val_loss", factor=0.5, patience=patience),
        tf.keras.callbacks.EarlyStopping(monitor="val_loss", patience=3 * patience, restore_best_weights=True),
    ]
    optimizer = tf.keras.optimizers.Adam(recipe.learning_rate)
    return _fit(model, optimizer, batches, loss, recipe, validation, callbacks)


def _fit(
    model: tf.keras.Model,
    optimizer: tf.keras.optimizers.Optimizer,
    batches: Batches,
    loss: Loss,
    recipe: Recipe,
    validation: Validation | None,
    callbacks: list[tf.keras.callbacks.Callback],
) -> list[dict[str, float]]:
    model.compile(optimizer, loss)
    history = model.fit(
        batches,
        epochs=recipe.epochs,
        verbose=0,
        shuffle=False,
        validation_data=validation,
        validation_batch_size=256,
        callbacks=[_Progress(recipe, len(batches)), *callbacks],
    ).history
    return [{name: float(values[epoch]) for name, values in history.items()} for epoch in range(len(history["loss"]))]
