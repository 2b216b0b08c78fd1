import cv2
import msgspec
import numpy as np
import pytest

from edge.features.face_crop import LEFT_EYE, MOUTH, RIGHT_EYE, FaceCrop
from edge.features.landmarks import NOSE_TIP, LandmarkFeatures, normalise
from edge.features.speech import SpeechFeatures, _pitch


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


def _voice(hertz: float = 150.0, seconds: float = 1.5) -> np.ndarray:
    """A hum with overtones, in syllables, in a little noise."""
    t = np.arange(int(16_000 * seconds)) / 16_000
    hum = sum(np.sin(2 * np.pi * hertz * k * t) / k for k in range(1, 20))
    noise = np.random.default_rng(0).normal(0, 0.01, len(t))
    return (0.05 * (hum * (1.0 + np.sin(2 * np.pi * 4 * t)) + noise)).astype(np.float32)


@pytest.mark.parametrize("frames", [0, 100])
@pytest.mark.parametrize("gain", [0.25, 0.3, 2.0, 4.0])
def test_gain_changes_no_speech_feature(gain: float, frames: int) -> None:
    features = SpeechFeatures(frames=frames)
    assert np.abs(features(_voice()) - features(_voice() * np.float32(gain))).max() < 1e-2


@pytest.mark.parametrize("length", [0, 1, 1023, 1024, 1500, 16_000, 80_000, 200_000])
@pytest.mark.parametrize("level", [0.0, 0.1])
def test_any_length_of_sound_gives_the_same_shape(length: int, level: float) -> None:
    samples = level * np.random.default_rng(0).normal(size=length).astype(np.float32)
    functionals, spectrogram = SpeechFeatures()(samples), SpeechFeatures(frames=100)(samples)
    assert functionals.shape == SpeechFeatures()(_voice()).shape and functionals.ndim == 1
    assert spectrogram.shape == (100, 80)
    for features in (functionals, spectrogram):
        assert features.dtype == np.float32
        assert np.isfinite(features).all()


def test_how_generously_an_utterance_was_cut_changes_little() -> None:
    hush = np.random.default_rng(1).normal(0, 2e-4, 8_000).astype(np.float32)
    generous = np.concatenate([hush, _voice(), hush])

    def change(features: SpeechFeatures) -> float:
        return float(np.abs(features(generous) - features(_voice())).mean())

    assert change(SpeechFeatures()) < change(SpeechFeatures(edge_db=90.0)) / 3


def test_a_higher_tone_lands_in_a_higher_band() -> None:
    t = np.arange(16_000) / 16_000
    tones = [np.sin(2 * np.pi * hertz * t).astype(np.float32) for hertz in (200, 1000, 4000)]
    bands = [SpeechFeatures(frames=60)(tone).mean(0).argmax() for tone in tones]
    assert bands == sorted(set(bands))


@pytest.mark.parametrize("hertz", [90, 150, 220, 400])
def test_the_pitch_of_a_voice_is_found(hertz: int) -> None:
    features = SpeechFeatures()
    semitones, periodic = _pitch(features._power(_voice(hertz)))
    assert np.median(semitones) == pytest.approx(12 * np.log2(hertz / 100), abs=0.3)
    assert np.median(periodic) > 0.9


def test_standardised_features_have_mean_zero_spread_one_and_no_outliers() -> None:
    voices = [_voice(hertz, seconds) for hertz in (90, 150, 210, 290) for seconds in (0.9, 1.5, 2.2)]
    raw = np.stack([SpeechFeatures()(voice) for voice in voices])
    features = SpeechFeatures().standardising(raw)
    standard = np.stack([features(voice) for voice in voices])
    varied = raw.std(axis=0) > 0.01
    assert np.abs(standard.mean(axis=0)[varied]).max() < 0.1
    assert np.abs(standard.std(axis=0)[varied] - 1).max() < 0.1
    assert np.abs(features(np.random.default_rng(0).normal(size=16_000).astype(np.float32))).max() <= 4.0


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
    assert SpeechFeatures().fingerprint() != SpeechFeatures(hop=161).fingerprint()
    assert SpeechFeatures().fingerprint() == SpeechFeatures().fingerprint()
    assert _landmarks(1).fingerprint() != _landmarks(2).fingerprint()
