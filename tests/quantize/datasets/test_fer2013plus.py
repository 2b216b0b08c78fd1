from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge.errors import UserError
from quantize.datasets import fer2013plus


def _rewritten(faces: Path, folder: Path, **fields: np.ndarray) -> Path:
    with np.load(faces / "test.npz") as archive:
        np.savez(folder / "test.npz", **{**archive, **fields})
    return folder


def test_votes_become_shares_of_the_seven_emotions(faces: Path) -> None:
    loaded = fer2013plus.load(faces, "train")
    assert loaded.votes.shape == (112, 7)
    np.testing.assert_allclose(loaded.votes[0], [0.2, 0.8, 0, 0, 0, 0, 0], rtol=1e-6)
    assert loaded.emotion[:2].tolist() == [1, 3]
    assert loaded.positive[:2].tolist() == [1, 0]


def test_near_duplicates_of_earlier_splits_are_left_out(faces: Path, tmp_path: Path) -> None:
    leak = np.arange(32) < 10
    assert len(fer2013plus.load(_rewritten(faces, tmp_path, leak=leak), "test").images) == 22


def test_pictures_mostly_voted_out_are_left_out_and_ties_have_no_emotion(faces: Path, tmp_path: Path) -> None:
    votes = np.zeros((32, 10), np.uint8)
    votes[:, 1] = votes[:, 3] = 5
    votes[0] = 0
    votes[0, 8], votes[0, 0] = 6, 4
    loaded = fer2013plus.load(_rewritten(faces, tmp_path, ferplus_votes=votes), "test")
    assert len(loaded.images) == 31
    assert set(loaded.emotion.tolist()) == {-1}


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"train\.npz: no such file"):
        fer2013plus.load(tmp_path, "train")


def test_garbage_is_named(tmp_path: Path) -> None:
    (tmp_path / "train.npz").write_bytes(b"not an archive")
    with pytest.raises(UserError, match=r"train\.npz: not a readable NumPy archive"):
        fer2013plus.load(tmp_path, "train")


def test_missing_field_is_named(tmp_path: Path) -> None:
    np.savez(tmp_path / "train.npz", images=np.zeros((2, 48, 48), np.uint8))
    with pytest.raises(UserError, match="has no field 'ferplus_votes'"):
        fer2013plus.load(tmp_path, "train")


def test_pictures_of_another_size_are_refused(faces: Path, tmp_path: Path) -> None:
    folder = _rewritten(faces, tmp_path, images=np.zeros((32, 64, 64), np.uint8))
    with pytest.raises(UserError, match=r"test\.npz: images are uint8\[32, 64, 64\]"):
        fer2013plus.load(folder, "test")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"binary_ferplus": np.array([5, 6] * 16)}, r"binary_ferplus is not \(N,\) of whole numbers from -1 to 1"),
        ({"binary_ferplus": np.full(32, 0.5)}, r"binary_ferplus is not \(N,\) of whole numbers from -1 to 1"),
        ({"binary_ferplus": np.full(32, "happy")}, r"binary_ferplus is not \(N,\) of whole numbers"),
        ({"leak": np.full(32, "no")}, r"leak is not \(N,\) of whole numbers from 0 to 1"),
        ({"dup_group": np.full(32, "a")}, r"dup_group is not \(N,\) of whole numbers"),
        ({"ferplus_votes": np.full((32, 10), -1)}, "ferplus_votes are not whole numbers from 0 to 10"),
        ({"ferplus_votes": np.full((32, 10), np.nan)}, "ferplus_votes are not whole numbers from 0 to 10"),
        ({"ferplus_votes": np.zeros((32, 10), np.uint8)}, "no picture is left"),
        ({"leak": np.ones(32, bool)}, "no picture is left"),
    ],
)
def test_labels_that_are_none_are_refused(
    fields: dict[str, np.ndarray], reason: str, faces: Path, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=rf"test\.npz: {reason}"):
        fer2013plus.load(_rewritten(faces, tmp_path, **fields), "test")
