"""The engagement network of AffectFusion: an LSTM over 10 s of landmark features."""

from __future__ import annotations

import tensorflow as tf

from edge.inference.answer import EMBEDDING, LOGITS

L = tf.keras.layers

RECURRENT = "recurrent"
"""The layer that reads the hidden units where a polynomial runs beside the LSTM."""


def engagement(
    steps: int,
    features: int,
    labels: int,
    units: int = 64,
    hidden: int = 32,
    dropout: float = 0.5,
    beside: bool = False,
    batch: int | None = None,
) -> tf.keras.Model:
    """Landmark features float32 (batch, steps, features) in, logits (batch, labels) out.

    With a ``batch`` the LSTM is unrolled: in int8 that is some 20 times faster on the device than the fused operator,
    and holds no float tensor. Training leaves it rolled up.

    With ``beside``, a polynomial of the window's mean features runs beside the LSTM: the layers ``linear``, over the
    means, and ``square``, over their squares, both fixed once they are set. What the LSTM says is added to it, and is
    nothing before training. Without, it is the paper's network.
    """
    inputs = x = L.Input((steps, features), batch_size=batch, name="landmarks")
    x = L.LSTM(units, unroll=batch is not None)(x)
    x = L.Dropout(dropout)(x)
    x = L.Dense(hidden, activation="relu")(x)
    x = L.Dropout(dropout)(x)
    if not beside:
        return tf.keras.Model(inputs, L.Dense(labels, name=LOGITS)(x))
    recurrent = L.Dense(labels, kernel_initializer="zeros", name=RECURRENT)(x)
    mean = L.GlobalAveragePooling1D()(inputs)
    linear = L.Dense(labels, name="linear", trainable=False)(mean)
    square = L.Dense(labels, name="square", use_bias=False, trainable=False)(L.Multiply()([mean, mean]))
    return tf.keras.Model(inputs, L.Add(name=LOGITS)([linear, square, recurrent]))


def exposing(model: tf.keras.Model) -> tf.keras.Model:
    """Either network with its embedding as a second output: the window's mean features, then the hidden units.

    Both are copied by a mean over one: it is the operator that may answer in another int8 step than it reads. Put
    together as they are, which takes one step for all, the hidden units would lose most of theirs in the logits too.
    """
    names = {layer.name for layer in model.layers}
    head = model.get_layer(RECURRENT if RECURRENT in names else LOGITS)
    mean = L.GlobalAveragePooling1D()(model.inputs[0])
    parts = [tf.reduce_mean(tf.reshape(part, (1, -1, part.shape[-1])), axis=0) for part in (mean, head.input)]
    return tf.keras.Model(model.inputs, [model.get_layer(LOGITS).output, L.Concatenate(name=EMBEDDING)(parts)])
