from __future__ import annotations

import math

import numpy as np
import pytest

from edge.config import MODELS, Perception
from edge.drawing import APPEARANCES, FACE_WIDTH, HEAD_Y, Appearance, Expression, Pose, render
from edge.drawing.backdrop import classroom
from edge.drawing.scene import Classroom, Placement, Sitter, compose
from edge.inference.store import ModelStore
from edge.perception import open_mesh
from edge.perception.mesh import FaceMesh
from edge.signals import Float32Array, Frame, Uint8Image

SIDE = 320
MOUTH_CORNERS, LIPS, UPPER_LIP, EYES = [61, 291], [13, 14], 0, [33, 263]
UPPER_LIDS, LOWER_LIDS = [159, 386], [145, 374]


@pytest.fixture(scope="module")
def mesh() -> FaceMesh:
    return open_mesh(Perception(), ModelStore(MODELS))


def landmarks(mesh: FaceMesh, look: Appearance, expression: Expression, pose: Pose) -> Float32Array:
    """The one face found in a picture of a learner, in eye distances around the middle of the eyes."""
    picture = on_wall(render(look, expression, pose, SIDE))
    mesh.forget()
    (face,) = mesh.find(Frame(picture, 0.0))
    points = face.landmarks
    left, right = points[EYES]
    return np.asarray((points - (left + right) / 2) / np.linalg.norm((right - left)[:2]), np.float32)


def on_wall(sprite: Uint8Image) -> Uint8Image:
    wall = np.full((SIDE, SIDE, 3), (160, 172, 176), np.uint8)
    return compose(wall, [Placement(sprite, SIDE / 2, SIDE / 2)])


@pytest.mark.parametrize("look", range(len(APPEARANCES)))
def test_every_learner_is_found_where_it_was_drawn(mesh: FaceMesh, look: int) -> None:
    mesh.forget()
    (face,) = mesh.find(Frame(on_wall(render(APPEARANCES[look], Expression(), Pose(), SIDE)), 0.0))
    width = np.ptp(face.landmarks[:, 0])
    assert face.landmarks[:, 0].mean() == pytest.approx(SIDE / 2, abs=0.03 * SIDE)
    assert width == pytest.approx(FACE_WIDTH * SIDE, rel=0.15)
    assert face.landmarks[EYES, 1].mean() < HEAD_Y * SIDE < face.landmarks[MOUTH_CORNERS, 1].mean()


@pytest.mark.parametrize("look", range(len(APPEARANCES)))
def test_mouth_corners_rise_with_a_smile(mesh: FaceMesh, look: int) -> None:
    def lift(smile: float) -> float:
        points = landmarks(mesh, APPEARANCES[look], Expression(smile=smile), Pose())
        return float(points[UPPER_LIP, 1] - points[MOUTH_CORNERS, 1].mean())

    assert lift(1.0) > lift(0.0) > lift(-1.0)


def test_mouth_opens(mesh: FaceMesh) -> None:
    def gap(amount: float) -> float:
        points = landmarks(mesh, APPEARANCES[0], Expression(open=amount), Pose())
        return float(points[LIPS[1], 1] - points[LIPS[0], 1])

    assert gap(1.0) > gap(0.4) > gap(0.0)


def test_eyes_shut(mesh: FaceMesh) -> None:
    def opening(lids: float) -> float:
        points = landmarks(mesh, APPEARANCES[0], Expression(lids=lids), Pose())
        return float((points[LOWER_LIDS, 1] - points[UPPER_LIDS, 1]).mean())

    assert opening(0.0) < 0.7 * opening(1.0)


@pytest.mark.parametrize("yaw", [-25, 25])
def test_nose_points_where_the_head_is_turned(mesh: FaceMesh, yaw: float) -> None:
    points = landmarks(mesh, APPEARANCES[0], Expression(), Pose(yaw=yaw))
    assert np.sign(points[1, 0]) == np.sign(yaw)
    assert abs(points[1, 0]) > 0.1


