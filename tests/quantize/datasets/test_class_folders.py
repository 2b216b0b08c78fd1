from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from trees import drawn, noise, picture, table

from edge.config import MODELS, Perception
from edge.errors import UserError
from edge.features.face_crop import FaceCrop
from edge.inference.store import ModelStore
from edge.perception import open_mesh
from edge.signals import Frame
from quantize.datasets import class_folders, faces
from quantize.datasets.face_labels import EMOTIONS

VOTES = "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"


def test_folders_alone_are_a_test(tmp_path: Path) -> None:
    for i, name in enumerate(("angry", "Happiness", "surprise", "contempt")):
        picture(tmp_path / name / f"{i}.png", noise(i, 48, 48))
    test = faces.load(tmp_path, "test")
    assert [EMOTIONS[i] for i in test.emotion] == ["happy", "angry", "surprised"]
    assert test.positive.tolist() == [1, 0, -1]
    np.testing.assert_array_equal(test.images[1], noise(0, 48, 48))
    with pytest.raises(UserError, match="emotions' folders alone can only be evaluated on"):
        faces.load(tmp_path, "train")


def test_a_photograph_is_cut_as_the_device_cuts_it(tmp_path: Path) -> None:
    photograph = drawn(1, 640, 480)
    picture(tmp_path / "happy" / "a.png", photograph)
    picture(tmp_path / "sad" / "b.png", noise(0, 48, 48))
    (mesh,) = open_mesh(Perception(), ModelStore(MODELS)).find(Frame(photograph, 0.0))
    loaded = faces.load(tmp_path, "test").images[0]
    np.testing.assert_array_equal(FaceCrop.standardise(loaded), FaceCrop()(photograph, mesh.landmarks))


def test_of_several_faces_the_largest_counts(tmp_path: Path) -> None:
    near, far = drawn(1, 640, 480, seed=1), cv2.resize(drawn(1, 640, 480, seed=2), (320, 240))
    both = np.full((480, 960, 3), 128, np.uint8)
    both[:240, :320], both[:, 320:] = far, near
    picture(tmp_path / "happy" / "a.png", both)
    picture(tmp_path / "sad" / "b.png", near)
    test = faces.load(tmp_path, "test")
    assert np.abs(test.images[0].astype(int) - test.images[1]).mean() < 10


def test_where_no_face_is_found_the_whole_picture_counts_and_that_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    image = cv2.GaussianBlur(noise(0, 96, 128), (0, 0), 9)
    picture(tmp_path / "happy" / "a.png", image)
    picture(tmp_path / "sad" / "b.png", noise(1, 48, 48))
    loaded = faces.load(tmp_path, "test").images[0]
    np.testing.assert_array_equal(loaded, cv2.resize(image, (48, 48), interpolation=cv2.INTER_AREA))
    assert "no face found in 1 of 2 pictures" in caplog.text


def test_one_training_picture_in_ten_validates_and_no_copy_crosses_over(tmp_path: Path) -> None:
    for i in range(150):
        picture(tmp_path / "train" / ("happy" if i % 2 else "sad") / f"{i}.png", noise(i % 120, 48, 48))
    for i in (0, 1, 500):
        picture(tmp_path / "test" / "sad" / f"{i}.png", noise(i, 48, 48))
    train, valid, test = (faces.load(tmp_path, split) for split in ("train", "valid", "test"))
    seen = [{image.tobytes() for image in part.images} for part in (train, valid, test)]
    assert len(train.images) + len(valid.images) == 150 and 3 <= len(valid.images) <= 35
    assert not seen[0] & seen[1] and not (seen[0] | seen[1]) & seen[2]
    assert len(test.images) == 1
    assert len(set(train.groups.tolist())) == len(seen[0])


def test_a_validation_folder_is_used_as_it_is(tmp_path: Path) -> None:
    for i, split in enumerate(("train", "val", "test")):
        for name in ("happy", "sad"):
            picture(tmp_path / split / name / "a.png", noise(10 * i + len(name), 48, 48))
    assert [len(faces.load(tmp_path, split).images) for split in class_folders.SPLITS] == [2, 2, 2]


def test_votes_are_the_truth_where_they_name_the_pictures(tmp_path: Path) -> None:
    for i, name in enumerate(("happy", "sad")):
        picture(tmp_path / name / f"fer000000{i}.png", noise(i, 48, 48))
    picture(tmp_path / "sad" / "fer0000002.png", noise(2, 48, 48))
    table(tmp_path / "fer2013new.csv", VOTES, [f"Training,fer000000{i}.png,0,0,0,9,0,1,0,0,0,0" for i in range(2)])
    test = faces.load(tmp_path, "test")
    assert [EMOTIONS[i] for i in test.emotion] == ["sad", "sad"]


def test_one_damaged_picture_in_a_hundred_is_left_out_and_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for i in range(99):
        picture(tmp_path / ("happy" if i % 2 else "sad") / f"{i}.png", noise(i, 48, 48))
    (tmp_path / "sad" / "broken.png").write_bytes(b"\x89PNG")
    assert len(faces.load(tmp_path, "test").images) == 99
    assert "1 of 100 pictures left out" in caplog.text and "broken.png (not a readable picture)" in caplog.text
    (tmp_path / "happy" / "empty.png").touch()
    with pytest.raises(UserError, match=r"empty\.png: not a readable picture; 2 of 101 pictures cannot be used"):
        faces.load(tmp_path, "test")


def test_a_folder_of_no_emotion_is_named(tmp_path: Path) -> None:
    for name in ("happy", "sad", "holiday"):
        picture(tmp_path / name / "a.png", noise(0, 48, 48))
    with pytest.raises(UserError, match="holiday: not the folder of an emotion"):
        faces.load(tmp_path, "test")


def test_a_missing_split_folder_is_named(tmp_path: Path) -> None:
    for name in ("happy", "sad"):
        picture(tmp_path / "train" / name / "a.png", noise(0, 48, 48))
    with pytest.raises(UserError, match="test: no such folder"):
        faces.load(tmp_path, "test")
