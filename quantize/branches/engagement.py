"""The engagement branch: four states from ten seconds of landmarks, trained on DAiSEE, subjects kept apart."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import GroupKFold

from edge.branches import sigmoid
from edge.errors import UserError
from edge.features.landmarks import LandmarkFeatures
from edge.signals import ENGAGEMENT_STATES, Float32Array
from quantize.branches.base import Examples, Fitted
from quantize.branches.engagement_recipes import RECIPES, EngagementRecipe
from quantize.datasets import daisee
from quantize.datasets.daisee_landmarks import HIGH, Clips
from quantize.evaluation.conditions import LANDMARKS, Condition
from quantize.training.sequences import Sequences, held, prepare
from quantize.training.tuning import tune


class Engagement:
    """Four independent states; each is high at a level of 2 or 3, told by a threshold of its own."""

    name = "engagement"
    labels = ENGAGEMENT_STATES
    decisions = ENGAGEMENT_STATES
    preprocessing = LandmarkFeatures
    conditions = LANDMARKS
    recipes: ClassVar[dict[str, EngagementRecipe]] = RECIPES

    def fit(self, data: Path, recipe: EngagementRecipe) -> Fitted:
        """Trains on all Train subjects; thresholds and development figures come from folds of subjects inside Train."""
        clips = daisee.load(data, "Train")
        people = sorted(set(clips.subjects.tolist()))
        if len(people) < recipe.folds:
            raise UserError(f"{data}: {len(people)} subjects in Train are fewer than {recipe.folds} folds")
        features = recipe.features(clips)
        sequences = prepare(clips, features, recipe.seed)
        examples = _examples(clips, features)
        tuned = tune(self, _cross_validate(sequences, examples.inputs, recipe), examples)
        model, history = recipe.train(sequences, np.arange(len(clips.levels)))
        return Fitted(
            model=recipe.served(model),
            preprocessing=features,
            thresholds=tuned.thresholds,
            temperature=tuned.temperature,
            split={"train": people, "rule": "official Train; tuned by folds of subjects"},
            development=tuned.figures,
            history=history,
        )

    def unseen(self, data: Path, preprocessing: LandmarkFeatures, split: Mapping[str, Any] | None) -> Examples:
        """Every clip of a subject that was not trained on, whatever its split: of the official file, Validation.

        Stills are held for the whole window; no motion is made up.
        """
        return _examples(daisee.load(data, None, () if split is None else split["train"]), preprocessing)

    def development(self, data: Path, preprocessing: LandmarkFeatures, split: Mapping[str, Any]) -> Examples:
        """The official Train clips, inside which thresholds were tuned."""
        return _examples(daisee.load(data, "Train"), preprocessing)

    def representative(
        self, data: Path, preprocessing: LandmarkFeatures, split: Mapping[str, Any], count: int
    ) -> Float32Array:
        """Train clips at even distances, in turns held and in motion."""
        clips = daisee.load(data, "Train")
        rows = np.arange(len(clips.levels))[:: max(1, len(clips.levels) // count)][:count]
        chosen = clips.only(rows)
        inputs = prepare(chosen, preprocessing, seed=0).moving
        inputs[::2] = held(chosen, preprocessing)[::2]
        return inputs

    def probabilities(self, logits: Float32Array, temperature: float) -> Float32Array:
        """The probability that each state is high, float32 (N, 4)."""
        return sigmoid(logits, temperature)


def _examples(clips: Clips, features: LandmarkFeatures) -> Examples:
    truth = (clips.levels >= HIGH).astype(np.int64)

    def under(condition: Condition | None = None) -> Float32Array:
        return held(clips, features, condition)

    return Examples(under(), truth, None, clips.subjects, under)


def _cross_validate(sequences: Sequences, inputs: Float32Array, recipe: EngagementRecipe) -> Float32Array:
    """Logits (N, 4) of every clip's ``inputs`` from a network that saw none of its subject's."""
    logits: NDArray[np.float32] = np.zeros(sequences.levels.shape, np.float32)
    for seen, held_out in GroupKFold(recipe.folds).split(logits, groups=sequences.subjects):
        model, _ = recipe.train(sequences, seen)
        logits[held_out] = model.predict(inputs[held_out], batch_size=256, verbose=0)
    return logits
