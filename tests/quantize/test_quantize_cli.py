from __future__ import annotations

import importlib.util
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from edge.features.face_crop import FaceCrop
from edge.inference.store import ModelStore
from quantize.branches import BRANCHES
from quantize.cli import main
from quantize.runs import Run

needs_tensorflow = pytest.mark.skipif(
    importlib.util.find_spec("tensorflow") is None, reason="training needs TensorFlow, which is not installed here"
)

SMALL: dict[str, dict[str, Any]] = {
    "face_emotion": {"widths": (4, 4, 4, 4, 4), "preface": 1, "encores": (1,)},
    "speech_emotion": {"widths": (4, 4, 4), "variants": 1},
    "engagement": {"steps": 5, "folds": 2},
}
DATA = {"face_emotion": "faces", "speech_emotion": "voices", "engagement": "landmarks"}


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
        BRANCHES[branch].recipes, "default", replace(BRANCHES[branch].recipes["default"], **SMALL[branch])
    )
    data, models, report = request.getfixturevalue(DATA[branch]), tmp_path / "models", tmp_path / "report.json"
    on_run = [branch, "--data", str(data), "--run", str(tmp_path / "run")]
    assert main(["train", *on_run, "--epochs", "1"]) == 0
    assert main(["convert", *on_run, "--models", str(models)]) == 0
    assert main(["evaluate", branch, "--data", str(data), "--models", str(models), "--json", str(report)]) == 0

    store = ModelStore(models)
    manifest, interpreter = store.load(branch)
    assert (interpreter.input.dtype, interpreter.outputs[0].dtype) == ("int8", "int8")
    assert interpreter.outputs[0].shape == (1, len(manifest.labels)) == (1, len(BRANCHES[branch].labels))
    assert set(manifest.thresholds) == set(BRANCHES[branch].decisions)
    store.preprocessing(manifest, BRANCHES[branch].preprocessing)
    assert "## Limits" in (models / f"{branch}.md").read_text()

    figures = json.loads(report.read_text())
    for kind in ("float32", "int8"):
        for figure in ("balanced_accuracy", "auc", "accuracy", "macro_f1"):
            assert set(figures[kind][figure]) == {"value", "low", "high"}
    assert figures["n"] > 0 and 0 <= figures["agreement"] <= 1 and 0.5 <= figures["majority_accuracy"] <= 1
    assert figures["int8"]["auc"] == manifest.figures["int8"]["auc"]
    assert "balanced accuracy" in capsys.readouterr().out


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
    assert "daisee_landmarks.npz: no such file" in said
    assert not run.exists()


def test_an_unknown_recipe_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = _refusal(["train", "engagement", "--data", str(tmp_path), "--recipe", "best"], capsys)
    assert said.endswith("--recipe best: engagement has default")


def test_a_fold_where_there_are_none_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "--fold: face_emotion has no folds" in _refusal(
        ["train", "face_emotion", "--data", str(tmp_path), "--fold", "1"], capsys
    )


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
    (run / "model.keras").write_bytes(b"not a model")
    capsys.readouterr()
    said = _refusal(
        ["convert", "face_emotion", "--data", str(faces), "--run", str(run), "--models", str(models)], capsys
    )
    assert "conversion failed" in said
    assert not models.exists()


def test_evaluating_without_a_model_is_one_line(
    faces: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = _refusal(["evaluate", "face_emotion", "--data", str(faces), "--models", str(tmp_path)], capsys)
    assert "no manifest for the model 'face_emotion'" in said


def test_the_same_seed_gives_the_same_examples(landmarks: Path) -> None:
    branch = BRANCHES["engagement"]
    from quantize.branches.engagement import select
    from quantize.datasets import daisee_landmarks

    features = select(daisee_landmarks.load(landmarks, "Train"), 0.9)
    one, other = (branch.unseen(landmarks, features, {"train": []}).inputs for _ in range(2))
    np.testing.assert_array_equal(one, other)
