"""The process that runs TensorFlow's converter: ``main`` is called by ``quantize.conversion.capped``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.errors import UserError
from quantize.conversion.compaction import compact
from quantize.conversion.naming import named

KINDS = ("float32", "float16", "dynamic", "int8")
"""What is written, each as KIND.tflite."""

OTHERS = tuple(kind for kind in KINDS if kind != "int8")
"""Those that no device runs: float32 is what int8 is held against, the others only serve comparison."""

ORIGINAL = "original.npy"
"""What the Keras model itself says to the representative inputs, float32 (n, ...)."""


def main(arguments: list[str]) -> int:
    """``MODEL REPRESENTATIVE.npy FOLDER [BRANCH]``: a Keras file, or one of ``quantize.anchors``; inputs (n, ...).

    With the name of a branch, whose network the model then is, what is written has its embedding as a second output.
    Raises UserError where the model is no Keras file, does not take these inputs, or cannot be converted.
    """
    model_name, inputs, folder = arguments[0], np.load(arguments[1]), Path(arguments[2])
    original = load(model_name)
    model = served(exposed(original, *arguments[3:]), inputs)
    np.save(folder / ORIGINAL, np.asarray(original.predict(inputs, batch_size=_batch(original), verbose=0)))
    for kind in KINDS:
        (folder / f"{kind}.tflite").write_bytes(converted(model, kind, inputs))
    return 0


def load(name: str) -> Any:
    """The Keras model in the file ``name``, or the anchor of that name. Raises UserError where it is neither."""
    import tensorflow as tf

    from quantize.anchors import ANCHORS

    if name in ANCHORS:
        return ANCHORS[name].build()
    try:
        model = tf.keras.models.load_model(name, compile=False)
    except Exception as error:  # Keras raises whatever its unpacking meets
        raise UserError(f"Keras cannot load this file ({_one_line(error)})") from error
    if not hasattr(model, "inputs") or len(model.inputs) != 1 or len(model.outputs) != 1:
        raise UserError("has not exactly one input and one output")
    return model


def exposed(model: Any, branch: str | None = None) -> Any:
    """``model`` itself, or where it is of a ``branch`` the same with its embedding beside its logits."""
    if branch is None:
        return model
    from quantize.branches import BRANCHES

    return BRANCHES[branch].exposing(model)


def served(model: Any, inputs: NDArray[Any]) -> Any:
    """``model`` for a batch of one, with every recurrent layer unrolled.

    A rolled-up LSTM becomes one fused operator, which in int8 is some 20 times slower than the unrolled one, and keeps
    float tensors. Raises UserError where ``inputs`` (n, ...) are not what the model takes.
    """
    import tensorflow as tf

    takes = tuple(model.input_shape[1:])
    shape = inputs.shape[1:]
    if len(takes) != len(shape) or any(want not in (None, have) for want, have in zip(takes, shape, strict=True)):
        wanted = ", ".join("any" if size is None else str(size) for size in takes)
        raise UserError(f"the representative data are of shape {shape} each, the model takes ({wanted})")
    fixed = tf.keras.Input(shape, batch_size=1, dtype=model.inputs[0].dtype, name="inputs")
    try:
        copy = tf.keras.models.clone_model(model, input_tensors=fixed, clone_function=_unrolled)
    except (ValueError, TypeError) as error:
        raise UserError(f"cannot be rebuilt for a batch of one ({_one_line(error)})") from error
    copy.set_weights(model.get_weights())
    return copy


def _unrolled(layer: Any) -> Any:
    """A copy of ``layer``, unrolled where it is recurrent or wraps a recurrent one."""
    config = layer.get_config()
    for part in (config, *(config[key]["config"] for key in ("layer", "backward_layer") if config.get(key))):
        if "unroll" in part:
            part["unroll"] = True
    return type(layer).from_config(config)


def converted(model: Any, kind: str, inputs: NDArray[Any]) -> bytes:
    """The .tflite file of ``model``, a ``kind`` of KINDS; ``inputs`` (n, ...) set the ranges of int8.

    Raises UserError where TensorFlow Lite cannot do it.
    """
    import tensorflow as tf

    def samples() -> Iterator[list[NDArray[Any]]]:
        for sample in inputs:
            yield [sample[None]]

    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if kind != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if kind == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if kind == "int8":
        converter.representative_dataset = samples
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.int8
    try:
        content: bytes = converter.convert()
    except Exception as error:  # ConverterError, RuntimeError, ValueError: many roads, one meaning
        unsupported = re.search(r"(?:Custom|TF Select) ops: *([^\n]+)", str(error))
        if unsupported:
            raise UserError(f"TensorFlow Lite has no operator for {unsupported[1].strip()}") from error
        raise UserError(f"cannot be converted to {kind} ({_one_line(error)})") from error
    return compact(named(content))


def _batch(model: Any) -> int:
    return model.input_shape[0] or 32


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
