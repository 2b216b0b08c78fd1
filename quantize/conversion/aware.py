"""Quantization-aware training: a few epochs in which a network learns to say in int8 what it said in float32.

The network is its own teacher: it is shown training inputs and drawn to the logits that it gave before, so no label,
loss or augmentation of the branch is needed. ``main`` is called by ``quantize.conversion.capped``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from edge.errors import UserError
from quantize.conversion.compaction import compact
from quantize.conversion.converter import exposed
from quantize.conversion.naming import named

EPOCHS = 3
BATCH = 32
LEARNING_RATE = 1e-4
SEED = 1

FILE = "aware.tflite"


def main(arguments: list[str]) -> int:
    """``MODEL.keras INPUTS.npy FOLDER [BRANCH]``: training inputs float32 (n, ...); writes ``FILE`` to the folder.

    With the name of a branch the file has its embedding too, which is drawn to nothing.
    Raises UserError where tensorflow-model-optimization cannot annotate the network.
    """
    import tensorflow as tf

    tf.keras.utils.set_random_seed(SEED)
    model, inputs = (
        exposed(tf.keras.models.load_model(arguments[0], compile=False), *arguments[3:]),
        np.load(arguments[1]),
    )
    teacher = tf.keras.models.clone_model(model, input_tensors=tf.keras.Input(model.input_shape[1:]))
    teacher.set_weights(model.get_weights())
    student = _annotated(teacher)
    logits = tf.keras.Model(teacher.inputs, teacher.outputs[0]).predict(inputs, batch_size=BATCH, verbose=0)
    learner = tf.keras.Model(student.inputs, student.outputs[0])
    # in units of the logits' own spread, so that one learning rate suits every network
    learner.compile(tf.keras.optimizers.Adam(LEARNING_RATE), lambda t, y: tf.reduce_mean(((t - y) / logits.std()) ** 2))
    learner.fit(inputs, logits, batch_size=BATCH, epochs=EPOCHS, verbose=0)
    (Path(arguments[2]) / FILE).write_bytes(_int8(student, inputs.shape[1:]))
    return 0


def _annotated(model: Any) -> Any:
    """``model`` with fake quantization everywhere. Raises UserError where a layer is not supported."""
    import tensorflow as tf

    # tfmot redirects every view of Keras that is not loaded yet to another package, which is not installed
    for keras in (tf.keras, tf.compat.v1.keras, tf.compat.v2.keras):
        _ = keras.layers
    try:
        from tensorflow_model_optimization.quantization.keras import quantize_model
    except ImportError as error:
        raise UserError(f"quantization-aware training needs tensorflow-model-optimization ({error})") from error
    try:
        return quantize_model(model)
    except (RuntimeError, ValueError) as error:
        raise UserError(" ".join(str(error).split(". ")[0].split())) from error


def _int8(student: Any, shape: tuple[int, ...]) -> bytes:
    """The converted network; its ranges were learned, so no representative data are asked for."""
    import tensorflow as tf

    signature = tf.TensorSpec((1, *shape), tf.float32)
    function = tf.function(lambda inputs: student(inputs, training=False)).get_concrete_function(signature)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function], student)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    content: bytes = converter.convert()
    return compact(named(content))
