"""A Keras network written otherwise, to the same answers, so that int8 suits it better.

One int8 step serves all channels of an activation. Where a few channels reach a thousand times as far as the rest, as
behind a batch normalisation that divides by next to nothing, the rest is rounded away. Two exact rewrites help:

- a batch normalisation behind an activation moves forward into the weights of the next layer;
- cross-layer equalisation (Nagel et al. 2019, "Data-Free Quantization Through Weight Equalization and Bias
  Correction"): a layer's output channels are divided by what the next layer's input channels are multiplied with,
  through all that keeps a positive factor (ReLU, pooling). In int8 files every output channel's weights have a step of
  their own, so what a channel reaches on real inputs is weighed against the weights that read it, as in SmoothQuant
  (Xiao et al. 2023), not weights against weights.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from edge.signals import Float32Array

L = tf.keras.layers

FAINTEST = 1e-3
"""A channel that reaches less than this share of the widest one counts as reaching so far: other inputs may."""

BALANCE = 0.75
"""How much of the spread goes into the weights: 1 makes all channels reach equally far, 0 changes nothing."""

BATCH = 8

WEIGHTED = (L.Dense, L.Conv1D, L.Conv2D, L.DepthwiseConv2D, L.BatchNormalization)
DROPOUTS = (L.Dropout, L.SpatialDropout1D, L.SpatialDropout2D, L.GaussianNoise, L.GaussianDropout, L.AlphaDropout)
MAXIMA = (L.MaxPool1D, L.MaxPool2D, L.GlobalMaxPool1D, L.GlobalMaxPool2D)
MEANS = (L.AvgPool1D, L.AvgPool2D, L.GlobalAvgPool1D, L.GlobalAvgPool2D)
MOVERS = (L.Flatten, L.Cropping1D, L.Cropping2D, L.UpSampling1D)
PADDINGS = (L.ZeroPadding1D, L.ZeroPadding2D)
"""Layers by what they let through: a positive factor all of them, a negative one not MAXIMA, an offset not PADDINGS."""

Weights = dict[str, list[Float32Array]]


@dataclass(frozen=True)
class _Chain:
    """Two layers with weights and those between them, each read by the next alone."""

    first: Any
    between: tuple[Any, ...]
    second: Any


def equalised(model: Any, inputs: Float32Array) -> Any:
    """A copy of the Keras ``model`` with the same answers, whose channels reach alike on ``inputs`` (n, ...).

    What lies beside a layer that is not known here stays as it is.
    """
    graph = tf.keras.Model(model.inputs, model.outputs)
    weights = _weights(graph)
    folded = {chain.first.name for chain in _chains(graph, _lets_affine) if _fold(chain, weights)}
    graph = _rebuilt(graph, weights, folded)
    weights = _weights(graph)
    _equalise(graph, inputs, weights)
    return _rebuilt(graph, weights)


def _weights(model: Any) -> Weights:
    return {layer.name: layer.get_weights() for layer in model.layers}


def _chains(model: Any, lets: Any) -> Iterator[_Chain]:
    """Every chain of ``model`` whose inner layers are all such that ``lets(layer)``, in order."""
    outputs = {id(tensor) for tensor in model.outputs}
    for first in model.layers:
        if not _known(first):
            continue
        between: list[Any] = []
        layer = _reader(first, outputs)
        while layer is not None and lets(layer):
            between.append(layer)
            layer = _reader(layer, outputs)
        if layer is not None and _known(layer):
            yield _Chain(first, tuple(between), layer)


def _reader(layer: Any, outputs: set[int]) -> Any | None:
    """The one layer that reads what ``layer`` says; None where it is asked more than once or several read it."""
    readers = layer.outbound_nodes
    if len(layer.inbound_nodes) != 1 or len(readers) != 1 or id(layer.output) in outputs:
        return None
    reader = readers[0].outbound_layer
    return reader if len(reader.inbound_nodes) == 1 else None


def _known(layer: Any) -> bool:
    """Whether its weights can be told apart by channels, the last axis of what it reads and says."""
    if isinstance(layer, L.BatchNormalization):
        return bool(layer.scale and layer.center and list(layer.axis) == [len(layer.input_shape) - 1])
    last = getattr(layer, "data_format", "channels_last") == "channels_last"
    return type(layer) in WEIGHTED and last and getattr(layer, "groups", 1) == 1


def _lets_factor(layer: Any) -> bool:
    """Whether ``layer`` of a positive multiple is that multiple of ``layer``."""
    if isinstance(layer, L.ReLU):
        return layer.max_value is None and float(layer.threshold) == 0.0
    return isinstance(layer, (L.LeakyReLU, *PADDINGS)) or _named(layer, "relu") or _lets_affine(layer)


def _lets_affine(layer: Any) -> bool:
    """Whether the same holds for an offset."""
    last = getattr(layer, "data_format", "channels_last") == "channels_last"
    return (isinstance(layer, (*DROPOUTS, *MAXIMA, *MEANS, *MOVERS)) and last) or _named(layer, "linear")


def _named(layer: Any, activation: str) -> bool:
    return isinstance(layer, L.Activation) and layer.activation.__name__ == activation


def _fold(chain: _Chain, weights: Weights) -> bool:
    """Moves the batch normalisation that ``chain`` begins with into its second layer, if that is possible."""
    first, second = chain.first, chain.second
    if not isinstance(first, L.BatchNormalization) or isinstance(second, L.BatchNormalization):
        return False
    gamma, beta, mean, variance = weights[first.name]
    factor = gamma / np.sqrt(variance + first.epsilon)
    offset = beta - mean * factor
    if any(isinstance(layer, MAXIMA) for layer in chain.between) and factor.min() <= 0.0:
        return False
    if getattr(second, "padding", "valid") != "valid" and max(second.kernel_size) > 1 and offset.any():
        return False
    kernel, *bias = weights[second.name]
    said = _summed(second, _times(kernel, _spread(offset, kernel)))
    weights[second.name] = [_times(kernel, _spread(factor, kernel)), (bias[0] if bias else 0.0) + said]
    return True


def _summed(layer: Any, kernel: Float32Array) -> Float32Array:
    """What ``layer`` says where it reads nothing but ones."""
    if isinstance(layer, L.DepthwiseConv2D):
        return kernel.sum(axis=(0, 1)).reshape(-1)
    return kernel.reshape(-1, kernel.shape[-1]).sum(axis=0)


def _spread(values: Float32Array, kernel: Float32Array) -> Float32Array:
    """One of ``values`` for each input of ``kernel``, which may read every channel at several places (Flatten)."""
    return np.tile(values, kernel.shape[-2] // len(values))


def _times(kernel: Float32Array, values: Float32Array) -> Float32Array:
    """``kernel`` (..., inputs, outputs) times ``values`` (inputs,)."""
    return kernel * values[:, None]


def _equalise(model: Any, inputs: Float32Array, weights: Weights) -> None:
    """Makes the channels between every two layers reach alike."""
    chains = [chain for chain in _chains(model, _lets_factor) if _lets_through(chain.first)]
    for chain, reach in zip(chains, _reaches(model, chains, inputs), strict=True):
        factor = _factor(reach, _read(chain.second, weights[chain.second.name], len(reach)))
        weights[chain.first.name] = _divided(chain.first, weights[chain.first.name], factor)
        weights[chain.second.name] = _multiplied(chain.second, weights[chain.second.name], factor)


def _lets_through(layer: Any) -> bool:
    """Whether the activation that is part of ``layer``, if any, keeps a positive factor."""
    return getattr(layer, "activation", None) is None or layer.activation.__name__ in ("linear", "relu")


def _reaches(model: Any, chains: Sequence[_Chain], inputs: Float32Array) -> list[Float32Array]:
    """For every chain the largest magnitude in each channel of what its first layer says, behind its activation."""
    ends = []
    for chain in chains:
        activations = [layer for layer in chain.between[:1] if not _lets_affine(layer)]
        ends.append((activations or [chain.first])[0].output)
    if not ends:
        return []
    probe = tf.keras.Model(model.inputs, ends)
    size = model.input_shape[0] or BATCH
    found = [np.zeros(end.shape[-1], np.float32) for end in ends]
    for start in range(0, len(inputs), size):
        said = probe(inputs[start : start + size], training=False)
        for reach, values in zip(found, said if len(ends) > 1 else [said], strict=True):
            seen = np.abs(np.asarray(values)).reshape(-1, len(reach)).max(axis=0)
            np.maximum(reach, seen, out=reach)
    return found


def _read(layer: Any, weights: list[Float32Array], channels: int) -> Float32Array:
    """The largest weight by which ``layer`` reads each of its input's ``channels``."""
    if isinstance(layer, L.BatchNormalization):
        gamma, _, _, variance = weights
        return np.abs(gamma) / np.sqrt(variance + layer.epsilon)
    kernel = np.abs(weights[0])
    by_input = kernel.max(axis=tuple(axis for axis in range(kernel.ndim) if axis != kernel.ndim - 2))
    return by_input.reshape(-1, channels).max(axis=0)


