from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soxr

from edge.errors import UserError
from edge.inference import graph
from edge.inference.interpreter import Interpreter
from quantize.cli import main
from quantize.conversion import capped, foreign, inspection, verification
from quantize.conversion.capped import Caps
from quantize.conversion.foreign import compare
from quantize.datasets import ravdess

tf = pytest.importorskip("tensorflow", reason="converting needs TensorFlow, which is not installed here")
L = tf.keras.layers

Refused = Callable[..., str]


@pytest.fixture
def saved(tmp_path: Path) -> Callable[..., Path]:
    """Saves the model from ``inputs`` to ``outputs``."""

    def save(inputs: Any, outputs: Any, name: str = "mine.keras") -> Path:
        path = tmp_path / name
        tf.keras.utils.set_random_seed(1)
        tf.keras.Model(inputs, outputs).save(path)
        return path

    return save


@pytest.fixture
def small(saved: Callable[..., Path]) -> Path:
    """Four numbers in, the sigmoid of two out."""
    inputs = L.Input((4,))
    return saved(inputs, L.Dense(2, activation="sigmoid")(L.Dense(8, activation="relu")(inputs)))


@pytest.fixture
def numbers(tmp_path: Path) -> Callable[..., Path]:
    """Saves standard normal numbers of a shape."""

    def save(*shape: int) -> Path:
        path = tmp_path / "inputs.npy"
        np.save(path, np.random.default_rng(0).normal(size=shape).astype(np.float32))
        return path

    return save


