from __future__ import annotations

import importlib.util
import json
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from edge.config import MODELS
from edge.errors import UserError
from edge.inference.store import Manifest, ModelStore
from quantize import reproduce
from quantize.branches import BRANCHES
from quantize.branches.base import Branch, Recipe
from quantize.cli import main
from quantize.commands.training import GO_ON
from quantize.convert import convert
from quantize.evaluation import metrics
from quantize.reproduce import compare, recipe_of
from quantize.train import train
from quantize.training.checkpoints import Checkpoints

needs_tensorflow = pytest.mark.skipif(
    importlib.util.find_spec("tensorflow") is None, reason="training needs TensorFlow, which is not installed here"
)


def _manifest(sha256: str = "a", value: float = 0.8, **figures: Any) -> Manifest:
    figure = {"value": value, "low": 0.75, "high": 0.85}
    kind = dict.fromkeys(("balanced_accuracy", "auc", "accuracy", "macro_f1"), figure)
    figures = {"n": 100, "agreement": 0.99, "float32": kind, "int8": kind, **figures}
    contract = json.loads((MODELS / "face_emotion.json").read_text())
    return msgspec.convert(contract | {"sha256": sha256, "figures": figures}, Manifest)


def test_the_same_file_with_the_same_figures_is_the_same() -> None:
    comparison = compare(_manifest(), _manifest())
    assert (comparison.same_file, comparison.verdict) == (True, "same")


@pytest.mark.parametrize(
    ("value", "verdict"), [(0.8, "within interval"), (0.84, "within interval"), (0.86, "different")]
)
def test_another_file_is_judged_by_the_shipped_intervals(value: float, verdict: str) -> None:
    comparison = compare(_manifest(), _manifest("b", value))
    assert (comparison.same_file, comparison.verdict) == (False, verdict)


def test_figures_of_other_examples_are_different_even_of_the_same_file() -> None:
    assert compare(_manifest(), _manifest(n=99)).verdict == "different"


def test_a_branch_that_ships_without_figures_cannot_be_reproduced() -> None:
    bare = msgspec.structs.replace(_manifest(), figures={})
    assert compare(bare, _manifest("b")).verdict == "different"


def test_the_comparison_puts_figures_side_by_side() -> None:
    text = str(compare(_manifest(), _manifest("b", 0.86)))
    assert "| balanced accuracy, int8 | 0.800 [0.750, 0.850] | 0.860 [0.750, 0.850] |" in text
    assert text.endswith("another file (sha256); different")


def test_what_ships_is_made_by_the_recipe_in_its_manifest() -> None:
    branch = BRANCHES["face_emotion"]
    made_with = msgspec.to_builtins(replace(branch.recipes["default"], epochs=7, seed=3))
    manifest = msgspec.structs.replace(_manifest(), provenance={"recipe": made_with})
    assert recipe_of(branch, manifest) == replace(branch.recipes["default"], epochs=7, seed=3)
    shortened = recipe_of(branch, manifest, epochs=1)
    assert shortened == replace(branch.recipes["once"], name="default", epochs=1, seed=3)


@pytest.mark.parametrize("recipe", [{}, {"name": "forgotten"}, {"name": "default", "epochs": "many"}])
def test_a_recipe_that_this_code_does_not_have_is_an_error(recipe: dict[str, Any]) -> None:
    manifest = msgspec.structs.replace(_manifest(), provenance={"recipe": recipe})
    with pytest.raises(UserError, match="face_emotion: ships from"):
        recipe_of(BRANCHES["face_emotion"], manifest)


