"""Edu-EmotionNet's fusion, small enough for the device: cross-modal attention, modality importance, temporal feedback.

Each of the three can be switched off, for the ablations of the paper: CMAA, MIE and TFL there.
"""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

L = tf.keras.layers


def attention(
    steps: int,
    sizes: Sequence[int],
    states: int,
    width: int = 32,
    dropout: float = 0.3,
    cross: bool = True,
    importance: bool = True,
    feedback: bool = True,
    batch: int | None = None,
) -> tf.keras.Model:
    """The newest ``steps`` seconds, float32 (batch, steps, sum of ``sizes`` + ``states``) in; two outputs.

    A second is one block of numbers for each modality, ``sizes`` long, and what was said the second before: the
    log-odds of ``states`` states. Out come ``logits`` (batch, states) and ``weights`` (batch, modalities), the
    modalities' importance, which sums to 1.
    """
    seconds = L.Input((steps, sum(sizes) + states), batch_size=batch, name="moments")
    begins = [sum(sizes[:i]) for i in range(len(sizes))]
    tokens = []
    for number, (begin, size) in enumerate(zip(begins, sizes, strict=True)):
        block = L.Dropout(dropout)(seconds[:, :, begin : begin + size])
        tokens.append(L.Dense(width, activation="relu", name=f"modality_{number}")(block))
    newest = [token[:, -1:] for token in tokens]
    if cross:
        everything = L.Concatenate(axis=1)(tokens)
        # which second and which modality a token is: without it they would be a heap
        places = 0.0 * everything[:, :, :1] + tf.eye(steps * len(sizes))
        everything = L.Concatenate()([everything, places])
        queries = L.Dense(width, name="queries")(L.Concatenate(axis=1)(newest))
        keys = L.Dense(width, name="keys")(everything)
        values = L.Dense(width, name="values")(everything)
        scores = tf.matmul(queries, keys, transpose_b=True) * (width**-0.5)
        seen = tf.matmul(tf.nn.softmax(scores), values)
    else:
        means = [tf.reduce_mean(token, axis=1, keepdims=True) for token in tokens]
        seen = L.Dense(width, name="values")(L.Concatenate(axis=1)(means))
    told = L.Add()([L.Concatenate(axis=1)(newest), seen])
    told = L.Dense(width, activation="relu", name="told")(told)
    if importance:
        weights = L.Softmax(name="weights")(L.Reshape((len(sizes),))(L.Dense(1, name="importance")(told)))
    else:
        # a network still has to say something of every modality: the same, whatever it sees
        weights = L.Softmax(name="weights")(0.0 * told[:, :, 0])
    fused = tf.reduce_sum(told * L.Reshape((len(sizes), 1))(weights), axis=1)
    if feedback:
        fused = L.Concatenate()([fused, seconds[:, -1, sum(sizes) :]])
    fused = L.Dense(width, activation="relu", name="fused")(L.Dropout(dropout / 2)(fused))
    if feedback:
        kept = L.Dense(states, use_bias=False, name="kept")(seconds[:, -1, sum(sizes) :])
        logits = L.Add(name="logits")([L.Dense(states, name="states")(fused), kept])
    else:
        logits = L.Dense(states, name="logits")(fused)
    return tf.keras.Model(seconds, {"logits": logits, "weights": weights})


def unrolled(cell: tf.keras.Model, steps: int, length: int, states: int) -> tf.keras.Model:
    """``cell``, an ``attention``, run over ``length`` seconds with what it said fed back to it, for training.

    Seconds float32 (batch, ``length`` + ``steps`` - 1, numbers) in, logits (batch, ``length``, ``states``) out. Before
    the first second nothing was said.
    """
    numbers = cell.input_shape[-1] - states
    inputs = L.Input((length + steps - 1, numbers), name="seconds")
    said = [tf.zeros_like(inputs[:, 0, :states])] * steps
    out = []
    for second in range(length):
        fed = tf.stack([tf.clip_by_value(logits, -FED, FED) for logits in said[-steps:]], axis=1)
        window = tf.concat([inputs[:, second : second + steps], fed], axis=-1)
        said.append(cell(window)["logits"])
        out.append(said[-1])
    return tf.keras.Model(inputs, tf.stack(out, axis=1))


FED = 4.0
"""What was said is fed back as log-odds within this: beyond, nothing is more certain."""
