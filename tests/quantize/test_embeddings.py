"""The embedding beside the logits: what it is for each branch, and that it costs the logits nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge.inference.answer import EMBEDDING, LOGITS, Answer, answer
from edge.inference.interpreter import Interpreter
from edge.signals import Float32Array
from quantize.branches import BRANCHES
from quantize.conversion import converter, inspection
from quantize.conversion.naming import named

tf = pytest.importorskip("tensorflow", reason="converting needs TensorFlow, which is not installed here")

Network = tuple[Any, Float32Array]
"""A network for a batch of one, and inputs of it."""


def faces() -> Network:
    from quantize.models.face_emotion import face_emotion, with_mirror

    return with_mirror(face_emotion(7, (4, 4, 6, 6, 8)), 48, batch=1), inputs(48, 48, 1)


def perceptron() -> Network:
    from quantize.models.speech_emotion import perceptron

    return perceptron(20, 8, (16, 12), 0.5, batch=1), inputs(20)


def convolutional() -> Network:
    from quantize.models.speech_emotion import convolutional

    return convolutional(60, 6, 8, (4, 4), 0.3, batch=1), inputs(60, 6)


def engagement(beside: bool) -> Network:
    from quantize.models.engagement import engagement

    network = engagement(4, 5, 4, units=8, hidden=6, beside=beside, batch=1)
    rng = np.random.default_rng(1)
    for layer in network.layers:
        if layer.name in ("recurrent", "linear", "square", "logits") and layer.weights:
            layer.set_weights([rng.normal(size=part.shape) for part in layer.get_weights()])
    return network, inputs(4, 5)


def inputs(*shape: int) -> Float32Array:
    return np.random.default_rng(0).normal(size=(40, *shape)).astype(np.float32)


NETWORKS: dict[str, tuple[str, Callable[[], Network]]] = {
    "faces": ("face_emotion", faces),
    "voices, perceptron": ("speech_emotion", perceptron),
    "voices, convolutional": ("speech_emotion", convolutional),
    "engagement": ("engagement", lambda: engagement(beside=True)),
    "engagement, the paper's": ("engagement", lambda: engagement(beside=False)),
}

each_network = pytest.mark.parametrize(("branch", "make"), NETWORKS.values(), ids=NETWORKS)


@pytest.fixture(autouse=True)
def _seed() -> None:
    tf.keras.utils.set_random_seed(1)


def said(network: Any, values: Float32Array) -> list[Float32Array]:
    return [np.asarray(part)[0] for part in network(values[None], training=False)]


@each_network
def test_the_logits_stay_what_they_were(branch: str, make: Callable[[], Network]) -> None:
    network, values = make()
    exposed = BRANCHES[branch].exposing(network)
    assert exposed.output_names == [LOGITS, EMBEDDING]
    for sample in values[:5]:
        np.testing.assert_allclose(said(exposed, sample)[0], np.asarray(network(sample[None]))[0], atol=1e-6)


def test_a_face_s_embedding_is_what_is_pooled_of_it_and_its_mirror_image() -> None:
    network, values = faces()
    (inner,) = (layer for layer in network.layers if isinstance(layer, tf.keras.Model))
    (pooling,) = (layer for layer in inner.layers if isinstance(layer, tf.keras.layers.GlobalAveragePooling2D))
    pooled = tf.keras.Model(inner.inputs, pooling.output)
    both = [pooled(view[None], training=False) for view in (values[0], values[0][:, ::-1])]
    embedding = said(BRANCHES["face_emotion"].exposing(network), values[0])[1]
    assert embedding.shape == (8,)
    np.testing.assert_allclose(embedding, np.mean(both, axis=0)[0], atol=1e-6)


@pytest.mark.parametrize(("make", "size"), [(perceptron, 12), (convolutional, 8)])
def test_a_voice_s_embedding_is_what_its_logits_are_read_from(make: Callable[[], Network], size: int) -> None:
    network, values = make()
    logits, embedding = said(BRANCHES["speech_emotion"].exposing(network), values[0])
    kernel, bias = network.get_layer("logits").get_weights()
    assert embedding.shape == (size,)
    np.testing.assert_allclose(embedding @ kernel + bias, logits, atol=1e-5)


@pytest.mark.parametrize("beside", [True, False])
def test_the_embedding_of_a_window_is_its_mean_features_and_the_hidden_units(beside: bool) -> None:
    network, values = engagement(beside)
    _, embedding = said(BRANCHES["engagement"].exposing(network), values[0])
    hidden = tf.keras.Model(network.inputs, network.get_layer("recurrent" if beside else "logits").input)
    np.testing.assert_allclose(embedding[:5], values[0].mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(embedding[5:], np.asarray(hidden(values[0][None]))[0], atol=1e-6)


def written(network: Any, values: Float32Array, file: Path, kind: str = "int8") -> Interpreter:
    file.write_bytes(converter.converted(converter.served(network, values), kind, values))
    return Interpreter(file)


def answers(interpreter: Interpreter, values: Float32Array) -> list[Answer]:
    return [answer(interpreter(sample[None])) for sample in values]


@each_network
def test_int8_gains_an_embedding_and_says_the_same_logits_to_the_bit(
    branch: str, make: Callable[[], Network], tmp_path: Path
) -> None:
    network, values = make()
    exposed = BRANCHES[branch].exposing(network)
    plain = answers(written(network, values, tmp_path / "plain.tflite"), values)
    both = answers(written(exposed, values, tmp_path / "both.tflite"), values)
    np.testing.assert_array_equal([one.logits for one in both], [one.logits for one in plain])
    assert all(one.embedding is None for one in plain)
    given = np.stack([one.embedding for one in both if one.embedding is not None])
    meant = np.stack([said(exposed, sample)[1] for sample in values])
    assert given.shape == meant.shape
    assert np.corrcoef(given.ravel(), meant.ravel())[0, 1] > 0.99
    inspection.inspect(tmp_path / "both.tflite")


@pytest.mark.parametrize("kind", ["float32", "float16", "dynamic", "int8"])
def test_every_kind_of_file_names_its_outputs(kind: str, tmp_path: Path) -> None:
    network, values = perceptron()
    exposed = BRANCHES["speech_emotion"].exposing(network)
    outputs = written(exposed, values, tmp_path / "both.tflite", kind).outputs
    assert {(output.name, output.shape) for output in outputs} == {(LOGITS, (1, 8)), (EMBEDDING, (1, 12))}


def test_a_file_of_one_output_is_left_as_it_is(tmp_path: Path) -> None:
    network, values = perceptron()
    interpreter = written(network, values, tmp_path / "plain.tflite")
    content = (tmp_path / "plain.tflite").read_bytes()
    assert len(interpreter.outputs) == 1
    assert named(content) == content
