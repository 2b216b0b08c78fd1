"""What a linear model makes of the same inputs: the floor that a network must stand above to be worth its weights."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from sklearn.preprocessing import StandardScaler

from edge.signals import Float32Array
from quantize.evaluation import metrics

STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
"""What folds of the training subjects choose a regularisation (C) from, one for all decisions."""


def linear(
    inputs: Float32Array, truth: NDArray[np.int64], subjects: NDArray[Any], unseen: Float32Array
) -> Float32Array:
    """Scores float32 (M, decisions) of ``unseen``, float32 (M, steps, K), from a logistic regression for each decision.

    It reads the mean and the standard deviation over the steps of every feature, and is learned from ``inputs``,
    float32 (N, steps, K), ``truth``, int64 (N, decisions) of 0 and 1, and the ``subjects`` (N,), by folds of whom its
    regularisation is chosen. A decision that is the same in all of ``truth`` scores 0.
    """
    scaler = StandardScaler()
    known, asked = scaler.fit_transform(_summary(inputs)), scaler.transform(_summary(unseen))
    folds = list(GroupKFold(min(5, len(np.unique(subjects)))).split(known, groups=subjects))
    best = max(STRENGTHS, key=lambda strength: _crossed(known, truth, folds, strength))
    return _scores(known, truth, asked, best)


def _summary(inputs: Float32Array) -> Float32Array:
    """Mean and spread over the steps, float32 (N, 2 K)."""
    return np.concatenate([inputs.mean(axis=1), inputs.std(axis=1)], axis=1)


def _crossed(known: NDArray[Any], truth: NDArray[np.int64], folds: list[Any], strength: float) -> float:
    """The mean AUC over folds and decisions, as far as a fold holds both answers."""
    areas = []
    for learned, judged in folds:
        scores = _scores(known[learned], truth[learned], known[judged], strength)
        areas += [metrics.auc(answers, said) for answers, said in zip(truth[judged].T, scores.T, strict=True)]
    return float(np.nanmean(areas)) if np.isfinite(areas).any() else 0.0


def _scores(known: NDArray[Any], truth: NDArray[np.int64], asked: NDArray[Any], strength: float) -> Float32Array:
    scores: Float32Array = np.zeros((len(asked), truth.shape[1]), np.float32)
    for column, answers in enumerate(truth.T):
        if len(np.unique(answers)) > 1:
            model = LogisticRegression(C=strength, class_weight="balanced", max_iter=1000)
            scores[:, column] = model.fit(known, answers).decision_function(asked)
    return scores