@pytest.mark.parametrize("roll", [-20, 20])
def test_eyes_tilt_with_the_head(mesh: FaceMesh, roll: float) -> None:
    left, right = landmarks(mesh, APPEARANCES[0], Expression(), Pose(roll=roll))[EYES]
    assert math.degrees(math.atan2(right[1] - left[1], right[0] - left[0])) == pytest.approx(roll, abs=4)


def test_sprite_is_premultiplied_and_clear_around_the_head() -> None:
    sprite = render(APPEARANCES[3], Expression(), Pose(), 128)
    assert sprite.shape == (128, 128, 4)
    assert sprite.dtype == np.uint8
    assert np.all(sprite[..., :3].max(axis=-1) <= sprite[..., 3].astype(int) + 1)
    assert not sprite[:10, :10].any()
    assert sprite[round(HEAD_Y * 128), 64, 3] == 255


def test_same_arguments_give_the_same_sprite() -> None:
    first, again = (render(APPEARANCES[2], Expression(smile=0.5), Pose(yaw=5), 96) for _ in range(2))
    assert np.array_equal(first, again)


@pytest.mark.parametrize("size", [32, 33, 97])
def test_any_size_can_be_drawn(size: int) -> None:
    assert render(APPEARANCES[0], Expression(), Pose(), size).shape == (size, size, 4)


def test_expression_half_way_lies_in_the_middle() -> None:
    middle = Expression(smile=-1, lids=0.5).towards(Expression(smile=1, lids=1.0), 0.5)
    assert middle == Expression(smile=0, lids=0.75)


def test_sprite_lands_where_it_is_placed_turned_and_scaled() -> None:
    sprite = np.zeros((20, 20, 4), np.uint8)
    sprite[2:6, 7:13] = 255
    picture = compose(np.zeros((100, 100, 3), np.uint8), [Placement(sprite, 50, 40, scale=2.0, turn=90)])
    rows, columns = np.nonzero(picture[..., 0] > 127)
    # The mark, six wide and four high, above the middle ends up to the right of it, twice as large and as far away.
    assert (rows.mean(), columns.mean()) == pytest.approx((39.5, 61.5), abs=0.6)
    assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == pytest.approx((12, 8), abs=1)


def test_last_sprite_lies_in_front_and_the_backdrop_is_left_alone() -> None:
    backdrop = np.zeros((30, 30, 3), np.uint8)
    dark, light = (np.full((10, 10, 4), 255, np.uint8) for _ in range(2))
    dark[..., :3] = 40
    assert compose(backdrop, [Placement(light, 15, 15), Placement(dark, 15, 15)])[15, 15, 0] == 40
    assert not backdrop.any()


@pytest.mark.parametrize(("x", "y"), [(-100, 15), (0, 0), (30, 30), (15, 400)])
def test_sprite_may_lie_outside_the_picture(x: float, y: float) -> None:
    sprite = np.full((10, 10, 4), 255, np.uint8)
    assert compose(classroom(30, 30), [Placement(sprite, x, y)]).shape == (30, 30, 3)


def test_empty_seat_shows_the_room() -> None:
    room = Classroom(2, 320, 240)
    sprite = render(APPEARANCES[0], Expression(), Pose(), round(room.side))
    empty, half, full = (
        room.picture(sitters) for sitters in ([None] * 2, [Sitter(sprite), None], [Sitter(sprite)] * 2)
    )
    assert np.array_equal(empty[:, 170:], half[:, 170:])
    assert np.any(empty[:, :150] != half[:, :150])
    assert np.array_equal(half[:, :150], full[:, :150])


@pytest.mark.parametrize("learners", range(1, 33))
def test_faces_keep_apart(learners: int) -> None:
    room = Classroom(learners, 1280, 720)
    assert len(room.seats) == learners
    seats = np.array(room.seats)
    apart = np.abs(seats[:, None] - seats[None]) / room.side
    touching = (apart[..., 0] < FACE_WIDTH) & (apart[..., 1] < 1.2 * FACE_WIDTH)
    assert not np.any(touching & ~np.eye(learners, dtype=bool))
