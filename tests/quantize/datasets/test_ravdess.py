from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from edge.errors import UserError
from edge.features.speech import SpeechFeatures
from quantize.branches.speech_emotion import SpeechEmotion
from quantize.datasets import ravdess
from quantize.training.voices import at_random, folds_of, listen


def test_file_names_are_read(voices: Path) -> None:
    found = ravdess.recordings(voices)
    assert len(found) == 240
    first = found[0]
    assert (first.channel, ravdess.EMOTIONS[first.emotion], first.actor, first.sex) == ("speech", "neutral", 1, "male")


def test_folds_hold_as_many_women_as_men_and_share_no_actor() -> None:
    folds = ravdess.fold_of([1, 3, 7, 9, 11, 13, 15, 17, 21, 23, 2, 4, 6, 8, 10, 14, 16, 18, 20, 24])
    for fold in range(ravdess.FOLDS):
        actors = [actor for actor, its in folds.items() if its == fold]
        assert sorted(actor % 2 for actor in actors) == [0, 0, 1, 1]


def test_every_actor_is_in_one_fold_with_all_recordings(voices: Path) -> None:
    heard = listen(voices)
    fold = folds_of(heard)
    assert sorted(set(fold.tolist())) == list(range(ravdess.FOLDS))
    assert all(len(set(fold[heard.actor == actor].tolist())) == 1 for actor in set(heard.actor.tolist()))


def test_a_random_split_deals_out_every_recording_once(voices: Path) -> None:
    heard = listen(voices)
    parts = at_random(heard, seed=1)
    assert sorted(np.concatenate(list(parts.values())).tolist()) == list(range(len(heard.actor)))
    assert len(parts["train"]) == 8 * len(parts["valid"]) == 8 * len(parts["test"])


def test_copies_are_kept_once() -> None:
    sounds = [np.zeros(3, np.float32), np.ones(3, np.float32), np.zeros(3, np.float32)]
    assert ravdess.without_copies(sounds) == [0, 1]


def test_a_folder_without_recordings_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no RAVDESS recordings here"):
        ravdess.recordings(tmp_path)


def test_a_foreign_sound_file_is_named(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "holiday.wav", np.zeros(100), 16_000)
    with pytest.raises(UserError, match=r"holiday\.wav: not a RAVDESS file name"):
        ravdess.recordings(tmp_path)


def test_a_file_in_the_wrong_actor_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "Actor_02").mkdir()
    soundfile.write(tmp_path / "Actor_02" / "03-01-01-01-01-01-01.wav", np.zeros(100), 16_000)
    with pytest.raises(UserError, match="lies in Actor_02, its name says Actor_01"):
        ravdess.recordings(tmp_path)


def test_a_corrupt_sound_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "Actor_01").mkdir()
    (tmp_path / "Actor_01" / "03-01-01-01-01-01-01.wav").write_bytes(b"RIFF")
    (recording,) = ravdess.recordings(tmp_path)
    with pytest.raises(UserError, match="not a readable sound file"):
        ravdess.sound(recording)


def test_other_rates_and_stereo_are_brought_to_the_devices_format(tmp_path: Path) -> None:
    (tmp_path / "Actor_01").mkdir()
    soundfile.write(tmp_path / "Actor_01" / "03-01-01-01-01-01-01.wav", np.zeros((48_000, 2)), 48_000)
    (recording,) = ravdess.recordings(tmp_path)
    assert ravdess.sound(recording).shape == (16_000,)


def test_trained_actors_are_never_a_test(voices: Path) -> None:
    everybody = {"train": list(range(1, 11)), "valid": []}
    with pytest.raises(UserError, match="every actor here was trained on"):
        SpeechEmotion().unseen(voices, SpeechFeatures(), everybody)


def test_where_everybody_was_trained_on_the_cross_validated_figure_is_named(voices: Path) -> None:
    everybody = {"train": list(range(1, 11)), "cross_validated_balanced_accuracy": 0.7894}
    with pytest.raises(UserError, match=r"the honest figure is the cross-validated one, 0\.789$"):
        SpeechEmotion().unseen(voices, SpeechFeatures(), everybody)


def test_only_actors_who_were_not_trained_on_are_unseen(voices: Path) -> None:
    examples = SpeechEmotion().unseen(voices, SpeechFeatures(), {"train": [1, 2, 3, 4, 5, 6, 7, 8]})
    assert set(examples.groups.tolist()) == {9, 10}
