"""The attention model's training: windows of sessions, damaged and with modalities missing, what it said fed back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.features.moment import Embedded, MomentFeatures, Own
from edge.fusion.attention import LABELS
from edge.signals import Float32Array
from quantize.branches.base import Recipe
from quantize.fusion.answers import Answers
from quantize.fusion.material import BURST_S, OWN, Part, blocks
from quantize.fusion.sessions import bursts_of
from quantize.training.callbacks import History
from quantize.training.checkpoints import Part as Checkpoint

SHARES = (0.0, 0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
"""Shares of time for which a modality is missing in training (modality dropout), drawn alike."""

STATES_WEIGHT = 0.25
"""What the loss of each engagement state weighs beside that of valence: together they weigh the same."""


@dataclass(frozen=True)
class AttentionRecipe(Recipe):
    """``kl`` is lambda of Edu-EmotionNet's loss, cross-entropy + lambda KL(previous || current).

    ``epochs`` of ``windows`` windows of ``length`` seconds each; ``steps`` seconds are seen at once. ``undamaged`` is
    the share of windows in which a modality is as it was recorded. ``cross``, ``importance`` and ``feedback`` switch
    the parts of the network, for the ablations.
    """

    windows: int = 4800
    length: int = 24
    steps: int = 5
    width: int = 32
    dropout: float = 0.3
    kl: float = 0.1
    undamaged: float = 0.3
    cross: bool = True
    importance: bool = True
    feedback: bool = True


DEFAULT = AttentionRecipe("default", epochs=8, batch=48, learning_rate=2e-3, weight_decay=2e-2)

ABLATIONS = {
    "-CMAA": replace(DEFAULT, name="no-cross-attention", cross=False),
    "-MIE": replace(DEFAULT, name="no-importance", importance=False),
    "-TFL": replace(DEFAULT, name="no-feedback", feedback=False, kl=0.0),
}
"""The default without one of its parts each, by the paper's names."""


def features_of(answers: Mapping[Own, Answers], steps: int) -> MomentFeatures:
    """Blocks standardised by what the branches say of undamaged training examples.

    Of the engagement branch only the window's mean features are looked at: what its hidden units mean differs from one
    fold's network to another's too much for a linear map.
    """
    kept: dict[Own, int | None] = {"engagement": answers["engagement"].embedding.shape[-1] - HIDDEN}
    made: dict[Own, Embedded] = {}
    for name in OWN:
        own = answers[name]
        clean = own.embedding[0].astype(np.float32)[:, : kept.get(name)]
        spread = np.maximum(clean.std(axis=0), 1e-2)
        made[name] = Embedded(own.logits.shape[-1], _bytes(clean.mean(axis=0)), _bytes(spread))
    return MomentFeatures(made, steps)


HIDDEN = 32
"""Hidden units at the end of the engagement branch's embedding."""


def _bytes(values: Float32Array) -> bytes:
    return np.asarray(values, "<f4").tobytes()


class Windows:
    """Draws training windows of a part: seconds float32 (n, length + steps - 1, numbers) and what is true of them.

    NaN stands for what nobody knows.
    """

    def __init__(self, part: Part, features: MomentFeatures, recipe: AttentionRecipe) -> None:
        self._part, self._recipe = part, recipe
        self._blocks = {name: blocks(features, name, part.answers[name], part.told[name]) for name in OWN}
        true = np.concatenate([part.sessions.positive[..., None], part.sessions.high], axis=2)
        self._true = np.where(true < 0, np.nan, true).astype(np.float32)

    def draw(self, count: int, rng: np.random.Generator) -> tuple[Float32Array, Float32Array]:
        """``count`` windows, and float32 (count, length, labels)."""
        recipe = self._recipe
        sessions, seconds = self._part.sessions.positive.shape
        session = rng.integers(0, sessions, count)[:, None]
        second = rng.integers(0, seconds - recipe.length, count)[:, None] + np.arange(1 - recipe.steps, recipe.length)
        before, second = second < 0, np.maximum(second, 0)
        shown = []
        for name in OWN:
            made, rows = self._blocks[name], self._part.rows(name)[session, second]
            spoilt = np.where(rng.random(count) < recipe.undamaged, 0, rng.integers(0, len(made), count))[:, None]
            missing = bursts_of(rng.choice(SHARES, count), second.shape[1], BURST_S, rng)
            there = (rows >= 0) & ~before & ~missing
            shown.append(made[spoilt, np.maximum(rows, 0)] * there[..., None])
        return np.concatenate(shown, axis=2).astype(np.float32), self._true[session, second][:, recipe.steps - 1 :]


def train(windows: Windows, sizes: tuple[int, ...], recipe: AttentionRecipe, part: Checkpoint) -> tuple[Any, History]:
    """The trained network for one second, and the history of its loss."""
    from quantize.models.attention import unrolled
    from quantize.training import fitting

    fitting.settle(recipe.seed)
    cell = network(sizes, recipe)
    model = unrolled(cell, recipe.steps, recipe.length, len(LABELS))

    def draw(indices: NDArray[np.int64], rng: np.random.Generator) -> tuple[Float32Array, Float32Array]:
        return windows.draw(len(indices), rng)

    batches = fitting.Batches(draw, lambda rng: np.arange(recipe.windows), recipe.batch, recipe.seed)
    history = fitting.fit(model, batches, loss_of(recipe.kl), recipe, part)
    return cell, history


def network(sizes: tuple[int, ...], recipe: AttentionRecipe, batch: int | None = None) -> Any:
    """The untrained network of ``recipe``."""
    from quantize.models.attention import attention

    return attention(
        recipe.steps,
        sizes,
        len(LABELS),
        recipe.width,
        recipe.dropout,
        recipe.cross,
        recipe.importance,
        recipe.feedback,
        batch,
    )


def loss_of(kl: float) -> Any:
    """Cross-entropy of the known labels, and ``kl`` times the divergence of each second from the one before."""
    import tensorflow as tf

    weights = tf.constant([1.0] + [STATES_WEIGHT] * (len(LABELS) - 1))

    def loss(truth: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
        known = tf.math.is_finite(truth)
        truth = tf.where(known, truth, 0.0)
        costs = tf.where(known, tf.nn.sigmoid_cross_entropy_with_logits(truth, logits), 0.0)
        crossed = tf.reduce_sum(weights * costs, axis=2)
        said = tf.clip_by_value(tf.sigmoid(logits), 1e-4, 1.0 - 1e-4)
        before, after = tf.stop_gradient(said[:, :-1]), said[:, 1:]
        apart = before * tf.math.log(before / after) + (1 - before) * tf.math.log((1 - before) / (1 - after))
        return tf.reduce_mean(crossed, axis=1) + kl * tf.reduce_mean(apart, axis=[1, 2])

    return loss
