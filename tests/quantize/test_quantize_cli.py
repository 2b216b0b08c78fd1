from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from edge.features.face_crop import FaceCrop
from edge.inference.store import ModelStore
from quantize.branches import BRANCHES
from quantize.cli import main
from quantize.datasets import ravdess
from quantize.runs import Run

needs_tensorflow = pytest.mark.skipif(
    importlib.util.find_spec("tensorflow") is None, reason="training needs TensorFlow, which is not installed here"
)

SMALL: dict[str, dict[str, Any]] = {
    "face_emotion": {"widths": (4, 4, 4, 4, 4), "preface": 1, "encores": (1,)},
    "speech_emotion": {"widths": (8, 4), "variants": 1},
    "engagement": {"steps": 5, "folds": 2, "components": 6},
}
TEST = {"speech_emotion": ["--fold", "2"]}
"""What keeps a part of the data for the test where a branch would train on all of it."""

DATA = {"face_emotion": "faces", "speech_emotion": "voices", "engagement": "landmarks"}


@pytest.fixture(autouse=True)
def few_folds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three folds of actors cross-validate as five do, and sooner."""
    monkeypatch.setattr(ravdess, "FOLDS", 3)


@pytest.fixture(autouse=True)
def few_conditions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each branch is asked as it is and under two conditions: the others take as long and show the same."""
    for branch in BRANCHES.values():
        monkeypatch.setattr(type(branch), "conditions", branch.conditions[:2])
        monkeypatch.setattr(type(branch), "hardships", branch.hardships[:3])


