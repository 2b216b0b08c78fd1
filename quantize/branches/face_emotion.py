"""The face branch: seven emotions and valence from one aligned crop, trained on the votes of FER+."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.branches import softmax
from edge.branches.face_emotion import LEFT_OUT, POSITIVE
from edge.errors import UserError
from edge.features.face_crop import FaceCrop
from edge.signals import Float32Array, Uint8Image
from quantize.augment import pictures
from quantize.branches.base import Examples, Fitted, Fold, Outcome, Recipe
from quantize.datasets import ALL, FoldChoice, fer2013plus
from quantize.datasets.clips import one_frame_each
from quantize.datasets.faces import folds_of, load, load_all
from quantize.evaluation.ceilings import Ceiling, second_panel
from quantize.evaluation.conditions import CLEAN, FURTHER_PICTURES, PICTURES, Condition
from quantize.evaluation.qualities import picture_qualities
from quantize.training.checkpoints import Checkpoints
from quantize.training.shares import chosen, spaced
from quantize.training.tuning import tune

HAPPY, NEUTRAL = (fer2013plus.EMOTIONS.index(name) for name in POSITIVE)
(SURPRISED,) = (fer2013plus.EMOTIONS.index(name) for name in LEFT_OUT)


@dataclass(frozen=True)
class FaceRecipe(Recipe):
    """``widths`` are those of the network's stages; ``valence`` weighs the direct loss on the positive share.

    ``preface`` epochs at ``preface_side`` pixels and twice the learning rate come before the ``epochs`` at the crop's
    own size: a smaller picture costs about half and teaches most of what a larger one does. Each of ``encores`` is so
    many more epochs, again from the full learning rate (warm restarts, Loshchilov & Hutter 2017) and from nothing but
    the weights.

    ``published`` trains as AffectFusion did: on the valence decision alone, by class-weighted binary cross-entropy,
    the rarer class drawn anew every epoch until it is as common as the other, Adam halved on a plateau and stopped
    early. Its seven outputs then share out the valence and tell no emotions.

    Of clips every recipe does as the paper does: it learns from one random frame of each in every epoch, and the sum of
    the frames' logits decides on a clip that is validated or tested. ``fold`` is the official fold of a data set that
    has some, unless named the first. With all of them a network is trained for each, to be tested by it, and one on
    everything.
    """

    widths: tuple[int, ...] = (16, 32, 64, 128, 256)
    dropout: float = 0.2
    valence: float = 0.5
    preface: int = 0
    preface_side: int = 32
    encores: tuple[int, ...] = ()
    published: bool = False
    fold: FoldChoice | None = None

    def shortened(self, epochs: int) -> FaceRecipe:
        """The same for a trial: ``epochs`` at the crop's own size, with nothing before or after them."""
        return replace(self, epochs=epochs, preface=0, encores=())

    def of_fold(self, fold: FoldChoice) -> FaceRecipe:
        """The same for an official fold, which the data set may have or not."""
        return replace(self, fold=fold)


DEFAULT = FaceRecipe(
    "default", epochs=6, batch=128, learning_rate=1e-3, weight_decay=5e-2, preface=10, encores=(12, 12, 36)
)


