from __future__ import annotations

import importlib.util
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge.errors import UserError
from quantize.branches import BRANCHES
from quantize.branches.face_emotion import HAPPY, _weighted_loss, balanced
from quantize.cli import main
from quantize.datasets import fer2013plus

needs_tensorflow = pytest.mark.skipif(
    importlib.util.find_spec("tensorflow") is None, reason="training needs TensorFlow, which is not installed here"
)
SAD = fer2013plus.EMOTIONS.index("sad")


def test_the_rarer_answer_is_drawn_until_it_is_as_common() -> None:
    positive = np.array([1] * 30 + [0] * 4 + [-1] * 6)
    rows = balanced(positive, np.random.default_rng(0))
    assert np.bincount(positive[rows]).tolist() == [30, 30]
    assert set(np.flatnonzero(positive == 1)) <= set(rows)


def test_pictures_of_one_valence_cannot_be_balanced() -> None:
    with pytest.raises(UserError, match="both are needed"):
        balanced(np.array([1, 1, -1]), np.random.default_rng(0))


@needs_tensorflow
def test_an_error_on_the_rarer_answer_costs_more() -> None:
    logits = np.zeros((2, 7), np.float32)
    logits[0, HAPPY] = logits[1, SAD] = 5.0
    sure_but_wrong = np.array([[0.0], [1.0]], np.float32)
    missed_negative, missed_positive = _weighted_loss(np.array([1, 1, 1, 0, -1]))(sure_but_wrong, logits).numpy()
    assert missed_negative / missed_positive == pytest.approx(3.0 * _surprise(5.0, 4) / _surprise(5.0, 2), rel=1e-3)


def _surprise(logit: float, others: int) -> float:
    """What it costs to be sure, by ``logit``, of the wrong side of six shares when the right side has ``others``."""
    return float(np.log((np.exp(logit) + 5) / others))


@needs_tensorflow
def test_a_face_and_its_mirror_image_get_the_same_answer() -> None:
    from quantize.models.face_emotion import face_emotion, with_mirror

    network = face_emotion(7, (4, 4, 4, 4, 4))
    faces = np.random.default_rng(0).normal(size=(3, 48, 48, 1)).astype(np.float32)
    mirrored = faces[:, :, ::-1]
    assert not np.allclose(network(faces), network(mirrored), atol=1e-4)
    np.testing.assert_allclose(with_mirror(network, 48)(faces), with_mirror(network, 48)(mirrored), atol=1e-5)
    np.testing.assert_allclose(
        with_mirror(network, 48, batch=1)(faces[:1]), with_mirror(network, 48)(faces)[:1], atol=1e-5
    )


@needs_tensorflow
def test_the_published_recipe_watches_validation_and_tells_valence(
    faces: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    recipes = BRANCHES["face_emotion"].recipes
    small = replace(recipes["affectfusion-2025"], widths=(4, 4, 4, 8, 8), batch=8, learning_rate=5e-3)
    monkeypatch.setitem(recipes, "affectfusion-2025", small)
    on = ["train", "face_emotion", "--data", str(faces), "--run", str(tmp_path), "--epochs", "6"]
    assert main([*on, "--recipe", "affectfusion-2025"]) == 0
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert {"loss", "val_loss"} <= set(metrics["history"][0])
    assert metrics["development"]["auc"]["positive"] > 0.8
