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


def fit(model: tf.keras.Model, batches: Batches, loss: Loss, recipe: Recipe) -> list[dict[str, float]]:
    """Trains ``model`` with AdamW down a cosine to zero: no epoch is picked on validation data. Returns the history."""
    steps = len(batches)
    schedule = tf.keras.optimizers.schedules.CosineDecay(
        recipe.learning_rate / 20,
        decay_steps=recipe.epochs * steps,
        warmup_target=recipe.learning_rate,
        warmup_steps=min(steps, 100),
    )
    optimizer = tf.keras.optimizers.AdamW(schedule, weight_decay=recipe.weight_decay, global_clipnorm=5.0)
    model.compile(optimizer, loss)
    history = model.fit(batches, epochs=recipe.epochs, verbose=0, shuffle=False, callbacks=[_Progress(recipe, steps)])
    return [{"loss": float(value)} for value in history.history["loss"]]


def fit_until_flat(
    model: tf.keras.Model,
    batches: Batches,
    loss: Loss,
    recipe: Recipe,
    valid: tuple[Float32Array, Float32Array],
    patience: int,
) -> list[dict[str, float]]:
    """Trains with Adam while the loss on ``valid`` falls, keeps the best epoch. Returns the history.

    The rate is halved after half of ``patience`` epochs without a gain.
    """
    model.compile(tf.keras.optimizers.Adam(recipe.learning_rate), loss)
    callbacks = [
        _Progress(recipe, len(batches)),
        tf.keras.callbacks.ReduceLROnPlateau("val_loss", factor=0.5, patience=max(1, patience // 2)),
        tf.keras.callbacks.EarlyStopping("val_loss", patience=patience, restore_best_weights=True),
    ]
    history = model.fit(
        batches, validation_data=valid, epochs=recipe.epochs, verbose=0, shuffle=False, callbacks=callbacks
    )
    losses = zip(history.history["loss"], history.history["val_loss"], strict=True)
    return [{"loss": float(seen), "valid_loss": float(held_out)} for seen, held_out in losses]
