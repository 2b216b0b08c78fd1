"""What accompanies a network's training: a bar, a rate that is halved, a checkpoint after every epoch."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tqdm import tqdm

from edge.errors import UserError
from edge.signals import Float32Array
from quantize.datasets import clips

History = list[dict[str, float]]
"""What was measured in each epoch, by name: ``loss``, ``val_loss`` where there is validation, ``learning_rate``."""

Loss = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
"""The loss of each example, (batch,), from targets and logits."""


class Validation(NamedTuple):
    """What is not trained on: ``inputs``, and ``targets`` of each or, where ``clip`` numbers them, of each clip."""

    inputs: Float32Array
    targets: Float32Array
    clip: NDArray[np.int64] | None = None


class Watch(tf.keras.callbacks.Callback):  # type: ignore[misc]
    """Adds ``val_loss`` to what is logged: the mean ``loss`` of ``validation``, of clips by the sum of their logits."""

    def __init__(self, validation: Validation, loss: Loss) -> None:
        super().__init__()
        self._validation, self._loss = validation, loss

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Asks about all of it."""
        assert logs is not None
        inputs, targets, clip = self._validation
        logits = self.model.predict(inputs, batch_size=256, verbose=0)
        if clip is not None:
            logits = clips.summed(logits, clip)
        logs["val_loss"] = float(np.mean(self._loss(targets, logits)))


class Progress(tf.keras.callbacks.Callback):  # type: ignore[misc]
    """Moves a bar that counts steps and shows the latest losses; adds the learning rate to what is logged."""

    def __init__(self, bar: tqdm) -> None:
        super().__init__()
        self._bar = bar

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """One step further."""
        self._bar.update()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Adds the rate, and shows."""
        assert logs is not None
        logs["learning_rate"] = float(self.model.optimizer.learning_rate.numpy())
        self._bar.set_postfix({name: f"{value:.3g}" for name, value in logs.items()})


class Plateau(tf.keras.callbacks.Callback):  # type: ignore[misc]
    """Halves the rate after ``patience`` epochs without a lower ``val_loss``; ends training after three times as many.

    ``best`` are copies of the network's weights after the epoch with the lowest.
    """

    def __init__(self, model: tf.keras.Model, patience: int) -> None:
        super().__init__()
        self._patience = patience
        self._losses: list[float] = []
        self.best = [tf.Variable(weight) for weight in model.variables]

    @property
    def over(self) -> bool:
        """Whether it has been too long."""
        return self._stalled >= 3 * self._patience

    @property
    def _stalled(self) -> int:
        """Epochs since the lowest loss."""
        return len(self._losses) - 1 - int(np.argmin(self._losses)) if self._losses else 0

    def recall(self, history: History) -> None:
        """Goes on after ``history``."""
        self._losses = [epoch["val_loss"] for epoch in history]

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Judges the epoch."""
        assert logs is not None
        self._losses.append(logs["val_loss"])
        if not self._stalled:
            copy(self.model.variables, self.best)
        elif self._stalled % self._patience == 0:
            rate = self.model.optimizer.learning_rate
            rate.assign(rate / 2)
        self.model.stop_training = self.over


class Keeper(tf.keras.callbacks.Callback):  # type: ignore[misc]
    """Keeps all that the next epoch depends on in ``folder``, after every epoch, and takes it up from there.

    That is: weights, the optimizer's state, rate and step, where the dropouts' random numbers stand, ``beside``, and
    the ``history``, which is also kept where there is no folder. Raises UserError where it cannot be read or written.
    """

    def __init__(self, model: tf.keras.Model, beside: list[tf.Variable], folder: Path | None) -> None:
        super().__init__()
        self._memory = _Memory()
        self._manager = None
        if folder is None:
            return
        model.optimizer.build(model.trainable_variables)
        checkpoint = tf.train.Checkpoint(
            weights=model.variables,
            optimizer=model.optimizer,
            generators=_generators(model),
            beside=beside,
            memory=self._memory,
        )
        try:
            self._manager = tf.train.CheckpointManager(checkpoint, str(folder), max_to_keep=1)
            if self._manager.latest_checkpoint:
                checkpoint.restore(self._manager.latest_checkpoint).assert_consumed()
        except (tf.errors.OpError, ValueError, AssertionError) as error:
            raise UserError(f"{folder}: cannot be read; --fresh starts over") from error

    @property
    def history(self) -> History:
        """All epochs so far, those before an interruption too."""
        return self._memory.epochs

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Writes it down."""
        self._memory.epochs.append({name: float(value) for name, value in (logs or {}).items()})
        if self._manager is None:
            return
        try:
            self._manager.save()
        except (tf.errors.OpError, OSError) as error:
            raise UserError(f"{self._manager.directory}: cannot be written ({error})") from error


class _Memory(tf.train.experimental.PythonState):  # type: ignore[misc]
    """A history that lies in a checkpoint beside the weights."""

    def __init__(self) -> None:
        super().__init__()
        self.epochs: History = []

    def serialize(self) -> str:
        return json.dumps(self.epochs)

    def deserialize(self, string_value: bytes) -> None:
        self.epochs = json.loads(string_value)


def copy(variables: list[tf.Variable], to: list[tf.Variable]) -> None:
    """Gives each variable of ``to`` the value of the one in ``variables``."""
    for variable, target in zip(variables, to, strict=True):
        target.assign(variable)


def _generators(model: tf.keras.Model) -> list[tf.random.Generator]:
    """The random numbers of every layer that draws some; Keras keeps them out of checkpoints."""
    drawing = tf.keras.__internal__.layers.BaseRandomLayer
    layers = [layer._random_generator for layer in model.submodules if isinstance(layer, drawing)]
    return [layer._generator for layer in layers if getattr(layer, "_generator", None) is not None]
