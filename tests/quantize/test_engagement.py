from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge.errors import UserError
from edge.features.landmarks import normalise
from quantize.branches.engagement import Engagement
from quantize.branches.engagement_recipes import RECIPES, EngagementRecipe
from quantize.datasets import daisee_landmarks
from quantize.training.checkpoints import Part
from quantize.training.landmark_bases import FINE, SHARED, components, reduced
from quantize.training.mirror import TWINS, mirror
from quantize.training.sequences import held, prepare
from quantize.training.teacher import teach

needs_tensorflow = pytest.mark.skipif(
    importlib.util.find_spec("tensorflow") is None, reason="training needs TensorFlow, which is not installed here"
)


@pytest.fixture
def clips(landmarks: Path) -> daisee_landmarks.Clips:
    return daisee_landmarks.load(landmarks, "Train")


def _rewritten(source: Path, folder: Path, **fields: np.ndarray) -> Path:
    with np.load(source / daisee_landmarks.FILE) as archive:
        np.savez(folder / daisee_landmarks.FILE, **{**archive, **fields})
    return folder


def test_components_are_uncorrelated_and_in_standard_deviations(clips: daisee_landmarks.Clips) -> None:
    told = components(clips, 6)(clips.landmarks[:, 0])
    np.testing.assert_allclose(np.cov(told.T, bias=True), np.eye(6), atol=0.02)


def test_more_components_than_clips_are_refused(clips: daisee_landmarks.Clips) -> None:
    with pytest.raises(UserError, match="104 training clips are too few for 104 components"):
        components(clips, 104)


def test_reduction_keeps_single_coordinates_that_are_not_alike(clips: daisee_landmarks.Clips) -> None:
    features = reduced(clips, 0.8)
    told = features(clips.landmarks[:, 0])
    assert np.abs(np.corrcoef(told.T) - np.eye(told.shape[1])).max() < 0.8
    np.testing.assert_allclose(told.std(axis=0), 1.0, atol=0.01)
    basis = np.frombuffer(features.basis, "<f2").reshape(told.shape[1], -1)
    assert ((basis != 0).sum(axis=1) == 1).all()


@pytest.mark.parametrize("made", [lambda clips: components(clips, 6), lambda clips: reduced(clips, 0.9)])
def test_points_that_the_devices_mesh_places_otherwise_change_nothing(
    made: object, clips: daisee_landmarks.Clips
) -> None:
    features = made(clips)  # type: ignore[operator]
    moved = clips.landmarks[:, 0].copy()
    moved[:, sorted(FINE)] += 3.0
    np.testing.assert_array_equal(features(moved), features(clips.landmarks[:, 0]))
    assert len(SHARED) + len(FINE) == 468


def test_a_mirror_image_of_a_mirror_image_is_the_face(clips: daisee_landmarks.Clips) -> None:
    faces = clips.landmarks[:, 0]
    np.testing.assert_array_equal(mirror(mirror(faces)), faces)
    assert TWINS[[33, 61, 1, 10, 234]].tolist() == [263, 291, 1, 10, 454]


def test_stills_are_held_and_real_clips_are_left_alone(landmarks: Path, tmp_path: Path) -> None:
    with np.load(landmarks / daisee_landmarks.FILE) as archive:
        stills = archive["landmarks"]
    stills_only = daisee_landmarks.load(landmarks, "Train")
    features = components(stills_only, 6)
    inputs = held(stills_only, features)
    assert inputs.shape == (104, 75, 6)
    np.testing.assert_array_equal(inputs[:, 0], inputs[:, 74])
    assert np.ptp(prepare(stills_only, features, 0).moving, axis=1).min() > 0

    rng = np.random.default_rng(0)
    real = (stills[:, None, :468] + rng.normal(0, 0.5, (len(stills), 75, 1, 1))).astype(np.float16)
    clips = daisee_landmarks.load(_rewritten(landmarks, tmp_path, landmarks=real), "Train")
    np.testing.assert_array_equal(prepare(clips, features, 0).moving, features(clips.landmarks))


def test_clips_of_another_length_are_refused(clips: daisee_landmarks.Clips) -> None:
    longer = replace(clips, landmarks=np.repeat(clips.landmarks, 80, axis=1))
    with pytest.raises(UserError, match="clips have 80 steps, not 75"):
        held(longer, components(clips, 6))


