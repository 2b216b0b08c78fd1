"""Figures: what a set of probabilities is worth, with bootstrap intervals over groups that belong together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.signals import Float32Array

Truth = NDArray[np.int64]

ROUNDS = 500
"""Draws of the bootstrap."""


def accuracy(truth: Truth, said: Truth) -> float:
    """The share of rows that are right."""
    return float(np.mean(truth == said))


def balanced_accuracy(truth: Truth, said: Truth) -> float:
    """The mean recall of the classes that occur in ``truth``."""
    counts = _counts(truth, said)
    occurring = counts.any(axis=1)
    return float(np.mean(counts.diagonal()[occurring] / counts.sum(axis=1)[occurring]))


def auc(truth: Truth, probability: Float32Array) -> float:
    """Area under the ROC curve, ties counting half; NaN where only one class occurs."""
    return auc_of_ranks(truth, np.unique(probability, return_inverse=True)[1])


def auc_of_ranks(truth: Truth, ranks: Truth) -> float:
    """The same where equal probabilities have equal ``ranks``, 0 and up: no sorting for every draw of a bootstrap."""
    positive, negative = (np.bincount(ranks[truth == answer], minlength=1) for answer in (1, 0))
    length = max(len(positive), len(negative))
    positive, negative = (np.pad(counts, (0, length - len(counts))) for counts in (positive, negative))
    pairs = int(positive.sum()) * int(negative.sum())
    if not pairs:
        return float("nan")
    return float(np.sum(positive * (np.cumsum(negative) - negative / 2)) / pairs)


def macro_f1(truth: Truth, said: Truth) -> float:
    """The unweighted mean of the F1 of every class that occurs in ``truth``."""
    counts = _counts(truth, said)
    occurring = counts.any(axis=1)
    either = counts.sum(axis=0) + counts.sum(axis=1)
    return float(np.mean(2 * counts.diagonal()[occurring] / either[occurring]))


def _counts(truth: Truth, said: Truth) -> NDArray[np.int64]:
    return confusion(truth, said, int(max(truth.max(), said.max())) + 1)


def reliability(truth: NDArray[Any], probability: NDArray[Any], bins: int = 15) -> list[dict[str, float]]:
    """The parts of the reliability curve: one for each of the equally wide ``bins`` that is not empty.

    ``said`` is its mean probability, ``true`` the share of its rows that are, ``n`` their number.
    """
    which = np.minimum((probability * bins).astype(int), bins - 1)
    return [
        {"said": float(probability[rows].mean()), "true": float(truth[rows].mean()), "n": len(rows)}
        for rows in (np.flatnonzero(which == b) for b in np.unique(which))
    ]


def calibration_error(truth: NDArray[Any], probability: NDArray[Any], bins: int = 15) -> float:
    """Expected calibration error of a binary probability over equally wide bins."""
    curve = reliability(truth, probability, bins)
    return float(sum(abs(part["true"] - part["said"]) * part["n"] for part in curve) / max(len(truth), 1))


def best_threshold(truth: Truth, probability: Float32Array) -> float:
    """The threshold in 0.02..0.98 with the highest balanced accuracy; of equals, the middle one."""
    grid = np.linspace(0.02, 0.98, 193)
    scores = np.array([balanced_accuracy(truth, (probability >= t).astype(np.int64)) for t in grid])
    return float(np.median(grid[scores >= scores.max() - 1e-9]))


def bootstrap(
    figure: Callable[[NDArray[np.int64]], float], groups: NDArray[Any], seed: int = 1
) -> dict[str, float | None]:
    """``figure`` of all rows with its 95 % interval, drawing whole ``groups`` with replacement.

    ``figure`` takes row indices. Draws for which it is not defined (NaN) are left out of the interval; what is defined
    nowhere, and the interval of a single group, is None.
    """
    value = figure(np.arange(len(groups)))
    _, inverse, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    if not np.isfinite(value):
        return {"value": None, "low": None, "high": None}
    if len(sizes) < 2:
        return {"value": value, "low": None, "high": None}
    order, starts = np.argsort(inverse, kind="stable"), np.cumsum(sizes) - sizes
    rng = np.random.default_rng(seed)

    def draw() -> float:
        chosen = rng.integers(0, len(sizes), len(sizes))
        counts = sizes[chosen]
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        return figure(order[np.repeat(starts[chosen], counts) + within])

    low, high = np.nanpercentile([draw() for _ in range(ROUNDS)], [2.5, 97.5])
    return {"value": value, "low": float(low), "high": float(high)}


def class_accuracy(classes: Truth, logits: Float32Array) -> float:
    """The share of rows whose class (-1: left out) has the highest logit."""
    counted = classes >= 0
    return float(np.mean(logits[counted].argmax(axis=1) == classes[counted]))


def class_recall(classes: Truth, logits: Float32Array) -> float:
    """Unweighted average recall over the classes that occur (-1: left out)."""
    counted = classes >= 0
    return balanced_accuracy(classes[counted], logits[counted].argmax(axis=1))


def confusion(classes: Truth, said: Truth, labels: int) -> NDArray[np.int64]:
    """Counts int64 (labels, labels): rows are the truth (-1: left out), columns what was said."""
    counted = classes >= 0
    pairs = classes[counted] * labels + said[counted]
    return np.bincount(pairs, minlength=labels * labels).reshape(labels, labels)


def per_class(counts: NDArray[np.int64], names: Sequence[str]) -> dict[str, dict[str, float | None]]:
    """Precision, recall and number of true examples of each class of a confusion matrix; None where undefined."""
    hits, said, true = counts.diagonal(), counts.sum(axis=0), counts.sum(axis=1)
    return {
        name: {
            "precision": float(hits[i] / said[i]) if said[i] else None,
            "recall": float(hits[i] / true[i]) if true[i] else None,
            "n": int(true[i]),
        }
        for i, name in enumerate(names)
    }
