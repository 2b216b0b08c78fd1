"""Figures: what a set of probabilities is worth, with bootstrap intervals over groups that belong together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.signals import Float32Array

Truth = NDArray[np.int64]


def accuracy(truth: Truth, said: Truth) -> float:
    """The share of rows that are right."""
    return float(np.mean(truth == said))


def balanced_accuracy(truth: Truth, said: Truth) -> float:
    """The mean recall of the classes that occur in ``truth``."""
    return float(np.mean([np.mean(said[truth == label] == label) for label in np.unique(truth)]))


def auc(truth: Truth, probability: Float32Array) -> float:
    """Area under the ROC curve, ties counting half; NaN where only one class occurs."""
    positive = truth == 1
    pairs = int(positive.sum()) * int((~positive).sum())
    if not pairs:
        return float("nan")
    _, inverse, counts = np.unique(probability, return_inverse=True, return_counts=True)
    ranks = np.cumsum(counts) - (counts - 1) / 2
    wins = ranks[inverse][positive].sum() - positive.sum() * (positive.sum() + 1) / 2
    return float(wins / pairs)


def macro_f1(truth: Truth, said: Truth) -> float:
    """The unweighted mean of the F1 of every class that occurs in ``truth``."""
    scores = []
    for label in np.unique(truth):
        hits = np.sum((truth == label) & (said == label))
        scores.append(2 * hits / (np.sum(truth == label) + np.sum(said == label)))
    return float(np.mean(scores))


def calibration_error(truth: Truth, probability: Float32Array, bins: int = 15) -> float:
    """Expected calibration error of a binary probability over equally wide bins."""
    which = np.minimum((probability * bins).astype(int), bins - 1)
    gaps = [
        abs(truth[which == b].mean() - probability[which == b].mean()) * np.mean(which == b) for b in np.unique(which)
    ]
    return float(np.sum(gaps))


def best_threshold(truth: Truth, probability: Float32Array) -> float:
    """The threshold in 0.02..0.98 with the highest balanced accuracy; of equals, the middle one."""
    grid = np.linspace(0.02, 0.98, 193)
    scores = np.array([balanced_accuracy(truth, (probability >= t).astype(np.int64)) for t in grid])
    return float(np.median(grid[scores >= scores.max() - 1e-9]))


def bootstrap(
    figure: Callable[[NDArray[np.int64]], float], groups: NDArray[Any], rounds: int = 500, seed: int = 1
) -> dict[str, float]:
    """``figure`` of all rows with its 95 % interval, drawing whole ``groups`` with replacement.

    ``figure`` takes row indices. Draws for which it is not defined (NaN) are left out of the interval.
    """
    names, inverse = np.unique(groups, return_inverse=True)
    rows = np.split(np.argsort(inverse, kind="stable"), np.cumsum(np.bincount(inverse))[:-1])
    rng = np.random.default_rng(seed)
    drawn = [figure(np.concatenate([rows[i] for i in rng.integers(0, len(names), len(names))])) for _ in range(rounds)]
    low, high = np.nanpercentile(drawn, [2.5, 97.5])
    return {"value": figure(np.arange(len(groups))), "low": float(low), "high": float(high)}


def class_accuracy(classes: Truth, logits: Float32Array) -> float:
    """The share of rows whose class (-1: left out) has the highest logit."""
    counted = classes >= 0
    return float(np.mean(logits[counted].argmax(axis=1) == classes[counted]))


def class_recall(classes: Truth, logits: Float32Array) -> float:
    """Unweighted average recall over the classes that occur (-1: left out)."""
    counted = classes >= 0
    return balanced_accuracy(classes[counted], logits[counted].argmax(axis=1))


def confusion(classes: Truth, logits: Float32Array) -> NDArray[np.int64]:
    """Counts int64 (labels, labels): rows are the truth (-1: left out), columns what was said."""
    labels = logits.shape[1]
    counted = classes >= 0
    pairs = classes[counted] * labels + logits[counted].argmax(axis=1)
    return np.bincount(pairs, minlength=labels * labels).reshape(labels, labels)
