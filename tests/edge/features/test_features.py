import cv2
import msgspec
import numpy as np
import pytest

from edge.features.face_crop import LEFT_EYE, MOUTH, RIGHT_EYE, FaceCrop
from edge.features.landmarks import NOSE_TIP, LandmarkFeatures, normalise
from edge.features.log_mel import LogMel


def _landmarks(*points: int) -> LandmarkFeatures:
    """The coordinates of ``points`` themselves: neither centred nor spread."""
    basis = np.eye(3 * len(points), dtype="<f2")
    return LandmarkFeatures(points, basis.tobytes(), offset=(0.0,) * len(basis))


@pytest.fixture
def landmarks() -> np.ndarray:
    rng = np.random.default_rng(3)
    points = rng.normal(size=(468, 3)).astype(np.float32) * 20 + 200
    for group, at in ((LEFT_EYE, (180, 190)), (RIGHT_EYE, (240, 190)), (MOUTH, (210, 250))):
        points[list(group), :2] = at
    points[33, 0], points[133, 0], points[362, 0], points[263, 0] = 170, 190, 230, 250
    return points


@pytest.mark.parametrize("gain", [0.25, 0.5, 2.0, 4.0])
def test_gain_changes_no_speech_feature(gain: float) -> None:
    samples = np.random.default_rng(0).normal(size=32_000).astype(np.float32) * 0.05
    assert np.abs(LogMel()(samples) - LogMel()(samples * np.float32(gain))).max() < 1e-3


@pytest.mark.parametrize("length", [0, 1, 399, 400, 16_000, 80_000, 200_000])
def test_any_length_of_sound_gives_the_same_shape(length: int) -> None:
    features = LogMel()(np.random.default_rng(0).normal(size=length).astype(np.float32))
    assert features.shape == (500, 64)
    assert features.dtype == np.float32
    assert np.isfinite(features).all()


def test_a_higher_tone_lands_in_a_higher_band() -> None:
    t = np.arange(16_000) / 16_000
    bands = [LogMel()(np.sin(2 * np.pi * f * t).astype(np.float32))[:90].mean(0).argmax() for f in (200, 1000, 4000)]
    assert bands == sorted(set(bands))


def test_place_and_size_of_a_face_change_no_landmark_feature(landmarks: np.ndarray) -> None:
    moved = landmarks * 3 + np.array([400, -50, 7], np.float32)
    assert np.allclose(normalise(landmarks), normalise(moved), atol=1e-4)
    assert np.allclose(normalise(landmarks)[NOSE_TIP], 0)


def test_a_478_point_mesh_gives_the_same_features(landmarks: np.ndarray) -> None:
    with_irises = np.concatenate([landmarks, np.ones((10, 3), np.float32)])
    features = _landmarks(0, 5, 467)
    assert np.array_equal(features(landmarks), features(with_irises))


def test_features_are_a_projection_with_mean_zero_over_the_training_faces(landmarks: np.ndarray) -> None:
    rng = np.random.default_rng(0)
    faces = landmarks + rng.normal(size=(40, 468, 3)).astype(np.float32)
    points, basis = np.array([3, 70, 300]), rng.normal(size=(5, 9)).astype(np.float16).astype(np.float32)
    features = LandmarkFeatures.fitted(normalise(faces), points, basis)
    told = features(faces)
    coordinates = normalise(faces)[:, points].reshape(40, -1)
    assert told.shape == (40, 5) and told.dtype == np.float32
    assert np.allclose(told, (coordinates - coordinates.mean(axis=0)) @ basis.T, atol=1e-4)
    assert np.allclose(features(faces[:, None])[:, 0], told, atol=1e-5)
    assert np.allclose(features(faces[7]), told[7], atol=1e-5)


def test_features_survive_the_manifest(landmarks: np.ndarray) -> None:
    features = _landmarks(0, 5, 467)
    restored = msgspec.convert(msgspec.json.decode(msgspec.json.encode(features)), LandmarkFeatures)
    assert restored.fingerprint() == features.fingerprint()
    assert np.array_equal(restored(landmarks), features(landmarks))


@pytest.mark.parametrize(
    "broken", [{"basis": b"\0" * 10}, {"offset": (0.0,)}, {"points": (0, 5, 468)}, {"points": (-1, 5, 467)}]
)
def test_features_that_do_not_fit_together_are_refused(broken: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError, match=r"basis has|points are"):
        msgspec.convert({**msgspec.to_builtins(_landmarks(0, 5, 467)), **broken}, LandmarkFeatures)


def test_a_degenerate_face_gives_finite_features() -> None:
    assert np.isfinite(normalise(np.zeros((468, 3), np.float32))).all()


@pytest.mark.parametrize("turn", [0.0, 0.5, -1.2])
@pytest.mark.parametrize("scale", [0.6, 1.0, 3.0])
def test_eyes_and_mouth_land_on_the_template(landmarks: np.ndarray, turn: float, scale: float) -> None:
    crop = FaceCrop()
    rotation = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]], np.float32)
    turned = landmarks.copy()
    turned[:, :2] = landmarks[:, :2] @ rotation.T + np.array([30, 40], np.float32)
    matrix = crop.transform(turned)
    eyes = turned[[*LEFT_EYE, *RIGHT_EYE], :2].reshape(2, 2, 2).mean(axis=1) @ matrix[:, :2].T + matrix[:, 2]
    # level eyes, left one first, about the template's distance apart: the same whatever the face's turn and size
    assert eyes[0, 1] == pytest.approx(eyes[1, 1], abs=0.01)
    assert 0.6 < (eyes[1, 0] - eyes[0, 0]) / (crop.size * crop.eye_distance) < 1.4


def test_light_and_contrast_change_no_face_feature() -> None:
    grey = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 120, (48, 48), np.uint8), (5, 5), 0)
    brighter = (grey * 1.5 + 40).astype(np.uint8)
    assert np.abs(FaceCrop.standardise(grey) - FaceCrop.standardise(brighter)).max() < 0.1


def test_an_even_crop_is_not_blown_up() -> None:
    assert np.abs(FaceCrop.standardise(np.full((48, 48), 90, np.uint8))).max() == 0


def test_fingerprints_name_every_parameter() -> None:
    assert LogMel().fingerprint() != LogMel(hop=161).fingerprint()
    assert LogMel().fingerprint() == LogMel().fingerprint()
    assert _landmarks(1).fingerprint() != _landmarks(2).fingerprint()
