"""The face branch: seven emotions and valence from one aligned crop, trained on the votes of FER+."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from edge.branches import softmax
from edge.branches.face_emotion import LEFT_OUT, POSITIVE
from edge.features.face_crop import FaceCrop
from edge.signals import Float32Array, Uint8Image
from quantize.augment import pictures
from quantize.branches.base import Examples, Fitted, Recipe
from quantize.conditions import PICTURES, Condition
from quantize.datasets import fer2013plus
from quantize.datasets.faces import load, load_all
from quantize.tuning import tune

HAPPY, NEUTRAL = (fer2013plus.EMOTIONS.index(name) for name in POSITIVE)
(SURPRISED,) = (fer2013plus.EMOTIONS.index(name) for name in LEFT_OUT)


@dataclass(frozen=True)
class FaceRecipe(Recipe):
    """``valence`` weighs the direct loss on the positive share; ``widths`` are those of the network's stages."""

    widths: tuple[int, ...] = (24, 32, 64, 112)
    dropout: float = 0.3
    valence: float = 0.5


class FaceEmotion:
    """Label distributions from ten votes a picture; positive = (neutral + happy) / (1 - surprised)."""

    name = "face_emotion"
    labels = fer2013plus.EMOTIONS
    decisions = ("positive",)
    preprocessing = FaceCrop
    conditions = PICTURES
    recipes: ClassVar[dict[str, FaceRecipe]] = {
        "default": FaceRecipe("default", epochs=50, batch=128, learning_rate=3e-3, weight_decay=2e-3),
    }

    def fit(self, data: Path, recipe: FaceRecipe) -> Fitted:
        """Trains on ``train``, sets temperature and threshold on ``valid``."""
        from quantize import fitting
        from quantize.models.face_emotion import face_emotion

        faces, crop = load(data, "train"), FaceCrop()
        fitting.settle(recipe.seed)

        def draw(indices: NDArray[np.int64], rng: np.random.Generator) -> tuple[Float32Array, Float32Array]:
            disturbed = [crop.standardise(pictures.disturb(faces.images[i], rng)) for i in indices]
            return np.stack(disturbed), faces.votes[indices]

        batches = fitting.Batches(draw, lambda rng: rng.permutation(len(faces.images)), recipe.batch, recipe.seed)
        model = face_emotion(crop.size, len(self.labels), recipe.widths, recipe.dropout)
        history = fitting.fit(model, batches, _loss(recipe.valence), recipe)

        valid = _examples(load(data, "valid"))
        tuned = tune(self, model.predict(valid.inputs, batch_size=256, verbose=0), valid)
        served = face_emotion(crop.size, len(self.labels), recipe.widths, recipe.dropout, batch=1)
        served.set_weights(model.get_weights())
        rule = "official; near-duplicates of earlier parts left out"
        return Fitted(
            model=served,
            preprocessing=crop,
            thresholds=tuned.thresholds,
            temperature=tuned.temperature,
            split={"train": len(faces.images), "valid": len(valid.inputs), "rule": rule},
            development=tuned.figures,
            history=history,
        )

    def unseen(self, data: Path, preprocessing: FaceCrop, split: Mapping[str, Any] | None) -> Examples:
        """The official test pictures. FER2013 pictures are crops already: they are only standardised."""
        return _examples(load(data, "test") if split is not None else load_all(data))

    def development(self, data: Path, preprocessing: FaceCrop, split: Mapping[str, Any]) -> Examples:
        """The official validation pictures."""
        return _examples(fer2013plus.load(data, "valid"))

    def representative(self, data: Path, preprocessing: FaceCrop, split: Mapping[str, Any], count: int) -> Float32Array:
        """Training pictures at even distances."""
        images = load(data, "train").images
        return _standardised(images[:: max(1, len(images) // count)][:count])

    def probabilities(self, logits: Float32Array, temperature: float) -> Float32Array:
        """The probability of positive valence, surprise left out: float32 (N, 1)."""
        shares = softmax(logits, temperature)
        return ((shares[:, NEUTRAL] + shares[:, HAPPY]) / np.maximum(1 - shares[:, SURPRISED], 1e-6))[:, None]


def _examples(faces: fer2013plus.Faces) -> Examples:
    def under(condition: Condition) -> Float32Array:
        return _standardised(np.stack([condition(image, i) for i, image in enumerate(faces.images)]))

    return Examples(_standardised(faces.images), faces.positive[:, None], faces.emotion, faces.groups, under)


def _standardised(images: Uint8Image) -> Float32Array:
    return np.stack([FaceCrop.standardise(image) for image in images])


def _loss(valence: float) -> Any:
    """Cross-entropy with the votes, plus ``valence`` times that of the positive share of what is not surprise."""
    import tensorflow as tf

    others = [i for i in range(len(fer2013plus.EMOTIONS)) if i != SURPRISED]
    negative = [i for i in others if i not in (NEUTRAL, HAPPY)]

    def loss(votes: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
        emotions = tf.nn.softmax_cross_entropy_with_logits(votes, logits)
        total = tf.reduce_logsumexp(tf.gather(logits, others, axis=1), axis=1)
        log_positive = tf.reduce_logsumexp(tf.gather(logits, [NEUTRAL, HAPPY], axis=1), axis=1) - total
        log_negative = tf.reduce_logsumexp(tf.gather(logits, negative, axis=1), axis=1) - total
        good = votes[:, NEUTRAL] + votes[:, HAPPY]
        bad = 1 - votes[:, SURPRISED] - good
        return emotions - valence * (good * log_positive + bad * log_negative)

    return loss
