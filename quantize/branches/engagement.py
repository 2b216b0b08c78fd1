"""The engagement branch: four states from ten seconds of landmarks, trained on DAiSEE, subjects kept apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GroupKFold

from edge.branches import sigmoid
from edge.errors import UserError
from edge.features.landmarks import NOSE_TIP, OUTER_EYE_CORNERS, LandmarkFeatures, normalise
from edge.signals import ENGAGEMENT_STATES, Float32Array
from quantize.augment import motion
from quantize.branches.base import Examples, Fitted, Recipe
from quantize.datasets import daisee_landmarks
from quantize.datasets.daisee_landmarks import Clips
from quantize.tuning import tune

LIPS = (
    *(0, 13, 14, 17, 37, 39, 40, 78, 80, 81, 82, 84, 87, 88, 91, 95, 146, 178, 181, 185, 191, 267, 269, 270),
    *(308, 310, 311, 312, 314, 317, 318, 321, 324, 375, 402, 405, 409, 415),
)
LIDS = (
    *(7, 144, 145, 153, 154, 155, 157, 158, 159, 160, 161, 163, 173, 246),
    *(249, 373, 374, 380, 381, 382, 384, 385, 386, 387, 388, 390, 398, 466),
)
FINE = frozenset(LIPS + LIDS)
"""Lip and lid contours without their corners: the data set's refined mesh places them otherwise than the device's."""


RIDGE = 300.0
"""Strength of the teacher's regularisation, from folds of subjects inside Train."""


@dataclass(frozen=True)
class EngagementRecipe(Recipe):
    """``correlation`` is the highest that two kept features may have.

    ``folds`` of subjects inside Train set the thresholds; ``rare`` is the power of its rarity by which the rarer answer
    counts more; ``exchange`` is up to how much of a subject's own mean is replaced by another's, because a few dozen
    faces are more easily learned by heart than what moves in them. ``teacher`` is the share of the targets that
    a regularised linear model of the same training subjects gives for the very sequence that is shown.
    """

    steps: int = 75
    correlation: float = 0.85
    folds: int = 5
    units: int = 64
    hidden: int = 32
    dropout: float = 0.2
    rare: float = 0.5
    exchange: float = 1.0
    teacher: float = 0.9


