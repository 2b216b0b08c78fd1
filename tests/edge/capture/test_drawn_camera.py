from __future__ import annotations

import numpy as np
import pytest

from edge.capture.drawn import DrawnCamera
from edge.clock import ManualClock
from edge.config import MODELS, Perception
from edge.inference.store import ModelStore
from edge.perception import open_mesh


def faces_seen(learners: int, width: int = 1280, height: int = 720) -> int:
    camera = DrawnCamera(learners, width, height, 10, ManualClock())
    return len(open_mesh(Perception(), ModelStore(MODELS)).find(camera.read()))


@pytest.mark.parametrize("learners", [0, 1, 2, 6, 16])
def test_face_mesh_finds_every_learner(learners: int) -> None:
    assert faces_seen(learners) == learners


@pytest.mark.parametrize(("width", "height"), [(640, 480), (1920, 1080), (3840, 2160)])
def test_learners_are_found_in_every_format(width: int, height: int) -> None:
    assert faces_seen(4, width, height) == 4


@pytest.mark.parametrize("learners", [0, 17, 32])
def test_picture_has_the_size_asked_for(learners: int) -> None:
    frame = DrawnCamera(learners, 640, 480, 10, ManualClock()).read()
    assert frame.image.shape == (480, 640, 3)
    assert frame.image.dtype == np.uint8


def test_frames_come_at_their_rate_on_the_clock() -> None:
    camera = DrawnCamera(1, 320, 240, 5, ManualClock(start=100.0))
    assert [camera.read().time for _ in range(4)] == pytest.approx([100.0, 100.2, 100.4, 100.6])


def test_late_reader_gets_no_backlog() -> None:
    clock = ManualClock()
    camera = DrawnCamera(1, 320, 240, 5, clock)
    camera.read()
    clock.sleep(10.1)
    assert [camera.read().time for _ in range(3)] == pytest.approx([10.1, 10.2, 10.4])


def test_learners_move() -> None:
    camera = DrawnCamera(2, 320, 240, 1, ManualClock())
    assert np.any(camera.read().image != camera.read().image)


def test_same_seed_gives_the_same_picture_and_another_seed_another() -> None:
    first, again, other = (DrawnCamera(3, 320, 240, 5, ManualClock(), seed=seed).read().image for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_camera_may_be_closed_twice() -> None:
    camera = DrawnCamera(0, 320, 240, 5, ManualClock())
    camera.close()
    camera.close()
