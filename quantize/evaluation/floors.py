"""What a linear model makes of the same faces: the floor that a network must stand above to be worth its weights."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from edge.features.landmarks import normalise
from edge.signals import Float32Array
from quantize.datasets.daisee_landmarks import HIGH, Clips
from quantize.evaluation import metrics

STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1)
"""The regularisations (C) that folds of the training subjects choose from, one for all states."""

VARIANCE = 0.999
"""The share of the summaries' variance that the regression reads: the rest costs time and is penalised away."""


def linear(train: Clips, unseen: Clips) -> Float32Array:
    """Scores float32 (M, 4) of the clips ``unseen`` from a logistic regression for each state, learned from ``train``.

    It reads the mean and the standard deviation over time of every normalised landmark coordinate. How strong it is
    regularised is chosen by folds of subjects inside ``train``. A state that is the same in all of them scores 0.
    """
    reader = make_pipeline(StandardScaler(), PCA(VARIANCE, svd_solver="covariance_eigh"))
    inputs, high = reader.fit_transform(_summary(train)), (train.levels >= HIGH).astype(np.int64)
    folds = list(GroupKFold(min(5, len(np.unique(train.subjects)))).split(inputs, groups=train.subjects))
    best = max(STRENGTHS, key=lambda strength: _crossed(inputs, high, folds, strength))
    return _scores(inputs, high, reader.transform(_summary(unseen)), best)


def _summary(clips: Clips) -> Float32Array:
    """Mean and spread of the coordinates over the steps, float32 (N, 2 x 468 x 3)."""
    coordinates = normalise(clips.landmarks).reshape(*clips.landmarks.shape[:2], -1)
    return np.concatenate([coordinates.mean(axis=1), coordinates.std(axis=1)], axis=1)


def _crossed(inputs: NDArray[Any], high: NDArray[np.int64], folds: list[Any], strength: float) -> float:
    """The mean AUC over folds and states, as far as a fold holds both answers."""
    areas = []
    for learned, judged in folds:
        scores = _scores(inputs[learned], high[learned], inputs[judged], strength)
        areas += [metrics.auc(answers, said) for answers, said in zip(high[judged].T, scores.T, strict=True)]
    return float(np.nanmean(areas)) if np.isfinite(areas).any() else 0.0


def _scores(inputs: NDArray[Any], high: NDArray[np.int64], unseen: NDArray[Any], strength: float) -> Float32Array:
    scores: Float32Array = np.zeros((len(unseen), high.shape[1]), np.float32)
    for state, answers in enumerate(high.T):
        if len(np.unique(answers)) > 1:
            model = LogisticRegression(C=strength, class_weight="balanced", max_iter=1000)
            scores[:, state] = model.fit(inputs, answers).decision_function(unseen)
    return scores
