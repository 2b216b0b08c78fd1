"""Compaction: the same answers from fewer bytes, in both runtimes."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from edge.benchmarks.models import RUNTIMES
from edge.inference import graph
from edge.inference.interpreter import Interpreter, Runtime
from quantize.conversion.compaction import ALIGNMENT, compact

tf = pytest.importorskip("tensorflow", reason="converting needs TensorFlow, which is not installed here")
L = tf.keras.layers

SHAPE = (12, 5)


@pytest.fixture(scope="module", params=["float32", "int8"])
def content(request: pytest.FixtureRequest) -> bytes:
    """An LSTM unrolled over twelve steps, as TensorFlow's converter writes it."""
    tf.keras.utils.set_random_seed(1)
    inputs = L.Input(SHAPE, batch_size=1)
    model = tf.keras.Model(inputs, L.Dense(4)(L.LSTM(8, unroll=True)(inputs)))
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if request.param == "int8":
        rng = np.random.default_rng(0)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: (
            [rng.normal(size=(1, *SHAPE)).astype(np.float32)] for _ in range(20)
        )
        converter.inference_input_type = converter.inference_output_type = tf.int8
    return cast(bytes, converter.convert())


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_the_answers_are_the_same_to_the_bit(runtime: Runtime, content: bytes, tmp_path: Path) -> None:
    if importlib.util.find_spec(RUNTIMES[runtime][0]) is None:
        pytest.skip(f"{runtime} is not installed here")
    before, after = (_loaded(tmp_path / name, written, runtime) for name, written in _both(content).items())
    assert (after.input, after.outputs) == (before.input, before.outputs)
    assert graph.delegated(after) == graph.delegated(before)
    rng = np.random.default_rng(1)
    for _ in range(20):
        values = rng.normal(size=(1, *SHAPE)).astype(np.float32)
        for name, said in before(values).items():
            np.testing.assert_array_equal(after(values)[name], said)


def test_most_of_an_unrolled_network_was_names_and_repetition(content: bytes) -> None:
    assert len(compact(content)) < 0.6 * len(content)
    assert len(compact(compact(content))) == len(compact(content))


def test_weights_lie_where_the_schema_wants_them(content: bytes) -> None:
    small = compact(content)
    read = schema.Model.GetRootAs(small, 0)
    weights = [read.Buffers(i).DataAsNumpy() for i in range(read.BuffersLength()) if not read.Buffers(i).DataIsNone()]
    start = np.frombuffer(small, np.uint8).__array_interface__["data"][0]
    assert len(weights) > 5
    assert {(part.__array_interface__["data"][0] - start) % ALIGNMENT for part in weights} == {0}


def test_the_signature_still_names_its_tensors(content: bytes) -> None:
    interpreter = tf.lite.Interpreter(model_content=compact(content))
    runner: Any = interpreter.get_signature_runner()
    (name,) = runner.get_input_details()
    assert (
        next(iter(runner(**{name: np.zeros((1, *SHAPE), runner.get_input_details()[name]["dtype"])}).values())).size
        == 4
    )


def _both(content: bytes) -> dict[str, bytes]:
    return {"before.tflite": content, "after.tflite": compact(content)}


def _loaded(path: Path, content: bytes, runtime: Runtime) -> Interpreter:
    path.write_bytes(content)
    return Interpreter(path, runtime)
