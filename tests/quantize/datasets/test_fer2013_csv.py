from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from trees import noise, table

from edge.errors import UserError
from quantize.datasets import faces
from quantize.datasets.face_labels import EMOTIONS

VOTES = "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"


def _pixels(seed: int) -> str:
    return " ".join(map(str, noise(seed, 48 * 48).tolist()))


def _table(folder: Path, rows: Sequence[str]) -> Path:
    table(folder / "fer2013.csv", "emotion,pixels,Usage", rows)
    return folder


def test_emotions_and_splits_are_read_in_the_tables_own_codes(tmp_path: Path) -> None:
    usages = ["Training"] * 7 + ["PublicTest", "PrivateTest"]
    _table(tmp_path, [f"{i % 7},{_pixels(i)},{usage}" for i, usage in enumerate(usages)])
    train = faces.load(tmp_path, "train")
    named = [EMOTIONS[i] for i in train.emotion]
    assert named == ["angry", "disgust", "fear", "happy", "sad", "surprised", "neutral"]
    assert train.positive.tolist() == [0, 0, 0, 1, 0, -1, 1]
    np.testing.assert_array_equal(train.images[1], noise(1, 48 * 48).reshape(48, 48))
    np.testing.assert_array_equal(train.votes.argmax(axis=1), train.emotion)
    assert [len(faces.load(tmp_path, split).images) for split in ("valid", "test")] == [1, 1]


def test_the_later_official_table_with_other_columns_is_read_alike(tmp_path: Path) -> None:
    table(tmp_path / "icml_face_data.csv", "emotion, Usage, pixels", [f"3,PrivateTest,{_pixels(0)}"])
    assert faces.load(tmp_path, "test").positive.tolist() == [1]


def test_copies_of_training_pictures_are_no_test_and_copies_belong_together(tmp_path: Path) -> None:
    rows = [f"3,{_pixels(0)},Training", *(f"3,{_pixels(i)},PrivateTest" for i in (0, 1, 1, 2))]
    test = faces.load(_table(tmp_path, rows), "test")
    assert test.groups.tolist() == [0, 0, 1]


def test_votes_beside_the_table_are_the_truth(tmp_path: Path) -> None:
    _table(tmp_path, [f"0,{_pixels(i)},Training" for i in range(4)])
    votes = [
        "Training,fer0000000.png,1,8,0,1,0,0,0,0,0,0",
        "Training,fer0000001.png,0,1,4,0,1,0,4,0,0,0",
        "Training,,0,0,0,0,0,0,0,0,0,10",
        "Training,fer0000003.png,0,0,1,5,1,1,1,0,1,0",
    ]
    table(tmp_path / "fer2013new.csv", VOTES, votes)
    train = faces.load(tmp_path, "train")
    np.testing.assert_array_equal(train.images[2], noise(3, 48 * 48).reshape(48, 48))
    np.testing.assert_allclose(train.votes[0], [0.1, 0.8, 0, 0.1, 0, 0, 0], atol=1e-6)
    assert train.emotion.tolist() == [1, -1, 3]
    assert train.positive.tolist() == [1, 0, 0]


def test_valence_of_the_votes_is_that_of_the_archives(faces_with_votes: Path, tmp_path: Path) -> None:
    with np.load(faces_with_votes / "test.npz") as archive:
        rows = np.flatnonzero(~archive["leak"])[:500]
        votes, binary = archive["ferplus_votes"][rows], archive["binary_ferplus"][rows]
    _table(tmp_path, [f"0,{_pixels(i)},PrivateTest" for i in range(len(rows))])
    lines = [f"PrivateTest,p{i}.png,{','.join(map(str, v.tolist()))}" for i, v in enumerate(votes)]
    table(tmp_path / "fer2013new.csv", VOTES, lines)
    usable = 2 * votes[:, :7].sum(axis=1, dtype=int) > votes.sum(axis=1, dtype=int)
    expected = np.where(binary < 0, -1, 1 - binary)[usable]
    np.testing.assert_array_equal(faces.load(tmp_path, "test").positive, expected)


def test_a_label_out_of_range_is_named_by_file_and_line(tmp_path: Path) -> None:
    _table(tmp_path, [f"0,{_pixels(0)},Training", f"7,{_pixels(1)},Training"])
    with pytest.raises(UserError, match=r"fer2013\.csv: line 3: emotion is '7', not a whole number from 0 to 6"):
        faces.load(tmp_path, "train")


def test_an_unknown_usage_is_named_by_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="line 2: Usage is 'Trainig'"):
        faces.load(_table(tmp_path, [f"0,{_pixels(0)},Trainig"]), "train")


def test_votes_for_another_table_are_refused(tmp_path: Path) -> None:
    _table(tmp_path, [f"0,{_pixels(i)},Training" for i in range(2)])
    table(tmp_path / "fer2013new.csv", VOTES, ["Training,a.png,10,0,0,0,0,0,0,0,0,0"])
    with pytest.raises(UserError, match=r"fer2013new\.csv: 1 lines of votes for 2 pictures"):
        faces.load(tmp_path, "train")


def test_one_damaged_picture_in_two_hundred_is_left_out_and_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rows = [f"3,{_pixels(i)},Training" for i in range(199)]
    _table(tmp_path, [*rows, "3,12 13 14,Training"])
    assert len(faces.load(tmp_path, "train").images) == 199
    assert "1 of 200 pictures left out" in caplog.text and "fer2013.csv line 201" in caplog.text


def test_more_than_one_in_a_hundred_is_an_error_that_names_the_first(tmp_path: Path) -> None:
    rows = [f"3,{_pixels(i)},Training" for i in range(98)]
    _table(tmp_path, [*rows, "3,12 13 14,Training", "3,,Training"])
    with pytest.raises(UserError, match=r"line 100: not 48 x 48 grey levels; 2 of 100 pictures cannot be used"):
        faces.load(tmp_path, "train")


def test_a_table_without_its_columns_is_refused(tmp_path: Path) -> None:
    table(tmp_path / "fer2013.csv", "emotion,Usage", ["0,Training"])
    with pytest.raises(UserError, match=r"fer2013\.csv: has no column 'pixels'"):
        faces.load(tmp_path, "train")


@pytest.fixture
def faces_with_votes() -> Path:
    import os

    folder = Path(os.environ.get("AFFECT_DATA", "")) / "fer2013plus"
    if not os.environ.get("AFFECT_DATA") or not folder.is_dir():
        pytest.skip("AFFECT_DATA does not name a folder with fer2013plus/ in it")
    return folder