@dataclass(frozen=True)
class FaceEmotion:
    """Label distributions from ten votes a picture; positive = (neutral + happy) / (1 - surprised).

    ``fold`` is the official one whose test it is judged on where the data set has some: that of the training, where it
    was the same data set, or the first.
    """

    fold: FoldChoice | None = None

    name = "face_emotion"
    labels = fer2013plus.EMOTIONS
    decisions = ("positive",)
    valence = "positive"
    preprocessing = FaceCrop
    conditions = PICTURES
    hardships = (CLEAN, *PICTURES[1:], *FURTHER_PICTURES)  # the first hides nothing
    recipes: ClassVar[dict[str, FaceRecipe]] = {
        "default": DEFAULT,
        "once": replace(DEFAULT, name="once", preface=0, encores=()),
        "affectfusion-2025": FaceRecipe(
            "affectfusion-2025", epochs=60, batch=128, learning_rate=5e-4, weight_decay=0.0, published=True
        ),
    }

    def fit(self, data: Path, recipe: FaceRecipe, checkpoints: Checkpoints) -> Fitted:
        """Trains on ``train``, sets temperature and threshold on ``valid``; of all official folds on each."""
        folds = folds_of(data)
        if recipe.fold != ALL or not folds:
            return self._fit(data, recipe, next(iter(folds), None) if recipe.fold is None else recipe.fold, checkpoints)
        whole = self._fit(data, recipe, ALL, checkpoints)
        each = [self._fit(data, recipe, fold, checkpoints.within(f"fold-{fold}")) for fold in folds if fold != ALL]
        return replace(
            whole,
            folds=[Fold(one.model, one.preprocessing, one.thresholds, one.temperature, one.split) for one in each],
        )

    def _fit(self, data: Path, recipe: FaceRecipe, fold: FoldChoice | None, checkpoints: Checkpoints) -> Fitted:
        """One network; ``fold`` is None where the data set has none."""
        from quantize.models.face_emotion import with_mirror

        faces, valid, crop = load(data, "train", fold), load(data, "valid", fold), FaceCrop()
        model, history = _train(faces, valid, crop, recipe, checkpoints)
        examples = examples_of(valid)
        logits = with_mirror(model, crop.size).predict(examples.inputs, batch_size=256, verbose=0)
        tuned = tune(self, examples.decided(logits), examples)
        rule = "official; near-duplicates of earlier parts left out"
        split = {"train": len(faces.firsts), "valid": len(examples.truth), "rule": rule}
        if fold is not None:
            split |= {"rule": "official fold, clips; every tenth training clip of an emotion validates", "fold": fold}
        return Fitted(
            model=with_mirror(model, crop.size, batch=1),
            preprocessing=crop,
            thresholds=tuned.thresholds,
            temperature=tuned.temperature,
            split=split,
            development=tuned.figures,
            history=history,
        )

    def exposing(self, model: Any) -> Any:
        """What was pooled of the picture and its mirror image, their mean."""
        from quantize.models.face_emotion import exposing

        return exposing(model)

    def fit_share(self, data: Path, recipe: FaceRecipe, share: float, checkpoints: Checkpoints) -> Outcome:
        """Trains on ``share`` of the training pictures or clips, as often as on all of them; asks about ``valid``."""
        from quantize.models.face_emotion import with_mirror

        faces, valid, crop = load(data, "train"), load(data, "valid"), FaceCrop()
        fewer = faces.only(chosen(faces.clip, share, recipe.seed))
        model, _ = _train(fewer, valid, crop, recipe, checkpoints)
        examples = examples_of(valid)
        logits = with_mirror(model, crop.size).predict(examples.inputs, batch_size=256, verbose=0)
        count = len(fewer.firsts)
        return Outcome(examples, examples.decided(logits), count, "pictures" if count == len(fewer.images) else "clips")

    def ceilings(self, data: Path) -> list[Ceiling]:
        """Ten more people asked about each validation picture."""
        valid = load(data, "valid")
        good = np.isin(np.arange(len(self.labels)), (NEUTRAL, HAPPY)).astype(np.float32)
        good[SURPRISED] = np.nan
        return second_panel(valid.votes, valid.emotion, good, valid.positive)

    def unseen(self, data: Path, preprocessing: FaceCrop, split: Mapping[str, Any] | None) -> Examples:
        """The official test pictures. FER2013 pictures are crops already: they are only standardised.

        Raises UserError where a test of the other folds is asked for, whose clips were trained on.
        """
        if split is None:
            return examples_of(load_all(data))
        trained = _fold(data, split)
        if trained == ALL:
            raise UserError(f"{data}: every clip here was trained on; nothing unseen is left (evaluate --seen)")
        if trained is not None and self.fold not in (None, trained):
            raise UserError(f"--fold {self.fold}: the model learned from it, as it was trained on fold {trained}")
        return examples_of(load(data, "test", self.fold if trained is None else trained))

    def development(self, data: Path, preprocessing: FaceCrop, split: Mapping[str, Any]) -> Examples:
        """The official validation pictures."""
        return examples_of(load(data, "valid", _fold(data, split)))

    def apart(self, data: Path, preprocessing: FaceCrop, split: Mapping[str, Any], most: int) -> Examples:
        """Official validation pictures that have an answer, or whole clips."""
        faces = load(data, "valid", _fold(data, split))
        rows = np.flatnonzero(faces.positive[faces.firsts] >= 0)
        if not len(rows):
            raise UserError(f"{data}: no validation picture has an answer on valence")
        return examples_of(faces.only(np.isin(faces.clip, spaced(rows, most))))

    def representative(self, data: Path, preprocessing: FaceCrop, split: Mapping[str, Any], count: int) -> Float32Array:
        """Training pictures at even distances."""
        images = load(data, "train", _fold(data, split)).images
        return _standardised(images[:: max(1, len(images) // count)][:count])

    def shares(self, logits: Float32Array, temperature: float) -> Float32Array:
        """The probability of each label, float32 (..., labels)."""
        return softmax(logits, temperature)

    def probabilities(self, logits: Float32Array, temperature: float) -> Float32Array:
        """The probability of positive valence, surprise left out: float32 (N, 1)."""
        shares = softmax(logits, temperature)
        return ((shares[:, NEUTRAL] + shares[:, HAPPY]) / np.maximum(1 - shares[:, SURPRISED], 1e-6))[:, None]


def _train(
    faces: fer2013plus.Faces, valid: fer2013plus.Faces, crop: FaceCrop, recipe: FaceRecipe, checkpoints: Checkpoints
) -> tuple[Any, list[dict[str, float]]]:
    """The network trained on ``faces``, for any picture's size, and its history; the loss on ``valid`` is watched."""
    from quantize.models.face_emotion import face_emotion
    from quantize.training import fitting
    from quantize.training.callbacks import Validation

    fitting.settle(recipe.seed)
    targets, positive, watched = _targets(faces, recipe), faces.positive[faces.firsts], _counted(valid, recipe)

    def batches(side: int, seed: int = recipe.seed) -> fitting.Batches:
        def draw(indices: NDArray[np.int64], rng: np.random.Generator) -> tuple[Float32Array, Float32Array]:
            seen = (_resized(pictures.disturb(faces.images[i], rng), side) for i in indices)
            return np.stack([crop.standardise(image) for image in seen]), targets[indices]

        return fitting.Batches(draw, order, recipe.batch, seed + side)

    def order(rng: np.random.Generator) -> NDArray[np.int64]:
        chosen = rng.permutation(balanced(positive, rng) if recipe.published else len(positive))
        return one_frame_each(faces.clip, rng)[chosen]

    model = face_emotion(len(fer2013plus.EMOTIONS), recipe.widths, recipe.dropout)
    loss = _weighted_loss(positive) if recipe.published else _loss(recipe.valence)
    fit = fitting.fit_to_plateau if recipe.published else fitting.fit
    history = []
    if recipe.preface:
        small = replace(recipe, epochs=recipe.preface, learning_rate=2 * recipe.learning_rate)
        history += fitting.fit(model, batches(recipe.preface_side), loss, small, checkpoints.part("preface"))
    watch = Validation(_standardised(watched.images), _targets(watched, recipe)[watched.firsts], watched.clip)
    history += fit(model, batches(crop.size), loss, recipe, checkpoints.part("main"), watch)
    for number, epochs in enumerate(recipe.encores, start=1):
        weights, seed = model.get_weights(), recipe.seed + number
        fitting.settle(seed)
        model = face_emotion(len(fer2013plus.EMOTIONS), recipe.widths, recipe.dropout)
        model.set_weights(weights)
        again, part = replace(recipe, epochs=epochs), checkpoints.part(f"encore-{number}")
        history += fitting.fit(model, batches(crop.size, seed), loss, again, part, watch)
    return model, history


def examples_of(faces: fer2013plus.Faces) -> Examples:
    """``faces`` as the network sees them; of a clip's frames, all belong to one example."""

    def under(condition: Condition) -> Float32Array:
        """All frames of a clip are spoilt alike."""
        spoilt = [condition(image, clip) for image, clip in zip(faces.images, faces.clip.tolist(), strict=True)]
        return _standardised(np.stack(spoilt))

    def qualities(condition: Condition) -> dict[str, NDArray[np.float64]]:
        """The mean over a clip's frames."""
        spoilt = zip(faces.images, faces.clip.tolist(), strict=True)
        found = [picture_qualities(condition(image, clip), condition.scale) for image, clip in spoilt]
        sizes = np.bincount(faces.clip)
        return {name: np.bincount(faces.clip, [one[name] for one in found]) / sizes for name in found[0]}

    firsts = faces.firsts
    return Examples(
        inputs=_standardised(faces.images),
        truth=faces.positive[firsts, None],
        classes=faces.emotion[firsts],
        groups=faces.groups[firsts],
        under=under,
        clip=faces.clip,
        qualities=qualities,
    )


def _fold(data: Path, split: Mapping[str, Any]) -> FoldChoice | None:
    """The official fold of ``data`` that was trained on; None where they have none, or it was on other data."""
    fold: FoldChoice | None = split.get("fold")
    return fold if folds_of(data) else None


def _resized(image: Uint8Image, side: int) -> Uint8Image:
    """``image`` at (side, side); itself where it has that size."""
    if image.shape[0] == side:
        return image
    return np.asarray(cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA), np.uint8)


def _standardised(images: Uint8Image) -> Float32Array:
    return np.stack([FaceCrop.standardise(image) for image in images])


def balanced(positive: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Rows of both answers, int64 (2 x those of the commoner one,): the rarer one's are drawn with replacement.

    ``positive`` is int64 (N,), 1, 0 or -1 for each clip or still; rows without an answer are left out.
    """
    answers = sorted((np.flatnonzero(positive == answer) for answer in (0, 1)), key=len)
    if not len(answers[0]):
        raise UserError("face_emotion: the training pictures are all of one valence; both are needed")
    rarer, commoner = answers
    return np.concatenate([rng.choice(rarer, len(commoner)), commoner])


def _targets(faces: fer2013plus.Faces, recipe: FaceRecipe) -> Float32Array:
    """What the loss compares with: the votes, float32 (N, 7), or the answer on valence, float32 (N, 1)."""
    return faces.positive[:, None].astype(np.float32) if recipe.published else faces.votes


def _counted(faces: fer2013plus.Faces, recipe: FaceRecipe) -> fer2013plus.Faces:
    """Those that have a target."""
    return faces.only(faces.positive >= 0) if recipe.published else faces


def _log_shares(logits: Any) -> tuple[Any, Any]:
    """The logarithms of the positive and of the negative share of what is not surprise, tensors (batch,)."""
    import tensorflow as tf

    others = [i for i in range(len(fer2013plus.EMOTIONS)) if i != SURPRISED]
    negative = [i for i in others if i not in (NEUTRAL, HAPPY)]
    total = tf.reduce_logsumexp(tf.gather(logits, others, axis=1), axis=1)
    log_positive = tf.reduce_logsumexp(tf.gather(logits, [NEUTRAL, HAPPY], axis=1), axis=1) - total
    return log_positive, tf.reduce_logsumexp(tf.gather(logits, negative, axis=1), axis=1) - total


def _loss(valence: float) -> Any:
    """Cross-entropy with the votes, plus ``valence`` times that of the positive share of what is not surprise."""
    import tensorflow as tf

    def loss(votes: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
        log_positive, log_negative = _log_shares(logits)
        good = votes[:, NEUTRAL] + votes[:, HAPPY]
        bad = 1 - votes[:, SURPRISED] - good
        emotions = tf.nn.softmax_cross_entropy_with_logits(votes, logits)
        return emotions - valence * (good * log_positive + bad * log_negative)

    return loss


def _weighted_loss(positive: NDArray[np.int64]) -> Any:
    """Binary cross-entropy of the positive share, each answer weighted by its rarity in training; mean weight 1."""
    import tensorflow as tf

    share = float(np.mean(positive[positive >= 0]))

    def loss(answers: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
        log_positive, log_negative = _log_shares(logits)
        good = answers[:, 0]
        return -(0.5 / share * good * log_positive + 0.5 / (1 - share) * (1 - good) * log_negative)

    return loss
