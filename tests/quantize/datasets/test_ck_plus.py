from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from trees import noise, picture

from edge.errors import UserError
from quantize.datasets import ck_plus, faces
from quantize.datasets.face_labels import EMOTIONS


def _sequence(folder: Path, subject: str, sequence: str, label: str | None, length: int = 3) -> None:
    for i in range(1, length + 1):
        seed = int(subject[1:]) * 100 + int(sequence) * 10 + i
        name = f"{subject}_{sequence}_{i:08d}"
        picture(folder / "cohn-kanade-images" / subject / sequence / f"{name}.png", noise(seed, 48, 48))
    place = folder / "Emotion" / subject / sequence
    place.mkdir(parents=True)
    if label is not None:
        (place / f"{subject}_{sequence}_{length:08d}_emotion.txt").write_text(label)


@pytest.fixture
def ck(tmp_path: Path) -> Path:
    for i in range(5):
        _sequence(tmp_path, f"S{i + 1:03d}", "001", "   5.0000000e+00\n")
        _sequence(tmp_path, f"S{i + 1:03d}", "002", None)
    _sequence(tmp_path, "S005", "003", "   2.0000000e+00\n")
    _sequence(tmp_path, "S005", "004", "   7.0000000e+00\n")
    return tmp_path


def test_the_peak_shows_the_label_and_the_first_picture_is_neutral(ck: Path) -> None:
    test = faces.load(ck, "test")
    assert [EMOTIONS[i] for i in test.emotion] == ["neutral", "happy", "neutral", "surprised"]
    assert test.positive.tolist() == [1, 1, 1, -1]
    np.testing.assert_array_equal(test.images[0], noise(511, 48, 48))
    np.testing.assert_array_equal(test.images[1], noise(513, 48, 48))


def test_no_subject_is_in_two_splits_and_a_subject_is_a_group(ck: Path) -> None:
    parts = [faces.load(ck, split) for split in ("train", "valid", "test")]
    assert [len(part.images) for part in parts] == [6, 2, 4]
    assert [len(set(part.groups.tolist())) for part in parts] == [3, 1, 1]


def test_all_splits_are_had_in_one_and_their_groups_stay_apart(ck: Path) -> None:
    everything = faces.load_all(ck)
    assert len(everything.images) == 12
    assert len(set(everything.groups.tolist())) == 5


@pytest.mark.parametrize("label", ["   8.0000000e+00\n", "  -1.0000000e+00\n", "1.5", "happy", ""])
def test_a_label_out_of_range_is_named(ck: Path, label: str) -> None:
    (ck / "Emotion" / "S001" / "001" / "S001_001_00000003_emotion.txt").write_text(label)
    with pytest.raises(UserError, match=r"S001_001_00000003_emotion\.txt: line 1: .*0 to 7"):
        faces.load(ck, "train")


def test_a_label_without_its_pictures_is_named(ck: Path) -> None:
    for path in (ck / "cohn-kanade-images" / "S001" / "001").iterdir():
        path.unlink()
    with pytest.raises(UserError, match="S001/001: 0 pictures for the label"):
        faces.load(ck, "train")


def test_images_without_labels_are_not_the_data_set(tmp_path: Path) -> None:
    picture(tmp_path / "cohn-kanade-images" / "S001" / "001" / "S001_001_00000001.png", noise(0, 48, 48))
    with pytest.raises(UserError, match="Emotion: no labels here"):
        ck_plus.load(tmp_path, "train")