class Engagement:
    """Four independent states; each is high at a level of 2 or 3, told by a threshold of its own."""

    name = "engagement"
    labels = ENGAGEMENT_STATES
    decisions = ENGAGEMENT_STATES
    preprocessing = LandmarkFeatures
    recipes: ClassVar[dict[str, EngagementRecipe]] = {
        "default": EngagementRecipe("default", epochs=8, batch=64, learning_rate=3e-3, weight_decay=1e-2),
    }

    def fit(self, data: Path, recipe: EngagementRecipe) -> Fitted:
        """Trains on all Train subjects; thresholds and development figures come from folds of subjects inside Train."""
        clips = daisee_landmarks.load(data, "Train")
        if len(np.unique(clips.subjects)) < recipe.folds:
            raise UserError(
                f"{data}: {len(np.unique(clips.subjects))} subjects in Train are fewer than {recipe.folds} folds"
            )
        features = select(clips, recipe.correlation, recipe.steps)
        everything = np.arange(len(clips.levels))
        tuned = tune(self, _cross_validate(clips, features, recipe), _examples(clips, everything, features))
        model, history = _train(clips, everything, features, recipe)
        return Fitted(
            model=_network(features, recipe, model),
            preprocessing=features,
            thresholds=tuned.thresholds,
            temperature=tuned.temperature,
            split={"train": sorted(set(clips.subjects.tolist())), "rule": "official Train; tuned by folds of subjects"},
            development=tuned.figures,
            history=history,
        )

    def unseen(self, data: Path, preprocessing: LandmarkFeatures, split: Mapping[str, Any]) -> Examples:
        """The official Validation clips of subjects that were not trained on."""
        clips = daisee_landmarks.load(data, "Validation")
        rows = np.flatnonzero(~np.isin(clips.subjects, split["train"]))
        if not len(rows):
            raise UserError(f"{data}: every subject of Validation was trained on; there is nothing to test with")
        return _examples(clips, rows, preprocessing)

    def development(self, data: Path, preprocessing: LandmarkFeatures, split: Mapping[str, Any]) -> Examples:
        """The official Train clips, inside which thresholds were tuned."""
        clips = daisee_landmarks.load(data, "Train")
        return _examples(clips, np.arange(len(clips.levels)), preprocessing)

    def representative(
        self, data: Path, preprocessing: LandmarkFeatures, split: Mapping[str, Any], count: int
    ) -> Float32Array:
        """Train clips at even distances, in motion as in training."""
        clips = daisee_landmarks.load(data, "Train")
        rows = np.arange(len(clips.levels))[:: max(1, len(clips.levels) // count)][:count]
        return _inputs(clips, rows, preprocessing)

    def probabilities(self, logits: Float32Array, temperature: float) -> Float32Array:
        """The probability that each state is high, float32 (N, 4)."""
        return sigmoid(logits, temperature)


def select(clips: Clips, correlation: float, steps: int = 75) -> LandmarkFeatures:
    """Correlation reduction: the widest-varying coordinate first, none that correlates more with a kept one."""
    shapes = normalise(clips.landmarks[:, 0]).reshape(len(clips.levels), -1)
    spread = shapes.std(axis=0)
    usable = np.array([i for i in np.argsort(-spread, kind="stable") if spread[i] > 1e-3 and i // 3 not in FINE])
    related = np.abs(np.corrcoef(shapes[:, usable].T))
    kept: list[int] = []
    for candidate in range(len(usable)):
        if not kept or related[candidate, kept].max() < correlation:
            kept.append(candidate)
    selected = usable[kept]
    return LandmarkFeatures(
        selected=tuple(selected.tolist()),
        centre=tuple(np.round(shapes[:, selected].mean(axis=0), 5).tolist()),
        spread=tuple(np.round(spread[selected], 5).tolist()),
        steps=steps,
    )


def _examples(clips: Clips, rows: NDArray[np.int64], features: LandmarkFeatures) -> Examples:
    return Examples(_inputs(clips, rows, features), _truth(clips)[rows], None, clips.subjects[rows])


def _truth(clips: Clips) -> NDArray[np.int64]:
    return (clips.levels >= daisee_landmarks.HIGH).astype(np.int64)


def _sequences(
    clips: Clips, rows: NDArray[np.int64], features: LandmarkFeatures, rng: np.random.Generator
) -> Float32Array:
    """Features float32 (n, steps, K): real clips as they are, stills set in motion."""
    landmarks = clips.landmarks[rows]
    if landmarks.shape[1] == 1:
        landmarks = motion.expand(landmarks[:, 0], _points(features), features.steps, features.rate_hz, rng)
    elif landmarks.shape[1] != features.steps:
        raise UserError(f"engagement: clips have {landmarks.shape[1]} steps, not {features.steps}")
    return features(landmarks)


def _inputs(clips: Clips, rows: NDArray[np.int64], features: LandmarkFeatures) -> Float32Array:
    """The same sequences for the same rows, every time."""
    rng = np.random.default_rng(0)
    return np.concatenate(
        [_sequences(clips, part, features, rng) for part in np.array_split(rows, -(-len(rows) // 64))]
    )


def _points(features: LandmarkFeatures) -> NDArray[np.int64]:
    """The landmarks that the features are computed from."""
    return np.unique([NOSE_TIP, *OUTER_EYE_CORNERS, *(index // 3 for index in features.selected)])


def _cross_validate(clips: Clips, features: LandmarkFeatures, recipe: EngagementRecipe) -> Float32Array:
    """Logits (N, 4) of every clip from a network that saw none of its subject's."""
    logits = np.zeros(clips.levels.shape, np.float32)
    for seen, held_out in GroupKFold(recipe.folds).split(logits, groups=clips.subjects):
        model, _ = _train(clips, seen, features, recipe)
        logits[held_out] = model.predict(_inputs(clips, held_out, features), batch_size=256, verbose=0)
    return logits


def _train(
    clips: Clips, rows: NDArray[np.int64], features: LandmarkFeatures, recipe: EngagementRecipe
) -> tuple[Any, list[dict[str, float]]]:
    from quantize import fitting

    fitting.settle(recipe.seed)
    labels, weights = _targets(clips.levels[rows]), _weights(clips, rows, recipe.rare)
    kernel, bias = _teacher(clips, rows, features)
    means, own = _subject_means(clips, rows, features)

    def draw(indices: NDArray[np.int64], rng: np.random.Generator) -> tuple[Float32Array, Float32Array]:
        inputs = _sequences(clips, rows[indices], features, rng)
        others = rng.integers(0, len(means), len(indices))
        share = rng.uniform(0, recipe.exchange, (len(indices), 1)).astype(np.float32)
        inputs = inputs + (share * (means[others] - means[own[indices]]))[:, None]
        taught = sigmoid(inputs.mean(axis=1) @ kernel + bias, 1.0)
        targets = recipe.teacher * taught + (1 - recipe.teacher) * labels[indices]
        return inputs, np.concatenate([targets, weights[indices]], axis=1)

    batches = fitting.Batches(draw, lambda rng: rng.permutation(len(rows)), recipe.batch, recipe.seed)
    model = _network(features, recipe)
    model.get_layer("linear").set_weights([kernel, bias])
    return model, fitting.fit(model, batches, _loss, recipe)


def _teacher(clips: Clips, rows: NDArray[np.int64], features: LandmarkFeatures) -> tuple[Float32Array, Float32Array]:
    """A ridge regression of the levels on mean features: kernel float32 (K, 4) and bias (4,) of its logits.

    Half of each subject's own mean is taken from features and levels alike: who somebody is and how they were rated on
    the whole tells little about others. Folds of subjects turn levels into logits.
    """
    means, levels = features(clips.landmarks[rows]).mean(axis=1), clips.levels[rows].astype(np.float32)
    subjects, high = clips.subjects[rows], _truth(clips)[rows]
    for state, answers in zip(ENGAGEMENT_STATES, high.T, strict=True):
        if len(np.unique(answers)) < 2:
            raise UserError(f"engagement: {state} is the same in all of {len(rows)} training clips; more are needed")
    unseen = np.zeros_like(levels)
    for seen, held_out in GroupKFold(min(5, len(np.unique(subjects)))).split(means, groups=subjects):
        unseen[held_out] = _ridge(means[seen], levels[seen], subjects[seen]).predict(means[held_out])
    scales = [
        LogisticRegression(class_weight="balanced").fit(scores[:, None], answers)
        for scores, answers in zip(unseen.T, high.T, strict=True)
    ]
    slope = np.array([scale.coef_.item() for scale in scales], np.float32)
    offset = np.array([scale.intercept_.item() for scale in scales], np.float32)
    ridge = _ridge(means, levels, subjects)
    return (ridge.coef_.T * slope).astype(np.float32), (ridge.intercept_ * slope + offset).astype(np.float32)


def _ridge(means: Float32Array, levels: Float32Array, subjects: NDArray[Any], own: float = 0.5) -> Ridge:
    """The regression with the share ``own`` of every subject's mean taken away."""
    _, who = np.unique(subjects, return_inverse=True)
    members = np.eye(who.max() + 1, dtype=np.float32)[who]

    def reduced(values: Float32Array) -> Float32Array:
        return values - own * (members @ (members.T @ values / members.sum(axis=0)[:, None]))

    return Ridge(alpha=RIDGE).fit(reduced(means), reduced(levels))


def _subject_means(
    clips: Clips, rows: NDArray[np.int64], features: LandmarkFeatures
) -> tuple[Float32Array, NDArray[np.int64]]:
    """Every subject's mean features, float32 (subjects, K), and each row's subject, int64 (n,)."""
    own_features = features(clips.landmarks[rows]).mean(axis=1)
    names, own = np.unique(clips.subjects[rows], return_inverse=True)
    return np.stack([own_features[own == subject].mean(axis=0) for subject in range(len(names))]), own


def _targets(levels: NDArray[np.int64]) -> Float32Array:
    """Soft labels: the four levels are steps of one scale, and raters' 1 and 2 are closer than 0 and 3."""
    return np.array([0.05, 0.25, 0.75, 0.95], np.float32)[levels]


def _weights(clips: Clips, rows: NDArray[np.int64], rare: float) -> Float32Array:
    """Weights (n, 4) with mean 1: the rarer answer counts more by the power ``rare`` of its rarity."""
    high = _truth(clips)[rows]
    share = np.clip(high.mean(axis=0), 0.01, 0.99)
    weights = np.where(high == 1, 1 / share, 1 / (1 - share)) ** rare
    return (weights / weights.mean(axis=0)).astype(np.float32)


def _network(features: LandmarkFeatures, recipe: EngagementRecipe, trained: Any = None) -> Any:
    """The network; with the weights of ``trained``, unrolled and for a batch of one where that is given."""
    from quantize.models.engagement import engagement

    shape = (
        features.steps,
        len(features.selected),
        len(ENGAGEMENT_STATES),
        recipe.units,
        recipe.hidden,
        recipe.dropout,
    )
    if trained is None:
        return engagement(*shape)
    served = engagement(*shape, batch=1)
    served.set_weights(trained.get_weights())
    return served


def _loss(truth: Any, logits: Any) -> Any:
    """Weighted cross-entropy, mean over the four states; ``truth`` holds targets, then weights."""
    import tensorflow as tf

    targets, weights = truth[:, : len(ENGAGEMENT_STATES)], truth[:, len(ENGAGEMENT_STATES) :]
    return tf.reduce_mean(weights * tf.nn.sigmoid_cross_entropy_with_logits(targets, logits), axis=1)
