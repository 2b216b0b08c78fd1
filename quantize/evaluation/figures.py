"""What a model's answers are worth: figures with intervals, by class, calibration, and one model beside another."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.signals import Float32Array
from quantize.branches.base import Branch, Examples
from quantize.evaluation import metrics

DECIDED = {
    "balanced_accuracy": metrics.balanced_accuracy,
    "accuracy": metrics.accuracy,
    "macro_f1": metrics.macro_f1,
}
HEADLINES = ("balanced_accuracy", "auc", "accuracy", "macro_f1")

Figure = Callable[[NDArray[np.int64]], float]
"""A figure as a function of the rows it is taken over."""


@dataclass(frozen=True)
class Answers:
    """One model's answers to N examples, beside what is true of them.

    ``truth`` is int64 (N, decisions), -1 where it does not count; ``classes`` int64 (N,) or None; ``groups`` (N,) are
    drawn together; ``logits`` float32 (N, labels); ``probability`` and ``decision`` (N, decisions); ``cohorts`` as in
    Examples.
    """

    truth: NDArray[np.int64]
    classes: NDArray[np.int64] | None
    groups: NDArray[Any]
    logits: Float32Array
    probability: Float32Array
    decision: NDArray[np.int64]
    cohorts: Mapping[str, NDArray[np.str_]]

    def only(self, rows: NDArray[np.int64]) -> Answers:
        """The answers to some of the examples."""
        return Answers(
            truth=self.truth[rows],
            classes=None if self.classes is None else self.classes[rows],
            groups=self.groups[rows],
            logits=self.logits[rows],
            probability=self.probability[rows],
            decision=self.decision[rows],
            cohorts={label: values[rows] for label, values in self.cohorts.items()},
        )


def joined(parts: Sequence[Answers]) -> Answers:
    """The answers of several models to examples of their own, as if one had given them all."""
    classes = [part.classes for part in parts if part.classes is not None]
    return Answers(
        truth=np.concatenate([part.truth for part in parts]),
        classes=np.concatenate(classes) if classes else None,
        groups=np.concatenate([part.groups for part in parts]),
        logits=np.concatenate([part.logits for part in parts]),
        probability=np.concatenate([part.probability for part in parts]),
        decision=np.concatenate([part.decision for part in parts]),
        cohorts={label: np.concatenate([part.cohorts[label] for part in parts]) for label in parts[0].cohorts},
    )


def headline(branch: Branch, answers: Answers) -> dict[str, Any]:
    """The four main figures with intervals, mean over the decisions; where there are several, each one's too."""
    columns = range(len(branch.decisions))
    report: dict[str, Any] = {name: _interval(name, answers, columns) for name in HEADLINES}
    if len(columns) > 1:
        for name in ("auc", "balanced_accuracy"):
            report[f"{name}_per_label"] = {branch.decisions[c]: _interval(name, answers, [c]) for c in columns}
    return report


def details(branch: Branch, answers: Answers) -> dict[str, Any]:
    """What else there is to say of one model: classes, confusion and calibration of each decision, and the emotions."""
    report: dict[str, Any] = {"calibration_error": None, "per_class": {}, "confusion": {}, "reliability": {}}
    errors = []
    for column, decision in enumerate(branch.decisions):
        counted = answers.truth[:, column] >= 0
        truth, probability = answers.truth[counted, column], answers.probability[counted, column]
        counts = metrics.confusion(truth, answers.decision[counted, column], 2)
        report["per_class"] |= metrics.per_class(counts, (f"not {decision}", decision))
        report["confusion"][decision] = counts.tolist()
        report["reliability"][decision] = metrics.reliability(truth, probability)
        errors.append(metrics.calibration_error(truth, probability))
    report["calibration_error"] = float(np.mean(errors))
    if (classes := answers.classes) is not None and (classes >= 0).any():
        said = answers.logits.argmax(axis=1)
        counts = metrics.confusion(classes, said, answers.logits.shape[1])
        report["emotions"] = {
            "accuracy": metrics.bootstrap(
                lambda rows: metrics.class_accuracy(classes[rows], answers.logits[rows]), answers.groups
            ),
            "recall": metrics.bootstrap(
                lambda rows: metrics.class_recall(classes[rows], answers.logits[rows]), answers.groups
            ),
            "per_class": metrics.per_class(counts, branch.labels),
            "confusion": counts.tolist(),
        }
    return report


