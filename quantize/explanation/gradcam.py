"""Grad-CAM for the face branch: which places of a picture speak for an emotion (Selvaraju et al. 2017)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tqdm import tqdm

from edge.errors import UserError
from edge.signals import Float32Array
from quantize.conversion import converter

BATCH = 128


class GradCam:
    """The logits of a network, asked about the picture and its mirror image as on the device, and their maps.

    ``network`` takes float32 (batch, side, side, 1) and gives logits (batch, labels), with one global average pooling.
    What is pooled, A, is weighed by the gradient of a logit, averaged over all places: the sum over A's channels is the
    map. Where only a dense layer follows the pooling, as here, the map's sum over all places is the logit itself but
    for the bias: Grad-CAM is exact.
    """

    def __init__(self, network: tf.keras.Model) -> None:
        (pooling,) = (layer for layer in network.layers if isinstance(layer, tf.keras.layers.GlobalAveragePooling2D))
        self._network = network
        self._opened = tf.keras.Model(network.inputs, [pooling.input, network.output])
        self._asked = tf.function(self._ask, reduce_retracing=True)
        self._mapped = tf.function(self._map, reduce_retracing=True)

    def logits(self, pictures: Float32Array, bar: tqdm | None = None) -> Float32Array:
        """Float32 (N, labels) of ``pictures``, float32 (N, side, side, 1); moves ``bar`` by each."""
        return _in_batches(lambda rows: self._asked(pictures[rows]), len(pictures), bar)

    def maps(self, pictures: Float32Array, labels: NDArray[np.int64], bar: tqdm | None = None) -> Float32Array:
        """What each place adds to the logit of each picture's label, (N,): float32 (N, height, width), small.

        Places that speak against it are below zero; Grad-CAM as published cuts them off. What the mirror image's map
        says is turned back.
        """
        return _in_batches(lambda rows: self._mapped(pictures[rows], labels[rows]), len(pictures), bar)

    def _ask(self, pictures: tf.Tensor) -> tf.Tensor:
        return (self._network(pictures) + self._network(tf.reverse(pictures, [2]))) / 2

    def _map(self, pictures: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        return (self._one(pictures, labels) + tf.reverse(self._one(tf.reverse(pictures, [2]), labels), [2])) / 2

    def _one(self, pictures: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(pictures)
            pooled, logits = self._opened(pictures)
            asked = tf.reduce_sum(tf.gather(logits, labels, batch_dims=1))
        weights = tf.reduce_mean(tape.gradient(asked, pooled), axis=(1, 2), keepdims=True)
        return tf.reduce_sum(weights * pooled, axis=3)


def load(file: Path) -> GradCam:
    """The network in a face run's ``model.keras``, which holds it once and asks it twice.

    Raises UserError where it is none that Grad-CAM can look into.
    """
    try:
        model = converter.load(str(file))
        (network,) = (layer for layer in model.layers if isinstance(layer, tf.keras.Model))
        return GradCam(network)
    except UserError as error:
        raise UserError(f"{file}: {error}") from error
    except ValueError as error:
        raise UserError(f"{file}: is not a face network of this program; train again") from error


def _in_batches(asked: Callable[[slice], Any], count: int, bar: tqdm | None) -> Float32Array:
    parts = []
    for start in range(0, count, BATCH):
        rows = slice(start, min(start + BATCH, count))
        parts.append(np.asarray(asked(rows)))
        if bar is not None:
            bar.update(rows.stop - rows.start)
    return np.concatenate(parts)
