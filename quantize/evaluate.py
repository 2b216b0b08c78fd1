"""What a branch is worth on data it has not seen: float32 beside int8, in both runtimes, and under worse conditions."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from edge.errors import UserError
from edge.inference.answer import answer
from edge.inference.interpreter import Interpreter, Runtime
from edge.inference.store import Manifest
from edge.signals import Float32Array
from quantize.branches.base import Branch, Examples
from quantize.certificates import provenance
from quantize.evaluation import figures
from quantize.evaluation.conditions import Condition
from quantize.evaluation.figures import Answers

FLOAT32 = "float32"
"""Folder, beside the int8 files, of the same networks before quantization."""

KINDS: dict[str, Runtime] = {"float32": "litert", "int8": "litert", "int8_tflite_runtime": "tflite-runtime"}

COMPARED = ("float32", "int8")
"""What is also judged under every condition: tflite-runtime's int8 is ten times slower and answers alike."""


@dataclass(frozen=True)
class Judgement:
    """Every model's answers by kind: to the examples as they are, and ``under`` each condition.

    ``left_out`` says which kinds cannot run here, and why.
    """

    plain: dict[str, Answers]
    under: dict[Condition, dict[str, Answers]]
    left_out: dict[str, str]


def evaluate(
    branch: Branch,
    manifest: Manifest,
    models: Path,
    examples: Examples,
    conditions: Sequence[Condition] = (),
    seen: bool = False,
) -> dict[str, Any]:
    """The report on ``examples`` of the int8 file in ``models`` and of its float32 original in ``models/float32``.

    ``seen`` says that training may have used them, which the report repeats. A tflite-runtime that cannot run here is
    left out and named. Raises UserError where a model file is missing, broken or of another kind.
    """
    judgement = judge(branch, manifest, models, examples, conditions)
    return {**report(branch, manifest, models, judgement, seen), **figures.floor(branch, examples)}


def judge(
    branch: Branch, manifest: Manifest, models: Path, examples: Examples, conditions: Sequence[Condition] = ()
) -> Judgement:
    """All answers to ``examples``; raises as ``evaluate`` does."""
    if manifest.labels != branch.labels:
        raise UserError(f"{models / manifest.file}: gives {', '.join(manifest.labels)}, not {', '.join(branch.labels)}")
    interpreters, left_out = _open(branch, manifest, models)
    passes = len(interpreters) + len(COMPARED) * len(conditions)
    with tqdm(total=passes * len(examples.inputs), desc=branch.name, unit="example", leave=False) as bar:

        def ask(kind: str, inputs: Float32Array) -> Answers:
            return _ask(branch, manifest, interpreters[kind], examples, inputs, bar)

        plain = {kind: ask(kind, examples.inputs) for kind in interpreters}
        under = {}
        for condition in conditions:
            bar.set_postfix_str(condition.title)
            inputs = examples.under(condition)
            under[condition] = {kind: ask(kind, inputs) for kind in COMPARED}
    return Judgement(plain, under, left_out)


def pooled(parts: Sequence[Judgement]) -> Judgement:
    """One judgement of several on different examples: those of the folds of a cross-validation."""

    def joined(answers: Sequence[dict[str, Answers]]) -> dict[str, Answers]:
        return {kind: figures.joined([of_kind[kind] for of_kind in answers]) for kind in answers[0]}

    under = {condition: joined([part.under[condition] for part in parts]) for condition in parts[0].under}
    return Judgement(joined([part.plain for part in parts]), under, parts[0].left_out)


def report(
    branch: Branch, manifest: Manifest, models: Path, judgement: Judgement, seen: bool = False
) -> dict[str, Any]:
    """The figures of a judgement on the files of ``manifest`` in ``models``, and what int8 cost."""
    plain = judgement.plain
    float32, int8 = (plain[kind] for kind in COMPARED)
    found: dict[str, Any] = {
        "branch": branch.name,
        "seen": seen,
        "n": len(int8.groups),
        "clusters": len(np.unique(int8.groups)),
        "majority_accuracy": figures.majority(int8.truth),
        "agreement": figures.agreement(float32, int8),
        "agreement_of_runtimes": figures.agreement(int8, plain.get("int8_tflite_runtime", int8)),
        "drop": figures.drop(float32, int8),
        "drift": figures.drift(branch, float32, int8),
    }
    for kind, answers in tqdm(plain.items(), desc="intervals", unit="model", leave=False):
        file = _file(manifest, models, kind)
        found[kind] = {
            "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
            "bytes": file.stat().st_size,
            **figures.headline(branch, answers),
            **figures.details(branch, answers),
        }
    found["conditions"] = {
        condition.name: {
            "title": condition.title,
            **{kind: _under(branch, plain[kind], answers[kind]) for kind in COMPARED},
        }
        for condition, answers in tqdm(judgement.under.items(), desc="intervals", unit="condition", leave=False)
    }
    found["groups"] = figures.cohorts(branch, {kind: plain[kind] for kind in COMPARED})
    found |= {"thresholds": manifest.thresholds, "temperature": manifest.temperature}
    found["preprocessing_sha256"] = manifest.preprocessing_sha256
    found["versions"] = provenance.versions()
    found["left_out"] = judgement.left_out
    return found


def _under(branch: Branch, plain: Answers, damaged: Answers) -> dict[str, Any]:
    """The main figures under a condition, what it costs, and how many decisions it changes."""
    return {
        **figures.headline(branch, damaged),
        "cost": figures.drop(plain, damaged),
        "changed": 1.0 - figures.agreement(plain, damaged),
    }


def _file(manifest: Manifest, models: Path, kind: str) -> Path:
    return models / FLOAT32 / manifest.file if kind == "float32" else models / manifest.file


def _open(branch: Branch, manifest: Manifest, models: Path) -> tuple[dict[str, Interpreter], dict[str, str]]:
    """Every kind's interpreter, and why a kind is left out."""
    opened, left_out = {}, {}
    for kind, runtime in KINDS.items():
        path = _file(manifest, models, kind)
        if not path.exists():
            raise UserError(f"{path}: no such model; run `affect-quantize convert {branch.name}`")
        try:
            interpreter = Interpreter(path, runtime)
        except UserError as error:
            if runtime == "tflite-runtime":
                left_out[kind] = str(error)
                continue
            raise
        wanted = "float32" if kind == "float32" else "int8"
        for tensor in (interpreter.input, *interpreter.outputs):
            if tensor.dtype != wanted:
                raise UserError(f"{path}: {tensor.name} is {tensor.dtype} where {wanted} is expected")
        if interpreter.input.shape != manifest.input.shape:
            raise UserError(
                f"{path}: takes {list(interpreter.input.shape)}, its manifest says {list(manifest.input.shape)}"
            )
        opened[kind] = interpreter
    return opened, left_out


def _ask(
    branch: Branch, manifest: Manifest, interpreter: Interpreter, examples: Examples, inputs: Float32Array, bar: tqdm
) -> Answers:
    shape = interpreter.input.shape
    logits = np.empty((len(inputs), len(branch.labels)), np.float32)
    for row, example in enumerate(inputs):
        logits[row] = answer(interpreter(example.reshape(shape))).logits
        bar.update()
    logits = examples.decided(logits)
    probability = branch.probabilities(logits, manifest.temperature)
    thresholds = np.array([manifest.thresholds[decision] for decision in branch.decisions])
    decision = (probability >= thresholds).astype(np.int64)
    return Answers(
        truth=examples.truth,
        classes=examples.classes,
        groups=examples.groups,
        logits=logits,
        probability=probability,
        decision=decision,
        cohorts=examples.cohorts,
    )
