from __future__ import annotations

import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
import soundfile

from edge.config import MODELS, Perception
from edge.demo.lesson import DURATION_S, SOUND, STRETCHES, VIDEO, Stretch, stretch_at
from edge.features.face_crop import FaceCrop
from edge.inference.store import ModelStore
from edge.perception import open_mesh
from edge.perception.mesh import FaceMesh
from edge.signals import SAMPLE_RATE, Frame, Uint8Image

LIT = [stretch for stretch in STRETCHES if stretch.light == 1.0]


@pytest.fixture(scope="module")
def mesh() -> FaceMesh:
    return open_mesh(Perception(), ModelStore(MODELS))


def still(time: float) -> Uint8Image:
    video = cv2.VideoCapture(str(VIDEO))
    video.set(cv2.CAP_PROP_POS_MSEC, time * 1000)
    shown, image = video.read()
    video.release()
    assert shown
    return np.asarray(image, np.uint8)


def middle(stretch: Stretch) -> float:
    """Late enough for everybody who leaves to be out of the room."""
    return max((stretch.start + stretch.end) / 2, stretch.start + 4.5)


def name(stretch: Stretch) -> str:
    return stretch.name


def test_script_has_no_gap() -> None:
    assert STRETCHES[0].start == 0
    assert all(before.end == after.start for before, after in pairwise(STRETCHES))
    assert stretch_at(0.0) is STRETCHES[0]
    assert stretch_at(STRETCHES[0].end) is STRETCHES[1]
    assert stretch_at(DURATION_S + 1) is STRETCHES[-1]


def test_film_and_sound_last_as_long_as_the_script() -> None:
    video = cv2.VideoCapture(str(VIDEO))
    assert video.get(cv2.CAP_PROP_FRAME_COUNT) / video.get(cv2.CAP_PROP_FPS) == pytest.approx(DURATION_S)
    sound = soundfile.info(SOUND)
    assert (sound.samplerate, sound.channels) == (SAMPLE_RATE, 1)
    assert sound.duration == pytest.approx(DURATION_S)


@pytest.mark.parametrize("stretch", LIT, ids=name)
def test_everybody_the_script_says_is_there_is_found(mesh: FaceMesh, stretch: Stretch) -> None:
    mesh.forget()
    faces = mesh.find(Frame(still(middle(stretch)), 0.0))
    assert len(faces) == len(stretch.present)
    assert all(np.ptp(face.landmarks[:, 0]) > 110 for face in faces)


def test_light_is_out_but_the_picture_is_not_dead() -> None:
    (dark,) = (stretch for stretch in STRETCHES if stretch.light < 0.5)
    first, second = still(middle(dark)), still(middle(dark) + 1)
    assert first.mean() < 10
    assert np.any(first != second)


def test_mouths_are_higher_at_the_corners_when_smiling_than_when_frowning(mesh: FaceMesh) -> None:
    def lift(mood: str) -> float:
        stretch = next(stretch for stretch in STRETCHES if stretch.mood == mood)
        mesh.forget()
        faces = mesh.find(Frame(still(middle(stretch)), 0.0))
        # In crops the faces are upright and of one size.
        lifts = []
        for face in faces:
            turn = FaceCrop().transform(face.landmarks)
            points = face.landmarks[:, :2] @ turn[:, :2].T
            lifts.append(points[0, 1] - points[[61, 291], 1].mean())
        return float(np.mean(lifts))

    assert lift("smiling") > lift("neutral") + 1 > lift("frowning") + 2


@pytest.mark.parametrize("stretch", STRETCHES, ids=name)
def test_voice_is_heard_where_the_script_says_and_the_room_elsewhere(stretch: Stretch) -> None:
    sound, _ = soundfile.read(SOUND, dtype="float32")
    heard = sound[round(stretch.start * SAMPLE_RATE) : round(stretch.end * SAMPLE_RATE)]
    level = 10 * np.log10(np.mean(np.square(heard)))
    if stretch.speech:
        assert -30 < level < -15
    else:
        assert -75 < level < -55


def test_missing_tools_are_named_in_one_line(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "edge.demo.lesson", "--out", str(tmp_path)]
    done = subprocess.run(command, env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "lesson: ffmpeg is not installed; on Debian: apt install ffmpeg\n"
    assert not list(tmp_path.iterdir())