def drop(before: Answers, after: Answers) -> dict[str, Any]:
    """How much balanced accuracy and AUC are lost between two answers to the same examples, drawn in pairs."""

    def lost(name: str) -> Figure:
        was, became = (_figure(name, answers, range(answers.truth.shape[1])) for answers in (before, after))
        return lambda rows: was(rows) - became(rows)

    return {name: metrics.bootstrap(lost(name), before.groups) for name in ("balanced_accuracy", "auc")}


def agreement(one: Answers, other: Answers) -> float:
    """The share of decisions that are the same."""
    return float(np.mean(one.decision == other.decision))


def drift(branch: Branch, before: Answers, after: Answers) -> dict[str, Any]:
    """How far each decision's probability moves between two models.

    Mean, mean size, 95th percentile, largest, and a histogram of 41 bins that reaches as far as the largest.
    """
    report: dict[str, Any] = {}
    for column, decision in enumerate(branch.decisions):
        moved = after.probability[:, column] - before.probability[:, column]
        largest = float(np.abs(moved).max())
        counts, edges = np.histogram(moved, bins=41, range=(-max(largest, 1e-6), max(largest, 1e-6)))
        report[decision] = {
            "mean": float(moved.mean()),
            "mean_absolute": float(np.abs(moved).mean()),
            "percentile_95": float(np.percentile(np.abs(moved), 95)),
            "largest": largest,
            "histogram": {"edges": edges.tolist(), "counts": counts.tolist()},
        }
    return report


def majority(truth: NDArray[np.int64]) -> float | None:
    """The accuracy of always saying what is commoner, mean over the decisions; None where one has no true answers."""
    counted = [column[column >= 0] for column in truth.T]
    if not all(map(len, counted)):
        return None
    return float(np.mean([max(column.mean(), 1 - column.mean()) for column in counted]))


def floor(branch: Branch, examples: Examples) -> dict[str, Any]:
    """The AUC of each decision, with its interval, that a linear model of ``examples`` reaches; empty without one."""
    scores = examples.linear()
    if scores is None:
        return {}
    decided = np.zeros(scores.shape, np.int64)
    said = Answers(examples.truth, None, examples.groups, scores, scores, decided, {})
    return {"linear_auc_per_label": {name: _interval("auc", said, [c]) for c, name in enumerate(branch.decisions)}}


def cohorts(branch: Branch, judged: Mapping[str, Answers]) -> dict[str, dict[str, Any]]:
    """The main figures of every model in each part of the examples that their cohorts tell apart."""
    some = next(iter(judged.values()))
    report: dict[str, dict[str, Any]] = {}
    for label, values in some.cohorts.items():
        report[label] = {}
        for value in np.unique(values):
            parts = {kind: answers.only(np.flatnonzero(values == value)) for kind, answers in judged.items()}
            part = next(iter(parts.values()))
            report[label][str(value)] = {
                "n": len(part.groups),
                "clusters": len(np.unique(part.groups)),
                "majority_accuracy": majority(part.truth),
                **{kind: headline(branch, answers) for kind, answers in parts.items()},
            }
    return report


def _interval(name: str, answers: Answers, columns: Sequence[int]) -> dict[str, float | None]:
    return metrics.bootstrap(_figure(name, answers, columns), answers.groups)


def _figure(name: str, answers: Answers, columns: Sequence[int]) -> Figure:
    """The figure ``name``, mean over the decisions in ``columns``; NaN where a decision has no true answers."""
    ranks = np.stack([np.unique(column, return_inverse=True)[1] for column in answers.probability.T], axis=1)

    def of_column(column: int, rows: NDArray[np.int64]) -> float:
        counted = rows[answers.truth[rows, column] >= 0]
        if not len(counted):
            return float("nan")
        truth, decision = answers.truth[counted, column], answers.decision[counted, column]
        if name == "auc":
            return metrics.auc_of_ranks(truth, ranks[counted, column])
        return DECIDED[name](truth, decision)

    return lambda rows: float(np.mean([of_column(column, rows) for column in columns]))
