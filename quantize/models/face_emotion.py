"""A small residual network for 48 x 48 faces, and the same asked about the picture and its mirror image.

Plain 3 x 3 convolutions, because int8 on the device runs them more than twice as fast as a separable network of fewer
parameters, and they train twice as fast.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from edge.inference.answer import EMBEDDING, LOGITS

L = tf.keras.layers


def face_emotion(labels: int, widths: Sequence[int] = (16, 32, 64, 128, 256), dropout: float = 0.2) -> tf.keras.Model:
    """Standardised grey float32 (batch, side, side, 1) in, logits (batch, labels) out; any side from 16 up.

    ``widths`` are those of five convolutions, each at half the resolution of the one before; a residual block follows
    the third and the fourth.
    """
    first, plain, *stages, last = widths
    inputs = x = L.Input((None, None, 1), name="face")
    x = _convolution(x, first)
    x = _convolution(L.MaxPool2D()(x), plain)
    for width in stages:
        x = _convolution(L.MaxPool2D()(x), width)
        x = _residual(x, width)
    x = _convolution(L.MaxPool2D()(x), last)
    x = L.Dropout(dropout)(L.GlobalAveragePooling2D()(x))
    return tf.keras.Model(inputs, L.Dense(labels, name=LOGITS)(x))


def with_mirror(network: tf.keras.Model, size: int, batch: int | None = None) -> tf.keras.Model:
    """The mean of ``network``'s logits for each picture, float32 (batch, size, size, 1), and its mirror image."""
    inputs, both = _asked_twice(network, size, batch)
    return tf.keras.Model(inputs, _mean(both, batch))


def exposing(model: tf.keras.Model) -> tf.keras.Model:
    """``model``, made by ``with_mirror``, with its embedding as a second output.

    That is what its network pools, (batch, last of widths), likewise the mean over the picture and its mirror image.
    """
    (network,) = (layer for layer in model.layers if isinstance(layer, tf.keras.Model))
    head = network.get_layer(LOGITS)
    opened = tf.keras.Model(network.inputs, [head.output, head.input])
    batch, size = model.input_shape[:2]
    inputs, both = _asked_twice(opened, size, batch)
    outputs = zip((LOGITS, EMBEDDING), both, strict=True)
    return tf.keras.Model(inputs, [L.Activation("linear", name=name)(_mean(part, batch)) for name, part in outputs])


def _asked_twice(network: tf.keras.Model, size: int, batch: int | None) -> tuple[tf.Tensor, Any]:
    """An input of pictures, and what ``network`` says of them and, behind that, of their mirror images."""
    inputs = L.Input((size, size, 1), batch_size=batch, name="face")
    return inputs, network(tf.concat([inputs, tf.reverse(inputs, [2])], axis=0))


def _mean(both: tf.Tensor, batch: int | None) -> tf.Tensor:
    """(batch, n) of what was said of pictures and their mirror images, (2 x batch, n)."""
    return tf.reduce_mean(tf.reshape(both, (2, batch or -1, both.shape[-1])), axis=0)


def _residual(x: tf.Tensor, width: int) -> tf.Tensor:
    inner = _convolution(x, width)
    inner = L.Conv2D(width, 3, padding="same", use_bias=False)(inner)
    return L.ReLU()(L.Add()([x, L.BatchNormalization()(inner)]))


def _convolution(x: tf.Tensor, width: int) -> tf.Tensor:
    x = L.Conv2D(width, 3, padding="same", use_bias=False)(x)
    return L.ReLU()(L.BatchNormalization()(x))
