"""From a run to what the device loads: a full-integer int8 file, its float32 original, its manifest and its card."""

from __future__ import annotations

import hashlib
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from tqdm import tqdm

from edge.errors import UserError
from edge.features import Preprocessing
from edge.inference.answer import EMBEDDING
from edge.inference.interpreter import Interpreter
from edge.inference.store import Manifest, ModelStore, TensorContract
from quantize import runs
from quantize.branches.base import Branch, Examples
from quantize.certificates.origins import ORIGINS
from quantize.certify import certified, write
from quantize.conversion import aware, capped, gate, representative, verification
from quantize.conversion.capped import Caps
from quantize.conversion.converter import OTHERS
from quantize.conversion.gate import Cost
from quantize.conversion.verification import OneAnswerError
from quantize.evaluate import FLOAT32, Judgement, evaluate, judge, pooled, report
from quantize.files import write_bytes
from quantize.runs import Run
from quantize.training import baseline, reliability

AWARE_INPUTS = 8192
"""Training inputs that quantization-aware training sees, at most."""


@dataclass(frozen=True)
class _Quantized:
    """The int8 file to ship, how it was made, and what it costs on the development data."""

    file: Path
    method: str
    cost: Cost


def convert(branch: Branch, data: Path, folder: Path, models: Path, caps: Caps | None = None) -> Manifest:
    """Converts the run in ``folder``, judges the result on unseen examples of ``data`` and writes it all to ``models``.

    What goes to ``models`` is the int8 file and its float32 original. The float16 and dynamic-range kinds, which only
    serve comparison, stay in the run's folder ``variants``, from which no device installs. Where post-training int8
    costs more than ``gate`` allows, quantization-aware training has a try. A run without data for a test is judged by
    its folds, and all folds tell how reliable answers are. Raises UserError where the run or the data are not what they
    should be, or the conversion fails; then nothing in ``models`` is touched.
    """
    caps = caps or Caps()
    run = runs.load(folder, branch)
    with tempfile.TemporaryDirectory() as temporary:
        staged = Path(temporary)
        manifest = _converted(branch, data, run, folder / runs.WEIGHTS, staged, caps)
        verification.verify_others(staged, staged / "representative.npy", branch.name, caps, OTHERS)
        if run.judges:
            figures = report(branch, manifest, staged, _cross_validated(branch, data, run, folder, staged, caps))
        else:
            unseen = branch.unseen(data, _preprocessing(branch, run, folder), run.split)
            figures = evaluate(branch, manifest, staged, unseen, branch.conditions)
        manifest = certified(manifest, {**figures, "folds": len(run.judges)})
        try:
            manifest = _reliable(branch, data, run, folder, manifest, staged)
        except reliability.OneAnswerError as error:
            print(f"{error}; its readings are as reliable as their input is good, times its skill", file=sys.stderr)
        for kind in OTHERS:
            write_bytes(folder / runs.VARIANTS / f"{kind}.tflite", (staged / f"{kind}.tflite").read_bytes())
        for part in (Path(FLOAT32) / manifest.file, Path(manifest.file)):
            write_bytes(models / part, (staged / part).read_bytes())
    write(manifest, models)
    return manifest


def _converted(branch: Branch, data: Path, run: Run, weights: Path, staged: Path, caps: Caps) -> Manifest:
    """Converts the network in ``weights`` into ``staged``, laid out as a models folder; a manifest without figures."""
    preprocessing = _preprocessing(branch, run, weights.parent)
    inputs = branch.representative(data, preprocessing, run.split, representative.MOST)
    np.save(staged / "representative.npy", representative.check(inputs, str(data)))
    arguments = (weights, staged / "representative.npy", staged, branch.name)
    capped.run(str(weights), "quantize.conversion.converter", *arguments, caps=caps)
    quantized = _quantize(branch, run, weights, data, preprocessing, staged, caps)
    file = f"{branch.name}.tflite"
    (staged / FLOAT32).mkdir()
    (staged / FLOAT32 / file).write_bytes((staged / "float32.tflite").read_bytes())
    quantized.file.replace(staged / file)
    manifest = _manifest(branch, run, staged / file, _quantization(quantized, len(inputs)))
    known = branch.representative(data, preprocessing, run.split, baseline.INPUTS)
    return msgspec.structs.replace(manifest, baseline=baseline.of(staged / file, known))


def renew_reliability(branch: Branch, data: Path, folder: Path, models: Path) -> Manifest:
    """Learns anew how reliable the shipped file in ``models`` is; the run in ``folder`` holds its folds.

    Raises UserError where they are not what they should be, or of another recipe; then nothing is touched.
    """
    run, manifest = runs.load(folder, branch), ModelStore(models).manifest(branch.name)
    if (run.recipe, run.preprocessing_sha256) != (manifest.provenance["recipe"], manifest.preprocessing_sha256):
        raise UserError(f"{models / manifest.file}: was made by another recipe than the run in {folder}; convert that")
    if manifest.baseline is None:
        raise UserError(f"{models / manifest.file}: has no baseline to tell known inputs by; convert it")
    manifest = _reliable(branch, data, run, folder, manifest, models)
    write(manifest, models)
    return manifest


