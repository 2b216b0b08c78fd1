"""What a branch is worth on data it has not seen: float32 beside int8, in both runtimes, with intervals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from edge.errors import UserError
from edge.inference.interpreter import Interpreter, Runtime
from edge.inference.store import Manifest
from edge.signals import Float32Array
from quantize import metrics
from quantize.branches.base import Branch, Examples

FLOAT32 = "float32"
"""Folder, beside the int8 files, of the same networks before quantization."""

KINDS: dict[str, Runtime] = {"float32": "litert", "int8": "litert", "int8_tflite_runtime": "tflite-runtime"}

DECISION_FIGURES = {
    "balanced_accuracy": metrics.balanced_accuracy,
    "accuracy": metrics.accuracy,
    "macro_f1": metrics.macro_f1,
}
FIGURES = ("balanced_accuracy", "auc", "accuracy", "macro_f1")

Figure = Callable[[NDArray[np.int64]], float]
"""A figure as a function of the rows it is taken over."""


@dataclass(frozen=True)
class Judged:
    """One model's answers to N examples: logits (N, labels), probability (N, decisions) and decision (N, decisions)."""

    logits: Float32Array
    probability: Float32Array
    decision: NDArray[np.int64]


def evaluate(branch: Branch, manifest: Manifest, models: Path, examples: Examples) -> dict[str, Any]:
    """The report on ``examples`` of the int8 file in ``models`` and of its float32 original in ``models/float32``.

    A runtime that is not installed here is left out. Raises UserError where a model file is missing or broken.
    """
    return report(branch, examples, judge(branch, manifest, models, examples))


def judge(branch: Branch, manifest: Manifest, models: Path, examples: Examples) -> dict[str, Judged]:
    """Each kind's answers to ``examples``; see ``evaluate``."""
    judged: dict[str, Judged] = {}
    for kind, runtime in KINDS.items():
        path = models / FLOAT32 / manifest.file if kind == "float32" else models / manifest.file
        if not path.exists():
            raise UserError(f"{path}: no such model; run `affect-quantize convert {branch.name}`")
        try:
            interpreter = Interpreter(path, runtime)
        except UserError:
            if runtime == "tflite-runtime":
                continue
            raise
        judged[kind] = _judge(branch, manifest, interpreter, examples, kind)
    return judged


def report(branch: Branch, examples: Examples, judged: Mapping[str, Judged]) -> dict[str, Any]:
    """The figures of every kind's answers to ``examples``, and what int8 cost."""
    return {
        "branch": branch.name,
        "n": len(examples.inputs),
        "groups": len(np.unique(examples.groups)),
        "majority_accuracy": _majority(examples),
        "agreement": _agreement(judged["float32"], judged["int8"]),
        "agreement_of_runtimes": _agreement(judged["int8"], judged.get("int8_tflite_runtime", judged["int8"])),
        "drop": {
            name: metrics.bootstrap(_drop(name, examples, judged["float32"], judged["int8"]), examples.groups)
            for name in ("balanced_accuracy", "auc")
        },
        **{kind: _figures(branch, examples, answers) for kind, answers in judged.items()},
    }


def _judge(branch: Branch, manifest: Manifest, interpreter: Interpreter, examples: Examples, kind: str) -> Judged:
    shape = interpreter.input.shape
    name = interpreter.outputs[0].name
    bar = tqdm(examples.inputs, desc=kind, unit="example", leave=False)
    logits = np.stack([interpreter(inputs.reshape(shape))[name][0] for inputs in bar])
    probability = branch.probabilities(logits, manifest.temperature)
    thresholds = np.array([manifest.thresholds[decision] for decision in branch.decisions])
    return Judged(logits, probability, (probability >= thresholds).astype(np.int64))


def _figures(branch: Branch, examples: Examples, answers: Judged) -> dict[str, Any]:
    columns = range(len(branch.decisions))

    def interval(figure: Figure) -> dict[str, float]:
        return metrics.bootstrap(figure, examples.groups)

    report: dict[str, Any] = {name: interval(_figure(name, examples, answers, columns)) for name in FIGURES}
    if len(columns) > 1:
        for name in ("auc", "balanced_accuracy"):
            report[f"{name}_per_label"] = {
                branch.decisions[c]: interval(_figure(name, examples, answers, [c])) for c in columns
            }
    report["calibration_error"] = float(np.mean([_calibration_error(examples, answers, c) for c in columns]))
    if (classes := examples.classes) is not None:
        report["emotions"] = {
            "accuracy": interval(lambda rows: metrics.class_accuracy(classes[rows], answers.logits[rows])),
            "recall": interval(lambda rows: metrics.class_recall(classes[rows], answers.logits[rows])),
            "confusion": metrics.confusion(classes, answers.logits).tolist(),
        }
    return report


def _figure(name: str, examples: Examples, answers: Judged, columns: Sequence[int]) -> Figure:
    """The figure ``name``, mean over the decisions in ``columns``, as a function of the rows it is taken over."""

    def of_column(column: int, rows: NDArray[np.int64]) -> float:
        counted = rows[examples.truth[rows, column] >= 0]
        truth, decision = examples.truth[counted, column], answers.decision[counted, column]
        if name == "auc":
            return metrics.auc(truth, answers.probability[counted, column])
        return DECISION_FIGURES[name](truth, decision)

    return lambda rows: float(np.mean([of_column(column, rows) for column in columns]))


def _drop(name: str, examples: Examples, before: Judged, after: Judged) -> Figure:
    """How much of the figure ``name`` is lost from ``before`` to ``after``, as a function of rows."""
    columns = range(examples.truth.shape[1])
    was, became = (_figure(name, examples, answers, columns) for answers in (before, after))
    return lambda rows: was(rows) - became(rows)


def _calibration_error(examples: Examples, answers: Judged, column: int) -> float:
    counted = examples.truth[:, column] >= 0
    return metrics.calibration_error(examples.truth[counted, column], answers.probability[counted, column])


def _majority(examples: Examples) -> float:
    """The accuracy of always saying what is commoner, mean over the decisions."""
    shares = [column[column >= 0].mean() for column in examples.truth.T]
    return float(np.mean([max(share, 1 - share) for share in shares]))


def _agreement(one: Judged, other: Judged) -> float:
    """The share of decisions that are the same."""
    return float(np.mean(one.decision == other.decision))
