from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from trees import table

from edge.errors import UserError
from edge.features.speech import SpeechFeatures
from edge.perception.voice import utterances_of
from quantize.branches.speech_emotion import SpeechEmotion
from quantize.datasets import cremad, ravdess, speech
from quantize.training.voices import folds_of, listen

EMOTIONS = ("ANG", "DIS", "FEA", "HAP", "NEU", "SAD")


def _hum(pitch: float) -> np.ndarray:
    seconds = np.arange(16_000) / 16_000
    hum = sum(np.sin(2 * np.pi * pitch * k * seconds) / k for k in range(1, 20))
    syllables = 0.5 + 0.5 * np.sin(2 * np.pi * 4 * seconds)
    return np.pad(0.1 * hum * syllables, 4_000).astype(np.float32)


@pytest.fixture(scope="module")
def crema(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """CREMA-D in miniature: ten actors."""
    folder = tmp_path_factory.mktemp("crema-d")
    (folder / "AudioWAV").mkdir()
    for actor in range(1001, 1011):
        for i, emotion in enumerate(EMOTIONS):
            level = "X" if (actor, emotion) == (1001, "SAD") else "XX"
            sound = _hum(100 + 15 * i + actor - 1000)
            soundfile.write(folder / "AudioWAV" / f"{actor}_DFA_{emotion}_{level}.wav", sound, 16_000)
    people = [
        f"{actor},{20 + actor % 9},{'Male' if actor < 1004 else 'Female'},Asian,Not" for actor in range(1001, 1011)
    ]
    table(folder / "VideoDemographics.csv", "ActorID,Age,Sex,Race,Ethnicity", people)
    return folder


def test_file_names_and_demographics_are_read(crema: Path) -> None:
    found = speech.recordings(crema)
    assert len(found) == 60
    first = found[0]
    assert (ravdess.EMOTIONS[first.emotion], first.actor, first.sex, first.channel) == ("angry", 1001, "male", "speech")
    named = {ravdess.EMOTIONS[recording.emotion] for recording in found}
    assert named == set(ravdess.EMOTIONS) - {"calm", "surprised"}
    assert {recording.actor for recording in found if recording.sex == "female"} == set(range(1004, 1011))


def test_without_demographics_the_sex_is_unknown(tmp_path: Path) -> None:
    (tmp_path / "AudioWAV").mkdir()
    (tmp_path / "AudioWAV" / "1001_DFA_ANG_XX.wav").touch()
    assert [recording.sex for recording in cremad.recordings(tmp_path)] == [None]


def test_the_longest_utterance_is_the_one_the_device_would_cut(crema: Path) -> None:
    found, utterances = speech.utterances(crema)
    assert len(found) == len(utterances) == 60
    expected = max((u.samples for u in utterances_of(ravdess.sound(found[7]))), key=len)
    np.testing.assert_array_equal(utterances[7], expected)


def test_both_data_sets_reach_the_branch(crema: Path, voices: Path) -> None:
    assert len(listen(voices).utterances) == 240
    heard = listen(crema)
    assert len(heard.actor) == 60
    test = folds_of(heard) == 0
    assert set(heard.actor[test].tolist()) & set(heard.actor[~test].tolist()) == set()
    examples = SpeechEmotion().unseen(crema, SpeechFeatures(frames=100), {"train": list(range(1, 25))})
    assert examples.inputs.shape == (60, 100, 80)
    assert examples.truth[:, 0].sum() == 40


def test_actors_who_were_trained_on_are_left_out(crema: Path) -> None:
    found, _ = speech.utterances(crema, used=range(1001, 1009))
    assert {recording.actor for recording in found} == {1009, 1010}
    with pytest.raises(UserError, match="every actor here was trained on"):
        speech.utterances(crema, used=range(1001, 1011))


def test_silence_alone_is_refused(tmp_path: Path) -> None:
    (tmp_path / "AudioWAV").mkdir()
    soundfile.write(tmp_path / "AudioWAV" / "1001_DFA_SAD_XX.wav", np.zeros(16_000), 16_000)
    with pytest.raises(UserError, match="no voice is heard in any of 1 recordings"):
        speech.utterances(tmp_path)


def test_recordings_without_a_voice_are_left_out_and_counted(
    crema: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "AudioWAV").mkdir()
    soundfile.write(tmp_path / "AudioWAV" / "1001_DFA_ANG_XX.wav", _hum(120), 16_000)
    soundfile.write(tmp_path / "AudioWAV" / "1001_DFA_SAD_XX.wav", np.zeros(16_000), 16_000)
    assert len(speech.utterances(tmp_path)[1]) == 1
    assert "1 of 2 recordings left out, no voice in them" in caplog.text


def test_a_damaged_sound_is_named(tmp_path: Path) -> None:
    (tmp_path / "AudioWAV").mkdir()
    soundfile.write(tmp_path / "AudioWAV" / "1001_DFA_ANG_XX.wav", _hum(120), 16_000)
    (tmp_path / "AudioWAV" / "1001_DFA_SAD_XX.wav").write_text("version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(UserError, match=r"SAD_XX\.wav: a Git LFS pointer.*; 1 of 2 recordings cannot be used"):
        speech.utterances(tmp_path)


def test_one_damaged_sound_among_many_is_left_out_and_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    hum = _hum(150)
    for take in range(100):
        name = f"03-01-{take % 8 + 1:02d}-01-01-01-{take // 8 + 1:02d}.wav"
        place = tmp_path / f"Actor_{take // 8 + 1:02d}"
        place.mkdir(exist_ok=True)
        soundfile.write(place / name, hum * (1 - take / 1000), 16_000)
    (tmp_path / "Actor_03" / "03-01-05-01-01-01-03.wav").write_bytes(b"RIFF")
    assert len(speech.utterances(tmp_path)[1]) == 99
    assert "1 of 100 recordings left out" in caplog.text and "03-01-05-01-01-01-03.wav" in caplog.text


def test_a_foreign_file_name_is_named(tmp_path: Path) -> None:
    (tmp_path / "AudioWAV").mkdir()
    (tmp_path / "AudioWAV" / "1001_DFA_CALM_XX.wav").touch()
    with pytest.raises(UserError, match=r"1001_DFA_CALM_XX\.wav: not a CREMA-D file name"):
        speech.recordings(tmp_path)


def test_an_actor_who_is_not_in_the_demographics_is_named(tmp_path: Path) -> None:
    (tmp_path / "AudioWAV").mkdir()
    (tmp_path / "AudioWAV" / "1091_DFA_ANG_XX.wav").touch()
    table(tmp_path / "VideoDemographics.csv", "ActorID,Age,Sex,Race,Ethnicity", ["1001,51,Male,Caucasian,Not"])
    with pytest.raises(UserError, match=r"VideoDemographics\.csv: has no line for the actor 1091"):
        speech.recordings(tmp_path)
    table(tmp_path / "VideoDemographics.csv", "ActorID,Age,Sex,Race,Ethnicity", ["1091,51,M,Caucasian,Not"])
    with pytest.raises(UserError, match=r"VideoDemographics\.csv: line 2: Sex is 'M'"):
        speech.recordings(tmp_path)


def test_a_folder_without_speech_says_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"looked for \.\.\./Actor_01/.* \(RAVDESS.*\); AudioWAV/"):
        speech.recordings(tmp_path)
