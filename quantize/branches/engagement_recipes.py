"""How the engagement network is trained: our own way, from a teacher, and AffectFusion's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import GroupKFold

from edge.branches import sigmoid
from edge.features.landmarks import LandmarkFeatures
from edge.signals import ENGAGEMENT_STATES, Float32Array
from quantize.branches.base import Recipe
from quantize.datasets.daisee_landmarks import Clips
from quantize.training import landmark_bases
from quantize.training.checkpoints import Part
from quantize.training.sequences import Sequences
from quantize.training.teacher import teach

History = list[dict[str, float]]


@dataclass(frozen=True)
class EngagementRecipe(Recipe):
    """What both ways share: ``folds`` of subjects inside Train set the thresholds; the rest is the network's."""

    steps: int = 75
    folds: int = 5
    units: int = 64
    hidden: int = 32
    dropout: float = 0.2

    def features(self, clips: Clips) -> LandmarkFeatures:
        """What the network reads of a face, from the training clips' faces alone."""
        raise NotImplementedError

    def train(self, sequences: Sequences, rows: NDArray[np.int64], part: Part) -> tuple[Any, History]:
        """The network trained on ``rows`` of ``sequences``, and the history of its loss."""
        raise NotImplementedError

    def network(self, count: int, batch: int | None = None) -> Any:
        """The untrained network for ``count`` features; for a batch of one as the device runs it."""
        raise NotImplementedError

    def served(self, trained: Any) -> Any:
        """The network with the weights of ``trained``, unrolled, for a batch of one."""
        served = self.network(trained.input_shape[-1], batch=1)
        served.set_weights(trained.get_weights())
        return served


@dataclass(frozen=True)
class Taught(EngagementRecipe):
    """A ridge regression on principal components runs beside the LSTM and gives most of its targets.

    ``components`` are read of each face. ``teacher`` is the share of the targets that the regression gives for the
    very sequence that is shown, the rest are the labels; ``rare`` is the power of its rarity by which the rarer answer
    counts more; ``exchange`` is up to how much of a subject's own mean is replaced by another's, because a few dozen
    faces are more easily learned by heart than what moves in them.
    """

    components: int = 45
    rare: float = 0.5
    exchange: float = 1.0
    teacher: float = 0.9

    def features(self, clips: Clips) -> LandmarkFeatures:
        """Principal components."""
        return landmark_bases.components(clips, self.components, self.steps)

    def network(self, count: int, batch: int | None = None) -> Any:
        """The LSTM with the regression beside it."""
        from quantize.models.engagement import engagement

        return engagement(
            self.steps, count, len(ENGAGEMENT_STATES), self.units, self.hidden, self.dropout, beside=True, batch=batch
        )

    def train(self, sequences: Sequences, rows: NDArray[np.int64], part: Part) -> tuple[Any, History]:
        """Teaches the regression, sets it in the network, and trains the LSTM."""
        from quantize.training import fitting

        fitting.settle(self.seed)
        inputs, levels, subjects = sequences.moving[rows], sequences.levels[rows], sequences.subjects[rows]
        seen = sequences.means[rows]
        taught = teach(seen, sequences.mirrored[rows], levels, subjects)
        labels, weights = _soft(levels), _weights(sequences.high[rows], self.rare)
        names, own = np.unique(subjects, return_inverse=True)
        means = np.stack([seen[own == subject].mean(axis=0) for subject in range(len(names))])

        def draw(indices: NDArray[np.int64], rng: np.random.Generator) -> tuple[Float32Array, Float32Array]:
            others = rng.integers(0, len(means), len(indices))
            share = rng.uniform(0, self.exchange, (len(indices), 1)).astype(np.float32)
            shown = inputs[indices] + (share * (means[others] - means[own[indices]]))[:, None]
            said = sigmoid(taught(shown.mean(axis=1)), 1.0)
            targets = self.teacher * said + (1 - self.teacher) * labels[indices]
            return shown, np.concatenate([targets, weights[indices]], axis=1)

        model = self.network(inputs.shape[-1])
        model.get_layer("linear").set_weights([taught.linear, taught.bias])
        model.get_layer("square").set_weights([taught.square])
        batches = fitting.Batches(draw, lambda rng: rng.permutation(len(rows)), self.batch, self.seed)
        return model, fitting.fit(model, batches, _loss, self, part)


