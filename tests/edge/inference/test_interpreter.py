import numpy as np
import pytest

from edge.config import MODELS
from edge.errors import UserError
from edge.inference.interpreter import Interpreter, Runtime, Tensor, dequantize, quantize

INT8 = Tensor("x", (1, 4), "int8", 0.1, 10)


def test_quantizing_rounds_to_the_scale_and_clips_to_the_type() -> None:
    values = np.array([0.0, 0.14, -0.16, 99.0, -99.0], np.float32)
    assert quantize(values, INT8).tolist() == [10, 11, 8, 127, -128]


def test_a_round_trip_is_within_half_a_step() -> None:
    values = np.linspace(-13, 11, 100, dtype=np.float32)
    assert np.abs(dequantize(quantize(values, INT8), INT8) - values).max() <= 0.05 + 1e-6


def test_a_float_model_is_fed_as_it_is() -> None:
    values = np.array([1.5], np.float32)
    plain = Tensor("x", (1,), "float32", 0.0, 0)
    assert quantize(values, plain) is values
    assert dequantize(values, plain) is values


@pytest.mark.parametrize("runtime", ["litert", "tflite-runtime"])
@pytest.mark.parametrize("branch", ["face_emotion", "engagement", "speech_emotion"])
def test_both_runtimes_run_every_branch_and_agree(runtime: Runtime, branch: str) -> None:
    if runtime == "tflite-runtime":
        pytest.importorskip("tflite_runtime", reason="tflite-runtime 2.14 has no wheel for this Python")
    model = Interpreter(MODELS / f"{branch}.tflite", runtime)
    reference = Interpreter(MODELS / f"{branch}.tflite", "litert")
    features = np.random.default_rng(0).normal(size=model.input.shape).astype(np.float32)
    said, expected = model(features), reference(features)
    assert {tensor.dtype for tensor in (model.input, *model.outputs)} == {"int8"}
    for output in model.outputs:
        # the two round differently inside; a few steps of the output are no disagreement
        assert np.abs(said[output.name] - expected[output.name]).max() <= 8 * output.scale


def test_invocations_are_counted() -> None:
    model = Interpreter(MODELS / "face_emotion.tflite")
    for _ in range(3):
        model(np.zeros(model.input.shape, np.float32))
    assert model.invocations == 3


def test_a_file_that_is_no_model_is_refused_in_one_line(tmp_path) -> None:
    path = tmp_path / "broken.tflite"
    path.write_bytes(b"not a model")
    with pytest.raises(UserError, match=r"broken\.tflite: litert cannot load this model") as caught:
        Interpreter(path)
    assert "\n" not in str(caught.value)
