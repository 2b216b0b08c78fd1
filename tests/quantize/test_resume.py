"""A training that is killed and taken up again, for real: processes, checkpoints, weights to the bit."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from quantize.branches import BRANCHES
from quantize.branches.base import Recipe
from quantize.cli import main
from quantize.commands.training import GO_ON
from quantize.training.checkpoints import Checkpoints, Part
from quantize.training.identity import differences, identity

needs_tensorflow = pytest.mark.skipif(
    importlib.util.find_spec("tensorflow") is None, reason="training needs TensorFlow, which is not installed here"
)

TRAIN = """
import sys
from dataclasses import replace
from quantize.branches import BRANCHES
from quantize.cli import main

recipes = BRANCHES["face_emotion"].recipes
recipes["default"] = replace(recipes["default"], **{changes!r})
sys.exit(main(sys.argv[1:]))
"""
"""`affect-quantize train` of a network so small that its epochs are short."""

FACE: dict[str, Any] = {"widths": (4, 4, 4, 4, 4), "batch": 16, "epochs": 3, "preface": 0, "encores": (6,)}


def _kill_when(there: Callable[[], object], command: list[str]) -> None:
    process = subprocess.Popen(command, stderr=subprocess.PIPE)
    while not there():
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.005)
    process.kill()
    process.communicate()


def _starts(said: str) -> list[int]:
    """How far, in percent, each of the bars had come when it appeared."""
    bars: dict[str, int] = {}
    for part, percent in re.findall(r"^.*, ([a-z0-9-]+): +(\d+)%", said.replace("\r", "\n"), re.MULTILINE):
        bars.setdefault(part, int(percent))
    return [*bars.values()]


def _made(run: Path) -> tuple[list[np.ndarray], dict[str, Any], dict[str, Any]]:
    """Weights, metrics and configuration that a run left."""
    import tensorflow as tf

    weights = tf.keras.models.load_model(run / "model.keras", compile=False).get_weights()
    metrics, config = (json.loads((run / name).read_text()) for name in ("metrics.json", "config.json"))
    return weights, metrics, config


@needs_tensorflow
@pytest.mark.timeout(900)
def test_a_run_that_is_killed_comes_to_the_same_weights(faces: Path, tmp_path: Path) -> None:
    broken, whole = tmp_path / "broken", tmp_path / "whole"
    options = ["train", "face_emotion", "--data", str(faces), "--run"]
    program = [sys.executable, "-c", TRAIN.format(changes=FACE), *options, str(broken)]
    _kill_when(lambda: [*(broken / "checkpoints" / "encore-1").glob("ckpt-2.index")], program)
    assert not (broken / "model.keras").exists()
    finished = subprocess.run(program, check=True, capture_output=True, text=True)
    # in a process of its own too: TensorFlow keeps the threads that a process began with, and they change sums
    subprocess.run([*program[:-1], str(whole)], check=True, capture_output=True)

    weights, metrics, config = _made(whole)
    resumed_weights, resumed_metrics, resumed_config = _made(broken)
    for weight, resumed in zip(weights, resumed_weights, strict=True):
        np.testing.assert_array_equal(resumed, weight)
    assert resumed_metrics == metrics and resumed_config == config
    skipped, resumed, *_ = _starts(finished.stderr)
    assert skipped > 0 and 0 < resumed < 100
    assert not (broken / "checkpoints").exists()
    logs = broken / "logs" / "encore-1"
    assert [*logs.glob("train/events*")] and [*logs.glob("validation/events*")]


@needs_tensorflow
@pytest.mark.parametrize("plateau", [False, True])
def test_a_training_goes_on_as_if_it_had_not_been_interrupted(plateau: bool, tmp_path: Path) -> None:
    import tensorflow as tf

    from quantize.training import fitting
    from quantize.training.callbacks import Validation

    inputs = np.random.default_rng(0).normal(size=(48, 4)).astype(np.float32)
    targets = inputs[:, :1] ** 2
    recipe = Recipe("small", epochs=9, batch=8, learning_rate=0.2, weight_decay=1e-2)

    def trained(part: Part, stop: int | None = None) -> tuple[list[np.ndarray], Any]:
        drawn = iter(range(1000))

        def draw(rows: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
            if next(drawn) == stop:
                raise InterruptedError
            return inputs[rows] + rng.normal(0, 0.1, (len(rows), 4)).astype(np.float32), targets[rows]

        fitting.settle(1)
        layers = tf.keras.layers
        model = tf.keras.Sequential([layers.Dense(8, "relu", input_shape=(4,)), layers.Dropout(0.3), layers.Dense(1)])
        batches = fitting.Batches(draw, lambda rng: rng.permutation(40), recipe.batch, seed=1)
        loss, validation = tf.keras.losses.mse, Validation(inputs[40:], targets[40:])
        if plateau:
            history = fitting.fit_to_plateau(model, batches, loss, recipe, part, validation, patience=1)
        else:
            history = fitting.fit(model, batches, loss, recipe, part, validation)
        return model.get_weights(), history

    whole, history = trained(Part("whole"))
    for stop in (8, 11):
        with pytest.raises(Exception, match="InterruptedError"):
            trained(Part("broken", tmp_path / "checkpoint"), stop)
    resumed, resumed_history = trained(Part("broken", tmp_path / "checkpoint"))
    assert resumed_history == history
    for weight, again in zip(whole, resumed, strict=True):
        np.testing.assert_array_equal(again, weight)


def test_a_user_who_stops_is_told_how_to_go_on(
    faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(type(BRANCHES["face_emotion"]), "fit", stopped)
    assert main(["train", "face_emotion", "--data", str(faces), "--run", str(tmp_path)]) == 130
    assert capsys.readouterr().err == f"affect-quantize: {GO_ON} {tmp_path}\n"


@pytest.fixture
def interrupted(faces: Path, tmp_path: Path) -> Path:
    """The folder of a run that was interrupted in its first epoch."""
    branch = BRANCHES["face_emotion"]
    Checkpoints(tmp_path, branch, faces, branch.recipes["default"]).part("preface")
    return tmp_path


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--epochs", "9"], "recipe's epochs 6, now 9"),
        (["--seed", "2", "--recipe", "affectfusion-2025"], "recipe's name default, now affectfusion-2025; "),
    ],
)
def test_another_run_does_not_go_on_from_there(
    options: list[str], reason: str, faces: Path, interrupted: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", "face_emotion", "--data", str(faces), "--run", str(interrupted), *options]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"{interrupted}/checkpoints: an interrupted run with {reason}" in line
    assert line.endswith("; --fresh starts over")


def test_a_checkpoint_that_cannot_be_read_is_one_line(
    faces: Path, interrupted: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (interrupted / "checkpoints" / "run.json").write_text("{")
    assert main(["train", "face_emotion", "--data", str(faces), "--run", str(interrupted)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "run.json: cannot be read" in line and line.endswith("--fresh starts over")


def test_starting_over_forgets_what_was_trained(faces: Path, interrupted: Path) -> None:
    branch = BRANCHES["face_emotion"]
    longer = Checkpoints(interrupted, branch, faces, replace(branch.recipes["default"], epochs=9))
    checkpoint, logs = (interrupted / place / "preface" for place in ("checkpoints", "logs"))
    checkpoint.mkdir(parents=True)
    logs.mkdir(parents=True)
    longer.discard()
    longer.check()
    longer.part("preface")
    longer.check()
    assert not checkpoint.exists() and not logs.exists()


def test_a_folder_that_is_no_runs_is_left_alone(faces: Path, tmp_path: Path) -> None:
    branch = BRANCHES["face_emotion"]
    mine = tmp_path / "checkpoints" / "mine"
    mine.mkdir(parents=True)
    checkpoints = Checkpoints(tmp_path, branch, faces, branch.recipes["default"])
    checkpoints.discard()
    checkpoints.check()
    assert mine.exists()


def test_a_curve_leaves_the_checkpoints_of_a_training_alone(
    faces: Path, interrupted: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["curve", "face_emotion", "--data", str(faces), "--run", str(interrupted)]) == 2
    assert "an interrupted run with command train, now curve" in capsys.readouterr().err
    assert (interrupted / "checkpoints" / "run.json").exists()


def test_data_that_changed_are_other_data(faces: Path, tmp_path: Path) -> None:
    data = tmp_path / "faces"
    shutil.copytree(faces, data)
    branch = BRANCHES["face_emotion"]
    recipe = branch.recipes["default"]
    was = identity(branch, data, recipe)
    (data / ".listing").touch()
    assert differences(was, identity(branch, data, recipe)) == []
    os.utime(data / "valid.npz", (1, 1))
    assert differences(was, identity(branch, data, recipe)) == ["other data"]
    assert differences({**was, "numpy": "1.0"}, was) == [f"numpy 1.0, now {was['numpy']}"]


@needs_tensorflow
def test_code_that_reads_data_and_its_packages_have_a_say(
    faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    branch = BRANCHES["face_emotion"]
    was = identity(branch, faces, branch.recipes["default"])
    assert was["opencv-python-headless"] == version("opencv-python-headless")
    (tmp_path / "loader.py").write_text("other")
    monkeypatch.setattr("quantize.training.identity.EXTRACTION", (tmp_path,))
    now = identity(branch, faces, branch.recipes["default"])
    assert differences(was, now) == ["other reading of the data"]


def test_a_batch_depends_on_its_epoch_and_place_alone() -> None:
    from quantize.training.fitting import Batches

    def made() -> Batches:
        return Batches(lambda rows, rng: (rows, rng.normal(size=3)), lambda rng: rng.permutation(20), 5, seed=1)

    batches, later = made(), made()
    seen = [[*batches[1]] for _ in range(2) if batches.on_epoch_end() is None]
    later.begin(2)
    assert all((again == once).all() for again, once in zip(later[1], seen[1], strict=True))
    assert not any(np.array_equal(first, second) for first, second in zip(*seen, strict=True))


@needs_tensorflow
def test_a_plateau_halves_the_rate_then_ends_the_training_with_the_best_weights() -> None:
    import tensorflow as tf

    from quantize.training.callbacks import Plateau

    model = tf.keras.Sequential([tf.keras.layers.Dense(1, input_shape=(1,))])
    model.compile(tf.keras.optimizers.Adam(0.8), "mse")
    plateau, rates = Plateau(model, patience=2), []
    plateau.set_model(model)
    for epoch, loss in enumerate([3.0, 1.0, 2.0, 2.0, 2.0, 1.5, 1.0, 9.0]):
        model.set_weights([np.full((1, 1), epoch), np.zeros(1)])
        plateau.on_epoch_end(epoch, {"val_loss": loss})
        rates.append(float(model.optimizer.learning_rate.numpy()))
    np.testing.assert_allclose(rates, [0.8, 0.8, 0.8, 0.4, 0.4, 0.2, 0.2, 0.1])
    assert plateau.over and model.stop_training
    assert plateau.best[0].numpy() == 1.0
