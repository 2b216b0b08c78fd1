from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge.signals import ENGAGEMENT_STATES
from quantize.branches.engagement import Engagement
from quantize.datasets import daisee
from quantize.evaluation import figures, floors, metrics, tables
from quantize.training import landmark_bases

BOREDOM = ENGAGEMENT_STATES.index("boredom")


def _area(landmarks: Path, scores: np.ndarray, state: int) -> float:
    levels = daisee.load(landmarks, "Validation").levels[:, state]
    return metrics.auc((levels >= 2).astype(np.int64), scores[:, state])


def test_a_linear_model_learns_from_some_people_what_it_tells_of_others(landmarks: Path) -> None:
    train, unseen = (daisee.load(landmarks, split) for split in ("Train", "Validation"))
    scores = floors.linear(train, unseen)
    assert scores.shape == (52, 4) and scores.dtype == np.float32
    assert _area(landmarks, scores, BOREDOM) > 0.95
    shuffled = replace(train, levels=np.random.default_rng(0).permutation(train.levels))
    assert _area(landmarks, floors.linear(shuffled, unseen), BOREDOM) < 0.9


def test_what_never_differs_is_not_told(landmarks: Path) -> None:
    train, unseen = (daisee.load(landmarks, split) for split in ("Train", "Validation"))
    levels = train.levels.copy()
    levels[:, BOREDOM] = 1
    scores = floors.linear(replace(train, levels=levels), unseen)
    assert not scores[:, BOREDOM].any() and _area(landmarks, scores, BOREDOM) == 0.5


def test_what_moves_is_told_by_its_spread(landmarks: Path) -> None:
    clips = daisee.load(landmarks, "Train")
    rng = np.random.default_rng(0)
    still = np.repeat(clips.landmarks[:1], len(clips.levels), axis=0)
    nods = rng.normal(size=(len(still), 12, 1, 1)) * (1 + 2 * (clips.levels[:, BOREDOM] >= 2))[:, None, None, None]
    moving = np.repeat(still, 12, axis=1)
    moving[:, :, 10:30, 1:2] += nods - nods.mean(axis=1, keepdims=True)
    clips = replace(clips, landmarks=moving.astype(np.float32))
    train, unseen = clips.only(np.arange(78)), clips.only(np.arange(78, 104))
    said = floors.linear(train, unseen)[:, BOREDOM]
    assert metrics.auc((unseen.levels[:, BOREDOM] >= 2).astype(np.int64), said) > 0.9


def test_it_learns_from_the_very_people_that_the_network_learned_from(
    landmarks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learned: list[set[str]] = []

    def noted(train: daisee.Clips, unseen: daisee.Clips) -> np.ndarray:
        learned.append(set(train.subjects.tolist()))
        assert not learned[-1] & set(unseen.subjects.tolist())
        return np.zeros((len(unseen.levels), 4), np.float32)

    monkeypatch.setattr(floors, "linear", noted)
    branch, features = Engagement(), landmark_bases.components(daisee.load(landmarks, "Train"), 6)
    found = figures.floor(branch, branch.unseen(landmarks, features, {"train": ["s00", "s01"]}))
    assert learned == [{"s00", "s01"}]
    assert found["linear_auc_per_label"]["boredom"]["value"] == 0.5
    assert figures.floor(branch, branch.unseen(landmarks, features, {"train": ["somebody", "else"]})) == {}
    assert figures.floor(branch, branch.unseen(landmarks, features, None)) == {}


def _reached(**values: float) -> dict[str, dict[str, float]]:
    return {name: {"value": value, "low": value - 0.1, "high": value + 0.1} for name, value in values.items()}


def test_a_label_that_is_not_above_the_floor_is_named() -> None:
    report = {"int8": {"auc_per_label": _reached(boredom=0.7, confusion=0.6)}}
    assert tables.floor(report) == []
    (said,) = tables.floor({**report, "linear_auc_per_label": _reached(boredom=0.65, confusion=0.65)})
    assert "boredom 0.650 [0.550, 0.750]" in said and said.endswith("int8 is not above it in confusion.")
    (said,) = tables.floor({**report, "linear_auc_per_label": _reached(boredom=0.65, confusion=0.55)})
    assert said.endswith("int8 is above it in each.")
