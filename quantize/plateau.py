"""The papers' way to fit: Adam whose rate is halved on a plateau, and an early stop."""

from __future__ import annotations

import tensorflow as tf

from edge.signals import Float32Array
from quantize.branches.base import Recipe
from quantize.fitting import Batches, Loss

STOP = 3
"""Training ends after this many times the patience without a better validation loss."""


def fit(
    model: tf.keras.Model,
    batches: Batches,
    validation: tuple[Float32Array, Float32Array],
    loss: Loss,
    recipe: Recipe,
    patience: int,
) -> list[dict[str, float]]:
    """Trains ``model`` and leaves it with the weights of its best epoch on ``validation``. Returns the history."""
    model.compile(tf.keras.optimizers.Adam(recipe.learning_rate), loss)
    callbacks = [
        tf.keras.callbacks.ReduceLROnPlateau(factor=0.5, patience=patience),
        tf.keras.callbacks.EarlyStopping(patience=STOP * patience, restore_best_weights=True),
    ]
    history = model.fit(
        batches,
        epochs=recipe.epochs,
        validation_data=validation,
        validation_batch_size=256,
        verbose=0,
        shuffle=False,
        callbacks=callbacks,
    ).history
    return [
        {"loss": float(value), "validation": float(judged)}
        for value, judged in zip(history["loss"], history["val_loss"], strict=True)
    ]
