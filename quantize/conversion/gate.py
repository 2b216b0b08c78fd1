"""What quantization may cost, and whether it cost more, on the data that set the thresholds; never on a test split."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.signals import Float32Array
from quantize.branches.base import Branch, Examples
from quantize.evaluation import metrics
from quantize.runs import Run

DROP = 0.005
AGREEMENT = 0.98


@dataclass(frozen=True)
class Cost:
    """float32 minus int8, mean over the decisions, and the share of equal decisions."""

    balanced_accuracy: float
    auc: float
    agreement: float

    @property
    def passes(self) -> bool:
        """Whether int8 may stand for float32."""
        return max(self.balanced_accuracy, self.auc) <= DROP and self.agreement >= AGREEMENT

    def __str__(self) -> str:
        return (
            f"balanced accuracy {-100 * self.balanced_accuracy:+.2f}, AUC {-100 * self.auc:+.2f} points, "
            f"agreement {self.agreement:.1%}"
        )


def cost(branch: Branch, run: Run, examples: Examples, before: Float32Array, after: Float32Array) -> Cost:
    """What was lost from the logits ``before`` to those ``after``, float32 (N, labels), on ``examples``."""
    was, became = (branch.probabilities(logits, run.temperature) for logits in (before, after))
    thresholds = np.array([run.thresholds[decision] for decision in branch.decisions])
    decided, decides = was >= thresholds, became >= thresholds
    balanced = _drop(metrics.balanced_accuracy, examples.truth, decided.astype(np.int64), decides.astype(np.int64))
    return Cost(balanced, _drop(metrics.auc, examples.truth, was, became), float(np.mean(decided == decides)))


def _drop(
    figure: Callable[[NDArray[np.int64], Any], float],
    truth: NDArray[np.int64],
    before: NDArray[Any],
    after: NDArray[Any],
) -> float:
    """The figure of ``before`` minus that of ``after``, mean over the columns where it is defined."""
    columns = []
    for labels, was, became in zip(truth.T, before.T, after.T, strict=True):
        counted = labels >= 0
        columns.append(figure(labels[counted], was[counted]) - figure(labels[counted], became[counted]))
    return float(np.nanmean(columns))
