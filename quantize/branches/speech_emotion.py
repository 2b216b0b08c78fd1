"""The speech branch: eight emotions and valence from one utterance, trained on RAVDESS, actors kept apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from edge.branches import softmax
from edge.errors import UserError
from edge.features.speech import SpeechFeatures
from edge.signals import Float32Array
from quantize.augment import sounds
from quantize.branches import speech_affectfusion
from quantize.branches.base import Examples, Fitted, Fold, Outcome, Recipe
from quantize.datasets import ALL, FoldChoice, ravdess
from quantize.evaluation import metrics
from quantize.evaluation.ceilings import Ceiling
from quantize.evaluation.conditions import CLEAN, FURTHER_SOUNDS, SOUNDS
from quantize.training.checkpoints import Checkpoints, Part
from quantize.training.shares import chosen, spaced
from quantize.training.tuning import tune, tune_across
from quantize.training.voices import NEGATIVE, Voices, actors_of, at_random, folds_of, listen


@dataclass(frozen=True)
class SpeechRecipe(Recipe):
    """``variants`` disturbed copies are made of every utterance; ``widths`` are of the hidden layers.

    Pairs are mixed by a share drawn from Beta(``mixup``, ``mixup``) (Zhang et al. 2018), and ``noise`` is the spread of
    what is added to the standardised features. ``valence`` weighs the direct loss on the negative share.

    ``split`` by actors cross-validates over folds of actors and trains on them all; ``fold`` (0..4) is kept out of all
    that, for a test. ``random-split`` deals recordings out 80/10/10 whoever speaks: every actor says the same two
    sentences, so its test voices are known and its figures flatter. It is for comparison with papers that do so.
    """

    fold: int | None = None
    split: Literal["actors", "random"] = "actors"
    variants: int = 2
    widths: tuple[int, ...] = (512, 128)
    dropout: float = 0.5
    mixup: float = 0.4
    noise: float = 0.2
    valence: float = 0.5
    smoothing: float = 0.1

    def of_fold(self, fold: FoldChoice) -> SpeechRecipe:
        """The same without ``fold`` of the actors; with all folds it cross-validates, as it does unless told.

        Raises UserError where there is no such fold, or recordings are split at random.
        """
        if self.split == "random":
            raise UserError(f"--fold {fold}: a random split has no folds to choose from")
        return replace(self, fold=None if fold == ALL else ravdess.checked_fold(fold))


@dataclass(frozen=True)
class Trained:
    """A fitted network for any batch, and the features it is fed."""

    model: Any
    features: SpeechFeatures
    history: list[dict[str, float]]

    def logits(self, values: Float32Array) -> Float32Array:
        """Logits float32 (N, labels) of functionals that are not yet standardised, (N, features)."""
        answers: Float32Array = self.model.predict(self.features.standardised(values), batch_size=256, verbose=0)
        return answers


DEFAULT = SpeechRecipe("default", epochs=60, batch=64, learning_rate=2e-3, weight_decay=2e-2)


class SpeechEmotion:
    """Eight emotions; negative = the shares of sad, angry, fearful and disgust together."""

    name = "speech_emotion"
    labels = ravdess.EMOTIONS
    decisions = ("negative",)
    valence = "negative"
    preprocessing = SpeechFeatures
    conditions = SOUNDS
    hardships = (CLEAN, *SOUNDS, *FURTHER_SOUNDS)
    recipes: ClassVar[dict[str, Recipe]] = {
        "default": DEFAULT,
        "random-split": replace(DEFAULT, name="random-split", split="random"),
        "affectfusion-2025": speech_affectfusion.RECIPE,
    }

    def fit(self, data: Path, recipe: Recipe, checkpoints: Checkpoints) -> Fitted:
        """Trains a network per fold of actors, tunes on what each says of its own fold, and trains one on all actors.

        Actors are what is scarce: the last network, which is shipped, has heard them all, and the folds' networks
        stand the test for it. With ``fold`` that fold is left out of everything and is the test.
        """
        voices = listen(data)
        if isinstance(recipe, speech_affectfusion.PaperRecipe):
            return speech_affectfusion.fit(self, voices, recipe, checkpoints)
        assert isinstance(recipe, SpeechRecipe)
        if recipe.split == "random":
            return self._fit_at_random(data, voices, recipe, checkpoints)
        voices, values, fold = _used(data, recipe)
        networks, logits = _cross_validate(voices, values, fold, recipe, checkpoints)
        crossed = tune_across(self, logits, voices.examples(values[0], SpeechFeatures()), fold)
        everything = np.arange(len(fold))
        shipped = _train(values, voices, everything, recipe, checkpoints.part("all"))
        development = {**crossed.all.figures, **_by_part(voices, fold, crossed.decision[:, 0])}
        balanced = crossed.all.figures["balanced_accuracy"]["negative"]
        return Fitted(
            model=_served(shipped.model, recipe),
            preprocessing=shipped.features,
            thresholds=crossed.all.thresholds,
            temperature=crossed.all.temperature,
            split={"train": actors_of(voices, everything), "cross_validated_balanced_accuracy": balanced},
            development=development,
            history=shipped.history,
            folds=[
                Fold(
                    model=_served(network.model, recipe),
                    preprocessing=network.features,
                    thresholds=crossed.others[kept].thresholds,
                    temperature=crossed.others[kept].temperature,
                    split={
                        name: actors_of(voices, rows)
                        for name, rows in (
                            ("train", np.flatnonzero(fold != kept)),
                            ("apart", np.flatnonzero(fold == kept)),
                        )
                    },
                )
                for kept, network in networks.items()
            ],
            tested_by_folds=recipe.fold is None,
        )

    def _fit_at_random(self, data: Path, voices: Voices, recipe: SpeechRecipe, checkpoints: Checkpoints) -> Fitted:
        """One network, tuned on recordings that it did not see of actors that it did."""
        parts = at_random(voices, recipe.seed)
        used = np.concatenate([parts["train"], parts["valid"]])
        train, valid = np.split(np.arange(len(used)), [len(parts["train"])])
        values, voices = _functionals(data, recipe.variants, recipe.seed)[:, used], voices.only(used)
        trained = _train(values, voices, train, recipe, checkpoints.part("train"))
        judged = voices.only(valid).examples(values[0, valid], trained.features)
        tuned = tune(self, trained.logits(values[0, valid]), judged)
        return Fitted(
            model=_served(trained.model, recipe),
            preprocessing=trained.features,
            thresholds=tuned.thresholds,
            temperature=tuned.temperature,
            split={"random": recipe.seed, "rule": "80/10/10 by recording, whoever speaks; flatters"},
            development=tuned.figures,
            history=trained.history,
        )

    def exposing(self, model: Any) -> Any:
        """What the logits are read from."""
        from quantize.models.speech_emotion import exposing

        return exposing(model)

    def fit_share(self, data: Path, recipe: Recipe, share: float, checkpoints: Checkpoints) -> Outcome:
        """Folds of actors; each fold's network learns from ``share`` of the women and of the men in the others."""
        if not isinstance(recipe, SpeechRecipe) or recipe.split != "actors":
            raise UserError(f"--recipe {recipe.name}: has no folds of actors; a curve needs them")
        voices, values, fold = _used(data, recipe)
        _, logits = _cross_validate(voices, values, fold, recipe, checkpoints, share)
        folds = len(np.unique(fold))
        actors = round(share * len(np.unique(voices.actor)) * (1 - 1 / folds))
        return Outcome(voices.examples(values[0], SpeechFeatures()), logits, actors, "actors")

    def ceilings(self, data: Path) -> list[Ceiling]:
        """None: a recording has one label, the one it was acted for."""
        return []

    def unseen(self, data: Path, preprocessing: SpeechFeatures, split: Mapping[str, Any] | None) -> Examples:
        """Every recording of an actor that was used neither to train nor to validate; of a random split, its test."""
        voices = listen(data)
        if split is None:
            return self._judged(data, np.arange(len(voices.actor)), preprocessing)
        if "random" in split:
            rows = at_random(voices, split["random"])["test"]
        else:
            rows = np.flatnonzero(~np.isin(voices.actor, [*split["train"], *split.get("valid", ())]))
        if not len(rows):
            balanced = split.get("cross_validated_balanced_accuracy")
            honest = "" if balanced is None else f"; the honest figure is the cross-validated one, {balanced:.3f}"
            raise UserError(
                f"{data}: every actor here was trained on; nothing unseen is left (evaluate --seen){honest}"
            )
        return self._judged(data, rows, preprocessing)

    def development(self, data: Path, preprocessing: SpeechFeatures, split: Mapping[str, Any]) -> Examples:
        """The recordings that validated, or where folds did, those that were trained on."""
        voices = listen(data)
        if "random" in split:
            rows = at_random(voices, split["random"])["valid"]
        else:
            rows = np.flatnonzero(np.isin(voices.actor, split.get("valid", split["train"])))
        if not len(rows):
            raise UserError(f"{data}: none of the actors that set the thresholds is here")
        return self._judged(data, rows, preprocessing)

    def apart(self, data: Path, preprocessing: SpeechFeatures, split: Mapping[str, Any], most: int) -> Examples:
        """The recordings that validated, or of a fold those that it kept apart, never those kept for the test."""
        voices = listen(data)
        if "random" in split:
            rows = at_random(voices, split["random"])["valid"]
        elif "valid" in split or "apart" in split:
            rows = np.flatnonzero(np.isin(voices.actor, split.get("valid", split.get("apart"))))
        else:
            rows = np.flatnonzero(~np.isin(voices.actor, split["train"]))
        if not len(rows):
            raise UserError(f"{data}: the network has heard every actor here")
        return self._judged(data, spaced(rows, most), preprocessing)

    def representative(
        self, data: Path, preprocessing: SpeechFeatures, split: Mapping[str, Any], count: int
    ) -> Float32Array:
        """Training utterances at even distances."""
        voices = listen(data)
        if "random" in split:
            rows = at_random(voices, split["random"])["train"]
        else:
            rows = np.flatnonzero(np.isin(voices.actor, split["train"]))
        if not len(rows):
            raise UserError(f"{data}: none of the training actors is here")
        return _inputs(data, rows[:: max(1, len(rows) // count)][:count], preprocessing)

    @staticmethod
    def _judged(data: Path, rows: NDArray[np.int64], preprocessing: SpeechFeatures) -> Examples:
        return listen(data).only(rows).examples(_inputs(data, rows, preprocessing), preprocessing)

    def shares(self, logits: Float32Array, temperature: float) -> Float32Array:
        """The probability of each label, float32 (..., labels)."""
        return softmax(logits, temperature)

    def probabilities(self, logits: Float32Array, temperature: float) -> Float32Array:
        """The probability of negative valence, float32 (N, 1)."""
        return softmax(logits, temperature)[:, NEGATIVE].sum(axis=1, keepdims=True)


def _inputs(data: Path, rows: NDArray[np.int64], features: SpeechFeatures) -> Float32Array:
    """What the device would feed its network for each of ``rows``."""
    bare = msgspec.structs.replace(features, centre=(), spread=())
    values = _plain(data, bare)[rows]
    return features.standardised(values) if features.centre else values


@lru_cache(maxsize=1)
def _plain(data: Path, features: SpeechFeatures) -> Float32Array:
    """The features of every utterance, computed once for all folds."""
    utterances = tqdm(listen(data).utterances, desc="features", unit="utterance", leave=False)
    return np.stack([features(utterance) for utterance in utterances])


def _by_part(voices: Voices, fold: NDArray[np.int64], decision: NDArray[np.int64]) -> dict[str, Any]:
    """Balanced accuracy by fold and by sex, and over the whole its interval by actor."""
    truth = voices.negative

    def balanced(rows: NDArray[np.int64]) -> float:
        return metrics.balanced_accuracy(truth[rows], decision[rows])

    interval = metrics.bootstrap(balanced, voices.actor)
    return {
        "balanced_accuracy_95": {"low": interval["low"], "high": interval["high"]},
        "balanced_accuracy_by_fold": {str(k): balanced(np.flatnonzero(fold == k)) for k in np.unique(fold)},
        "balanced_accuracy_by_sex": {s: balanced(np.flatnonzero(voices.sex == s)) for s in ("female", "male")},
    }


def _used(data: Path, recipe: SpeechRecipe) -> tuple[Voices, Float32Array, NDArray[np.int64]]:
    """All voices but those of the fold that is kept for the test, their functionals, and each one's fold."""
    voices = listen(data)
    fold = folds_of(voices)
    used = np.flatnonzero(fold != recipe.fold)
    return voices.only(used), _functionals(data, recipe.variants, recipe.seed)[:, used], fold[used]


def _cross_validate(
    voices: Voices,
    values: Float32Array,
    fold: NDArray[np.int64],
    recipe: SpeechRecipe,
    checkpoints: Checkpoints,
    share: float = 1.0,
) -> tuple[dict[int, Trained], Float32Array]:
    """A network for each fold, from ``share`` of the actors in the others, and its logits (N, labels) of its fold."""
    networks: dict[int, Trained] = {}
    logits = np.zeros((len(fold), len(ravdess.EMOTIONS)), np.float32)
    for kept in np.unique(fold).tolist():
        others = fold != kept
        for sex in np.unique(voices.sex):
            rows = np.flatnonzero(others & (voices.sex == sex))
            others[rows] = chosen(voices.actor[rows], share, recipe.seed)
        part = checkpoints.part(f"fold-{kept}")
        networks[kept] = _train(values, voices, np.flatnonzero(others), recipe, part)
        logits[fold == kept] = networks[kept].logits(values[0, fold == kept])
    return networks, logits


@lru_cache(maxsize=1)
def _functionals(data: Path, variants: int, seed: int) -> Float32Array:
    """Functionals of every utterance as it is and disturbed, not standardised: float32 (1 + variants, N, features).

    What a recording's disturbances are depends on no other recording, so nothing passes between folds.
    """
    features, values = SpeechFeatures(), []
    for row, utterance in enumerate(tqdm(listen(data).utterances, desc="disturbing", unit="utterance", leave=False)):
        rng = np.random.default_rng([seed, row])
        disturbed = [sounds.disturb(utterance, rng) for _ in range(variants)]
        values.append(np.stack([features(variant) for variant in (utterance, *disturbed)]))
    return np.stack(values, axis=1)


def _train(values: Float32Array, voices: Voices, rows: NDArray[np.int64], recipe: SpeechRecipe, part: Part) -> Trained:
    """A network for the functionals ``values`` of ``rows``, which also set how they are standardised."""
    from quantize.models.speech_emotion import perceptron
    from quantize.training import fitting

    fitting.settle(recipe.seed)
    seen = values[:, rows]
    features = SpeechFeatures().standardising(seen.reshape(-1, seen.shape[-1]))
    inputs, targets = features.standardised(seen), np.eye(len(ravdess.EMOTIONS), dtype=np.float32)[voices.emotion[rows]]

    def draw(indices: NDArray[np.int64], rng: np.random.Generator) -> tuple[Float32Array, Float32Array]:
        drawn, labels = inputs[rng.integers(0, len(inputs), len(indices)), indices], targets[indices]
        share = rng.beta(recipe.mixup, recipe.mixup, (len(indices), 1)).astype(np.float32)
        partner = rng.permutation(len(indices))
        drawn, labels = (share * part + (1 - share) * part[partner] for part in (drawn, labels))
        return drawn + rng.normal(0, recipe.noise, drawn.shape).astype(np.float32), labels

    batches = fitting.Batches(draw, lambda rng: rng.permutation(len(rows)), recipe.batch, recipe.seed)
    model = perceptron(seen.shape[-1], len(ravdess.EMOTIONS), recipe.widths, recipe.dropout)
    loss = _loss(recipe.valence, recipe.smoothing)
    return Trained(model, features, fitting.fit(model, batches, loss, recipe, part))


def _served(trained: Any, recipe: SpeechRecipe) -> Any:
    """The network as the device runs it: a batch of one."""
    from quantize.models.speech_emotion import perceptron

    served = perceptron(trained.input_shape[-1], len(ravdess.EMOTIONS), recipe.widths, recipe.dropout, batch=1)
    served.set_weights(trained.get_weights())
    return served


def _loss(valence: float, smoothing: float) -> Any:
    """Cross-entropy over the emotions plus ``valence`` times that of the negative share."""
    import tensorflow as tf

    positive = [i for i in range(len(ravdess.EMOTIONS)) if i not in NEGATIVE]

    def loss(truth: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
        smooth = truth * (1 - smoothing) + smoothing / len(ravdess.EMOTIONS)
        emotions = tf.nn.softmax_cross_entropy_with_logits(smooth, logits)
        total = tf.reduce_logsumexp(logits, axis=1)
        log_negative = tf.reduce_logsumexp(tf.gather(logits, NEGATIVE, axis=1), axis=1) - total
        log_positive = tf.reduce_logsumexp(tf.gather(logits, positive, axis=1), axis=1) - total
        bad = tf.reduce_sum(tf.gather(smooth, NEGATIVE, axis=1), axis=1)
        return emotions - valence * (bad * log_negative + (1 - bad) * log_positive)

    return loss
