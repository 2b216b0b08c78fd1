"""What is set after training, on data that training did not see: the temperature and a threshold per decision."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.signals import Float32Array
from quantize.branches.base import Branch, Examples
from quantize.evaluation import metrics
from quantize.training import calibration


@dataclass(frozen=True)
class Tuned:
    """``figures`` are of the same data that set the thresholds, and so a little kind: for development only."""

    temperature: float
    thresholds: dict[str, float]
    figures: dict[str, Any]


def tune(branch: Branch, logits: Float32Array, examples: Examples) -> Tuned:
    """The likeliest temperature (1 where labels do not exclude each other), then the best-balanced thresholds."""
    classes = examples.classes
    temperature = 1.0 if classes is None else calibration.temperature(logits, classes)
    probability = branch.probabilities(logits, temperature)
    thresholds, balanced, areas = {}, {}, {}
    for column, decision in enumerate(branch.decisions):
        counted = examples.truth[:, column] >= 0
        truth, share = examples.truth[counted, column], probability[counted, column]
        thresholds[decision] = metrics.best_threshold(truth, share)
        balanced[decision] = metrics.balanced_accuracy(truth, (share >= thresholds[decision]).astype(np.int64))
        areas[decision] = metrics.auc(truth, share)
    figures: dict[str, Any] = {"n": len(logits), "auc": areas, "balanced_accuracy": balanced}
    if classes is not None:
        figures["emotion_accuracy"] = metrics.class_accuracy(classes, logits)
        figures["emotion_recall"] = metrics.class_recall(classes, logits)
    return Tuned(temperature, thresholds, figures)


@dataclass(frozen=True)
class Crossed:
    """What the answers of a cross-validation tune.

    ``all`` is of every answer, for the network that is trained on everything; its figures are of the ``decision``,
    int64 (N, decisions), that each answer leads to with what the other folds tuned, ``others``, and so unflattered.
    """

    all: Tuned
    others: dict[int, Tuned]
    decision: NDArray[np.int64]


def tune_across(branch: Branch, logits: Float32Array, examples: Examples, fold: NDArray[np.int64]) -> Crossed:
    """``tune`` for each fold on all others. ``logits`` come from networks that did not see their ``fold``, (N,)."""
    others = {int(k): _tune_rows(branch, logits, examples, np.flatnonzero(fold != k)) for k in np.unique(fold)}
    probability = np.concatenate(
        [branch.probabilities(logits[[row]], others[int(k)].temperature) for row, k in enumerate(fold)]
    )
    thresholds = np.array([[others[int(k)].thresholds[name] for name in branch.decisions] for k in fold])
    decision = (probability >= thresholds).astype(np.int64)
    tuned = tune(branch, logits, examples)
    figures = dict(tuned.figures)
    for column, name in enumerate(branch.decisions):
        counted = np.flatnonzero(examples.truth[:, column] >= 0)
        truth, said = examples.truth[counted, column], decision[counted, column]
        figures["auc"] = {**figures["auc"], name: metrics.auc(truth, probability[counted, column])}
        figures["balanced_accuracy"] = {
            **figures["balanced_accuracy"],
            name: metrics.balanced_accuracy(truth, said),
        }
    return Crossed(replace(tuned, figures=figures), others, decision)


def _tune_rows(branch: Branch, logits: Float32Array, examples: Examples, rows: NDArray[np.int64]) -> Tuned:
    classes = None if examples.classes is None else examples.classes[rows]
    return tune(branch, logits[rows], replace(examples, truth=examples.truth[rows], classes=classes))
