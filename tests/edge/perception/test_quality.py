from __future__ import annotations

import cv2
import numpy as np
import pytest

from edge.features.face_crop import FaceCrop
from edge.features.landmarks import OUTER_EYE_CORNERS
from edge.perception.quality import face_qualities, voice_qualities
from edge.perception.quality.faces import LEVEL_PITCH, compression, pose_angles
from edge.signals import SAMPLE_RATE, Face, Float32Array, Limit, Qualities, Uint8Image

EYES = 48.0
CHIN, FOREHEAD = 152, 10
RNG = np.random.default_rng(0)


def mesh(size: float = EYES, yaw: float = 0.0, pitch: float = LEVEL_PITCH, roll: float = 0.0) -> Float32Array:
    """An egg of 468 points about (160, 120) with eyes, mouth, nose, forehead and chin, turned by degrees."""
    points = np.random.default_rng(1).normal(0, 0.3, (468, 3))
    for index, place in {
        OUTER_EYE_CORNERS[0]: (-0.5, -0.3, 0.0),
        133: (-0.2, -0.3, 0.0),
        OUTER_EYE_CORNERS[1]: (0.5, -0.3, 0.0),
        362: (0.2, -0.3, 0.0),
        61: (-0.3, 0.5, 0.0),
        291: (0.3, 0.5, 0.0),
        1: (0.0, 0.1, -0.4),
        FOREHEAD: (0.0, -0.9, 0.0),
        CHIN: (0.0, 0.9, 0.0),
    }.items():
        points[index] = place
    a, b, c = np.radians([yaw, pitch, roll])
    turn_yaw = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
    turn_pitch = np.array([[1, 0, 0], [0, np.cos(b), np.sin(b)], [0, -np.sin(b), np.cos(b)]])
    turn_roll = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    turned = points @ (turn_roll @ turn_pitch @ turn_yaw).T
    return (turned * size + [160, 120, 0]).astype(np.float32)


