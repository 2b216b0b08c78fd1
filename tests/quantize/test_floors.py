from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from quantize.branches.engagement import Engagement
from quantize.datasets import daisee
from quantize.evaluation import figures, floors, metrics, tables
from quantize.training import landmark_bases


def _people(seed: int, steps: int = 6) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sequences float32 (200, steps, 3), truth (200, 2) and subjects: a mean tells one decision, a spread the other."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 2, (200, 2))
    inputs = rng.normal(size=(200, steps, 3))
    inputs[:, :, 1] *= 1 + 2 * truth[:, 1:]
    inputs[:, :, 0] += 2 * truth[:, :1]
    return inputs.astype(np.float32), truth, np.arange(200) // 20


def _areas(scores: np.ndarray, truth: np.ndarray) -> list[float]:
    return [metrics.auc(answers, said) for answers, said in zip(truth.T, scores.T, strict=True)]


def test_a_linear_model_learns_from_some_people_what_it_tells_of_others() -> None:
    (known, truth, subjects), (unseen, asked, _) = _people(0), _people(1)
    scores = floors.linear(known, truth, subjects, unseen)
    assert scores.shape == (200, 2) and scores.dtype == np.float32
    assert min(_areas(scores, asked)) > 0.95
    shuffled = np.random.default_rng(0).permutation(truth)
    assert max(_areas(floors.linear(known, shuffled, subjects, unseen), asked)) < 0.8


def test_stills_are_read_by_their_means() -> None:
    (known, truth, subjects), (unseen, asked, _) = _people(0, steps=1), _people(1, steps=1)
    told, _ = _areas(floors.linear(known, truth, subjects, unseen), asked)
    assert told > 0.85


def test_what_never_differs_is_not_told() -> None:
    known, truth, subjects = _people(0)
    truth[:, 1] = 0
    scores = floors.linear(known, truth, subjects, known)
    assert scores[:, 0].any() and not scores[:, 1].any()


def test_it_learns_from_the_very_people_that_the_network_learned_from(
    landmarks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learned: list[set[str]] = []

    def noted(inputs: np.ndarray, truth: np.ndarray, subjects: np.ndarray, unseen: np.ndarray) -> np.ndarray:
        assert inputs.shape[1:] == unseen.shape[1:] and len(inputs) == len(truth) == len(subjects)
        learned.append(set(subjects.tolist()))
        return np.zeros((len(unseen), 4), np.float32)

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
