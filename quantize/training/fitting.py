"""What the recipes share: reproducible single-threaded TensorFlow, batches made on the fly, one way to fit."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tqdm import tqdm

from edge.signals import Float32Array
from quantize.branches.base import Recipe
from quantize.training.callbacks import History, Keeper, Loss, Plateau, Progress, Validation, Watch, copy
from quantize.training.checkpoints import Part

Draw = Callable[[NDArray[np.int64], np.random.Generator], tuple[Float32Array, Float32Array]]
"""Makes a batch: inputs and targets of the examples at the given indices, disturbed with the given generator."""


def settle(seed: int) -> None:
    """Fixes every seed and keeps TensorFlow to one thread, so that a run can be repeated.

    Dropout draws from generators whose state can be kept: a run can also be taken up again where it was left.
    """
    tf.keras.utils.set_random_seed(seed)
    tf.keras.backend.experimental.enable_tf_random_generator()
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
    """Shuffled batches of ``batch`` examples, drawn afresh every epoch; the last, incomplete one is left out.

    What is drawn depends on the seed, the epoch and the batch's place in it alone, not on what was drawn before.
    ``indices`` are the epoch's examples in their order.
    """

    def __init__(
        self, draw: Draw, order: Callable[[np.random.Generator], NDArray[np.int64]], batch: int, seed: int
    ) -> None:
        super().__init__()
        self._draw, self._order, self._batch, self._seed = draw, order, batch, seed
        self.begin(0)

    def begin(self, epoch: int) -> None:
        """Goes to the start of ``epoch``."""
        self._epoch = epoch
        self.indices = self._order(self._rng(0))

    def __len__(self) -> int:
        return max(1, len(self.indices) // self._batch)

    def __getitem__(self, index: int) -> tuple[Float32Array, Float32Array]:
        return self._draw(self.indices[index * self._batch : (index + 1) * self._batch], self._rng(1 + index))

    def on_epoch_end(self) -> None:
        """Shuffles again."""
        self.begin(self._epoch + 1)

    def _rng(self, draw: int) -> np.random.Generator:
        return np.random.default_rng([self._seed, self._epoch, draw])


def fit(
    model: tf.keras.Model,
    batches: Batches,
    loss: Loss,
    recipe: Recipe,
    part: Part,
    validation: Validation | None = None,
) -> History:
    """Trains ``model`` with AdamW down a cosine to zero: no epoch is picked on validation data. Returns the history.

    ``validation`` is only watched: its loss stands in the history beside the training's. Goes on where ``part`` has a
    checkpoint, to the weights and the history that it would have come to without a break.
    """
    steps = len(batches)
    schedule = tf.keras.optimizers.schedules.CosineDecay(
        recipe.learning_rate / 20,
        decay_steps=recipe.epochs * steps,
        warmup_target=recipe.learning_rate,
        warmup_steps=min(steps, 100),
    )
    optimizer = tf.keras.optimizers.AdamW(schedule, weight_decay=recipe.weight_decay, global_clipnorm=5.0)
    model.compile(optimizer, loss)
    return _fit(model, batches, recipe, part, validation and Watch(validation, loss))


def fit_to_plateau(
    model: tf.keras.Model,
    batches: Batches,
    loss: Loss,
    recipe: Recipe,
    part: Part,
    validation: Validation,
    patience: int = 2,
) -> History:
    """Trains ``model`` as AffectFusion did: Adam, halved when ``validation`` no longer gets better, stopped early.

    The rate is halved after ``patience`` epochs without a better loss, and training ends after three times as many.
    Leaves the weights of the best epoch in ``model``, so figures of ``validation`` are a little kind. Returns the
    history; goes on where ``part`` has a checkpoint.
    """
    model.compile(tf.keras.optimizers.Adam(recipe.learning_rate), loss)
    plateau = Plateau(model, patience)
    history = _fit(model, batches, recipe, part, Watch(validation, loss), plateau)
    copy(plateau.best, model.variables)
    return history


def _fit(
    model: tf.keras.Model,
    batches: Batches,
    recipe: Recipe,
    part: Part,
    watch: Watch | None,
    plateau: Plateau | None = None,
) -> History:
    keeper = Keeper(model, plateau.best if plateau else [], part.checkpoint)
    done, steps = len(keeper.history), len(batches)
    if plateau:
        plateau.recall(keeper.history)
    title = f"{recipe.name}, {part.name}"
    with tqdm(total=recipe.epochs * steps, initial=done * steps, desc=title, unit="step", mininterval=1.0) as bar:
        if done == recipe.epochs or (plateau and plateau.over):
            return keeper.history
        logs = part.logs and tf.keras.callbacks.TensorBoard(str(part.logs), write_graph=False)
        batches.begin(done)
        model.fit(
            batches,
            initial_epoch=done,
            epochs=recipe.epochs,
            verbose=0,
            shuffle=False,
            callbacks=[*filter(None, (watch, Progress(bar), logs, plateau)), keeper],
        )
    return keeper.history
