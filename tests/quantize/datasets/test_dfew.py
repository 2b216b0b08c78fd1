from __future__ import annotations

from pathlib import Path
from typing import get_args

import cv2
import numpy as np
import pytest
from trees import noise, picture, table

from edge.errors import UserError
from quantize.datasets import FoldChoice, Split, dfew, faces
from quantize.datasets.face_labels import EMOTIONS, Faces

CLIPS = Path("Clip") / "clip_224x224_16f"


def _clip(folder: Path, number: int, name: str = "{clip}_{frame}.jpg") -> None:
    for frame in range(1, 17):
        flat = np.full((48, 48), 10 * frame, np.uint8)
        picture(folder / CLIPS / f"{number:05d}" / name.format(clip=number, frame=frame), flat)


def _split(folder: Path, part: str, fold: int, rows: list[str]) -> None:
    place = folder / "EmoLabel_DataSplit" / f"{part}(single-labeled)"
    table(place / f"set_{fold + 1}.csv", "video_name,label", rows)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Twenty happy training clips and one test clip of each emotion in each of the five folds."""
    for number in range(1, 28):
        _clip(tmp_path, number)
    for fold in range(5):
        _split(tmp_path, "train", fold, [f"{number:05d},1" for number in range(1, 21)])
        order = np.roll(np.arange(21, 28), fold).tolist()
        _split(tmp_path, "test", fold, [f"{number},{number - 20}" for number in order])
    return tmp_path


def test_every_frame_is_a_row_in_the_clips_order_and_a_clip_is_a_group(tree: Path) -> None:
    test = faces.load(tree, "test")
    named = [EMOTIONS[i] for i in test.emotion[::16]]
    assert named == ["happy", "sad", "neutral", "angry", "surprised", "disgust", "fear"]
    assert test.images.shape == (7 * 16, 48, 48)
    assert np.abs(test.images[:16, 0, 0].astype(int) - np.arange(10, 170, 10)).max() <= 2
    assert test.groups.tolist() == np.repeat(np.arange(7), 16).tolist()


def test_frames_named_by_number_alone_are_read_alike(tree: Path) -> None:
    before = faces.load(tree, "test").images
    for number in range(21, 28):
        for path in (tree / CLIPS / f"{number:05d}").iterdir():
            path.rename(path.with_name(path.name.split("_")[-1]))
    np.testing.assert_array_equal(faces.load(tree, "test").images, before)


def test_a_clip_is_numbered_and_a_still_is_one(tree: Path, faces_of_ferplus: Faces) -> None:
    test = faces.load(tree, "test")
    assert test.clip.tolist() == np.repeat(np.arange(7), 16).tolist()
    assert test.firsts.tolist() == list(range(0, 7 * 16, 16))
    assert faces_of_ferplus.clip.tolist() == faces_of_ferplus.firsts.tolist() == list(range(32))


@pytest.fixture
def faces_of_ferplus(request: pytest.FixtureRequest) -> Faces:
    return faces.load(request.getfixturevalue("faces"), "test")


def test_some_clips_are_numbered_anew(tree: Path) -> None:
    test = faces.load(tree, "test")
    some = test.only(np.isin(test.emotion, (EMOTIONS.index("sad"), EMOTIONS.index("fear"))))
    assert some.clip.tolist() == np.repeat([0, 1], 16).tolist()
    assert [EMOTIONS[i] for i in some.emotion[some.firsts]] == ["sad", "fear"]


def test_each_fold_has_its_own_lists(tree: Path) -> None:
    assert EMOTIONS[dfew.load(tree, "test", fold=1).emotion[0]] == "fear"
    with pytest.raises(UserError, match=r"--fold 5: DFEW.*: has the folds 0, 1, 2, 3, 4, all"):
        faces.load(tree, "test", 5)


def _numbers(part: Faces) -> set[int]:
    """The clips of a part, which tell their numbers in a corner."""
    return set(np.rint(part.images[part.firsts, 3, 3] / 5).astype(int).tolist())


def test_a_folds_test_is_neither_trained_on_nor_validated_on(clips: Path) -> None:
    def parts(fold: FoldChoice | None) -> list[set[int]]:
        return [_numbers(faces.load(clips, split, fold)) for split in get_args(Split)]

    train, valid, test = parts("all")
    assert test == train | valid == set(range(1, 51)) and not train & valid
    for fold in range(5):
        train, valid, test = parts(fold)
        assert test == {number for number in range(1, 51) if (number - 1) // 2 % 5 == fold}
        assert len(train) + len(valid) + len(test) == len(train | valid | test) == 50
        assert len(valid) == 4 and len({number % 2 for number in valid}) == 2
    assert parts(None) == parts(0)
    everything = faces.load_all(clips)
    assert len(everything.firsts) == 50 and everything.clip.max() == 49


def test_every_tenth_training_clip_validates(tree: Path) -> None:
    train, valid = faces.load(tree, "train"), faces.load(tree, "valid")
    assert (len(train.images), len(valid.images)) == (18 * 16, 2 * 16)


@pytest.mark.parametrize("label", ["0", "8", "happy", ""])
def test_a_label_out_of_range_is_named_by_file_and_line(tree: Path, label: str) -> None:
    _split(tree, "test", 0, ["00021,1", f"00022,{label}"])
    with pytest.raises(UserError, match=r"set_1\.csv: line 3: label is .*, not a whole number from 1 to 7"):
        faces.load(tree, "test")


@pytest.mark.parametrize("fold", [None, 0, 3, "all"])
def test_a_missing_split_file_is_named(tree: Path, fold: FoldChoice | None) -> None:
    name = "set_4.csv" if fold in (3, "all") else "set_1.csv"
    (tree / "EmoLabel_DataSplit" / "test(single-labeled)" / name).unlink()
    with pytest.raises(UserError, match=rf"test\(single-labeled\)/{name}: no such file"):
        faces.load(tree, "test", fold)


def test_an_archive_that_was_not_unpacked_is_said(tree: Path) -> None:
    (tree / CLIPS).rename(tree / "Clip" / "elsewhere")
    (tree / "Clip" / "clip_224x224_16f.zip").touch()
    with pytest.raises(UserError, match=r"no such folder; unpack clip_224x224_16f\.zip there"):
        faces.load(tree, "test")


@pytest.mark.parametrize("damage", ["missing", "short", "torn"])
def test_one_damaged_clip_in_a_hundred_is_left_out_and_named(
    tree: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(28, 128):
        _clip(tree, number)
    _split(tree, "test", 0, [f"{number:05d},1" for number in range(28, 128)])
    place = tree / CLIPS / "00030"
    for path in sorted(place.iterdir())[: {"missing": 16, "short": 1, "torn": 1}[damage]]:
        if damage == "torn":
            path.write_bytes(path.read_bytes()[:40])
        else:
            path.unlink()
    if damage == "missing":
        place.rmdir()
    assert len(faces.load(tree, "test").images) == 99 * 16
    assert "1 of 100 clips left out" in caplog.text and "00030" in caplog.text


def test_the_clips_large_pictures_are_searched_for_faces(tree: Path, caplog: pytest.LogCaptureFixture) -> None:
    flat = cv2.GaussianBlur(noise(0, 224, 224), (0, 0), 20)
    for frame in range(1, 17):
        picture(tree / CLIPS / "00021" / f"21_{frame}.jpg", flat)
    faces.load(tree, "test")
    assert "no face found in 16 of 112 pictures" in caplog.text
