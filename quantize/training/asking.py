"""One way to ask a network, as it was trained or as it ships, for logits and embeddings of many inputs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from edge.inference.answer import answer
from edge.inference.interpreter import Interpreter
from edge.signals import Float32Array
from quantize.branches.base import Branch

Ask = Callable[[Float32Array], tuple[Float32Array, Float32Array | None]]
"""Inputs float32 (N, ...) to logits float32 (N, labels) and embeddings float32 (N, D), None without."""


def of_file(interpreter: Interpreter) -> Ask:
    """Asks the .tflite file that ``interpreter`` runs."""

    def ask(inputs: Float32Array) -> tuple[Float32Array, Float32Array | None]:
        said = [answer(interpreter(sample.reshape(interpreter.input.shape))) for sample in inputs]
        embeddings = [one.embedding for one in said if one.embedding is not None]
        return np.stack([one.logits for one in said]), np.stack(embeddings) if embeddings else None

    return ask


def of_weights(branch: Branch, weights: Path) -> Ask:
    """Asks the network of ``branch`` in the Keras file ``weights``."""
    import tensorflow as tf

    model = branch.exposing(tf.keras.models.load_model(weights, compile=False))

    def ask(inputs: Float32Array) -> tuple[Float32Array, Float32Array | None]:
        logits, embeddings = model.predict(inputs.reshape(-1, *model.input_shape[1:]), batch_size=1, verbose=0)
        return logits, embeddings

    return ask
