from __future__ import annotations

import cv2
import numpy as np
import pytest

from edge.features.speech import SpeechFeatures
from quantize.evaluation.conditions import (
    FURTHER_PICTURES,
    FURTHER_SOUNDS,
    LANDMARKS,
    PICTURES,
    SOUNDS,
    Condition,
)

FACE = np.random.default_rng(0).integers(60, 200, (48, 48)).astype(np.uint8)
SECONDS = np.arange(16_000) / 16_000
VOICE = (0.05 * np.sin(2 * np.pi * 220 * SECONDS) * (1 + np.sin(2 * np.pi * 4 * SECONDS))).astype(np.float32)
HEAD = np.random.default_rng(1).normal(0, 20, (75, 468, 3)).astype(np.float32)
RAW = {"pictures": FACE, "sounds": VOICE, "landmarks": HEAD}
EVERY = [
    *(("pictures", c) for c in PICTURES + FURTHER_PICTURES),
    *(("sounds", c) for c in SOUNDS + FURTHER_SOUNDS),
    *(("landmarks", c) for c in LANDMARKS),
]


def _named(conditions: tuple[Condition, ...], name: str) -> Condition:
    return next(condition for condition in conditions if condition.name == name)


@pytest.mark.parametrize(("kind", "condition"), EVERY, ids=[condition.name for _, condition in EVERY])
def test_an_example_meets_the_same_damage_every_time_and_keeps_its_shape(kind: str, condition: Condition) -> None:
    raw = RAW[kind].copy()
    damaged = condition(raw, 3)
    np.testing.assert_array_equal(raw, RAW[kind])
    np.testing.assert_array_equal(damaged, condition(raw, 3))
    assert (damaged.shape, damaged.dtype) == (raw.shape, raw.dtype)
    assert condition.name == "occlusion_0" or not np.array_equal(damaged, raw)


@pytest.mark.parametrize("percent", [0, 20, 40, 60])
def test_occlusion_hides_the_share_it_names(percent: int) -> None:
    condition = _named(PICTURES, f"occlusion_{percent}")
    hidden = [float(np.mean(condition(FACE, example) != FACE)) for example in range(50)]
    assert np.mean(hidden) == pytest.approx(percent / 100, abs=0.03)


def test_examples_are_hidden_in_different_places() -> None:
    condition = _named(PICTURES, "occlusion_20")
    assert not np.array_equal(condition(FACE, 0) == FACE, condition(FACE, 1) == FACE)


def test_blur_and_distance_take_detail_away() -> None:
    detail = float(cv2.Laplacian(FACE, cv2.CV_64F).std())
    for name in ("blur", "low_resolution"):
        assert float(cv2.Laplacian(_named(PICTURES, name)(FACE, 0), cv2.CV_64F).std()) < 0.3 * detail


def test_the_dark_is_an_eighth_as_bright_and_noisy() -> None:
    even = np.full((48, 48), 160, np.uint8)
    dark = _named(PICTURES, "dark")(even, 0)
    assert float(dark.mean()) == pytest.approx(160 / 8, abs=1.0)
    assert dark.std() > 0.5


@pytest.mark.parametrize("decibels", [20, 10, 5, 0])
def test_noise_is_as_loud_as_its_name_says(decibels: int) -> None:
    noise = _named(SOUNDS, f"snr_{decibels}")(VOICE, 0) - VOICE
    ratio = 10 * np.log10(np.mean(VOICE**2) / np.mean(noise**2))
    assert float(ratio) == pytest.approx(decibels, abs=0.1)


def test_every_level_of_noise_is_the_same_noise() -> None:
    louder, softer = (_named(SOUNDS, f"snr_{decibels}")(VOICE, 0) - VOICE for decibels in (0, 20))
    np.testing.assert_allclose(louder, 10 * softer, atol=1e-4)


def test_gain_changes_the_level_alone_and_full_scale_is_the_end() -> None:
    for name, gain in (("gain_minus_12", 0.251), ("gain_plus_12", 3.981)):
        other = _named(SOUNDS, name)(VOICE, 0)
        assert float(other.std() / VOICE.std()) == pytest.approx(gain, abs=0.005)
        features = SpeechFeatures(frames=500)
        assert np.corrcoef(features(other).ravel(), features(VOICE).ravel())[0, 1] > 0.98
    assert np.abs(_named(SOUNDS, "gain_plus_12")(8 * VOICE, 0)).max() <= 1.0


@pytest.mark.parametrize("percent", [1, 3])
def test_jitter_is_measured_by_the_distance_of_the_eyes(percent: int) -> None:
    size = np.linalg.norm(HEAD[:, 33] - HEAD[:, 263], axis=-1)[:, None, None]
    moved = (_named(LANDMARKS, f"jitter_{percent}")(HEAD, 0) - HEAD) / size
    assert float(moved.std()) == pytest.approx(percent / 100, rel=0.05)


@pytest.mark.parametrize("percent", [20, 50])
def test_a_missing_frame_repeats_the_last_one_seen(percent: int) -> None:
    held = _named(LANDMARKS, f"missing_{percent}")(HEAD, 0)
    source = [int(np.flatnonzero((frame == HEAD).all(axis=(1, 2)))[0]) for frame in held]
    assert len(set(source)) == round(75 * (1 - percent / 100))
    assert source == sorted(source)
    assert all(step <= place or step == source[0] for place, step in enumerate(source))


def test_names_of_conditions_are_unique() -> None:
    names = [condition.name for _, condition in EVERY]
    assert len(set(names)) == len(names)


def test_fewer_pixels_and_stronger_compression_lose_more() -> None:
    smooth = cv2.GaussianBlur(FACE, (0, 0), 1.0)

    def lost(name: str) -> float:
        damaged = _named(FURTHER_PICTURES, name)(smooth, 0)
        return float(np.abs(damaged.astype(int) - smooth).mean())

    assert lost("resolution_2") < lost("resolution_4") < lost("resolution_8")
    assert lost("jpeg_90") < lost("jpeg_50") < lost("jpeg_10")


def test_against_a_window_the_face_is_dim_and_what_is_around_it_white() -> None:
    seen = _named(FURTHER_PICTURES, "backlight")(FACE, 0)
    face = seen[16:32, 16:32]
    assert face.std() < 0.3 * FACE[16:32, 16:32].std()
    assert face.mean() < 100 < 240 < min(seen[0, 0], seen[-1, -1])


@pytest.mark.parametrize("decibels", [10, 5, 0])
def test_babble_is_as_loud_as_its_name_says(decibels: int) -> None:
    voices = _named(FURTHER_SOUNDS, f"babble_{decibels}")(VOICE, 0) - VOICE
    assert 10 * np.log10(np.mean(VOICE**2) / np.mean(voices**2)) == pytest.approx(decibels, abs=0.1)


@pytest.mark.parametrize("percent", [5, 20])
def test_clipping_flattens_the_share_it_names(percent: int) -> None:
    clipped = np.abs(_named(FURTHER_SOUNDS, f"clipping_{percent}")(VOICE, 0))
    assert np.mean(clipped >= clipped.max() - 1e-6) == pytest.approx(percent / 100, abs=0.01)
