"""The worth of a first minute, on faces that were made up and a rule instead of a network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge.errors import UserError
from edge.features.landmarks import LandmarkFeatures
from edge.signals import Float32Array
from quantize.datasets import daisee_landmarks
from quantize.datasets.daisee_landmarks import Clips
from quantize.evaluation import metrics, neutral
from quantize.training.landmark_bases import components

PEOPLE, EACH = 8, 20


@pytest.fixture(autouse=True)
def few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "ROUNDS", 3)


@pytest.fixture(scope="module")
def clips(landmarks: Path) -> Clips:
    """Some faces, each as if it was seen anew with a little trembling, and levels that follow from them."""
    faces = daisee_landmarks.load(landmarks, "Train").landmarks[:, 0]
    rng = np.random.default_rng(1)
    rows = rng.integers(0, len(faces), PEOPLE * EACH)
    seen = (faces[rows] + rng.normal(0, 0.1, faces[rows].shape)).astype(np.float32)
    subjects = np.repeat([f"person {number}" for number in range(PEOPLE)], EACH)
    order = components(daisee_landmarks.load(landmarks, "Train"), 6)(seen)[:, :4]
    return Clips(seen[:, None], np.where(order > 0, 3, 0).astype(np.int64), subjects)


@pytest.fixture(scope="module")
def features(landmarks: Path) -> LandmarkFeatures:
    return components(daisee_landmarks.load(landmarks, "Train"), 6)


def ask(seen: Float32Array) -> Float32Array:
    """Knows the levels of faces that are seen as they were recorded."""
    return seen[:, :4]


def compared(features: LandmarkFeatures, clips: Clips) -> dict[str, Any]:
    return neutral.compare(ask, features, np.zeros(4), clips)


def test_a_camera_from_another_angle_is_made_up_for(features: LandmarkFeatures, clips: Clips) -> None:
    found = compared(features, clips)
    plain, turned = found["angles"][0], found["angles"][3]
    assert plain["before"]["balanced_accuracy"]["value"] == 1.0
    assert plain["rooms"]["6"]["gain"]["balanced_accuracy"]["value"] == pytest.approx(0.0, abs=0.1)
    assert turned["before"]["balanced_accuracy"]["value"] < 0.8
    assert turned["rooms"]["6"]["gain"]["balanced_accuracy"]["value"] > 0.1
    everybody_later = (PEOPLE * (EACH - 12), PEOPLE)
    assert (found["n"], found["people"]) == everybody_later
    told = neutral.table(found)
    assert all(told.count(f"| {angle.title} | 6 |") == 1 for angle in neutral.ANGLES)


def test_too_few_clips_are_refused(features: LandmarkFeatures, clips: Clips) -> None:
    with pytest.raises(UserError, match="0 people with more than 120 s"):
        compared(features, clips.only(np.arange(0, len(clips.subjects), 4)))


def test_clips_in_motion_are_refused(features: LandmarkFeatures, clips: Clips) -> None:
    moving = Clips(np.repeat(clips.landmarks, 75, axis=1)[:3], clips.levels[:3], clips.subjects[:3])
    with pytest.raises(UserError, match="stills of ten seconds"):
        compared(features, moving)
