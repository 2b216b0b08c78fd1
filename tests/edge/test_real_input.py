"""A photographed face and recorded voices go through the same loop as the drawn ones."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import soundfile
from replay import captured, replay

from edge.branches.speech_emotion import SpeechEmotionBranch
from edge.config import MODELS, CameraSettings, Deployment, MicrophoneSettings, Settings
from edge.inference.store import ModelStore
from edge.perception.quality import voice_qualities
from edge.perception.voice import VoiceSegmenter
from edge.publish.payloads import affect_payload
from edge.publish.schema import encode
from edge.signals import SAMPLE_RATE, Abstention, Affect, AudioChunk, Float32Array, Utterance

ROOM = Deployment("research", "US", "signed forms, class 7b", "room", 5)
SELF = Deployment("wellbeing", "US", "the learner's own device", "self", 1)

CLIP_S, FPS = 12, 10
WIDTH, HEIGHT = 640, 480
FACE = (225, 120)
"""Where the face lies in the portrait, in pixels."""

# The emotions of RAVDESS by the third part of a file's name.
POSITIVE = {"01": "neutral", "02": "calm", "03": "happy"}
NEGATIVE = {"04": "sad", "05": "angry", "06": "fearful"}
ACTORS = ("01", "02", "03", "04")
PAUSE_S = 1.5
ROOM_NOISE = 2e-4


@pytest.fixture(scope="module")
def store() -> ModelStore:
    return ModelStore(MODELS)


@pytest.fixture(scope="module")
def portrait_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A public-domain portrait of a smiling astronaut, seen by a camera that pans, zooms and tilts a little."""
    data = pytest.importorskip("skimage.data")
    portrait = cv2.cvtColor(data.astronaut(), cv2.COLOR_RGB2BGR)
    path = tmp_path_factory.mktemp("portrait") / "astronaut.mp4"
    video = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), FPS, (WIDTH, HEIGHT))
    assert video.isOpened()
    for time in np.arange(CLIP_S * FPS) / FPS:
        tilt, zoom, pan = np.sin(2 * np.pi * time / np.array((5.0, 6.0, 8.0)))
        view = cv2.getRotationMatrix2D(FACE, 4 * tilt, 0.95 + 0.15 * zoom)
        view[:, 2] += (WIDTH / 2 - FACE[0] + 40 * pan, HEIGHT / 2 - FACE[1] - 30)
        video.write(cv2.warpAffine(portrait, view, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REPLICATE))
    video.release()
    return path


def seen(portrait_clip: Path, deployment: Deployment, store: ModelStore) -> list[Affect]:
    camera = CameraSettings(source="file", path=portrait_clip)
    silent = MicrophoneSettings(source="none")
    return replay(Settings(deployment=deployment, camera=camera, microphone=silent), store)


def assert_publishable(states: list[Affect]) -> None:
    for sequence, state in enumerate(states):
        assert encode("affect", affect_payload(state, sequence, state.time))


def test_a_photographed_smile_is_scored_on_the_learners_own_device(portrait_clip: Path, store: ModelStore) -> None:
    states = seen(portrait_clip, SELF, store)
    assert len(states) == CLIP_S - 1
    assert_publishable(states)
    for state in states:
        assert (state.abstain, state.group) == (None, 1)
        assert state.satisfaction is not None
        assert state.satisfaction > 0.6
        assert state.reliability["face"] > 0.5
    assert all(state.engagement is not None for state in states if state.time >= 6)


def test_one_photographed_face_is_not_scored_in_a_room(portrait_clip: Path, store: ModelStore) -> None:
    states = seen(portrait_clip, ROOM, store)
    assert_publishable(states)
    assert {state.abstain for state in states} == {Abstention.TOO_FEW_FACES}


@pytest.fixture(scope="module")
def ravdess() -> Path:
    """RAVDESS' spoken files, one folder per actor."""
    root = os.environ.get("AFFECT_DATA")
    if not root:
        pytest.skip("AFFECT_DATA does not name a folder with ravdess/ in it")
    folder = Path(root) / "ravdess" / "speech"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there")
    return folder


def spoken(folder: Path, actor: str, emotions: dict[str, str]) -> list[Float32Array]:
    """Both sentences of ``actor``, once each with normal intensity, in each of ``emotions``."""
    names = [f"03-01-{emotion}-01-{sentence}-01-{actor}.flac" for emotion in emotions for sentence in ("01", "02")]
    return [soundfile.read(folder / f"Actor_{actor}" / name, dtype="float32")[0] for name in names]


def recorded(folder: Path, emotions: dict[str, str], path: Path) -> int:
    """Writes all actors' sentences, one after the other in a room that is never silent; returns how many."""
    pause = np.zeros(round(PAUSE_S * SAMPLE_RATE), np.float32)
    sentences = [sentence for actor in ACTORS for sentence in spoken(folder, actor, emotions)]
    sound = np.concatenate([pause, *(part for sentence in sentences for part in (sentence, pause))])
    sound += np.random.default_rng(0).normal(scale=ROOM_NOISE, size=len(sound)).astype(np.float32)
    soundfile.write(path, sound, SAMPLE_RATE, subtype="PCM_16")
    return len(sentences)


def heard(settings: Settings) -> Iterator[Utterance]:
    segmenter = VoiceSegmenter()
    for chunk in captured(settings):
        assert isinstance(chunk, AudioChunk)
        yield from segmenter.hear(chunk)


def listening(path: Path) -> Settings:
    microphone = MicrophoneSettings(source="file", path=path)
    return Settings(deployment=SELF, camera=CameraSettings(source="none"), microphone=microphone)


@pytest.fixture(scope="module")
def conversations(ravdess: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, int]]:
    """A file of positive and one of negative sentences, and how many are in each."""
    folder = tmp_path_factory.mktemp("voices")
    moods = {"positive": POSITIVE, "negative": NEGATIVE}
    files = {mood: folder / f"{mood}.flac" for mood in moods}
    return {mood: (files[mood], recorded(ravdess, emotions, files[mood])) for mood, emotions in moods.items()}


@pytest.mark.parametrize("mood", ["positive", "negative"])
def test_every_recorded_sentence_is_heard_as_one_utterance(
    conversations: dict[str, tuple[Path, int]], mood: str
) -> None:
    path, sentences = conversations[mood]
    utterances = list(heard(listening(path)))
    assert len(utterances) == sentences
    assert all(0.5 < utterance.end - utterance.start < 5.0 for utterance in utterances)


def test_positive_voices_read_more_positive_than_negative_ones(
    conversations: dict[str, tuple[Path, int]], store: ModelStore
) -> None:
    """That the path from file to branch is whole; how good the branch is, its model card says on other speakers."""
    branch = SpeechEmotionBranch(store)
    positive = {
        mood: np.mean([branch.read(one, voice_qualities(one.samples)).positive for one in heard(listening(path))])
        for mood, (path, _) in conversations.items()
    }
    assert positive["positive"] > positive["negative"] + 0.1


def test_a_voice_alone_is_scored_on_the_learners_own_device(
    conversations: dict[str, tuple[Path, int]], store: ModelStore
) -> None:
    satisfaction = {}
    for mood, (path, sentences) in conversations.items():
        states = replay(listening(path), store)
        assert_publishable(states)
        scored = [state for state in states if state.abstain is None]
        assert len(scored) > sentences
        assert all(set(state.reliability) == {"speech"} for state in scored)
        satisfaction[mood] = np.mean([state.satisfaction for state in scored if state.satisfaction is not None])
    assert satisfaction["positive"] > satisfaction["negative"]