@needs_tensorflow
@pytest.mark.parametrize("branch", sorted(BRANCHES))
def test_a_branch_is_trained_converted_and_evaluated(
    branch: str,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(
        BRANCHES[branch].recipes, "default", replace(BRANCHES[branch].recipes["default"], epochs=1, **SMALL[branch])
    )
    data, models, report = request.getfixturevalue(DATA[branch]), tmp_path / "models", tmp_path / "report.json"
    on_run = [branch, "--data", str(data), "--run", str(tmp_path / "run")]
    assert main(["train", *on_run, *TEST.get(branch, [])]) == 0
    assert main(["convert", *on_run, "--models", str(models)]) == 0
    assert main(["evaluate", branch, "--data", str(data), "--models", str(models), "--json", str(report)]) == 0

    store = ModelStore(models)
    manifest, interpreter = store.load(branch)
    assert {tensor.dtype for tensor in (interpreter.input, *interpreter.outputs)} == {"int8"}
    logits, embedding = manifest.outputs
    assert (logits.name, logits.shape) == ("logits", (1, len(BRANCHES[branch].labels)))
    assert manifest.baseline is not None and embedding == manifest.embedding
    assert embedding.shape == (1, manifest.baseline.size)
    assert set(manifest.thresholds) == set(BRANCHES[branch].decisions)
    store.preprocessing(manifest, BRANCHES[branch].preprocessing)
    card = (models / f"{branch}.md").read_text()
    # after one epoch the small face network says one thing only, of which nothing can be learned
    learns = branch != "face_emotion"
    assert "## Limits" in card and ("## Reliability" in card) == learns == bool(manifest.reliability)
    assert set(manifest.provenance.get("reliability", ())) == ({"clean", "damaged"} if learns else set())
    assert manifest.figures["folds"] == 0

    assert "balanced accuracy" in capsys.readouterr().out
    assert main(["reliability", *on_run, "--models", str(models)]) == (0 if learns else 2)
    assert ("rank correlation" in capsys.readouterr().out) == learns
    assert store.manifest(branch) == manifest

    figures = json.loads(report.read_text())
    for kind in ("float32", "int8"):
        for figure in ("balanced_accuracy", "auc", "accuracy", "macro_f1"):
            assert set(figures[kind][figure]) == {"value", "low", "high"}
    assert figures["n"] > 0 and 0 <= figures["agreement"] <= 1 and 0.5 <= figures["majority_accuracy"] <= 1
    assert figures["int8"]["auc"] == manifest.figures["int8"]["auc"]


@needs_tensorflow
@pytest.mark.usefixtures("at_any_cost")
def test_a_branch_trained_on_everything_is_judged_by_its_folds(
    voices: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    branch = BRANCHES["speech_emotion"]
    monkeypatch.setitem(branch.recipes, "default", replace(branch.recipes["default"], **SMALL[branch.name]))
    models = tmp_path / "models"
    on_run = [branch.name, "--data", str(voices), "--run", str(tmp_path / "run")]
    assert main(["train", *on_run, "--epochs", "1"]) == 0
    assert main(["convert", *on_run, "--models", str(models)]) == 0

    run = msgspec.json.decode((tmp_path / "run" / "config.json").read_bytes(), type=Run)
    assert sorted(len(fold.split["train"]) for fold in run.folds) == [6, 6, 8]
    assert set.intersection(*(set(fold.split["train"]) for fold in run.folds)) == set()
    manifest, _ = ModelStore(models).load(branch.name)
    assert (manifest.figures["n"], manifest.figures["clusters"], manifest.figures["folds"]) == (240, 10, 3)
    assert manifest.provenance["split"]["train"] == list(range(1, 11))
    float32 = manifest.figures["float32"]["balanced_accuracy"]["value"]
    assert float32 == pytest.approx(run.development["balanced_accuracy"]["negative"], abs=0.03)
    assert "3 networks trained and converted as the shipped one" in (models / "speech_emotion.md").read_text()

    capsys.readouterr()
    said = _refusal(["evaluate", branch.name, "--data", str(voices), "--models", str(models)], capsys)
    assert "every actor here was trained on" in said and "the cross-validated one" in said


@needs_tensorflow
@pytest.mark.usefixtures("at_any_cost")
@pytest.mark.parametrize(
    ("recipe", "changes", "tested"),
    [
        ("random-split", SMALL["speech_emotion"], 24),
        ("affectfusion-2025", {"widths": (4, 4, 4), "frames": 120, "fold": 2}, 48),
    ],
)
def test_the_other_recipes_of_speech_are_tested_on_what_they_keep_apart(
    recipe: str, changes: dict[str, Any], tested: int, voices: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    branch = BRANCHES["speech_emotion"]
    monkeypatch.setitem(branch.recipes, recipe, replace(branch.recipes[recipe], **changes))
    # of three folds the paper's recipe would train on one, too few to convert with
    monkeypatch.setattr(ravdess, "FOLDS", 5)
    on_run = [branch.name, "--data", str(voices), "--run", str(tmp_path / "run")]
    assert main(["train", *on_run, "--recipe", recipe, "--epochs", "1"]) == 0
    assert main(["convert", *on_run, "--models", str(tmp_path / "models")]) == 0
    manifest, _ = ModelStore(tmp_path / "models").load(branch.name)
    assert manifest.figures["n"] == tested


def test_a_fold_of_a_random_split_is_one_line(voices: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = _refusal(
        ["train", "speech_emotion", "--data", str(voices), "--recipe", "random-split", "--fold", "1"], capsys
    )
    assert said.endswith("a random split has no folds to choose from")


def _refusal(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert main(arguments) == 2
    errors = capsys.readouterr().err.splitlines()
    assert len(errors) == 1
    return errors[0]


def test_a_missing_data_folder_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = _refusal(["train", "face_emotion", "--data", str(tmp_path / "none")], capsys)
    assert said.endswith("none: no such folder")


def test_a_folder_that_is_not_the_data_set_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = tmp_path / "run"
    said = _refusal(["train", "engagement", "--data", str(tmp_path), "--run", str(run)], capsys)
    assert "looked for daisee_landmarks.npz (DAiSEE as face-mesh landmarks); DataSet/Train/" in said
    assert not run.exists()


@needs_tensorflow
def test_tensorflow_does_not_speak_before_an_error(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "quantize.cli", "train", "face_emotion", "--data", str(tmp_path)]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    (line,) = said.stderr.splitlines()
    assert said.returncode == 2 and line.startswith("affect-quantize: ")


def test_models_that_cannot_be_written_are_one_line_before_the_work(
    faces: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "models").touch()
    said = _refusal(["convert", "face_emotion", "--data", str(faces), "--models", str(tmp_path / "models")], capsys)
    assert "face_emotion.tflite: cannot be written" in said


def test_names_keep_their_capitals_in_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["convert-keras", "--help"])
    assert "Quantize a Keras model of your own" in capsys.readouterr().out


def test_an_unknown_recipe_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = _refusal(["train", "engagement", "--data", str(tmp_path), "--recipe", "best"], capsys)
    assert said.endswith("--recipe best: engagement has affectfusion-2025, default")


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (["train", "engagement"], "--fold 1: the recipe default has no folds to choose from"),
        (["train", "face_emotion"], "--fold 1: FER2013 with FER+ votes as NumPy archives: has no folds to choose from"),
        (["evaluate", "face_emotion"], "--fold 1: FER2013 with FER+ votes as NumPy archives: has no folds to choose"),
        (["evaluate", "engagement"], "--fold 1: no data set of engagement has official folds"),
        (["datasets"], "--fold 1: FER2013 with FER+ votes as NumPy archives: has no folds to choose from"),
    ],
)
def test_a_fold_where_there_are_none_is_one_line(
    command: list[str], reason: str, faces: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = ["--run", str(tmp_path / "run")] if command[0] == "train" else []
    assert reason in _refusal([*command, "--data", str(faces), "--fold", "1", *run], capsys)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("recipe", "fold", "reason"),
    [
        ("default", "3", "--fold 3: there are folds of actors from 0 to 2"),
        ("default", "-1", "--fold -1: there are folds of actors from 0 to 2"),
        ("affectfusion-2025", "all", "--fold all: the recipe affectfusion-2025 keeps one fold for the test; name it"),
    ],
)
def test_a_fold_of_actors_that_there_is_not_is_one_line(
    recipe: str, fold: str, reason: str, voices: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = _refusal(["train", "speech_emotion", "--data", str(voices), "--recipe", recipe, "--fold", fold], capsys)
    assert said.endswith(reason)


def test_converting_before_training_is_one_line(
    faces: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = _refusal(["convert", "face_emotion", "--data", str(faces), "--run", str(tmp_path / "run")], capsys)
    assert said.endswith("run `affect-quantize train face_emotion` first")


def _run(branch: str, **changes: Any) -> bytes:
    run = Run(
        branch=branch,
        recipe={},
        preprocessing=msgspec.to_builtins(FaceCrop()),
        preprocessing_sha256=FaceCrop().fingerprint(),
        thresholds={"positive": 0.5},
        temperature=1.0,
        split={},
        development={},
        versions={},
    )
    return msgspec.json.encode(msgspec.structs.replace(run, **changes))


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        (b"{", "not a run of this program"),
        (b'{"branch": "face_emotion"}', "not a run of this program"),
        (_run("engagement"), "is a run of 'engagement', not of 'face_emotion'"),
        (_run("face_emotion", preprocessing_sha256="0"), "was trained with another preprocessing"),
        (_run("face_emotion", preprocessing={"size": "big"}), "preprocessing does not fit FaceCrop"),
    ],
)
def test_a_run_that_does_not_fit_is_one_line(
    config: bytes, reason: str, faces: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "config.json").write_bytes(config)
    (tmp_path / "model.keras").touch()
    said = _refusal(["convert", "face_emotion", "--data", str(faces), "--run", str(tmp_path)], capsys)
    assert "config.json: " in said and reason in said


@needs_tensorflow
def test_a_failed_conversion_leaves_the_models_alone(
    faces: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, models = tmp_path / "run", tmp_path / "models"
    assert main(["train", "face_emotion", "--data", str(faces), "--run", str(run), "--epochs", "1"]) == 0
    assert len(json.loads((run / "metrics.json").read_text())["history"]) == 1
    (run / "model.keras").write_bytes(b"not a model")
    capsys.readouterr()
    said = _refusal(
        ["convert", "face_emotion", "--data", str(faces), "--run", str(run), "--models", str(models)], capsys
    )
    assert "model.keras: Keras cannot load this file" in said
    assert not models.exists()


def test_evaluating_without_a_model_is_one_line(
    faces: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = _refusal(["evaluate", "face_emotion", "--data", str(faces), "--models", str(tmp_path)], capsys)
    assert "no manifest for the model 'face_emotion'" in said
