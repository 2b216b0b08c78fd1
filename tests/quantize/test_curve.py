from __future__ import annotations

import importlib.util
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from quantize.branches import BRANCHES
from quantize.branches.base import Examples, Outcome
from quantize.branches.speech_emotion import SpeechEmotion
from quantize.cli import main
from quantize.curve import _point, table
from quantize.curve_chart import draw
from quantize.evaluation import metrics
from quantize.evaluation.ceilings import other_clips, second_panel
from quantize.training.shares import chosen

needs_tensorflow = pytest.mark.skipif(
    importlib.util.find_spec("tensorflow") is None, reason="training needs TensorFlow, which is not installed here"
)
GOOD = np.array([1.0, 0.0, np.nan], np.float32)
"""Of three labels the first is positive, the second negative, the third neither."""


@pytest.fixture(autouse=True)
def few_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Intervals are not what is tested here."""
    monkeypatch.setattr(metrics, "ROUNDS", 20)


def test_a_larger_share_holds_every_smaller_one() -> None:
    subjects = np.repeat(np.arange(10), 3)
    half, most, everybody = (chosen(subjects, share, seed=1) for share in (0.5, 0.8, 1.0))
    assert [len(np.unique(subjects[rows])) for rows in (half, most, everybody)] == [5, 8, 10]
    assert not (half & ~most).any() and everybody.all()
    assert (chosen(subjects, 0.5, seed=2) != half).any()


def test_a_panel_that_is_of_one_mind_is_met_again() -> None:
    votes = np.eye(3, dtype=np.float32)[[0, 1, 0, 1, 2]]
    assert second_panel(votes, votes.argmax(axis=1), GOOD, np.array([1, 0, 1, 0, -1])) == []


def test_the_less_a_panel_agrees_the_less_does_the_next() -> None:
    def told(share: float) -> dict[str, float]:
        votes = np.tile(np.array([[share, 1 - share, 0], [1 - share, share, 0]], np.float32), (200, 1))
        emotion = np.tile([0, 1], 200)
        (ceiling,) = second_panel(votes, emotion, GOOD, 1 - emotion)
        return dict(ceiling.figures)

    clear, close = told(0.9), told(0.6)
    assert all(clear[name] > 0.99 for name in clear)
    assert all(0.6 < close[name] < 0.9 for name in close)


def test_clips_tell_of_each_other_what_their_labels_allow() -> None:
    rng = np.random.default_rng(0)
    subjects = np.repeat([f"s{i}" for i in range(50)], 40)
    mood = np.repeat(rng.integers(0, 4, (500, 4)), 4, axis=0)
    next_to_it, all_others = other_clips(mood, subjects, high=2)
    assert next_to_it.figures["auc"] > 0.85 > 0.7 > all_others.figures["auc"]
    next_to_it, all_others = other_clips(rng.integers(0, 4, (2000, 4)), subjects, high=2)
    assert abs(next_to_it.figures["auc"] - 0.5) < 0.03


def _outcome() -> Outcome:
    """Answers that tell nothing but who somebody is; the labels depend on that alone."""
    rng = np.random.default_rng(0)
    subjects = np.repeat(np.arange(40), 25)
    inclined = rng.uniform(size=40)[subjects]
    truth = (rng.uniform(size=(1000, 4)) < inclined[:, None]).astype(np.int64)
    logits = np.repeat(inclined[:, None], 4, axis=1).astype(np.float32)
    return Outcome(Examples(logits, truth, None, subjects, lambda condition: logits), logits, 32, "subjects")


def test_within_people_nothing_is_left_of_who_they_are() -> None:
    point = _point(BRANCHES["engagement"], _outcome())
    assert point["auc"]["low"] > 0.7
    assert point["auc_within"]["value"] == pytest.approx(0.5, abs=1e-6)
    assert set(point["auc_per_label"]) == set(BRANCHES["engagement"].decisions)


def _report() -> dict[str, Any]:
    point = {"share": 1.0, **_point(BRANCHES["engagement"], _outcome())}
    ceiling = {"who": "somebody who knows", "figures": {"auc": 0.9}}
    return {"branch": "engagement", "recipe": {"name": "default"}, "points": [point, point], "ceilings": [ceiling]}


def test_the_table_has_a_row_for_each_share_and_each_ceiling() -> None:
    report = _report()
    lines = table(report).splitlines()
    assert lines[0] == "| learned from | AUC | AUC within people | balanced accuracy |"
    assert lines[2].startswith("| 32 subjects | 0.839 [") and lines[4] == "| somebody who knows | 0.900 | – | – |"
    assert "does not say" in table({**report, "ceilings": []})


def test_the_chart_shows_curve_and_ceiling() -> None:
    assert b"somebody who knows" in draw(_report(), ".svg")
    assert draw(_report(), ".png").startswith(b"\x89PNG")


def test_a_voice_has_one_label() -> None:
    assert SpeechEmotion().ceilings(Path("anywhere")) == []


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--chart", "curve.gif"], "must end in .svg or .png"),
        (["--recipe", "random-split"], "--recipe random-split: has no folds of actors; a curve needs them"),
    ],
)
def test_a_curve_that_cannot_be_drawn_is_one_line(
    options: list[str], reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    assert main(["curve", "speech_emotion", "--data", str(tmp_path), "--run", str(run), *options]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith(reason)
    assert not run.exists()


@needs_tensorflow
@pytest.mark.timeout(600)
def test_a_curve_is_trained_share_by_share(
    landmarks: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipes = BRANCHES["engagement"].recipes
    small = {"steps": 5, "folds": 2, "components": 6, "units": 4, "hidden": 4}
    monkeypatch.setitem(recipes, "default", replace(recipes["default"], **small))
    run, report, chart = tmp_path / "run", tmp_path / "curve.json", tmp_path / "curve.svg"
    command = ["curve", "engagement", "--data", str(landmarks), "--run", str(run), "--shares", "100", "50"]
    assert main([*command, "--json", str(report), "--chart", str(chart)]) == 0
    points = json.loads(report.read_text())["points"]
    assert [(point["share"], point["count"], point["n"]) for point in points] == [(0.5, 2, 104), (1.0, 4, 104)]
    assert "guessing from the levels of all of the same person's other clips" in capsys.readouterr().out
    assert "<svg" in chart.read_text()
    assert sorted(path.name for path in (run / "logs").iterdir())[0] == "share-100-fold-0"
    assert not (run / "checkpoints").exists()
