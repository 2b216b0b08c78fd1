"""Converting Keras models that were not trained here, and telling what int8 did to their answers."""

from __future__ import annotations

import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edge.errors import UserError
from edge.signals import Float32Array
from quantize.conversion import capped, representative, verification
from quantize.conversion.capped import Caps
from quantize.conversion.converter import KINDS, ORIGINAL
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


def convert_keras(keras: Path, source: str, out: Path, variants: Path | None, caps: Caps) -> dict[str, Any]:
    """Converts the Keras file ``keras`` to int8 as ``out``; its other kinds go to the folder ``variants`` if given.

    ``source`` is an .npy file of representative inputs (n, ...), or "random". Returns a report: ``bytes`` per kind,
    ``nodes``, ``delegated``, ``exempt`` operators, and ``kept`` (a Kept per runtime, and float32's). Raises UserError,
    with nothing written, where anything is not what it should be.
    """
    _check_keras(keras)
    with tempfile.TemporaryDirectory() as temporary:
        staged = Path(temporary)
        inputs = staged / "representative.npy"
        if source == RANDOM:
            np.save(inputs, _random(keras, staged, caps))
        else:
            np.save(inputs, representative.read(Path(source)))
        capped.run(str(keras), "quantize.conversion.converter", keras, inputs, staged, caps=caps)
        verified = verification.verify(staged, inputs, str(keras), caps)
        original = np.load(staged / ORIGINAL)
        kept = {name: asdict(compare(original, answers)) for name, answers in verified.answers.items()}
        contents = {kind: (staged / f"{kind}.tflite").read_bytes() for kind in KINDS}
    if variants is not None:
        for kind, content in contents.items():
            write_bytes(variants / f"{kind}.tflite", content)
    write_bytes(out, contents["int8"])
    return {
        "keras": str(keras),
        "representative": source,
        "bytes": {kind: len(content) for kind, content in contents.items()},
        "nodes": len(verified.graph.nodes),
        "delegated": verified.graph.delegated,
        "exempt": sorted({node.op for node in verified.graph.nodes if not node.delegated}),
        "kept": kept,
    }


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
