"""The networks of the speech branch: a perceptron over an utterance's functionals, and the paper's kind of CNN."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from edge.inference.answer import EMBEDDING, LOGITS

L = tf.keras.layers


def perceptron(
    features: int, labels: int, widths: Sequence[int], dropout: float, batch: int | None = None
) -> tf.keras.Model:
    """Standardised functionals float32 (batch, features) in, logits (batch, labels) out."""
    inputs = x = L.Input((features,), batch_size=batch, name="utterance")
    x = L.Dropout(dropout / 5)(x)
    for width in widths:
        x = L.Dense(width, use_bias=False)(x)
        x = L.BatchNormalization(momentum=0.98)(x)
        x = L.ReLU()(x)
        x = L.Dropout(dropout)(x)
    return tf.keras.Model(inputs, L.Dense(labels, name=LOGITS)(x))


def convolutional(
    frames: int, bands: int, labels: int, widths: Sequence[int], dropout: float, batch: int | None = None
) -> tf.keras.Model:
    """Log-mel float32 (batch, frames, bands) in, logits (batch, labels) out: one block of convolutions per width.

    Mean and maximum over time are pooled.
    """
    inputs = x = L.Input((frames, bands), batch_size=batch, name="utterance")
    for block, width in enumerate(widths):
        x = _convolution(x, width, kernel=5, stride=2 if block == 0 else 1)
        x = _convolution(x, width, kernel=3)
        x = L.MaxPool1D(3, padding="same")(x)
        x = L.SpatialDropout1D(dropout / 2)(x)
    x = L.Concatenate()([L.GlobalAveragePooling1D()(x), L.GlobalMaxPooling1D()(x)])
    x = L.Dropout(dropout)(x)
    return tf.keras.Model(inputs, L.Dense(labels, name=LOGITS)(x))


def exposing(model: tf.keras.Model) -> tf.keras.Model:
    """Either network with its embedding as a second output: what the logits are read from, (batch, D).

    D is the last of a perceptron's ``widths``, and twice that of a convolutional network's.
    """
    head = model.get_layer(LOGITS)
    return tf.keras.Model(model.inputs, [head.output, L.Activation("linear", name=EMBEDDING)(head.input)])


def _convolution(x: tf.Tensor, width: int, kernel: int, stride: int = 1) -> tf.Tensor:
    x = L.Conv1D(width, kernel, stride, padding="same", use_bias=False)(x)
    x = L.BatchNormalization()(x)
    return L.ReLU()(x)
