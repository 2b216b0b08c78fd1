from __future__ import annotations

import numpy as np
import pytest

from edge.features.landmarks import LandmarkFeatures
from edge.features.speech import SpeechFeatures
from quantize.augment import motion, pictures, sounds


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(3)


def test_disturbed_faces_keep_size_and_type(rng: np.random.Generator) -> None:
    face = rng.integers(0, 256, (48, 48), dtype=np.uint8)
    for _ in range(50):
        disturbed = pictures.disturb(face, rng)
        assert disturbed.shape == (48, 48) and disturbed.dtype == np.uint8


@pytest.mark.parametrize("share", [0.2, 0.4, 0.6])
def test_hiding_covers_the_share_it_is_asked_for(share: float, rng: np.random.Generator) -> None:
    face = rng.integers(0, 256, (48, 48), dtype=np.uint8)
    covered = np.mean([np.mean(pictures.hide(face, share, rng) != face) for _ in range(100)])
    assert covered == pytest.approx(share, abs=0.06)


def test_stronger_compression_changes_a_face_more(rng: np.random.Generator) -> None:
    face = rng.integers(0, 256, (48, 48), dtype=np.uint8)
    changes = [np.abs(pictures.compress(face, quality).astype(int) - face).mean() for quality in (90, 50, 15)]
    assert 0 < changes[0] < changes[1] < changes[2]


def test_some_faces_are_only_moved_and_some_are_half_hidden_or_dim(rng: np.random.Generator) -> None:
    face = rng.integers(60, 200, (48, 48), dtype=np.uint8)
    disturbed = [pictures.disturb(face, rng) for _ in range(300)]
    ordinary = np.mean([d.min() >= 60 and d.max() < 200 for d in disturbed])
    hidden = np.mean([np.bincount(d.ravel()).max() > 0.3 * d.size for d in disturbed])
    dim = np.mean([d.mean() < 60 for d in disturbed])
    assert 0.2 < ordinary < 0.7 and hidden > 0.05 and dim > 0.02


def test_noise_has_the_asked_ratio(rng: np.random.Generator) -> None:
    voice = np.sin(np.arange(16_000) / 20).astype(np.float32)
    noise = sounds.add_noise(voice, 10.0, rng) - voice
    assert 10 * np.log10(np.mean(voice**2) / np.mean(noise**2)) == pytest.approx(10.0, abs=0.5)


def test_a_room_rings_on_after_the_sound(rng: np.random.Generator) -> None:
    click = np.zeros(8_000, np.float32)
    click[100] = 1.0
    heard = sounds.reverberate(click, 0.3, 1.0, rng)
    assert heard.shape == click.shape
    assert np.abs(heard[:100]).max() < 1e-6 < np.abs(heard[200:2_000]).max()


def test_disturbed_voices_still_make_features(rng: np.random.Generator) -> None:
    voice = (0.1 * np.sin(np.arange(24_000) / 20)).astype(np.float32)
    for _ in range(20):
        assert np.isfinite(SpeechFeatures()(sounds.disturb(voice, rng))).all()


def test_a_turned_head_keeps_its_shape() -> None:
    angles = np.radians(np.array([[20.0, -30.0, 10.0], [0.0, 0.0, 0.0]]))
    turns = motion.rotations(angles)
    np.testing.assert_allclose(turns @ turns.swapaxes(-1, -2), np.broadcast_to(np.eye(3), (2, 3, 3)), atol=1e-6)
    np.testing.assert_allclose(turns[1], np.eye(3), atol=1e-7)


def test_stills_in_motion_stay_near_themselves_and_leave_other_points_alone(rng: np.random.Generator) -> None:
    stills = rng.normal(0, 20, (8, 468, 3)).astype(np.float32)
    stills[:, 33], stills[:, 263], stills[:, 1] = (-20, -10, 10), (20, -10, 10), (0, 0, -20)
    points = np.array([1, 33, 61, 263])
    clips = motion.expand(stills, points, 75, 7.5, rng)
    assert clips.shape == (8, 75, 468, 3)
    assert not clips[:, :, 2].any()
    features = LandmarkFeatures(points=(61,), basis=np.eye(3, dtype="<f2").tobytes(), offset=(0.0,) * 3)
    still, moving = features(stills), features(clips)
    assert 0.0 < np.abs(moving - still[:, None]).mean() < 0.3
    assert moving.std(axis=1).min() > 0.0
