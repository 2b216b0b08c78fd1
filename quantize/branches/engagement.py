"""The engagement branch: four states from ten seconds of landmarks, trained on DAiSEE, subjects kept apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import GroupKFold

from edge.branches import sigmoid
from edge.errors import UserError
from edge.features.landmarks import LandmarkFeatures
from edge.signals import ENGAGEMENT_STATES, Float32Array
from quantize.branches.base import Examples, Fitted, Fold, Outcome
from quantize.branches.engagement_recipes import RECIPES, EngagementRecipe
from quantize.datasets import daisee
from quantize.datasets.daisee_landmarks import HIGH, Clips
from quantize.evaluation import floors
from quantize.evaluation.ceilings import Ceiling, other_clips
from quantize.evaluation.conditions import CLEAN, LANDMARKS, Condition
from quantize.evaluation.qualities import track_qualities
from quantize.training.checkpoints import Checkpoints
from quantize.training.sequences import Sequences, held, prepare, shown
from quantize.training.shares import chosen, spaced
from quantize.training.tuning import tune, tune_across


@dataclass(frozen=True)
class _Prepared:
    """Train as the network is shown it, in motion, and as it is judged by it, held."""

    features: LandmarkFeatures
    sequences: Sequences
    examples: Examples


class Engagement:
    """Four independent states; each is high at a level of 2 or 3, told by a threshold of its own."""

    name = "engagement"
    labels = ENGAGEMENT_STATES
    decisions = ENGAGEMENT_STATES
    valence = None
    preprocessing = LandmarkFeatures
    conditions = LANDMARKS
    hardships = (CLEAN, *LANDMARKS)
    recipes: ClassVar[dict[str, EngagementRecipe]] = RECIPES

    def fit(self, data: Path, recipe: EngagementRecipe, checkpoints: Checkpoints) -> Fitted:
        """Trains on all Train subjects; thresholds and development figures come from folds of subjects inside Train."""
        ready = _prepared(data, recipe)
        crossed = _cross_validate(ready, recipe, checkpoints)
        tuned = tune(self, crossed.logits, ready.examples)
        others = tune_across(self, crossed.logits, ready.examples, crossed.fold).others
        model, history = recipe.train(ready.sequences, np.arange(len(ready.examples.truth)), checkpoints.part("all"))
        people = np.unique(ready.sequences.subjects).tolist()
        return Fitted(
            model=recipe.served(model),
            preprocessing=ready.features,
            thresholds=tuned.thresholds,
            temperature=tuned.temperature,
            split={"train": people, "rule": "official Train; tuned by folds of subjects"},
            development=tuned.figures,
            history=history,
            folds=[
                Fold(
                    model=recipe.served(network),
                    preprocessing=ready.features,
                    thresholds=others[number].thresholds,
                    temperature=others[number].temperature,
                    split={"train": np.unique(ready.sequences.subjects[crossed.fold != number]).tolist()},
                )
                for number, network in enumerate(crossed.networks)
            ],
            tested_by_folds=False,
        )

    def exposing(self, model: Any) -> Any:
        """The window's mean features, then the hidden units."""
        from quantize.models.engagement import exposing

        return exposing(model)

    def fit_share(self, data: Path, recipe: EngagementRecipe, share: float, checkpoints: Checkpoints) -> Outcome:
        """Folds of subjects inside Train; each fold's network learns from ``share`` of the others' subjects.

        What is read of a face, which needs no labels, comes from all of Train.
        """
        ready = _prepared(data, recipe)
        logits = _cross_validate(ready, recipe, checkpoints, share).logits
        people = len(np.unique(ready.sequences.subjects))
        return Outcome(ready.examples, logits, round(share * people * (1 - 1 / recipe.folds)), "subjects")

    def ceilings(self, data: Path) -> list[Ceiling]:
        """Those who know how a clip's own subject was rated in other clips of Train."""
        clips = daisee.load(data, "Train")
        return other_clips(clips.levels, clips.subjects, HIGH)

    def unseen(self, data: Path, preprocessing: LandmarkFeatures, split: Mapping[str, Any] | None) -> Examples:
        """Every clip of a subject that was not trained on, whatever its split: of the official file, Validation.

        Stills are held for the whole window; no motion is made up.
        """
        if split is None:
            return examples_of(daisee.load(data, None), preprocessing)
        unseen = examples_of(daisee.load(data, None, split["train"]), preprocessing)
        return replace(unseen, linear=partial(_linear, data, split["train"], preprocessing, unseen.inputs))

    def development(self, data: Path, preprocessing: LandmarkFeatures, split: Mapping[str, Any]) -> Examples:
        """The official Train clips, inside which thresholds were tuned."""
        return examples_of(daisee.load(data, "Train"), preprocessing)

    def apart(self, data: Path, preprocessing: LandmarkFeatures, split: Mapping[str, Any], most: int) -> Examples:
        """Train clips of subjects whom the network has not seen."""
        clips = daisee.load(data, "Train", split["train"])
        return examples_of(clips.only(spaced(np.arange(len(clips.levels)), most)), preprocessing)

    def representative(
        self, data: Path, preprocessing: LandmarkFeatures, split: Mapping[str, Any], count: int
    ) -> Float32Array:
        """Clips of the Train subjects trained on, at even distances, in turns held and in motion."""
        clips = daisee.load(data, "Train")
        clips = clips.only(np.isin(clips.subjects, split["train"]))
        rows = np.arange(len(clips.levels))[:: max(1, len(clips.levels) // count)][:count]
        chosen = clips.only(rows)
        inputs = prepare(chosen, preprocessing, seed=0).moving
        inputs[::2] = held(chosen, preprocessing)[::2]
        return inputs

    def shares(self, logits: Float32Array, temperature: float) -> Float32Array:
        """The probability of each label, float32 (..., labels)."""
        return sigmoid(logits, temperature)

    def probabilities(self, logits: Float32Array, temperature: float) -> Float32Array:
        """The probability that each state is high, float32 (N, 4)."""
        return sigmoid(logits, temperature)


def examples_of(clips: Clips, features: LandmarkFeatures) -> Examples:
    """``clips`` as a network that reads ``features`` sees them; stills are held, no motion is made up."""
    truth = (clips.levels >= HIGH).astype(np.int64)

    def under(condition: Condition | None = None) -> Float32Array:
        return held(clips, features, condition)

    def qualities(condition: Condition) -> dict[str, NDArray[np.float64]]:
        return track_qualities(shown(clips, features.steps, condition), condition.seen)

    return Examples(under(), truth, None, clips.subjects, under, qualities=qualities)


def _linear(data: Path, people: list[str], features: LandmarkFeatures, unseen: Float32Array) -> Float32Array | None:
    """Scores of ``unseen`` from a linear model that learned from the same ``people``; None where they are not here."""
    clips = daisee.load(data, None)
    clips = clips.only(np.isin(clips.subjects, people))
    if len(np.unique(clips.subjects)) < 2:
        return None
    known = examples_of(clips, features)
    return floors.linear(known.inputs, known.truth, known.groups, unseen)


@lru_cache(maxsize=1)
def _prepared(data: Path, recipe: EngagementRecipe) -> _Prepared:
    """All of Train, made ready once for all shares. Raises UserError for too few subjects."""
    clips = daisee.load(data, "Train")
    people = len(np.unique(clips.subjects))
    if people < recipe.folds:
        raise UserError(f"{data}: {people} subjects in Train are fewer than {recipe.folds} folds")
    features = recipe.features(clips)
    return _Prepared(features, prepare(clips, features, recipe.seed), examples_of(clips, features))


@dataclass(frozen=True)
class _Crossed:
    """``networks`` by fold, the ``fold`` (N,) of every clip, and its ``logits`` (N, 4) from the network of that."""

    networks: list[Any]
    fold: NDArray[np.int64]
    logits: Float32Array


def _cross_validate(
    ready: _Prepared, recipe: EngagementRecipe, checkpoints: Checkpoints, share: float = 1.0
) -> _Crossed:
    """A network for each fold of subjects, which saw ``share`` of the subjects in the others."""
    logits: NDArray[np.float32] = np.zeros(ready.examples.truth.shape, np.float32)
    subjects, fold, networks = ready.sequences.subjects, np.zeros(len(logits), np.int64), []
    for number, (others, held_out) in enumerate(GroupKFold(recipe.folds).split(logits, groups=subjects)):
        seen = others[chosen(subjects[others], share, recipe.seed)]
        model, _ = recipe.train(ready.sequences, seen, checkpoints.part(f"fold-{number}"))
        logits[held_out] = model.predict(ready.examples.inputs[held_out], batch_size=256, verbose=0)
        fold[held_out] = number
        networks.append(model)
    return _Crossed(networks, fold, logits)
