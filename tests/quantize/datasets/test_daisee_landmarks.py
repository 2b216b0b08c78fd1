from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge.errors import UserError
from quantize.datasets import daisee, daisee_landmarks


def _rewritten(source: Path, folder: Path, **fields: np.ndarray) -> Path:
    with np.load(source / daisee_landmarks.FILE) as archive:
        np.savez(folder / daisee_landmarks.FILE, **{**archive, **fields})
    return folder


def test_labels_are_put_into_the_devices_order(landmarks: Path) -> None:
    with np.load(landmarks / daisee_landmarks.FILE) as archive:
        boredom, engagement, confusion, frustration = archive["labels"][0]
    levels = daisee_landmarks.load(landmarks, "Train").levels[0]
    assert levels.tolist() == [boredom, confusion, engagement, frustration]


def test_stills_get_their_aspect_back_and_lose_the_irises(landmarks: Path) -> None:
    with np.load(landmarks / daisee_landmarks.FILE) as archive:
        first = archive["landmarks"][0].astype(np.float32)
    loaded = daisee_landmarks.load(landmarks, "Train").landmarks
    assert loaded.shape == (104, 1, 468, 3)
    np.testing.assert_allclose(loaded[0, 0, :, 1], first[:468, 1] * daisee_landmarks.STILL_ASPECT, rtol=1e-5)
    np.testing.assert_allclose(loaded[0, 0, :, 0], first[:468, 0])


def test_clips_of_75_steps_drop_in_unchanged(landmarks: Path, tmp_path: Path) -> None:
    with np.load(landmarks / daisee_landmarks.FILE) as archive:
        clips = np.repeat(archive["landmarks"][:, None, :468], 75, axis=1)
    folder = _rewritten(landmarks, tmp_path, landmarks=clips)
    loaded = daisee_landmarks.load(folder, "Train")
    np.testing.assert_array_equal(loaded.landmarks, clips[:104].astype(np.float32))


@pytest.mark.parametrize("level", [np.int8(4), 1.5, float("nan"), -1, "high"])
def test_levels_that_are_none_are_refused(level: object, landmarks: Path, tmp_path: Path) -> None:
    folder = _rewritten(landmarks, tmp_path, labels=np.full((156, 4), level))
    with pytest.raises(UserError, match=r"labels are not \(N, 4\) with levels from 0 to 3"):
        daisee_landmarks.load(folder, "Train")


def test_too_few_landmarks_are_refused(landmarks: Path, tmp_path: Path) -> None:
    folder = _rewritten(landmarks, tmp_path, landmarks=np.zeros((156, 68, 3), np.float16))
    with pytest.raises(UserError, match=r"landmarks are \[156, 1, 68, 3\]"):
        daisee_landmarks.load(folder, "Train")


def test_landmarks_that_are_not_finite_are_refused_where_a_face_was_found(landmarks: Path, tmp_path: Path) -> None:
    with np.load(landmarks / daisee_landmarks.FILE) as archive:
        broken, found = archive["landmarks"].copy(), archive["found"].copy()
    broken[5, 7, 1] = np.nan
    with pytest.raises(UserError, match="row 5, whose face was found, has landmarks that are not finite"):
        daisee_landmarks.load(_rewritten(landmarks, tmp_path, landmarks=broken), "Train")
    found[5] = False
    folder = _rewritten(landmarks, tmp_path, landmarks=broken, found=found)
    assert len(daisee_landmarks.load(folder, "Train").levels) == 103


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"found": np.full(156, "yes")}, r"found is not \(N,\) of 0 and 1"),
        ({"landmarks": np.full((156, 478, 3), "1.0")}, "landmarks are <U3, not numbers"),
    ],
)
def test_text_instead_of_numbers_is_refused(
    fields: dict[str, np.ndarray], reason: str, landmarks: Path, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=reason):
        daisee_landmarks.load(_rewritten(landmarks, tmp_path, **fields), "Train")


def test_a_missing_split_is_named(landmarks: Path) -> None:
    with pytest.raises(UserError, match="no clip of the split 'Test'"):
        daisee_landmarks.load(landmarks, "Test")


def test_all_splits_are_had_in_one_without_the_subjects_trained_on(landmarks: Path) -> None:
    assert len(daisee.load(landmarks, None).levels) == 156
    left = daisee.load(landmarks, None, used=[f"s{i:02d}" for i in range(11)])
    assert set(left.subjects.tolist()) == {"s11"} and len(left.landmarks) == len(left.levels) == 13
    with pytest.raises(UserError, match="every subject here was trained on"):
        daisee.load(landmarks, "Train", used=[f"s{i:02d}" for i in range(12)])


def test_without_a_split_every_clip_is_read_whatever_its_split_is_called(landmarks: Path, tmp_path: Path) -> None:
    folder = _rewritten(landmarks, tmp_path, split=np.array(["Elsewhere"] * 156))
    assert len(daisee.load(folder, None).levels) == 156
    with pytest.raises(UserError, match="no clip of the split 'Train'"):
        daisee_landmarks.load(folder, "Train")