def picture() -> Uint8Image:
    """Detail at every scale a face has, 240 x 320."""
    grain = sum(cv2.resize(RNG.normal(size=(240 // k, 320 // k)), (320, 240)) * k**0.5 for k in (2, 4, 8, 16, 40))
    grey = np.clip(128 + 22 * grain, 0, 255).astype(np.uint8)
    return np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), np.uint8)


PICTURE = picture()


def seen(image: Uint8Image = PICTURE, presence: float = 0.9999, **place: float) -> Qualities:
    return qualities(image, mesh(**place), presence)


def qualities(image: Uint8Image, landmarks: Float32Array, presence: float) -> Qualities:
    return face_qualities(image, Face(landmarks, presence, 0, 0.0), FaceCrop().cut(image, landmarks))


def voice(seconds: float = 2.0) -> Float32Array:
    """Syllables of a 150 Hz voice that end at once, in a quiet room."""
    t = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    tone = sum(np.sin(2 * np.pi * 150 * k * t) / k for k in range(1, 12))
    syllables = (t % 0.3 < 0.2) * (1.0 + 0.5 * np.sin(7 * t))
    return (0.1 * tone * syllables + 1e-4 * np.random.default_rng(2).normal(size=len(t))).astype(np.float32)


def test_qualities_bear_the_names_that_may_limit_a_modality() -> None:
    names = [limit.value for limit in Limit]
    assert {*seen(), *voice_qualities(voice())} == {*names} - {"coverage", "familiarity"}


def test_a_large_bright_sharp_frontal_face_lacks_nothing() -> None:
    assert dict(seen()) == pytest.approx(dict.fromkeys(seen(), 1.0), abs=0.05)


@pytest.mark.parametrize(
    ("name", "image"),
    [
        ("light", (PICTURE * 0.1).astype(np.uint8)),
        ("contrast", (118 + PICTURE * 0.08).astype(np.uint8)),
        ("sharpness", cv2.GaussianBlur(PICTURE, (0, 0), 6)),
        ("compression", cv2.imdecode(cv2.imencode(".jpg", PICTURE, [cv2.IMWRITE_JPEG_QUALITY, 5])[1], 1)),
    ],
)
def test_a_spoilt_picture_is_worse_in_what_was_spoilt(name: str, image: Uint8Image) -> None:
    assert seen(image)[name] < 0.6 < 0.9 < seen()[name]


def test_a_far_face_is_small_and_an_unsure_mesh_fits_badly() -> None:
    assert seen(size=10)["size"] < seen(size=16)["size"] < seen(size=30)["size"] == 1.0
    assert seen(presence=0.5)["fit"] == pytest.approx(0.5)
    assert seen(presence=0.0)["fit"] == 0.0
    assert seen(presence=1.0)["fit"] == 1.0


@pytest.mark.parametrize("roll", [0.0, 30.0, -60.0])
@pytest.mark.parametrize(("yaw", "pitch"), [(0, 0), (40, 0), (-25, 10), (0, -35), (15, 30)])
def test_pose_is_told_from_the_mesh_however_the_head_leans(yaw: float, pitch: float, roll: float) -> None:
    found = pose_angles(mesh(yaw=yaw, pitch=pitch, roll=roll))
    assert (abs(found[0]), found[1]) == pytest.approx((abs(yaw), pitch), abs=6)


def test_a_head_that_turns_or_nods_is_seen_worse() -> None:
    assert seen(yaw=80)["pose"] < 0.2 < seen(yaw=-40)["pose"] < seen(yaw=10)["pose"] == 1.0
    assert seen(pitch=LEVEL_PITCH + 35)["pose"] < seen(pitch=LEVEL_PITCH + 10)["pose"]


def test_blocks_matter_less_the_smaller_a_face_is_made() -> None:
    blocks = cv2.imdecode(cv2.imencode(".jpg", PICTURE, [cv2.IMWRITE_JPEG_QUALITY, 8])[1], cv2.IMREAD_GRAYSCALE)
    assert compression(blocks) < compression(blocks, 3.0) <= 1.0


def test_a_face_at_the_edge_of_the_picture_has_qualities_too() -> None:
    for place in ((0, 0), (320, 240), (-60, 120)):
        landmarks = mesh() + np.array([place[0] - 160, place[1] - 120, 0], np.float32)
        assert all(0 <= value <= 1 for value in qualities(PICTURE, landmarks, 0.9).values())


def test_a_long_clean_dry_voice_lacks_nothing() -> None:
    assert dict(voice_qualities(voice())) == pytest.approx(dict.fromkeys(voice_qualities(voice()), 1.0), abs=0.05)


def test_each_fault_of_a_voice_shows_in_its_own_quality() -> None:
    rng, clean = np.random.default_rng(3), voice()
    noisy = clean + rng.normal(0, clean.std() / 2, len(clean)).astype(np.float32)
    room = rng.normal(size=SAMPLE_RATE) * 10 ** (-3 * np.arange(SAMPLE_RATE) / SAMPLE_RATE)
    echoing = np.convolve(clean, room)[: len(clean)].astype(np.float32)
    assert voice_qualities(noisy)["noise"] < 0.4
    assert voice_qualities(np.clip(clean, -0.05, 0.05))["clipping"] < 0.3
    assert voice_qualities(echoing)["reverberation"] < 0.5
    assert voice_qualities(voice(0.4))["length"] < 0.2


@pytest.mark.parametrize("gain", [0.05, 1.0, 4.0])
def test_how_loud_a_voice_is_makes_no_difference(gain: float) -> None:
    assert dict(voice_qualities(voice() * np.float32(gain))) == pytest.approx(dict(voice_qualities(voice())), abs=0.1)


@pytest.mark.parametrize("samples", [np.zeros(0), np.zeros(100), np.zeros(16_000), np.ones(16_000)])
def test_no_sound_is_too_odd_to_be_judged(samples: Float32Array) -> None:
    assert all(0 <= value <= 1 for value in voice_qualities(samples.astype(np.float32)).values())
