"""Clips through the face branch: one frame each in an epoch of training, the sum of all of them in a decision."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from edge.config import MODELS
from edge.features.face_crop import FaceCrop
from edge.inference.answer import answer
from edge.inference.interpreter import Interpreter
from edge.inference.store import ModelStore
from quantize.branches import BRANCHES
from quantize.branches.face_emotion import FaceEmotion
from quantize.branches.face_emotion import _train as _train_on
from quantize.cli import main
from quantize.datasets import faces as face_data
from quantize.datasets.clips import one_frame_each, summed
from quantize.evaluation import metrics
from quantize.evaluation.conditions import Condition
from quantize.extraction import CACHE
from quantize.runs import Run
from quantize.training.checkpoints import Checkpoints

needs_tensorflow = pytest.mark.skipif(
    importlib.util.find_spec("tensorflow") is None, reason="training needs TensorFlow, which is not installed here"
)

FRAMES = 16
PAPER = "affectfusion-2025"


@pytest.fixture(scope="module")
def extracted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("extracted")


@pytest.fixture(autouse=True)
def extract_once(cache: Path, extracted: Path) -> None:
    """The same pictures serve every test."""
    CACHE.set(extracted)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network that is soon trained, and few draws of the intervals, which are not looked at here."""
    recipes = FaceEmotion.recipes
    tiny: dict[str, Any] = {"widths": (4, 4, 4, 8, 8), "batch": 8}
    monkeypatch.setitem(recipes, PAPER, replace(recipes[PAPER], learning_rate=5e-3, **tiny))
    monkeypatch.setitem(recipes, "once", replace(recipes["once"], **tiny))
    monkeypatch.setattr(metrics, "ROUNDS", 20)


def test_a_frame_of_each_clip_is_drawn_whatever_their_order_and_length() -> None:
    clip = np.array([2, 0, 1, 2, 0, 2])
    drawn = [one_frame_each(clip, np.random.default_rng(epoch)).tolist() for epoch in range(50)]
    assert all(clip[rows].tolist() == [0, 1, 2] for rows in drawn)
    assert {row for rows in drawn for row in rows} == set(range(6))


def test_stills_are_drawn_as_they_are() -> None:
    assert one_frame_each(np.arange(5), np.random.default_rng(0)).tolist() == [0, 1, 2, 3, 4]


def test_the_sum_of_the_logits_decides_where_most_frames_say_otherwise() -> None:
    logits = np.array([[1, 0], [1, 0], [0, 3], [2, 5]], np.float32)
    decided = summed(logits, np.array([0, 0, 0, 1]))
    assert logits.argmax(axis=1).tolist() == [0, 0, 1, 1]
    assert decided.argmax(axis=1).tolist() == [1, 1]
    np.testing.assert_allclose(decided * [[3], [1]], [[2, 3], [2, 5]])
    assert decided.dtype == np.float32


def _train(data: Path, run: Path, *options: str) -> Run:
    assert main(["train", "face_emotion", "--data", str(data), "--run", str(run), *options]) == 0
    return msgspec.json.decode((run / "config.json").read_bytes(), type=Run)


def _network(*_: Any) -> tuple[Any, list[dict[str, float]]]:
    """What ``_train`` returns, untrained."""
    from quantize.models.face_emotion import face_emotion

    return face_emotion(len(FaceEmotion.labels), (4, 4, 4, 4, 4)), []