def _reliable(branch: Branch, data: Path, run: Run, folder: Path, manifest: Manifest, models: Path) -> Manifest:
    """``manifest`` of a file in ``models`` with its reliability.

    Asked is what learned from less: the folds' networks as they were trained, or where there are none the file itself.
    """
    if run.folds:
        answerers = [
            reliability.network(branch, data, folder / runs.fold_weights(number), fold)
            for number, fold in enumerate(run.folds)
        ]
    else:
        answerers = [reliability.shipped(branch, manifest, models)]
    found = [reliability.cases(branch, data, one, reliability.EXAMPLES // len(answerers)) for one in answerers]
    learned = reliability.learn(*reliability.apart(found))
    provenance = {**manifest.provenance, "reliability": learned.figures}
    return msgspec.structs.replace(manifest, reliability=learned.reliability, provenance=provenance)


def _cross_validated(branch: Branch, data: Path, run: Run, folder: Path, staged: Path, caps: Caps) -> Judgement:
    """All folds' answers, each fold's network quantized as the shipped one and asked only what it never saw."""
    parts = []
    for number, fold in enumerate(tqdm(run.folds, desc="converting", unit="fold", leave=False)):
        place = staged / f"fold-{number}"
        place.mkdir()
        own = msgspec.structs.replace(run, **msgspec.structs.asdict(fold), folds=())
        manifest = _converted(branch, data, own, folder / runs.fold_weights(number), place, caps)
        unseen = branch.unseen(data, _preprocessing(branch, own, folder), fold.split)
        parts.append(judge(branch, manifest, place, unseen, branch.conditions))
    return pooled(parts)


def _quantize(
    branch: Branch, run: Run, weights: Path, data: Path, preprocessing: Preprocessing, staged: Path, caps: Caps
) -> _Quantized:
    """The int8 file of the two ways to make one that costs less; the second is only tried where the first fails."""
    examples = branch.development(data, preprocessing, run.split)
    np.save(staged / "development.npy", examples.inputs)
    first: _Quantized | None = None
    try:
        first = _judged(branch, run, examples, staged, "int8.tflite", "post-training", caps)
        if first.cost.passes:
            return first
        said = f"{branch.name}: post-training int8 costs more than it may ({first.cost})"
    except OneAnswerError as error:
        said = str(error)
    try:
        np.save(staged / "training.npy", branch.representative(data, preprocessing, run.split, AWARE_INPUTS))
        arguments = (weights, staged / "training.npy", staged, branch.name)
        capped.run("quantization-aware training", "quantize.conversion.aware", *arguments, caps=caps)
        second = _judged(branch, run, examples, staged, aware.FILE, "quantization-aware", caps)
    except UserError as error:
        if first is None:
            raise UserError(f"{said}; nor is there another: {error}") from error
        print(f"{said}; it is kept all the same: {error}", file=sys.stderr)
        return first
    better = second if first is None or second.cost.agreement > first.cost.agreement else first
    print(f"{said}; after quantization-aware training {second.cost}; {better.method} is kept", file=sys.stderr)
    return better


def _judged(
    branch: Branch, run: Run, examples: Examples, staged: Path, file: str, method: str, caps: Caps
) -> _Quantized:
    """``file`` of ``staged``, verified in every runtime, and judged on ``examples``, which are in development.npy."""
    verification.verify(staged, staged / "representative.npy", branch.name, caps, file)
    before, after = (
        verification.answers(staged / name, "litert", staged / "development.npy", branch.name, caps)
        for name in ("float32.tflite", file)
    )
    cost = gate.cost(branch, run, examples, examples.decided(before), examples.decided(after))
    return _Quantized(staged / file, method, cost)


def _quantization(quantized: _Quantized, inputs: int) -> dict[str, Any]:
    """What the manifest says of it."""
    return {"method": quantized.method, "representative": inputs, "development_cost": asdict(quantized.cost)}


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


def _manifest(branch: Branch, run: Run, path: Path, quantization: dict[str, Any]) -> Manifest:
    """The manifest of the verified int8 file at ``path``."""
    interpreter = Interpreter(path)
    outputs = sorted(interpreter.outputs, key=lambda tensor: tensor.name == EMBEDDING)
    contracts = [TensorContract(t.name, t.shape, t.dtype) for t in (interpreter.input, *outputs)]
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
            "quantization": quantization,
            "versions": run.versions,
        },
    )


def _skill(run: Run) -> float:
    """How far the run's decisions beat chance, 0..1, on the data that set its thresholds."""
    balanced = list(run.development["balanced_accuracy"].values())
    return round(max(0.0, 2.0 * sum(balanced) / len(balanced) - 1.0), 3)
