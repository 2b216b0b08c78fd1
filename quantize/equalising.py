"""Rewriting a chain of layers so that int8 keeps its answers; in float32 it computes the same.

A batch normalisation behind a ReLU cannot be folded into the convolution before it: it stays, and stretches a few
channels so far that int8 has no steps left for the others. It can be moved forward, through pooling and averages, into
the next layer with weights. And a ReLU lets every channel be scaled before it and unscaled after it: all channels are
brought to one range (cross-layer equalisation, Nagel et al. 2019, doi:10.1109/ICCV.2019.00141).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from edge.signals import Float32Array

LEAST = 1e-3
"""The smallest range of a channel, as a share of the layer's largest, that is stretched."""


def equalised(model: Any, inputs: Float32Array) -> Any:
    """``model``, rewritten where it is a chain whose batch normalisations stand behind ReLUs; unchanged where not.

    ``inputs`` (n, ...) are representative; the ranges of channels are taken from them.
    """
    import tensorflow as tf

    L = tf.keras.layers
    layers = [layer for layer in model.layers if not isinstance(layer, L.InputLayer)]
    places = [index for index, layer in enumerate(layers) if isinstance(layer, L.BatchNormalization)]
    if not _is_chain(model, layers) or not places or not all(_movable(layers, index) for index in places):
        return model
    ranges = _ranges(model, layers, inputs)
    x = source = tf.keras.Input(model.input_shape[1:])
    # what the tensor at hand must be multiplied with and added to, channel by channel, to be the original's
    scale, shift = np.ones(model.input_shape[-1], np.float32), np.zeros(model.input_shape[-1], np.float32)
    for index, layer in enumerate(layers):
        if index in places:
            factor, offset = _affine(layer)
            scale, shift = scale * factor, shift * factor + offset
            continue
        copy = type(layer).from_config(layer.get_config())
        x = copy(x)
        if not isinstance(layer, (L.Conv1D, L.Conv2D, L.Dense)):
            copy.set_weights(layer.get_weights())
            continue
        kernel, bias = layer.get_weights()
        inside = tuple(range(kernel.ndim - 2))
        bias = bias + (kernel.sum(axis=inside) * shift[:, None]).sum(axis=0)
        stretch = ranges.get(index, np.ones(kernel.shape[-1], np.float32))
        copy.set_weights([kernel * scale[:, None] / stretch, bias / stretch])
        scale, shift = stretch, np.zeros_like(stretch)
    return tf.keras.Model(source, x)


def _is_chain(model: Any, layers: list[Any]) -> bool:
    """Whether each layer feeds only the next, all are of kinds known here, and the last has weights of its own."""
    import tensorflow as tf

    L = tf.keras.layers
    known = (L.Conv1D, L.Conv2D, L.Dense, L.BatchNormalization, *_passing())
    weighted = (L.Conv1D, L.Conv2D, L.Dense)
    return (
        isinstance(model, tf.keras.Sequential)
        and all(type(layer) in known for layer in layers)
        and all(layer.use_bias and getattr(layer, "groups", 1) == 1 for layer in layers if isinstance(layer, weighted))
        and isinstance(layers[-1], weighted)
    )


def _passing() -> tuple[Any, ...]:
    """Layers behind which an increasing affine map per channel may as well come."""
    import tensorflow as tf

    L = tf.keras.layers
    return (L.MaxPooling1D, L.MaxPooling2D, L.GlobalAveragePooling1D, L.GlobalAveragePooling2D, L.Dropout)


def _movable(layers: list[Any], index: int) -> bool:
    """Whether the batch normalisation stands behind a ReLU and can be moved into the next layer with weights."""
    import tensorflow as tf

    if not _is_relu(layers[index - 1]):
        return False
    target = next(later for later in layers[index + 1 :] if type(later) not in _passing())
    # padding puts zeros where the map would have put its shift
    takes = isinstance(target, tf.keras.layers.Dense) or getattr(target, "padding", "") == "valid"
    return takes and bool((_affine(layers[index])[0] > 0).all())


def _is_relu(layer: Any) -> bool:
    import tensorflow as tf

    return getattr(layer, "activation", None) is tf.keras.activations.relu


def _affine(normalisation: Any) -> tuple[Float32Array, Float32Array]:
    """Factor and offset per channel of a batch normalisation at rest."""
    mean, variance = (np.asarray(part) for part in (normalisation.moving_mean, normalisation.moving_variance))
    factor = 1 / np.sqrt(variance + normalisation.epsilon)
    if normalisation.scale:
        factor = factor * np.asarray(normalisation.gamma)
    offset = -mean * factor
    return factor, offset + np.asarray(normalisation.beta) if normalisation.center else offset


def _ranges(model: Any, layers: list[Any], inputs: Float32Array) -> dict[int, Float32Array]:
    """The largest output of each channel of every layer that ends in a ReLU, by the layer's place."""
    import tensorflow as tf

    places = [index for index, layer in enumerate(layers[:-1]) if _is_relu(layer)]
    watched = tf.keras.Model(model.inputs, [layers[index].output for index in places])
    largest: list[Float32Array] | None = None
    for part in np.array_split(inputs, max(1, len(inputs) // 16)):
        outputs = watched.predict_on_batch(part)
        tops = [
            output.reshape(-1, output.shape[-1]).max(axis=0) for output in (outputs if len(places) > 1 else [outputs])
        ]
        largest = tops if largest is None else [np.maximum(a, b) for a, b in zip(largest, tops, strict=True)]
    assert largest is not None
    return {index: np.maximum(top, LEAST * top.max()) for index, top in zip(places, largest, strict=True)}
