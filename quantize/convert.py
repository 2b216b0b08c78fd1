"""From a run to what the device loads: a full-integer int8 file, its float32 original, its manifest and its card."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from tqdm import tqdm

from edge.errors import UserError
from edge.features import Preprocessing
from edge.inference.interpreter import Interpreter
from edge.inference.store import Manifest, TensorContract
from edge.signals import Float32Array
from quantize import runs
from quantize.branches.base import Branch
from quantize.certificate import card
from quantize.cross_validation import joined, pooled
from quantize.evaluate import FLOAT32, evaluate, judge, report
from quantize.files import write_bytes
from quantize.origins import ORIGINS
from quantize.runs import Run

REPRESENTATIVE = 300
"""Training inputs that set the int8 ranges: 100 were measured to be enough, 10 not."""

TIME_S = 900


def convert(branch: Branch, data: Path, folder: Path, models: Path) -> Manifest:
    """Converts the run in ``folder``, judges the result on unseen examples of ``data`` and writes it all to ``models``.

    A run with folds is judged by them: each fold's network is converted as well and answers what it never saw. Raises
    UserError where the run or the data are not what they should be, or the conversion fails; then nothing in ``models``
    is touched.
    """
    run = runs.load(folder, branch)
    preprocessing = _preprocessing(branch, run, folder)
    with tempfile.TemporaryDirectory() as temporary:
        staged = Path(temporary)
        manifest = _quantized(branch, data, preprocessing, run, folder / runs.WEIGHTS, staged)
        if run.folds:
            figures = _cross_validated(branch, data, run, folder, staged)
        else:
            figures = evaluate(branch, manifest, staged, branch.unseen(data, preprocessing, run.split))
        manifest = msgspec.structs.replace(manifest, figures=figures)
        for part in (Path(FLOAT32) / manifest.file, Path(manifest.file)):
            write_bytes(models / part, (staged / part).read_bytes())
    write_bytes(models / f"{branch.name}.json", msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n")
    write_bytes(models / f"{branch.name}.md", card(manifest).encode())
    return manifest


def _preprocessing(branch: Branch, run: Run, folder: Path) -> Preprocessing:
    """What the run was trained with. Raises UserError where this code would compute something else."""
    path = folder / runs.CONFIG
    try:
        preprocessing = msgspec.convert(run.preprocessing, branch.preprocessing)
    except msgspec.ValidationError as error:
        raise UserError(f"{path}: preprocessing does not fit {branch.preprocessing.__name__} ({error})") from error
    if preprocessing.fingerprint() != run.preprocessing_sha256:
        raise UserError(f"{path}: was trained with another preprocessing than this code's; train again")
    return preprocessing


def _quantized(
    branch: Branch, data: Path, preprocessing: Preprocessing, run: Run, weights: Path, folder: Path
) -> Manifest:
    """Converts ``weights`` into ``folder``, laid out as a models folder. The manifest has no figures yet."""
    file = f"{branch.name}.tflite"
    _run_converter(weights, branch.representative(data, preprocessing, run.split, REPRESENTATIVE), folder)
    (folder / FLOAT32).mkdir()
    (folder / "int8.tflite").rename(folder / file)
    (folder / "float32.tflite").rename(folder / FLOAT32 / file)
    return _manifest(branch, run, folder / file)


def _cross_validated(branch: Branch, data: Path, run: Run, folder: Path, staged: Path) -> dict[str, Any]:
    """The report on all folds' answers, each fold's network quantized and asked only what it never saw."""
    parts, answers = [], []
    for number, fold in enumerate(tqdm(run.folds, desc="converting", unit="fold", leave=False)):
        place = staged / f"fold-{number}"
        place.mkdir()
        own = msgspec.structs.replace(run, **msgspec.structs.asdict(fold), folds=())
        preprocessing = _preprocessing(branch, own, folder)
        manifest = _quantized(branch, data, preprocessing, own, folder / runs.fold_weights(number), place)
        examples = branch.unseen(data, preprocessing, fold.split)
        parts.append(examples)
        answers.append(judge(branch, manifest, place, examples))
    return {**report(branch, joined(parts), pooled(answers)), "folds": len(run.folds)}


def _run_converter(weights: Path, representative: Float32Array, folder: Path) -> None:
    """Runs ``quantize.converter`` in a process of its own."""
    np.save(folder / "representative.npy", representative)
    command = [sys.executable, "-m", "quantize.converter", weights, folder / "representative.npy", folder]
    try:
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=TIME_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise UserError(f"{weights}: conversion took longer than {TIME_S} s and was stopped") from error
    if done.returncode != 0:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        reason = lines[-1] if lines else f"exit status {done.returncode}"
        raise UserError(f"{weights}: conversion failed ({reason})")


def _manifest(branch: Branch, run: Run, path: Path) -> Manifest:
    """The manifest of the int8 file at ``path``. Raises UserError where it is not int8 at both ends."""
    interpreter = Interpreter(path)
    contracts = [TensorContract(t.name, t.shape, t.dtype) for t in (interpreter.input, *interpreter.outputs)]
    for contract in contracts:
        if contract.dtype != "int8":
            raise UserError(f"{branch.name}: {contract.name} stayed {contract.dtype} in the conversion to int8")
    origin = ORIGINS[branch.name]
    return Manifest(
        name=branch.name,
        file=path.name,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        input=contracts[0],
        outputs=tuple(contracts[1:]),
        labels=branch.labels,
        thresholds=run.thresholds,
        temperature=run.temperature,
        skill=_skill(run),
        preprocessing=run.preprocessing,
        preprocessing_sha256=run.preprocessing_sha256,
        provenance={
            "data": origin.data,
            "data_licence": origin.licence,
            "weights_licence": origin.weights,
            "recipe": run.recipe,
            "split": run.split,
            "development": run.development,
            "versions": run.versions,
        },
    )


def _skill(run: Run) -> float:
    """How far the run's decisions beat chance, 0..1, on the data that set its thresholds."""
    balanced = list(run.development["balanced_accuracy"].values())
    return round(max(0.0, 2.0 * sum(balanced) / len(balanced) - 1.0), 3)
