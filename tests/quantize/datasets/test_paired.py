from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from trees import table, video

from edge.capture.drawn import DrawnCamera
from edge.clock import ManualClock
from edge.demo.lesson import SOUND
from edge.errors import UserError
from edge.features.landmarks import NOSE_TIP
from quantize.cli import main
from quantize.datasets import paired
from quantize.datasets.paired import Lesson
from quantize.extraction import CACHE

HEADER = "recording,person,split,from_s,to_s,valence,boredom,confusion,engagement,frustration"
SECONDS, FPS = 14, 15.0


def _film(path: Path, seconds: int = SECONDS, hidden: tuple[int, int] = (0, 0), sound: bool = True) -> Path:
    """A drawn learner, out of the picture from ``hidden[0]`` to ``hidden[1]``, and a teacher's voice beside it."""
    camera = DrawnCamera(1, 320, 240, FPS, ManualClock(), seed=3)
    frames = [camera.read().image for _ in range(round(seconds * FPS))]
    for number in range(round(hidden[0] * FPS), round(hidden[1] * FPS)):
        frames[number] = np.full_like(frames[number], 90)
    if sound:
        path.parent.mkdir(parents=True, exist_ok=True)
        samples, rate = soundfile.read(SOUND)
        soundfile.write(path.with_suffix(".wav"), samples[: seconds * rate], rate)
    return video(path, frames, FPS)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("paired")
    _film(made / "films" / "anna.avi", hidden=(6, 9))
    lines = [
        "films/anna.avi,anna,train,9,14,negative,2,0,1,",
        "films/anna.avi,anna,train,1,7,positive,0,1,3,",
    ]
    return table(made / "labels.csv", HEADER, lines).parent


@pytest.fixture(scope="module")
def lesson(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Lesson:
    token = CACHE.set(tmp_path_factory.mktemp("cache"))
    (found,) = paired.load(folder, "train")
    CACHE.reset(token)
    return found


def test_every_rated_second_is_there_in_order_and_no_other(lesson: Lesson) -> None:
    assert lesson.person == "anna"
    assert lesson.second.tolist() == [*range(1, 7), *range(9, 14)]
    assert lesson.positive.tolist() == [1] * 6 + [0] * 5
    assert lesson.levels[0].tolist() == [0, 1, 3, paired.UNKNOWN] and lesson.levels[-1].tolist()[:3] == [2, 0, 1]


def test_each_second_shows_the_face_that_was_there(lesson: Lesson) -> None:
    shown = lesson.face >= 0
    assert shown.tolist() == [True] * 5 + [False] + [True] * 5
    assert lesson.faces.shape[1:] == (48, 48) and np.diff(lesson.face[shown]).min() >= 1


def test_a_window_ends_with_its_second_and_counts_only_where_half_of_it_was_seen(lesson: Lesson) -> None:
    clips, clip = lesson.clips()
    assert clips.landmarks.shape[1:] == (75, 468, 3) and len(clips.landmarks) == (clip >= 0).sum()
    # five seconds of ten: from the fifth on
    assert np.array_equal(clip >= 0, lesson.second >= 4)
    last = clips.landmarks[-1]
    assert np.array_equal(last[-1], lesson.landmarks[104])
    noses = last[:, NOSE_TIP, :2]
    held = round((9 - 4) * 7.5)
    assert np.abs(np.diff(noses[held - 20 : held - 1], axis=0)).max() == 0, "a step without a face holds the last one"
    assert clips.subjects.tolist() == ["anna"] * len(clips.landmarks)


def test_an_utterance_belongs_to_the_second_it_ends_in(lesson: Lesson) -> None:
    spoken = np.flatnonzero(lesson.spoken >= 0)
    assert len(spoken) >= 1
    for row in spoken:
        assert 0.5 <= len(lesson.voices[lesson.spoken[row]]) / 16_000 <= 5.0


def test_the_table_is_counted_by_split(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["datasets", "--data", str(folder)]) == 0
    said = capsys.readouterr().out
    assert "learners filmed with sound and rated over time, for attention" in said
    counted = {words[0]: words[-1] for words in map(str.split, said.splitlines()) if words}
    assert counted["seconds"] == "11" and counted["positive"] == "6" and counted["people"] == "1"


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (",anna,train,0,5,positive,0,0,0,0", "line 2: recording is '', not a path below"),
        ("/a.avi,anna,train,0,5,positive,0,0,0,0", "line 2: recording is '/a.avi', not a path below"),
        ("a.avi,anna,training,0,5,positive,0,0,0,0", "line 2: split is 'training', not one of train, valid, test"),
        ("a.avi,anna,train,0,5,happy,0,0,0,0", "line 2: valence is 'happy', not one of negative, positive"),
        ("a.avi,anna,train,5,5,positive,0,0,0,0", "line 2: from_s 5 is not before to_s 5"),
        ("a.avi,anna,train,-1,5,positive,0,0,0,0", "line 2: from_s is '-1', not a whole number"),
        ("a.avi,anna,train,0,nan,positive,0,0,0,0", "line 2: to_s is 'nan', not a whole number"),
        ("a.avi,anna,train,0,5,positive,4,0,0,0", "line 2: boredom is '4', not a whole number from 0 to 3"),
        ("a.avi,anna,train,0,5,positive,0,0", "line 2: has 8 cells, the header 10"),
    ],
)
def test_a_cell_that_says_nothing_is_named(line: str, problem: str, tmp_path: Path) -> None:
    table(tmp_path / "labels.csv", HEADER, [line])
    with pytest.raises(UserError, match=rf"labels\.csv: {problem}"):
        paired.load(tmp_path, "train")


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        (
            ["a.avi,anna,train,0,5,positive,,,,", "b.avi,anna,test,0,5,positive,,,,"],
            "line 3: 'anna' is in the split 'test'",
        ),
        (["a.avi,anna,train,0,5,positive,,,,", "a.avi,ben,train,5,9,positive,,,,"], "line 3: another person than in"),
        (["a.avi,anna,train,0,5,positive,,,,", "a.avi,anna,train,4,9,positive,,,,"], "line 3: begins before line 2"),
        ([], "no recording is rated here"),
    ],
)
def test_lines_that_contradict_one_another_are_named(lines: list[str], problem: str, tmp_path: Path) -> None:
    table(tmp_path / "labels.csv", HEADER, lines)
    with pytest.raises(UserError, match=problem):
        paired.load(tmp_path, "train")


def test_a_split_without_recordings_is_named(folder: Path) -> None:
    with pytest.raises(UserError, match=r"labels\.csv: no recording is of the split 'test'"):
        paired.load(folder, "test")


def test_a_recording_that_is_missing_or_silent_is_named(tmp_path: Path) -> None:
    table(tmp_path / "labels.csv", HEADER, ["a.avi,anna,train,0,5,positive,0,0,0,0"])
    with pytest.raises(UserError, match=r"a\.avi: no such video or folder of pictures; 1 of 1 recordings"):
        paired.load(tmp_path, "train")
    _film(tmp_path / "a.avi", seconds=1, sound=False)
    with pytest.raises(UserError, match=r"a\.avi: has no sound, neither in it nor beside it"):
        paired.load(tmp_path, "train")


def test_a_split_in_which_nobody_is_seen_is_named(tmp_path: Path) -> None:
    _film(tmp_path / "a.avi", seconds=3, hidden=(0, 3))
    table(tmp_path / "labels.csv", HEADER, ["a.avi,anna,train,0,3,positive,0,0,0,0"])
    with pytest.raises(UserError, match="no faces in any of 1 recordings of the split 'train'"):
        paired.load(tmp_path, "train")
