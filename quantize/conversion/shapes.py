"""The process that finds out what a Keras file takes; ``main`` is called by ``quantize.conversion.capped``."""

from __future__ import annotations

import numpy as np

from edge.errors import UserError
from quantize.conversion.converter import load


def main(arguments: list[str]) -> int:
    """``MODEL OUT.npy``: writes the input's shape without the batch. Raises UserError where it leaves a size open."""
    model, out = arguments
    shape = load(model).input_shape[1:]
    if None in shape:
        wanted = ", ".join("any" if size is None else str(size) for size in shape)
        raise UserError(f"takes inputs of ({wanted}); give representative data from a file, not random")
    np.save(out, np.array(shape))
    return 0
