"""From a run to what the device loads: a full-integer int8 file, its float32 original, its manifest and its card."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path

import msgspec
import numpy as np

from edge.errors import UserError
from edge.features import Preprocessing
from edge.inference.interpreter import Interpreter
from edge.inference.store import Manifest, TensorContract
from edge.signals import Float32Array
from quantize import runs
from quantize.branches.base import Branch
from quantize.certify import certified, write
from quantize.evaluate import FLOAT32, evaluate
from quantize.files import write_bytes
from quantize.origins import ORIGINS
from quantize.runs import Run

REPRESENTATIVE = 300
"""Training inputs that set the int8 ranges: 100 were measured to be enough, 10 not."""

TIME_S = 900


def convert(branch: Branch, data: Path, folder: Path, models: Path) -> Manifest:
    """Converts the run in ``folder``, judges the result on unseen examples of ``data`` and writes it all to ``models``.

    Raises UserError where the run or the data are not what they should be, or the conversion fails; then nothing in
    ``models`` is touched.
    """
    run = runs.load(folder, branch)
    preprocessing = _preprocessing(branch, run, folder)
    representative = branch.representative(data, preprocessing, run.split, REPRESENTATIVE)
    with tempfile.TemporaryDirectory() as temporary:
        staged = Path(temporary)
        _run_converter(folder / runs.WEIGHTS, representative, staged)
        file = f"{branch.name}.tflite"
        (staged / FLOAT32).mkdir()
        (staged / "int8.tflite").rename(staged / file)
        (staged / "float32.tflite").rename(staged / FLOAT32 / file)
        manifest = _manifest(branch, run, staged / file)
        unseen = branch.unseen(data, preprocessing, run.split)
        manifest = certified(manifest, evaluate(branch, manifest, staged, unseen, branch.conditions))
        for part in (Path(FLOAT32) / file, Path(file)):
            write_bytes(models / part, (staged / part).read_bytes())
    write(manifest, models)
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
