"""The engagement branch's teacher: a ridge regression of the levels on mean features and their squares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

from edge.errors import UserError
from edge.signals import ENGAGEMENT_STATES, Float32Array
from quantize.datasets.daisee_landmarks import HIGH


@dataclass(frozen=True)
class Ridge:
    """How one state is regressed.

    ``own`` is the share of each subject's own mean that is taken from features and targets alike: who somebody is, and
    how they were rated on the whole, tells little about others. ``strength`` is the penalty per clip on standardised
    features. ``high`` is the share of the answer, high or not, in the target beside the level, both standardised.
    """

    own: float
    strength: float
    high: float


RIDGES = (Ridge(0.3, 0.1, 1.0), Ridge(0.8, 1.0, 0.5), Ridge(0.5, 10.0, 0.5), Ridge(1.0, 1.0, 0.0))
"""For boredom, confusion, engagement and frustration, from repeated folds of subjects inside Train."""

SQUARES = 0.3
"""The scale of the squares beside the features themselves: the smaller, the stronger their penalty."""

MIRROR = 0.3
"""The weight of mirror images: what left and right mean for a face's owner is mostly, not wholly, the same."""


@dataclass(frozen=True)
class Teacher:
    """Logits of the four states: ``linear`` (K, 4) on features, ``square`` (K, 4) on their squares, ``bias`` (4,)."""

    linear: Float32Array
    square: Float32Array
    bias: Float32Array

    def __call__(self, means: Float32Array) -> Float32Array:
        """Logits float32 (N, 4) of mean features float32 (N, K)."""
        return np.asarray(means @ self.linear + means**2 @ self.square + self.bias, np.float32)


def teach(means: Float32Array, mirrored: Float32Array, levels: NDArray[np.int64], subjects: NDArray[Any]) -> Teacher:
    """The teacher from mean features (N, K) of faces and of their mirror images, levels (N, 4) and subjects (N,).

    Folds of subjects make its scores logits. Raises UserError where a state is the same in all clips.
    """
    high = (levels >= HIGH).astype(np.int64)
    for state, answers in zip(ENGAGEMENT_STATES, high.T, strict=True):
        if len(np.unique(answers)) < 2:
            raise UserError(f"engagement: {state} is the same in all of {len(levels)} training clips; more are needed")
    inputs, images = (np.concatenate([x, SQUARES * x**2], axis=1).astype(np.float64) for x in (means, mirrored))
    unseen = np.zeros(levels.shape)
    for seen, held_out in GroupKFold(min(5, len(np.unique(subjects)))).split(inputs, groups=subjects):
        unseen[held_out] = inputs[held_out] @ _regress(inputs[seen], images[seen], levels[seen], subjects[seen])
    kernel = _regress(inputs, images, levels, subjects)
    scales = [
        LogisticRegression(class_weight="balanced").fit(scores[:, None], answers)
        for scores, answers in zip(unseen.T, high.T, strict=True)
    ]
    kernel *= [scale.coef_.item() for scale in scales]
    linear, square = np.split(kernel.astype(np.float32), 2)
    bias = np.array([scale.intercept_.item() for scale in scales], np.float32)
    return Teacher(linear, np.float32(SQUARES) * square, bias)


def _regress(
    inputs: NDArray[Any], images: NDArray[Any], levels: NDArray[np.int64], subjects: NDArray[Any]
) -> NDArray[Any]:
    """Coefficients float64 (inputs, 4), without intercepts; mirror images weigh ``MIRROR`` as much as faces."""
    weights = np.repeat([1 / (1 + MIRROR), MIRROR / (1 + MIRROR)], len(inputs))
    both = np.concatenate([inputs, images])
    _, who = np.unique(np.concatenate([subjects, subjects]), return_inverse=True)
    members = np.eye(who.max() + 1)[who]
    shares = members * weights[:, None] / (weights @ members)
    kernel = np.zeros((inputs.shape[1], len(RIDGES)))
    for state, ridge in enumerate(RIDGES):
        level, high = _standardised(levels[:, state]), _standardised(levels[:, state] >= HIGH)
        target = np.tile((1 - ridge.high) * level + ridge.high * high, 2)
        values = np.concatenate([both, target[:, None]], axis=1)
        values -= ridge.own * (members @ (shares.T @ values))
        values -= weights @ values / weights.sum()
        x, y = values[:, :-1], values[:, -1]
        penalty = ridge.strength * len(inputs) * np.eye(x.shape[1])
        kernel[:, state] = np.linalg.solve(x.T @ (x * weights[:, None]) + penalty, x.T @ (weights * y))
    return kernel


def _standardised(values: NDArray[Any]) -> NDArray[Any]:
    spread = float(values.std())
    return np.asarray((values - values.mean()) / max(spread, 1e-6))
