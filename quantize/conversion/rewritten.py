"""The process that writes an int8 file of a network after rewriting it so that int8 costs it less.

The channels are equalised (``quantize.conversion.equalisation``), then the biases are corrected, layer after layer
(Nagel et al. 2019, "Data-Free Quantization Through Weight Equalization and Bias Correction", section 4.2 and appendix
D): int8 rounds faint activations to nothing more often than to something, which moves all that follows one way, by a
mean that the representative inputs tell. ``main`` is called by ``quantize.conversion.capped``.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from edge.inference.interpreter import Interpreter
from edge.signals import Float32Array
from quantize.conversion import converter, representative

FILE = "rewritten.tflite"

LEAST_ACTIVE = 0.1
"""A channel that is active less often than this is corrected as if it were active so often: it must not leap."""


def main(arguments: list[str]) -> int:
    """``MODEL REPRESENTATIVE.npy FOLDER``: a Keras file, inputs (n, ...); writes ``FILE`` to the folder.

    Raises UserError as ``quantize.conversion.converter`` does.
    """
    from quantize.conversion.equalisation import equalised

    inputs = np.load(arguments[1])
    model = equalised(converter.served(converter.load(arguments[0]), inputs), inputs)
    correct(model, representative.evenly(inputs, representative.FEWEST))
    (Path(arguments[2]) / FILE).write_bytes(converter.converted(model, "int8", inputs))
    return 0


def correct(model: Any, inputs: Float32Array) -> None:
    """Moves the biases so that, on ``inputs`` (n, ...), every channel says in int8 what it says in float on average.

    Left alone are layers without a bias and those whose activation is neither linear nor ReLU, but for the last layer,
    which is compared before its activation.
    """
    import tensorflow as tf

    raw = _raw(model)
    layers = [layer for layer in raw.layers if getattr(layer, "use_bias", False) and _activation(layer) is not None]
    probes = [tf.keras.Model(raw.inputs, layer.output) for layer in layers]
    meant = [_means(probe.predict(inputs, batch_size=1, verbose=0)) for probe in probes]
    for layer, probe, (mean, share) in zip(layers, probes, meant, strict=True):
        said, _ = _means(_int8(probe, inputs))
        active = np.maximum(share, LEAST_ACTIVE) if _activation(layer) == "relu" else 1.0
        *kernels, bias = layer.get_weights()
        layer.set_weights([*kernels, bias + (mean - said) / active])
    model.set_weights(raw.get_weights())


def _raw(model: Any) -> Any:
    """A copy of ``model`` without its last activation, whether that is a layer or part of one; of equal weights."""
    import tensorflow as tf

    last = model.get_layer(model.output_names[0])
    outputs = model.outputs
    if isinstance(last, (tf.keras.layers.Activation, tf.keras.layers.Softmax)):
        last = last.inbound_nodes[0].inbound_layers
        outputs = [last.output]

    def clone(layer: Any) -> Any:
        config = layer.get_config()
        if layer is last and "activation" in config:
            config["activation"] = "linear"
        return type(layer).from_config(config)

    copy = tf.keras.models.clone_model(tf.keras.Model(model.inputs, outputs), clone_function=clone)
    copy.set_weights(model.get_weights())
    return copy


def _activation(layer: Any) -> str | None:
    """``linear`` or ``relu``; None for all else."""
    name = getattr(getattr(layer, "activation", None), "__name__", None)
    return name if name in ("linear", "relu") else None


def _means(values: Float32Array) -> tuple[Float32Array, Float32Array]:
    """For each channel the mean, and the share that is above zero."""
    rows = values.reshape(-1, values.shape[-1])
    return rows.mean(axis=0), (rows > 0).mean(axis=0)


def _int8(probe: Any, inputs: Float32Array) -> Float32Array:
    """What ``probe`` says to ``inputs`` once it is int8."""
    with tempfile.TemporaryDirectory() as temporary:
        file = Path(temporary) / "probe.tflite"
        file.write_bytes(converter.converted(probe, "int8", inputs))
        interpreter = Interpreter(file)
        return np.concatenate([next(iter(interpreter(sample[None]).values())) for sample in inputs])
