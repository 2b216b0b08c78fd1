"""Converting Keras models that were not trained here, and telling what int8 did to their answers."""

from __future__ import annotations

import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edge.errors import UserError
from edge.signals import Float32Array
from quantize.conversion import capped, gate, representative, rewritten, verification
from quantize.conversion.capped import Caps
from quantize.conversion.converter import KINDS, ORIGINAL, OTHERS
from quantize.conversion.verification import OneAnswerError, Verified
from quantize.files import write_bytes

KERAS_MAGIC = (b"PK", b"\x89HDF")
"""How a .keras archive and an .h5 file begin."""

RANDOM = "random"


@dataclass(frozen=True)
class Kept:
    """How far answers stayed what Keras said, on ``n`` inputs.

    ``agreement`` is the share of equal decisions, taken as ``rule`` says; differences are of outputs.
    """

    n: int
    rule: str
    agreement: float
    largest_difference: float
    mean_difference: float

    def __str__(self) -> str:
        return (
            f"{self.agreement:.1%} of decisions kept ({self.rule}), outputs differ by "
            f"{self.mean_difference:.4f} on average and {self.largest_difference:.4f} at most, n = {self.n}"
        )


@dataclass(frozen=True)
class _Candidate:
    """An int8 file, how it was made, and what it kept, per file and runtime, on the representative inputs."""

    file: str
    method: str
    verified: Verified
    kept: dict[str, Kept]

    @property
    def agreement(self) -> float:
        """The share of decisions that int8 keeps in litert."""
        return self.kept["int8"].agreement


def convert_keras(
    keras: Path, source: str, out: Path, variants: Path | None, caps: Caps, unseen: Path | None = None
) -> dict[str, Any]:
    """Converts the Keras file ``keras`` to int8 as ``out``; its other kinds go to the folder ``variants`` if given.

    ``source`` is an .npy file of representative inputs (n, ...), or "random"; ``unseen`` one of inputs that decide
    nothing. Where post-training int8 keeps fewer decisions than ``gate.AGREEMENT``, the network is rewritten (see
    ``quantize.conversion.rewritten``), and the better file of the two is written. Returns a report: ``bytes`` per kind,
    ``method``, ``nodes``, ``delegated``, ``exempt`` operators, ``kept`` (a Kept per runtime, and float32's),
    ``post_training`` (the plain file's Kept, None where it told no inputs apart), and, if inputs were given for it,
    ``unseen`` (a Kept of int8 against float32, in litert). Raises UserError, with nothing written, where anything is
    not what it should be.
    """
    _check_keras(keras)
    others = None if unseen is None else representative.numbers(unseen)
    with tempfile.TemporaryDirectory() as temporary:
        staged = Path(temporary)
        inputs = staged / "representative.npy"
        if source == RANDOM:
            np.save(inputs, _random(keras, staged, caps))
        else:
            np.save(inputs, representative.read(Path(source)))
        capped.run(str(keras), "quantize.conversion.converter", keras, inputs, staged, caps=caps)
        plain, best = _candidates(keras, inputs, staged, caps)
        report = {
            "keras": str(keras),
            "representative": source,
            "method": best.method,
            "nodes": len(best.verified.graph.nodes),
            "delegated": best.verified.graph.delegated,
            "exempt": sorted({node.op for node in best.verified.graph.nodes if not node.delegated}),
            "kept": {name: asdict(kept) for name, kept in best.kept.items()},
            "post_training": plain and asdict(plain.kept["int8"]),
        }
        if others is not None:
            np.save(staged / "unseen.npy", others)
            before, after = (
                verification.answers(staged / file, "litert", staged / "unseen.npy", str(keras), caps)
                for file in ("float32.tflite", best.file)
            )
            report["unseen"] = asdict(compare(before, after))
        written = () if variants is None else OTHERS
        verification.verify_others(staged, inputs, str(keras), caps, written)
        contents = {kind: (staged / f"{kind}.tflite").read_bytes() for kind in KINDS}
        contents["int8"] = (staged / best.file).read_bytes()
    report["bytes"] = {kind: len(content) for kind, content in contents.items()}
    if variants is not None:
        for kind, content in contents.items():
            write_bytes(variants / f"{kind}.tflite", content)
    write_bytes(out, contents["int8"])
    return report


def _candidates(keras: Path, inputs: Path, staged: Path, caps: Caps) -> tuple[_Candidate | None, _Candidate]:
    """The post-training int8 file, None where it gives one answer to all, and the one to write."""
    try:
        plain = _judged("int8.tflite", "post-training", keras, inputs, staged, caps)
    except OneAnswerError as error:
        print(f"{error}; rewriting the network", file=sys.stderr)
        return None, _rewritten(keras, inputs, staged, caps)
    if plain.agreement >= gate.AGREEMENT:
        return plain, plain
    print(f"{keras}: post-training int8 keeps {plain.agreement:.1%}; rewriting the network", file=sys.stderr)
    try:
        other = _rewritten(keras, inputs, staged, caps)
    except UserError as error:
        print(f"{error}; the first int8 file is kept", file=sys.stderr)
        return plain, plain
    return plain, max(plain, other, key=lambda candidate: candidate.agreement)


def _rewritten(keras: Path, inputs: Path, staged: Path, caps: Caps) -> _Candidate:
    capped.run(str(keras), "quantize.conversion.rewritten", keras, inputs, staged, caps=caps)
    return _judged(rewritten.FILE, "equalised, bias corrected", keras, inputs, staged, caps)


def _judged(file: str, method: str, keras: Path, inputs: Path, staged: Path, caps: Caps) -> _Candidate:
    """``file`` of ``staged``, verified in every runtime and compared with what Keras said."""
    verified = verification.verify(staged, inputs, str(keras), caps, file)
    original = np.load(staged / ORIGINAL)
    kept = {name: compare(original, answers) for name, answers in verified.answers.items()}
    return _Candidate(file, method, verified, kept)


def compare(original: Float32Array, answers: Float32Array) -> Kept:
    """What was kept of ``original``, both float32 (n, ...).

    Where outputs are probabilities that exclude each other, or several numbers, the highest decides; probabilities that
    do not are cut at 0.5 each; a single number by its sign.
    """
    original, answers = (values.reshape(len(values), -1) for values in (original, answers))
    difference = np.abs(original - answers)
    within = original.min() >= 0.0 and original.max() <= 1.0
    if original.shape[1] > 1 and (not within or np.allclose(original.sum(axis=1), 1.0, atol=1e-3)):
        rule, same = "highest output", original.argmax(axis=1) == answers.argmax(axis=1)
    else:
        cut = 0.5 if within else 0.0
        rule, same = f"cut at {cut:g}", (original >= cut) == (answers >= cut)
    return Kept(len(original), rule, float(np.mean(same)), float(difference.max()), float(difference.mean()))


def _check_keras(path: Path) -> None:
    try:
        with path.open("rb") as file:
            beginning = file.read(4)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from error
    if not beginning.startswith(KERAS_MAGIC):
        raise UserError(f"{path}: is not a Keras file (.keras or .h5)")


def _random(keras: Path, staged: Path, caps: Caps) -> Float32Array:
    """Standard normal inputs of the model's own shape."""
    capped.run(str(keras), "quantize.conversion.shapes", keras, staged / "shape.npy", caps=caps)
    shape = tuple(int(size) for size in np.load(staged / "shape.npy"))
    return np.random.default_rng(0).normal(size=(representative.FEWEST, *shape)).astype(np.float32)
