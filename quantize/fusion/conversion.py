"""The process that makes the attention model's files: ``main`` is called by ``quantize.conversion.capped``."""

from __future__ import annotations

from pathlib import Path

import numpy as np


def main(arguments: list[str]) -> int:
    """``MODEL.keras REPRESENTATIVE.npy FOLDER``: writes float32.tflite and int8.tflite, their outputs by name.

    The network must be of a batch of one. Raises UserError where it cannot be converted.
    """
    import tensorflow as tf

    from quantize.conversion.converter import converted

    model = tf.keras.models.load_model(arguments[0], compile=False)
    inputs, folder = np.load(arguments[1]), Path(arguments[2])
    for kind in ("float32", "int8"):
        (folder / f"{kind}.tflite").write_bytes(converted(model, kind, inputs))
    return 0
