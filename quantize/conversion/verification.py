"""Every int8 file is looked through, and every file run in every runtime, before anybody gets it."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edge.benchmarks.models import RUNTIMES
from edge.errors import UserError
from edge.inference.graph import Graph
from edge.inference.interpreter import Runtime
from edge.signals import Float32Array
from quantize.conversion import capped
from quantize.conversion.capped import Caps
from quantize.conversion.inspection import inspect


class OneAnswerError(UserError):
    """An int8 file gives one answer to inputs that float32 tells apart."""


@dataclass(frozen=True)
class Verified:
    """The int8 file's graph, and the answers, float32 (n, ...), of ``float32`` and of int8 in each runtime."""

    graph: Graph
    answers: dict[str, Float32Array]


def verify(folder: Path, inputs: Path, name: str, caps: Caps, file: str = "int8.tflite") -> Verified:
    """Runs ``file`` and ``float32.tflite`` of ``folder`` on ``inputs`` (.npy); ``name`` begins every message.

    Raises UserError where the int8 file is not pure, not delegated or cannot be run in an installed runtime;
    OneAnswerError where it is one.
    """
    found = inspect(folder / file, name)
    said = {"float32": answers(folder / "float32.tflite", "litert", inputs, name, caps)}
    for runtime in filter(_installed, RUNTIMES):
        key = "int8" if runtime == "litert" else f"int8_{runtime.replace('-', '_')}"
        said[key] = answers(folder / file, runtime, inputs, name, caps)
        if len(np.unique(said[key], axis=0)) == 1 < len(np.unique(said["float32"], axis=0)):
            raise OneAnswerError(f"{name}: its int8 form gives every input the same answer in {runtime}")
    return Verified(found, said)


def verify_others(folder: Path, inputs: Path, name: str, caps: Caps, kinds: Sequence[str]) -> None:
    """Runs KIND.tflite of ``folder`` for each of ``kinds``, which are not int8, on ``inputs`` (.npy) in every runtime.

    Raises UserError where litert cannot run one. That tflite-runtime cannot, or is not installed, which leaves int8
    untried there too, is one line on stderr: these kinds only serve comparison.
    """
    for runtime in RUNTIMES:
        if not _installed(runtime):
            print(f"{name}: {runtime} is not installed; nothing was run in it", file=sys.stderr)
            continue
        for kind in kinds:
            try:
                answers(folder / f"{kind}.tflite", runtime, inputs, name, caps)
            except UserError as error:
                if runtime == "litert":
                    raise
                print(error, file=sys.stderr)


def _installed(runtime: Runtime) -> bool:
    return importlib.util.find_spec(RUNTIMES[runtime][0]) is not None


def answers(file: Path, runtime: str, inputs: Path, name: str, caps: Caps) -> Float32Array:
    """What ``file`` says to ``inputs`` (.npy), float32 (n, ...). Raises UserError where ``runtime`` cannot run it."""
    out = file.parent / f"{file.stem}-{runtime}.npy"
    capped.run(f"{name}, {file.stem} in {runtime}", "quantize.conversion.runner", file, runtime, inputs, out, caps=caps)
    said: Float32Array = np.load(out)
    return said
