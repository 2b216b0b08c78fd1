"""What is set after training, on data that training did not see: the temperature and a threshold per decision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from edge.signals import Float32Array
from quantize import calibration, metrics
from quantize.branches.base import Branch, Examples


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