def _factor(reach: Float32Array, read: Float32Array) -> Float32Array:
    """What to divide each channel by: its reach against the weights that read it, 1 where either is nothing."""
    if not reach.any() or not read.any():
        return np.ones_like(reach)
    reach, read = (np.maximum(values / values.max(), FAINTEST) for values in (reach, read))
    return reach**BALANCE / read ** (1.0 - BALANCE)


def _divided(layer: Any, weights: list[Float32Array], factor: Float32Array) -> list[Float32Array]:
    """Weights with which ``layer`` says in each channel what it said over ``factor``."""
    if isinstance(layer, L.BatchNormalization):
        gamma, beta, *moments = weights
        return [gamma / factor, beta / factor, *moments]
    kernel, *bias = weights
    depthwise = isinstance(layer, L.DepthwiseConv2D)
    return [kernel / (factor.reshape(kernel.shape[-2:]) if depthwise else factor), *(part / factor for part in bias)]


def _multiplied(layer: Any, weights: list[Float32Array], factor: Float32Array) -> list[Float32Array]:
    """Weights with which ``layer`` says what it said when it reads channels that were divided by ``factor``."""
    if isinstance(layer, L.BatchNormalization):
        gamma, beta, mean, variance = weights
        return [gamma * factor, beta, mean / factor, variance]
    kernel, *bias = weights
    return [_times(kernel, _spread(factor, kernel)), *bias]


def _rebuilt(model: Any, weights: Weights, identities: Sequence[str] | set[str] = ()) -> Any:
    """A copy of ``model`` with these ``weights``, and with layers that change nothing in place of ``identities``."""

    def clone(layer: Any) -> Any:
        if layer.name in identities:
            return L.Activation("linear", name=layer.name)
        config = layer.get_config()
        if len(weights[layer.name]) > len(layer.weights):
            config["use_bias"] = True
        return type(layer).from_config(config)

    copy = tf.keras.models.clone_model(model, clone_function=clone)
    for layer in copy.layers:
        if layer.weights:
            layer.set_weights(weights[layer.name])
    return copy