@dataclass(frozen=True)
class Paper(EngagementRecipe):
    """AffectFusion as published: correlation-reduced coordinates, class-weighted cross-entropy, minorities oversampled.

    Adam; ``learning_rate`` is halved after ``patience`` epochs without a better loss on subjects held back for that
    (one in ``folds``), and training ends after three times as many. ``correlation`` is the highest that two kept
    coordinates may have.
    """

    dropout: float = 0.5
    correlation: float = 0.91
    patience: int = 3

    def features(self, clips: Clips) -> LandmarkFeatures:
        """Single coordinates, about as many as in the paper."""
        return landmark_bases.reduced(clips, self.correlation, self.steps)

    def network(self, count: int, batch: int | None = None) -> Any:
        """The LSTM alone."""
        from quantize.models.engagement import engagement

        return engagement(self.steps, count, len(ENGAGEMENT_STATES), self.units, self.hidden, self.dropout, batch=batch)

    def train(self, sequences: Sequences, rows: NDArray[np.int64], part: Part) -> tuple[Any, History]:
        """Trains on all but the subjects held back; the weights of the best epoch on those are kept."""
        from quantize.training import fitting
        from quantize.training.callbacks import Validation

        fitting.settle(self.seed)
        inputs, high, groups = sequences.moving[rows], sequences.high[rows], sequences.subjects[rows]
        weights = _weights(high, 1.0)
        targets = np.concatenate([high.astype(np.float32), weights], axis=1)
        folds = GroupKFold(min(self.folds, len(np.unique(groups))))
        learned, judged = next(folds.split(inputs, groups=groups))
        chance = weights[learned].max(axis=1)
        chance = chance / chance.sum(dtype=np.float64)

        def draw(indices: NDArray[np.int64], _: np.random.Generator) -> tuple[Float32Array, Float32Array]:
            return inputs[indices], targets[indices]

        def order(rng: np.random.Generator) -> NDArray[np.int64]:
            return rng.choice(learned, len(learned), p=chance)

        model = self.network(inputs.shape[-1])
        batches = fitting.Batches(draw, order, self.batch, self.seed)
        validation = Validation(inputs[judged], targets[judged])
        return model, fitting.fit_to_plateau(model, batches, _loss, self, part, validation, self.patience)


RECIPES: dict[str, EngagementRecipe] = {
    recipe.name: recipe
    for recipe in (
        Taught("default", epochs=1, batch=64, learning_rate=3e-3, weight_decay=1e-2),
        Paper("affectfusion-2025", epochs=60, batch=64, learning_rate=5e-4, weight_decay=0.0),
    )
}


def _soft(levels: NDArray[np.int64]) -> Float32Array:
    """Soft labels: the four levels are steps of one scale, and raters' 1 and 2 are closer than 0 and 3."""
    return np.array([0.05, 0.25, 0.75, 0.95], np.float32)[levels]


def _weights(high: NDArray[np.int64], rare: float) -> Float32Array:
    """Weights (n, 4) with mean 1: the rarer answer counts more by the power ``rare`` of its rarity."""
    share = np.clip(high.mean(axis=0), 0.01, 0.99)
    weights = np.where(high == 1, 1 / share, 1 / (1 - share)) ** rare
    return (weights / weights.mean(axis=0)).astype(np.float32)


def _loss(truth: Any, logits: Any) -> Any:
    """Weighted cross-entropy, mean over the four states; ``truth`` holds targets, then weights."""
    import tensorflow as tf

    targets, weights = truth[:, : len(ENGAGEMENT_STATES)], truth[:, len(ENGAGEMENT_STATES) :]
    return tf.reduce_mean(weights * tf.nn.sigmoid_cross_entropy_with_logits(targets, logits), axis=1)
