"""Quantization-aware training: for real, on a tiny network."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge.errors import UserError
from edge.features.face_crop import FaceCrop
from edge.inference.interpreter import Interpreter
from edge.inference.store import ModelStore
from edge.signals import Float32Array
from quantize import convert
from quantize.branches import BRANCHES
from quantize.branches.base import Examples
from quantize.cli import main
from quantize.conversion import aware, capped, gate, inspection
from quantize.conversion.capped import Caps
from quantize.conversion.gate import Cost
from quantize.conversion.verification import OneAnswerError
from quantize.runs import Run

tf = pytest.importorskip("tensorflow", reason="training needs TensorFlow, which is not installed here")
L = tf.keras.layers

if importlib.util.find_spec("tensorflow_model_optimization") is None:
    pytest.skip("needs tensorflow-model-optimization, which is not installed here", allow_module_level=True)


def train_aware(model: Any, inputs: Float32Array, folder: Path) -> Path:
    model.save(folder / "model.keras")
    np.save(folder / "inputs.npy", inputs)
    arguments = (folder / "model.keras", folder / "inputs.npy", folder)
    capped.run("mine", "quantize.conversion.aware", *arguments, caps=Caps())
    return folder / aware.FILE


def test_a_convolutional_network_learns_to_say_the_same_in_int8(tmp_path: Path) -> None:
    tf.keras.utils.set_random_seed(1)
    x = inputs = L.Input((8, 8, 1), batch_size=1)
    for width in (8, 8):
        x = L.ReLU()(L.BatchNormalization()(L.Conv2D(width, 3, padding="same", use_bias=False)(x)))
    model = tf.keras.Model(inputs, L.Dense(3)(L.GlobalAveragePooling2D()(L.MaxPool2D()(x))))
    pictures = np.random.default_rng(0).normal(size=(256, 8, 8, 1)).astype(np.float32)

    file = train_aware(model, pictures, tmp_path)

    found = inspection.inspect(file)
    assert found.delegated == len(found.nodes)
    interpreter = Interpreter(file)
    said = np.concatenate([*(next(iter(interpreter(picture[None]).values())) for picture in pictures)])
    meant = np.asarray(model.predict(pictures, batch_size=1, verbose=0))
    assert np.abs(said - meant).mean() < 0.15 * meant.std()


def test_a_recurrent_network_cannot_be_trained_so_and_one_line_says_why(tmp_path: Path) -> None:
    inputs = L.Input((5, 3), batch_size=1)
    model = tf.keras.Model(inputs, L.LSTM(4, unroll=True)(inputs))
    with pytest.raises(UserError, match=r"^mine: Layer lstm.* is not supported$") as caught:
        train_aware(model, np.zeros((4, 5, 3), np.float32), tmp_path)
    assert "\n" not in str(caught.value)


def test_where_it_cannot_be_tried_post_training_int8_is_kept_and_one_line_says_why(
    faces: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    recipes = BRANCHES["face_emotion"].recipes
    small = replace(recipes["default"], widths=(4,) * 5, preface=0, encores=())
    monkeypatch.setitem(recipes, "default", small)
    monkeypatch.setattr(gate, "AGREEMENT", 1.01)
    run, models = tmp_path / "run", tmp_path / "models"
    assert main(["train", "face_emotion", "--data", str(faces), "--run", str(run), "--epochs", "1"]) == 0
    assert main(["convert", "face_emotion", "--data", str(faces), "--run", str(run), "--models", str(models)]) == 0
    said = capfd.readouterr().err
    assert "face_emotion: post-training int8 costs more than it may (balanced accuracy" in said
    assert "it is kept all the same: quantization-aware training: Quantizing a keras Model inside another" in said
    quantization = ModelStore(models).load("face_emotion")[0].provenance["quantization"]
    assert quantization["method"] == "post-training"
    assert set(quantization["development_cost"]) == {"balanced_accuracy", "auc", "agreement"}


@pytest.mark.parametrize("helps", [True, False])
def test_where_post_training_int8_gives_one_answer_the_other_way_is_tried(
    helps: bool, faces: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def judged(*arguments: Any) -> convert._Quantized:
        file, method = arguments[4:6]
        if method == "post-training" or not helps:
            raise OneAnswerError(f"face_emotion: {file} gives one answer")
        return convert._Quantized(tmp_path / file, method, Cost(0.0, 0.0, 0.99))

    monkeypatch.setattr(convert, "_judged", judged)
    monkeypatch.setattr(capped, "run", lambda *_, **__: None)
    run = Run("face_emotion", {}, {}, "", {"positive": 0.5}, 1.0, {}, {}, {})
    quantize = (BRANCHES["face_emotion"], run, tmp_path, faces, FaceCrop(), tmp_path, Caps())
    if helps:
        assert convert._quantize(*quantize).method == "quantization-aware"
        assert "int8.tflite gives one answer; after quantization-aware training" in capsys.readouterr().err
    else:
        with pytest.raises(UserError, match=r"int8.tflite gives one answer; nor is there another: .*aware.tflite"):
            convert._quantize(*quantize)


def test_the_gate_counts_what_is_lost_and_what_is_decided_otherwise() -> None:
    run = Run("engagement", {}, {}, "", dict.fromkeys(BRANCHES["engagement"].decisions, 0.5), 1.0, {}, {}, {})
    truth = np.tile(np.array([[1], [1], [0], [0]]), (25, 4))
    before = np.where(truth == 1, 2.0, -2.0).astype(np.float32)
    examples = Examples(before, truth, None, np.arange(len(truth)), under=lambda condition: before)
    same = gate.cost(BRANCHES["engagement"], run, examples, before, 0.5 * before)
    assert (same.balanced_accuracy, same.auc, same.agreement, same.passes) == (0.0, 0.0, 1.0, True)
    after = before.copy()
    after[:4] = -before[:4]
    worse = gate.cost(BRANCHES["engagement"], run, examples, before, after)
    assert worse.agreement == pytest.approx(0.96)
    assert worse.balanced_accuracy == pytest.approx(0.04)
    assert worse.auc > 0 and not worse.passes
