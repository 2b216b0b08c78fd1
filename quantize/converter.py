"""The one process that runs TensorFlow's converter, on its own so that it can be stopped and kept to its memory.

``python -m quantize.converter MODEL.keras REPRESENTATIVE.npy FOLDER`` writes ``int8.tflite`` and ``float32.tflite``.
"""

from __future__ import annotations

import resource
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

MEMORY_BYTES = 16 << 30
"""Address space, not residence: TensorFlow reserves far more than it touches."""


def main(arguments: list[str]) -> int:
    """Converts; any error ends in a traceback on stderr, whose last line the parent repeats."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    import tensorflow as tf

    model_path, representative_path, folder = (Path(argument) for argument in arguments)
    model = tf.keras.models.load_model(model_path, compile=False)
    representative = np.load(representative_path)

    def samples() -> Iterator[list[np.ndarray]]:  # type: ignore[type-arg]
        for inputs in representative:
            yield [inputs[None]]

    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    (folder / "float32.tflite").write_bytes(converter.convert())
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = samples
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    (folder / "int8.tflite").write_bytes(converter.convert())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
