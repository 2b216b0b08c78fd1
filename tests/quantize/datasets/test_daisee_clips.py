from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from trees import drawn, table, video

from edge.capture.drawn import DrawnCamera
from edge.clock import ManualClock
from edge.errors import UserError
from edge.features.landmarks import NOSE_TIP
from edge.signals import ENGAGEMENT_STATES
from quantize.branches.engagement import Engagement
from quantize.datasets import daisee, daisee_clips
from quantize.training import landmark_bases

HEADER = "ClipID,Boredom,Engagement,Confusion,Frustration "
"""The official header, with its space."""


def _learner(seconds: float, fps: float = 15.0, seed: int = 0) -> list[np.ndarray]:
    """A drawn learner who moves a little."""
    camera = DrawnCamera(1, 320, 240, fps, ManualClock(), seed=seed)
    return [camera.read().image for _ in range(round(seconds * fps))]


def _place(folder: Path, split: str, clip: str, suffix: str = ".avi") -> Path:
    return folder / "DataSet" / split / clip[:6] / clip / f"{clip}{suffix}"


@pytest.fixture(scope="module")
def official(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("daisee")
    for i, clip in enumerate(("1100011002", "1100011003", "1100021001")):
        video(_place(folder, "Train", clip), _learner(10, seed=i), 15.0)
    table(folder / "Labels" / "TrainLabels.csv", HEADER, ["1100011002.avi,0,1,2,3", "1100011003.avi,3,2,1,0"])
    with (folder / "Labels" / "TrainLabels.csv").open("a") as file:
        file.write("1100021001.avi,1,1,1,1\n")
    return folder


def test_a_clip_is_75_steps_of_the_devices_landmarks(official: Path) -> None:
    clips = daisee.load(official, "Train")
    assert clips.landmarks.shape == (3, 75, 468, 3) and clips.landmarks.dtype == np.float32
    assert ENGAGEMENT_STATES == ("boredom", "confusion", "engagement", "frustration")
    assert clips.levels.tolist() == [[0, 2, 1, 3], [3, 1, 2, 0], [1, 1, 1, 1]]
    assert clips.subjects.tolist() == ["110001", "110001", "110002"]
    nose = clips.landmarks[0, :, NOSE_TIP, :2]
    assert 0.05 < np.ptp(nose[:, 0]) < 40 and np.abs(np.diff(nose, axis=0)).max() < 10


def test_steps_are_taken_by_time_whatever_the_rate(official: Path, tmp_path: Path) -> None:
    frames = _learner(6, 30.0)
    landmarks = []
    for name, fps, shown in (("a", 30.0, frames), ("b", 15.0, frames[::2])):
        landmarks.append(daisee_clips.clip_landmarks()(video(tmp_path / f"{name}.avi", shown, fps))["landmarks"])
    assert np.abs(landmarks[0] - landmarks[1])[..., :2].mean() < 0.5


def test_a_lost_face_repeats_its_last_landmarks(tmp_path: Path) -> None:
    frames = _learner(10)
    nobody = np.full_like(frames[0], 90)
    path = video(tmp_path / "clip.avi", [*([nobody] * 15), *frames[15:120], *([nobody] * 30)], 15.0)
    content = daisee_clips.clip_landmarks()(path)
    np.testing.assert_array_equal(content["landmarks"][:7], np.repeat(content["landmarks"][8:9], 7, axis=0))
    np.testing.assert_array_equal(content["landmarks"][-10:-1], content["landmarks"][-9:])
    assert 0.6 < content["seen"] < 0.75


def test_extracted_clips_reach_the_branch(official: Path) -> None:
    clips = daisee.load(official, "Train")
    features = landmark_bases.reduced(clips, 0.9)
    split = {"train": clips.subjects.tolist()}
    assert Engagement().representative(official, features, split, 2).shape == (2, *features(clips.landmarks).shape[1:])


def test_clips_without_a_face_are_left_out_and_counted(
    official: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    video(
        _place(tmp_path, "Test", "2100011002", ".mp4").with_suffix(".avi"),
        [np.full((240, 320, 3), 90, np.uint8)] * 150,
        15.0,
    )
    video(_place(tmp_path, "Test", "2100011003"), _learner(10), 15.0)
    table(tmp_path / "Labels" / "TestLabels.csv", HEADER, ["2100011002.avi,0,0,0,0", "2100011003.avi,0,0,0,0"])
    assert len(daisee.load(tmp_path, "Test").levels) == 1
    assert "1 of 2 clips left out, too little of a face in them" in caplog.text


@pytest.mark.parametrize("damage", ["missing", "empty", "short"])
def test_a_damaged_clip_is_named(tmp_path: Path, damage: str) -> None:
    place = _place(tmp_path, "Validation", "4100011002")
    if damage == "short":
        video(place, [drawn(1, 320, 240)] * 30, 15.0)
    elif damage == "empty":
        place.parent.mkdir(parents=True)
        place.touch()
    table(tmp_path / "Labels" / "ValidationLabels.csv", HEADER, ["4100011002.avi,0,0,0,0"])
    reason = {"missing": "no such video file", "empty": "this video file is empty", "short": "breaks off after 2"}
    with pytest.raises(UserError, match=rf"4100011002\.avi: {reason[damage]}.*; 1 of 1 clips cannot be used"):
        daisee.load(tmp_path, "Validation")


def test_a_level_out_of_range_is_named_by_file_and_line(tmp_path: Path) -> None:
    table(tmp_path / "Labels" / "TrainLabels.csv", HEADER, ["1100011002.avi,0,0,0,0", "1100011003.avi,0,0,0,4"])
    with pytest.raises(
        UserError, match=r"TrainLabels\.csv: line 3: Frustration is '4', not a whole number from 0 to 3"
    ):
        daisee.load(tmp_path, "Train")


def test_a_missing_list_of_labels_is_named(official: Path) -> None:
    with pytest.raises(UserError, match=r"ValidationLabels\.csv: no such file"):
        daisee.load(official, "Validation")


def test_a_folder_that_is_no_daisee_says_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"looked for daisee_landmarks\.npz .*; DataSet/Train/110001"):
        daisee.load(tmp_path, "Train")
