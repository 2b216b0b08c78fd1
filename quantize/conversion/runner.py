"""The process that runs one model file on many inputs in one runtime, apart, because a runtime may die of a file."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import numpy as np

from edge.inference.interpreter import Interpreter, Runtime


def main(arguments: list[str]) -> int:
    """``FILE RUNTIME INPUTS.npy OUT.npy``: inputs float32 (n, ...) in, the first output float32 (n, ...) out."""
    file, runtime, inputs, out = arguments
    interpreter = Interpreter(Path(file), cast(Runtime, runtime))
    name, shape = interpreter.outputs[0].name, interpreter.input.shape
    answers = [interpreter(sample.reshape(shape))[name][0] for sample in np.load(inputs)]
    np.save(out, np.stack(answers))
    return 0