@needs_tensorflow
@pytest.mark.timeout(600)
@pytest.mark.usefixtures("at_any_cost")
def test_what_was_made_here_is_made_again_to_the_byte(
    faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(metrics, "ROUNDS", 20)
    models, branch = tmp_path / "models", BRANCHES["face_emotion"]
    recipe = replace(branch.recipes["default"].shortened(1), widths=(4, 4, 4, 4))
    made = _made_in_a_fresh_process(branch, recipe, faces, tmp_path / "run", models)
    command = ["reproduce", "face_emotion", "--face", str(faces), "--models", str(models)]
    assert main([*command, "--into", str(tmp_path / "again")]) == 0
    assert "face_emotion: the same file (sha256); same" in capsys.readouterr().out
    assert ModelStore(tmp_path / "again" / "models").manifest("face_emotion").sha256 == made.sha256
    assert (tmp_path / "again" / "models" / "face_emotion.md").is_file()
    weights = tmp_path / "again" / "runs" / "face_emotion" / "model.keras"
    trained = weights.stat().st_mtime_ns
    assert main([*command, "--into", str(tmp_path / "again")]) == 0
    assert "face_emotion: the same file (sha256); same" in capsys.readouterr().out
    assert weights.stat().st_mtime_ns == trained
    assert "a run with recipe's epochs 1, now 2; name a fresh folder with --into" in _refusal(
        capsys, *command[1:], "--into", str(tmp_path / "again"), "--epochs", "2"
    )


def _made_in_a_fresh_process(branch: Branch, recipe: Recipe, data: Path, run: Path, models: Path) -> Manifest:
    """A branch as it would ship: trained on its own, because Keras counts the layers of a process in their names."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        pool.submit(train, branch, data, recipe, run).result()
    return convert(branch, data, run, models)


def _refusal(capsys: pytest.CaptureFixture[str], *options: str) -> str:
    assert main(["reproduce", *options]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    return str(line)


def test_a_root_without_the_data_set_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = _refusal(capsys, "speech_emotion", "--data", str(tmp_path))
    assert said.endswith("ravdess: no such folder; the data set of speech_emotion")


def test_no_folder_at_all_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert "where is its data set? --data ROOT or --face DIR" in _refusal(capsys, "face_emotion")


def test_an_unknown_branch_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = _refusal(capsys, "gaze", "--data", str(tmp_path))
    assert said.endswith("gaze: no such branch; there are engagement, face_emotion, speech_emotion")


def test_a_folder_that_holds_something_is_not_written_into(
    faces: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "earlier").touch()
    said = _refusal(capsys, "face_emotion", "--face", str(faces), "--into", str(tmp_path))
    assert said.endswith("holds something already; name a fresh folder with --into")
    assert [path.name for path in tmp_path.iterdir()] == ["earlier"]


@pytest.fixture
def interrupted(faces: Path, tmp_path: Path) -> Path:
    """The folder of a reproduction that was stopped in its first epoch."""
    branch = BRANCHES["face_emotion"]
    recipe = recipe_of(branch, ModelStore(MODELS).manifest(branch.name))
    Checkpoints(tmp_path / "runs" / branch.name, branch, faces, recipe).part("preface")
    return tmp_path


def test_a_reproduction_that_was_stopped_goes_on(
    faces: Path, interrupted: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(reproduce, "ProcessPoolExecutor", stopped)
    command = ["reproduce", "face_emotion", "--face", str(faces), "--into", str(interrupted)]
    assert main(command) == 130
    assert capsys.readouterr().err == f"affect-quantize: {GO_ON} {interrupted}\n"


@pytest.mark.parametrize(
    ("left", "reason"),
    [
        ("runs/face_emotion/checkpoints/run.json", "cannot be read"),
        ("runs/engagement/notes.txt", "holds something already"),
        ("models/speech_emotion.json", "holds something already"),
    ],
)
def test_a_folder_with_anything_else_is_not_written_into(
    left: str,
    reason: str,
    request: pytest.FixtureRequest,
    interrupted: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (interrupted / left).parent.mkdir(parents=True, exist_ok=True)
    (interrupted / left).write_text("mine")
    data = {"--face": "faces", "--speech": "voices", "--engagement": "landmarks"}
    sources = [part for option, name in data.items() for part in (option, str(request.getfixturevalue(name)))]
    said = _refusal(capsys, *sources, "--into", str(interrupted))
    assert reason in said and said.endswith("; name a fresh folder with --into")
    assert (interrupted / left).read_text() == "mine"


def test_a_stopped_reproduction_of_another_recipe_does_not_go_on(
    faces: Path, interrupted: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = _refusal(capsys, "face_emotion", "--face", str(faces), "--into", str(interrupted), "--epochs", "1")
    assert "an interrupted run with recipe's epochs" in said and said.endswith("; name a fresh folder with --into")


def test_models_that_are_not_there_are_one_line(
    faces: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    elsewhere = ["--models", str(tmp_path), "--into", str(tmp_path / "into")]
    said = _refusal(capsys, "face_emotion", "--face", str(faces), *elsewhere)
    assert "no manifest for the model 'face_emotion'" in said
    assert not (tmp_path / "into").exists()