@pytest.fixture
def refused(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Refused:
    """The one line with which a conversion is refused; nothing is left behind."""

    def run(keras: Path, source: object, *options: str) -> str:
        out = tmp_path / "out" / "mine.tflite"
        assert main(["convert-keras", str(keras), "--representative", str(source), "--out", str(out), *options]) == 2
        assert not out.parent.exists()
        (said,) = capfd.readouterr().err.splitlines()
        return said.removeprefix("affect-quantize: ")

    return run


def test_a_lstm_becomes_pure_int8_and_keeps_its_answers(
    saved: Callable[..., Path], numbers: Callable[..., Path], tmp_path: Path
) -> None:
    inputs = L.Input((6, 3))
    keras = saved(inputs, L.Dense(4, activation="sigmoid")(L.Dense(160)(L.LSTM(8)(inputs))), "lstm.h5")
    out, variants, report = tmp_path / "lstm.tflite", tmp_path / "variants", tmp_path / "report.json"
    arguments = ["--representative", str(numbers(120, 6, 3)), "--out", str(out)]
    assert main(["convert-keras", str(keras), *arguments, "--variants", str(variants), "--json", str(report)]) == 0

    found = graph.read(Interpreter(out))
    assert found.kind == "int8"
    assert "UNIDIRECTIONAL_SEQUENCE_LSTM" not in {node.op for node in found.nodes}
    assert {node.op for node in found.nodes if not node.delegated} <= {"UNPACK", "MUL"}
    kinds = {path.stem: graph.read(Interpreter(path)).kind for path in variants.iterdir()}
    assert kinds == {"float32": "float32", "float16": "float16", "dynamic": "dynamic", "int8": "int8"}
    kept = json.loads(report.read_text())["kept"]
    assert kept["float32"]["largest_difference"] < 1e-5
    assert kept["int8"]["largest_difference"] < 0.05
    assert kept["int8"]["n"] == 120


def test_random_inputs_are_enough_for_a_first_look(small: Path, tmp_path: Path) -> None:
    out = tmp_path / "small.tflite"
    assert main(["convert-keras", str(small), "--representative", "random", "--out", str(out)]) == 0
    assert Interpreter(out).input.dtype == "int8"


@pytest.mark.parametrize(("option", "wrong"), [("--json", "there"), ("--variants", "file"), ("--out", "there")])
def test_what_cannot_be_written_is_refused_before_the_work(
    option: str, wrong: str, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: Refused
) -> None:
    monkeypatch.delattr(foreign, "_check_keras")
    (tmp_path / "there").mkdir()
    (tmp_path / "file").touch()
    assert str(tmp_path / wrong) in refused(small, "random", option, str(tmp_path / wrong))


def test_kinds_that_only_serve_comparison_are_run_too(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    files, inputs = tmp_path / "variants", tmp_path / "inputs.npy"
    out = ["--representative", "random", "--out", str(tmp_path / "small.tflite"), "--variants", str(files)]
    assert main(["convert-keras", str(small), *out]) == 0
    np.save(inputs, np.zeros((2, 4), np.float32))
    capsys.readouterr()
    monkeypatch.setattr(verification, "_installed", lambda runtime: runtime == "litert")
    verification.verify_others(files, inputs, "mine", Caps(), ("float16", "dynamic"))
    assert capsys.readouterr().err == "mine: tflite-runtime is not installed; nothing was run in it\n"
    assert {path.name for path in files.glob("*.npy")} == {"float16-litert.npy", "dynamic-litert.npy"}
    (files / "float16.tflite").write_bytes(b"not a model")
    with pytest.raises(UserError, match="mine, float16 in litert"):
        verification.verify_others(files, inputs, "mine", Caps(), ("float16", "dynamic"))


def test_a_file_that_is_not_keras_is_refused(numbers: Callable[..., Path], tmp_path: Path, refused: Refused) -> None:
    path = tmp_path / "mine.keras"
    path.write_bytes(b"not a model")
    assert refused(path, numbers(100, 4)) == f"{path}: is not a Keras file (.keras or .h5)"
    path.write_bytes(b"PK\3\4 and nothing more")
    assert refused(path, numbers(100, 4)).startswith(f"{path}: Keras cannot load this file (")
    assert "No such file" in refused(tmp_path / "none.keras", numbers(100, 4))


def test_too_few_representative_inputs_are_refused(small: Path, numbers: Callable[..., Path], refused: Refused) -> None:
    path = numbers(99, 4)
    assert refused(small, path) == f"{path}: 99 representative inputs are too few; at least 100 are needed"


def test_representative_inputs_of_another_shape_are_refused(
    small: Path, numbers: Callable[..., Path], refused: Refused
) -> None:
    said = refused(small, numbers(100, 5))
    assert said == f"{small}: the representative data are of shape (5,) each, the model takes (4)"


@pytest.mark.parametrize("content", [b"", b"numbers", b"PK\3\4"])
def test_a_file_that_is_no_array_is_refused(content: bytes, small: Path, tmp_path: Path, refused: Refused) -> None:
    path = tmp_path / "inputs.npy"
    path.write_bytes(content)
    assert refused(small, path) == f"{path}: cannot be read (not an .npy file)"


def test_numbers_that_are_not_finite_are_refused(small: Path, tmp_path: Path, refused: Refused) -> None:
    path = tmp_path / "inputs.npy"
    np.save(path, np.full((100, 4), np.nan))
    assert refused(small, path) == f"{path}: holds numbers that are not finite"


def test_an_operator_that_tflite_lacks_is_named(
    saved: Callable[..., Path], numbers: Callable[..., Path], refused: Refused
) -> None:
    inputs = L.Input((4,))
    keras = saved(inputs, L.Dense(2)(tf.math.digamma(inputs)))
    assert refused(keras, numbers(100, 4)) == f"{keras}: TensorFlow Lite has no operator for Digamma"


def test_an_operator_that_stays_float_is_named(
    saved: Callable[..., Path], numbers: Callable[..., Path], refused: Refused
) -> None:
    inputs = L.Input((4,))
    keras = saved(inputs, L.Dense(2)(L.ELU()(L.Dense(4)(inputs))))
    assert refused(keras, numbers(100, 4)) == f"{keras}: stayed float in the conversion to int8: ELU"


def test_random_inputs_need_a_shape(saved: Callable[..., Path], refused: Refused) -> None:
    inputs = L.Input((None, 3))
    keras = saved(inputs, L.Dense(2)(L.GlobalAveragePooling1D()(inputs)))
    assert refused(keras, "random") == (
        f"{keras}: takes inputs of (any, 3); give representative data from a file, not random"
    )


def test_a_conversion_that_takes_too_long_is_stopped(small: Path, numbers: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"mine: took longer than 0\.1 s and was stopped"):
        capped.run("mine", "quantize.conversion.converter", small, numbers(100, 4), tmp_path, caps=Caps(seconds=0.1))


def test_a_conversion_that_takes_too_much_memory_is_stopped(
    small: Path, numbers: Callable[..., Path], tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=r"^mine: .*memory") as caught:
        capped.run("mine", "quantize.conversion.converter", small, numbers(100, 4), tmp_path, caps=Caps(gib=0.5))
    assert "\n" not in str(caught.value)


def test_a_float_model_is_not_taken_for_an_int8_one(small: Path, numbers: Callable[..., Path], tmp_path: Path) -> None:
    capped.run("mine", "quantize.conversion.converter", small, numbers(100, 4), tmp_path, caps=Caps())
    for kind in ("float32", "float16", "dynamic"):
        with pytest.raises(UserError, match=f"{kind}.tflite: is not an int8 model: .* is float32"):
            inspection.inspect(tmp_path / f"{kind}.tflite")
    assert inspection.inspect(tmp_path / "int8.tflite").delegated > 0


def test_a_fused_lstm_is_refused_because_it_would_be_slow(tmp_path: Path) -> None:
    inputs = L.Input((6, 3), batch_size=1)
    converter = tf.lite.TFLiteConverter.from_keras_model(tf.keras.Model(inputs, L.LSTM(8)(inputs)))
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    rng = np.random.default_rng(0)
    converter.representative_dataset = lambda: ([rng.normal(size=(1, 6, 3)).astype(np.float32)] for _ in range(10))
    converter.inference_input_type = converter.inference_output_type = tf.int8
    path = tmp_path / "fused.tflite"
    path.write_bytes(converter.convert())
    with pytest.raises(UserError, match="not delegated to XNNPACK, hence slow: UNIDIRECTIONAL_SEQUENCE_LSTM"):
        inspection.inspect(path)


def test_multiplications_are_counted(saved: Callable[..., Path], numbers: Callable[..., Path], tmp_path: Path) -> None:
    x = inputs = L.Input((8, 8, 2))
    x = L.Conv2D(4, 3, padding="same")(x)
    x = L.DepthwiseConv2D(3, strides=2, padding="same")(x)
    keras = saved(inputs, L.Dense(5)(L.Flatten()(x)))
    capped.run("mine", "quantize.conversion.converter", keras, numbers(100, 8, 8, 2), tmp_path, caps=Caps())
    for kind in ("float32", "float16", "dynamic", "int8"):
        found = graph.read(Interpreter(tmp_path / f"{kind}.tflite"))
        assert found.macs == 8 * 8 * 4 * 3 * 3 * 2 + 4 * 4 * 4 * 3 * 3 + 4 * 4 * 4 * 5


def test_decisions_are_compared_as_the_outputs_suggest() -> None:
    sigmoids = np.array([[0.9, 0.8], [0.1, 0.6]], np.float32)
    assert compare(sigmoids, sigmoids - np.float32(0.2)).agreement == 0.75
    softmax = np.array([[0.6, 0.4], [0.3, 0.7]], np.float32)
    assert compare(softmax, softmax[:, ::-1]).agreement == 0.0
    logit = np.array([[-1.0], [2.0]], np.float32)
    kept = compare(logit, np.array([[-1.5], [-1.0]], np.float32))
    assert (kept.rule, kept.agreement, kept.largest_difference) == ("cut at 0", 0.5, 3.0)


@pytest.fixture
def research() -> Path:
    """The folder of research data."""
    folder = Path(os.environ.get("AFFECT_DATA", ""))
    needed = ("affectfusion_authors", "daisee_landmarks", "ravdess")
    if not os.environ.get("AFFECT_DATA") or not all((folder / name).is_dir() for name in needed):
        pytest.skip(f"AFFECT_DATA does not name a folder with {'/, '.join(needed)}/ in it")
    return folder


@pytest.mark.timeout(3000)
def test_the_speech_network_of_the_affectfusion_authors_keeps_its_decisions(research: Path, tmp_path: Path) -> None:
    """Post-training int8 loses it: the rewritten network is judged on actors that chose nothing of it."""
    recordings = [r for r in ravdess.recordings(research / "ravdess") if r.channel == "speech"]
    deciding = sorted({recording.actor for recording in recordings})[:10]
    parts = {
        "decide": [r for r in recordings if r.actor in deciding][::4],
        "unseen": [r for r in recordings if r.actor not in deciding][::3],
    }
    for name, part in parts.items():
        np.save(tmp_path / f"{name}.npy", np.stack([_as_the_authors_read_it(recording) for recording in part]))
    keras, report = research / "affectfusion_authors" / "audio1dconv.keras", tmp_path / "report.json"
    out = tmp_path / "speech.tflite"
    inputs = ["--representative", str(tmp_path / "decide.npy"), "--unseen", str(tmp_path / "unseen.npy")]
    options = ["--out", str(out), "--json", str(report), "--minutes", "45"]
    assert main(["convert-keras", str(keras), *inputs, *options]) == 0
    found = json.loads(report.read_text())
    assert found["unseen"]["n"] == len(parts["unseen"]) == 200
    assert found["unseen"]["agreement"] >= 0.97
    assert Interpreter(out).input.dtype == "int8" and found["delegated"] == found["nodes"]


def _as_the_authors_read_it(recording: ravdess.Recording) -> np.ndarray:
    """Five seconds at 22.05 kHz over their peak, cut or padded with silence: float32 (110250, 1)."""
    samples = soxr.resample(ravdess.sound(recording), 16_000, 22_050)
    samples = (samples / (np.abs(samples).max() + 1e-6))[:110_250]
    return np.pad(samples, (0, 110_250 - len(samples)))[:, None].astype(np.float32)


@pytest.mark.timeout(500)
def test_the_engagement_network_of_the_affectfusion_authors_keeps_its_answers(research: Path, tmp_path: Path) -> None:
    authors = research / "affectfusion_authors"
    selected = json.loads((authors / "selected_features_53.json").read_text())
    with np.load(research / "daisee_landmarks" / "daisee_landmarks.npz") as archive:
        rows = np.flatnonzero((archive["split"] == "Train") & archive["found"])[::50][:100]
        # stills of 90 x 120 pixels, in MediaPipe's own units
        shapes = archive["landmarks"][rows].astype(np.float32) / np.array([90, 120, 90], np.float32)
    stills = shapes.reshape(len(rows), -1)[:, selected]
    inputs = tmp_path / "inputs.npy"
    np.save(inputs, np.repeat(stills[:, None], 75, axis=1))
    keras, report = authors / "rf_daisee_model_GAMMA_53features.h5", tmp_path / "report.json"
    out = tmp_path / "engagement.tflite"
    options = ["--representative", str(inputs), "--out", str(out), "--json", str(report)]
    assert main(["convert-keras", str(keras), *options]) == 0
    kept = json.loads(report.read_text())["kept"]["int8"]
    assert kept["agreement"] >= 0.98
    assert kept["largest_difference"] < 0.05
