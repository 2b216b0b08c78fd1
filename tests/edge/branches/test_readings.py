"""What the branches say beside their probabilities: where their input lies among what they learned from."""

from collections.abc import Callable

import numpy as np
import pytest

from edge.branches.engagement import EngagementBranch
from edge.branches.face_emotion import FaceEmotionBranch
from edge.branches.speech_emotion import SpeechEmotionBranch
from edge.config import MODELS
from edge.inference.baseline import Baseline
from edge.inference.store import ModelStore
from edge.signals import SAMPLE_RATE, Face, Qualities, Reading, Utterance

RNG = np.random.default_rng(0)
SEEN: Qualities = {}
"""Of an input that lacks nothing."""


@pytest.fixture(scope="module")
def store() -> ModelStore:
    return ModelStore(MODELS)


def face(store: ModelStore) -> Reading:
    """Of noise where a face should be."""
    landmarks = RNG.normal(60, 1, (468, 3)).astype(np.float32)
    for points, at in (((33, 133), (45, 50)), ((362, 263), (75, 50)), ((61, 291), (60, 80))):
        landmarks[list(points), :2] = at
    image = RNG.integers(0, 255, (120, 120, 3)).astype(np.uint8)
    branch = FaceEmotionBranch(store)
    return branch.read(branch.preprocessing.cut(image, landmarks), Face(landmarks, 1.0, 0, 5.0), SEEN)


def speech(store: ModelStore) -> Reading:
    """Of a noise where a voice should be."""
    samples = RNG.normal(0, 0.1, 2 * SAMPLE_RATE).astype(np.float32)
    return SpeechEmotionBranch(store).read(Utterance(samples, 3.0, 5.0), SEEN)


def engagement(store: ModelStore) -> Reading:
    """Of a face, held for ten seconds, that is four standard deviations from all others in everything."""
    window = np.full((75, 45), 4.0, np.float32)
    return EngagementBranch(store).read(window, 5.0, SEEN, 0)


READ: dict[str, Callable[[ModelStore], Reading]] = {
    "face_emotion": face,
    "speech_emotion": speech,
    "engagement": engagement,
}
SIZES = {"face_emotion": 256, "speech_emotion": 128, "engagement": 45 + 32}


def baseline(store: ModelStore, name: str) -> Baseline:
    found = store.manifest(name).baseline
    assert found is not None
    return found


@pytest.mark.parametrize("name", READ)
def test_a_reading_has_the_embedding_that_its_baseline_is_of(name: str, store: ModelStore) -> None:
    embedding = READ[name](store).embedding
    assert embedding is not None
    assert (embedding.shape, embedding.dtype) == ((SIZES[name],), np.float32)
    assert 0.0 < baseline(store, name).distance(embedding) < float("inf")


@pytest.mark.parametrize("name", READ)
def test_what_nobody_learned_from_is_farther_than_training(name: str, store: ModelStore) -> None:
    embedding = READ[name](store).embedding
    assert embedding is not None
    assert baseline(store, name).distance(embedding) > 1.0


def test_readings_share_no_memory(store: ModelStore) -> None:
    branch = EngagementBranch(store)
    first, second = (branch.read(np.full((75, 45), value, np.float32), 5.0, SEEN, 0) for value in (0.0, 2.0))
    assert first.embedding is not None and second.embedding is not None
    assert not np.shares_memory(first.embedding, second.embedding)
    assert not np.array_equal(first.embedding, second.embedding)


def test_the_first_numbers_of_a_window_are_its_mean_features(store: ModelStore) -> None:
    embedding = EngagementBranch(store).read(np.full((75, 45), 1.5, np.float32), 5.0, SEEN, 0).embedding
    assert embedding is not None
    np.testing.assert_allclose(embedding[:45], 1.5, atol=0.1)