def test_a_test_is_of_everybody_who_was_not_trained_on(landmarks: Path, tmp_path: Path) -> None:
    branch = Engagement()
    features = components(daisee_landmarks.load(landmarks, "Train"), 6)
    trained = {"train": [f"s{i:02d}" for i in range(8)]}
    official = branch.unseen(landmarks, features, trained)
    assert official.inputs.shape == (52, 75, 6)
    assert set(official.groups.tolist()) == {"s08", "s09", "s10", "s11"}
    renamed = _rewritten(landmarks, tmp_path, split=np.array(["Test"] * 156))
    np.testing.assert_array_equal(branch.unseen(renamed, features, trained).inputs, official.inputs)


def test_trained_subjects_are_never_a_test(landmarks: Path) -> None:
    everybody = {"train": [f"s{i:02d}" for i in range(12)]}
    features = components(daisee_landmarks.load(landmarks, "Train"), 6)
    with pytest.raises(UserError, match="every subject here was trained on"):
        Engagement().unseen(landmarks, features, everybody)


def _faces(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features, levels and subjects: feature 0 raises boredom within every subject; feature 1 is who somebody is."""
    subjects = np.repeat(np.arange(20), 30)
    means = rng.normal(size=(600, 4)).astype(np.float32)
    means[:, 1] = rng.normal(size=20)[subjects]
    levels = rng.integers(0, 4, (600, 4))
    levels[:, 0] = np.clip(np.round(1.5 + means[:, 0] + 0.3 * rng.normal(size=600)), 0, 3)
    levels[:, 3] = np.clip(np.round(1.5 + means[:, 1] + 0.3 * rng.normal(size=600)), 0, 3)
    return means, levels, subjects


def test_the_teacher_learns_what_moves_in_a_face_not_whose_it_is() -> None:
    means, levels, subjects = _faces(np.random.default_rng(0))
    linear = teach(means, means, levels, subjects).linear
    assert np.abs(linear[:, 0]).argmax() == 0
    assert np.abs(linear[1, 3]) < 1e-3 < np.abs(linear[0, 0])


def test_the_teachers_logits_are_its_polynomial() -> None:
    means, levels, subjects = _faces(np.random.default_rng(1))
    teacher = teach(means, means, levels, subjects)
    expected = means @ teacher.linear + means**2 @ teacher.square + teacher.bias
    np.testing.assert_allclose(teacher(means), expected, rtol=1e-5)


def test_a_state_that_never_changes_cannot_be_taught() -> None:
    means, levels, subjects = _faces(np.random.default_rng(2))
    levels[:, 1] = 0
    with pytest.raises(UserError, match="confusion is the same in all of 600 training clips"):
        teach(means, means, levels, subjects)


@needs_tensorflow
@pytest.mark.parametrize("name", sorted(RECIPES))
def test_every_recipe_trains_and_serves_what_it_trained(name: str, clips: daisee_landmarks.Clips) -> None:
    small = {"components": 6} if name == "default" else {}
    recipe: EngagementRecipe = replace(RECIPES[name], epochs=2, steps=5, folds=2, units=4, hidden=4, **small)
    features = recipe.features(clips)
    sequences = prepare(clips, features, recipe.seed)
    model, history = recipe.train(sequences, np.arange(len(clips.levels)), Part("all"))
    served = recipe.served(model)
    assert len(history) == 2 and all(np.isfinite(epoch["loss"]) for epoch in history)
    inputs = held(clips, features)
    one = np.concatenate([served(inputs[[row]]).numpy() for row in range(4)])
    np.testing.assert_allclose(one, model.predict(inputs[:4], verbose=0), atol=1e-4)


@needs_tensorflow
def test_the_default_network_says_what_its_teacher_says_before_it_is_trained(clips: daisee_landmarks.Clips) -> None:
    recipe = replace(RECIPES["default"], epochs=1, steps=5, learning_rate=1e-9, weight_decay=0.0, components=6)  # type: ignore[call-arg]
    features = recipe.features(clips)
    sequences = prepare(clips, features, recipe.seed)
    model, _ = recipe.train(sequences, np.arange(len(clips.levels)), Part("all"))
    taught = teach(sequences.means, sequences.mirrored, clips.levels, clips.subjects)
    np.testing.assert_allclose(
        model.predict(held(clips, features), verbose=0), taught(features(clips.landmarks[:, 0])), atol=1e-3
    )


def test_normalised_faces_are_what_features_are_made_of(clips: daisee_landmarks.Clips) -> None:
    bigger = clips.landmarks[:, 0] * 2.5 + 30
    features = components(clips, 6)
    np.testing.assert_allclose(features(bigger), features(clips.landmarks[:, 0]), atol=1e-2)
    assert normalise(bigger).shape == (104, 468, 3)