@needs_tensorflow
@pytest.mark.parametrize("recipe", [PAPER, "once"])
def test_an_epoch_learns_from_one_random_frame_of_each_clip(
    recipe: str, clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from quantize.training import fitting

    epochs: list[list[int]] = []

    def seen(model: Any, batches: Any, *_: Any) -> list[dict[str, float]]:
        for epoch in range(6):
            batches.begin(epoch)
            epochs.append(batches.indices.tolist())
        return []

    monkeypatch.setattr(fitting, "fit", seen)
    monkeypatch.setattr(fitting, "fit_to_plateau", seen)
    train, valid = (face_data.load(clips, split) for split in ("train", "valid"))
    # twice as many happy clips as sad ones
    uneven = train.only((train.positive == 1) | (train.clip < 18))
    chosen = FaceEmotion.recipes[recipe]
    branch = FaceEmotion()
    _train_on(uneven, valid, FaceCrop(), chosen, Checkpoints(tmp_path, branch, clips, chosen))
    happy = set((uneven.clip[uneven.positive == 1]).tolist())
    frames: dict[int, set[int]] = {}
    for rows in epochs:
        of_clip: dict[int, set[int]] = {}
        for row in rows:
            of_clip.setdefault(int(uneven.clip[row]), set()).add(row)
        assert all(len(one) == 1 for one in of_clip.values())
        assert happy <= set(of_clip)
        assert len(rows) == (36 if recipe == PAPER else 27)
        for clip, one in of_clip.items():
            frames.setdefault(clip, set()).update(one)
    assert all(len(frames[clip]) > 1 for clip in happy)


@needs_tensorflow
def test_the_loss_that_is_watched_is_that_of_the_clips_summed_logits() -> None:
    import tensorflow as tf

    from quantize.training.callbacks import Validation, Watch

    network = tf.keras.Sequential([tf.keras.layers.Dense(1, use_bias=False, input_shape=(1,))])
    network.set_weights([np.ones((1, 1), np.float32)])
    frames, targets = np.array([[1.0], [2.0], [6.0], [4.0]], np.float32), np.array([[0.0], [1.0]], np.float32)
    watch, logs = Watch(Validation(frames, targets, np.array([0, 0, 0, 1])), tf.keras.losses.mse), {"loss": 0.5}
    watch.set_model(network)
    watch.on_epoch_end(0, logs)
    assert logs == {"loss": 0.5, "val_loss": pytest.approx((3.0**2 + 3.0**2) / 2)}


def _judged(data: Path, models: Path, report: Path, *options: str) -> dict[str, Any]:
    arguments = ["evaluate", "face_emotion", "--data", str(data), "--models", str(models), "--json", str(report)]
    assert main([*arguments, *options]) == 0
    found: dict[str, Any] = json.loads(report.read_text())
    return found


@pytest.mark.parametrize("fold", [None, "3", "all"])
def test_every_kind_decides_once_on_each_clip(fold: str | None, clips: Path, tmp_path: Path) -> None:
    report = _judged(clips, MODELS, tmp_path / "r.json", "--quick", *(["--fold", fold] if fold else []))
    chosen = {None: 0, "3": 3, "all": "all"}[fold]
    part = face_data.load(clips, "test", chosen)
    count = 50 if fold == "all" else 10
    assert (report["n"], report["clusters"]) == (count, count)
    manifest = ModelStore(MODELS).load("face_emotion")[0]
    for kind, path in {"float32": MODELS / "float32", "int8": MODELS}.items():
        network = Interpreter(path / manifest.file)
        logits = np.stack([answer(network(FaceCrop.standardise(image)[None])).logits for image in part.images])
        means = logits.reshape(count, FRAMES, -1).sum(axis=1) / FRAMES
        said = FaceEmotion().probabilities(means, manifest.temperature)[:, 0] >= manifest.thresholds["positive"]
        happy = part.positive[::FRAMES] == 1
        counts = [[int(((happy == truth) & (said == answer)).sum()) for answer in (False, True)] for truth in (0, 1)]
        assert report[kind]["confusion"]["positive"] == counts
        assert sum(map(sum, report[kind]["emotions"]["confusion"])) == count


def test_all_frames_of_a_clip_are_spoilt_alike(clips: Path) -> None:
    drawn = []

    def damage(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        drawn.append(rng.integers(1_000_000))
        return image

    examples = FaceEmotion().unseen(clips, FaceCrop(), {"train": 1})
    np.testing.assert_array_equal(examples.under(Condition("none", "as it is", damage)), examples.inputs)
    by_clip = np.reshape(drawn, (10, FRAMES))
    assert (by_clip == by_clip[:, :1]).all() and len(set(by_clip[:, 0].tolist())) == 10


def _refusal(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    assert main(arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    return line


@needs_tensorflow
def test_the_papers_recipe_on_a_fold_is_tested_by_that_folds_clips_alone(
    clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = _train(clips, tmp_path / "run", "--recipe", PAPER, "--fold", "2", "--epochs", "8")
    assert (run.split["fold"], run.split["train"], run.split["valid"]) == (2, 36, 4)
    assert run.development["n"] == 4 and run.development["auc"]["positive"] > 0.9
    models = tmp_path / "models"
    on_run = ["--data", str(clips), "--run", str(tmp_path / "run")]
    assert main(["convert", "face_emotion", *on_run, "--models", str(models)]) == 0
    report = _judged(clips, models, tmp_path / "r.json", "--quick")
    assert report["n"] == 10 and report["float32"]["auc"]["value"] > 0.9
    assert report["int8"]["auc"] == ModelStore(models).load("face_emotion")[0].figures["int8"]["auc"]
    on = ["evaluate", "face_emotion", "--data", str(clips), "--models", str(models), "--quick"]
    assert main([*on, "--fold", "2"]) == 0
    assert "--fold 1: the model learned from it, as it was trained on fold 2" in _refusal([*on, "--fold", "1"], capsys)
    assert "--fold all: the model learned from it" in _refusal([*on, "--fold", "all"], capsys)


@needs_tensorflow
def test_with_all_folds_each_has_a_network_that_its_own_clips_test(
    clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("quantize.branches.face_emotion._train", _network)
    run = _train(clips, tmp_path, "--recipe", PAPER, "--fold", "all", "--epochs", "1")
    assert [fold.split["fold"] for fold in run.folds] == [0, 1, 2, 3, 4]
    branch = BRANCHES["face_emotion"]
    tested = [branch.unseen(clips, FaceCrop(), fold.split) for fold in run.folds]
    assert [len(examples.truth) for examples in tested] == [10] * 5
    assert len({examples.inputs.tobytes() for examples in tested}) == 5
    assert (run.split["fold"], run.split["train"], run.split["valid"]) == ("all", 46, 4)
    with pytest.raises(Exception, match="every clip here was trained on; nothing unseen is left"):
        branch.unseen(clips, FaceCrop(), run.split)


@needs_tensorflow
def test_a_share_of_the_clips_is_whole_clips(clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("quantize.branches.face_emotion._train", _network)
    branch = FaceEmotion()
    recipe = branch.recipes["once"]
    outcome = branch.fit_share(clips, recipe, 0.5, Checkpoints(tmp_path, branch, clips, recipe, "curve"))
    assert (outcome.count, outcome.unit, len(outcome.logits)) == (18, "clips", 4)


@pytest.mark.parametrize("fold", ["5", "-1"])
@pytest.mark.parametrize("command", [["train", "face_emotion"], ["evaluate", "face_emotion", "--models", str(MODELS)]])
def test_a_fold_that_there_is_not_is_one_line(
    command: list[str], fold: str, clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = ["--run", str(tmp_path / "run")] if command[0] == "train" else []
    said = _refusal([*command, "--data", str(clips), "--fold", fold, *run], capsys)
    assert f"--fold {fold}: DFEW" in said and said.endswith("has the folds 0, 1, 2, 3, 4, all")
    assert not (tmp_path / "run").exists()
