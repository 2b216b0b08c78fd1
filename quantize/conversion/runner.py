"""The process that runs one model file on many inputs in one runtime, apart, because a runtime may die of a file."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import numpy as np

from edge.inference.answer import answer
from edge.inference.interpreter import Interpreter, Runtime


def main(arguments: list[str]) -> int:
    """``FILE RUNTIME INPUTS.npy OUT.npy``: inputs float32 (n, ...) in; the logits, or the one output, out (n, ...)."""
    file, runtime, inputs, out = arguments
    interpreter = Interpreter(Path(file), cast(Runtime, runtime))
    shape = interpreter.input.shape
    np.save(out, np.stack([answer(interpreter(sample.reshape(shape))).logits for sample in np.load(inputs)]))
    return 0
