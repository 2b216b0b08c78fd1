import cv2
import numpy as np
import pytest

from edge.capture.drawn import DrawnCamera
from edge.clock import ManualClock
from edge.config import MODELS, Perception
from edge.errors import UserError
from edge.inference.store import ModelStore
from edge.perception import open_mesh
from edge.perception.face_detector import views
from edge.perception.litert_mesh import LitertFaceMesh
from edge.perception.regions import Region
from edge.perception.tracking import eye_distance
from edge.signals import Frame


@pytest.fixture(scope="module")
def store() -> ModelStore:
    return ModelStore(MODELS)


def portrait() -> np.ndarray:
    data = pytest.importorskip("skimage.data", reason="scikit-image ships the portrait")
    return cv2.cvtColor(data.astronaut(), cv2.COLOR_RGB2BGR)


def settled(mesh: LitertFaceMesh, image: np.ndarray, turns: int = 5) -> list[np.ndarray]:
    """Landmarks after the mesh has followed its own regions for a few frames."""
    for turn in range(turns):
        found = mesh.find(Frame(image, turn / 7.5))
    return [face.landmarks for face in found]


def drawn(learners: int, width: int = 1280, height: int = 720) -> np.ndarray:
    return DrawnCamera(learners, width, height, 7.5, ManualClock()).read().image


def test_landmarks_are_within_half_a_pixel_of_mediapipe_at_58_px_eye_distance(store: ModelStore) -> None:
    pytest.importorskip("mediapipe", reason="mediapipe 0.10.18 has no wheel for this Python")
    pictures = {"portrait": portrait(), "drawn": drawn(1, 640, 480)}
    for name, picture in pictures.items():
        reference = open_mesh(Perception(mesh="mediapipe", faces=1), store)
        for turn in range(5):
            (expected,) = reference.find(Frame(picture, turn / 7.5))
        (landmarks,) = settled(LitertFaceMesh(store, 1), picture)
        distance = np.linalg.norm((landmarks - expected.landmarks)[:, :2], axis=1) * 58 / eye_distance(landmarks)
        assert distance.mean() < 0.5, name
        assert np.quantile(distance, 0.95) < 0.5, name


@pytest.mark.parametrize("learners", [0, 1, 2, 4, 8, 16])
def test_every_drawn_learner_is_found(store: ModelStore, learners: int) -> None:
    assert len(settled(LitertFaceMesh(store, 16), drawn(learners))) == learners


def test_seventeen_faces_are_sixteen(store: ModelStore) -> None:
    assert len(settled(LitertFaceMesh(store, 16), drawn(17), turns=12)) == 16


@pytest.mark.parametrize(("width", "height"), [(640, 480), (960, 720), (1280, 720), (3840, 2160)])
def test_aspect_and_resolution_do_not_hide_anyone(store: ModelStore, width: int, height: int) -> None:
    assert len(settled(LitertFaceMesh(store, 16), drawn(4, width, height))) == 4


@pytest.mark.parametrize("image", [np.zeros((720, 1280, 3), np.uint8), np.full((120, 160, 3), 255, np.uint8)])
def test_an_empty_picture_has_no_face(store: ModelStore, image: np.ndarray) -> None:
    assert settled(LitertFaceMesh(store, 16), image) == []


def test_a_newcomer_is_found_while_others_are_followed(store: ModelStore) -> None:
    mesh = LitertFaceMesh(store, 16)
    alone, pair = drawn(2).copy(), drawn(2)
    alone[:, 640:] = alone[:, 600:601]
    assert len(settled(mesh, alone)) == 1
    for turn in range(20):
        found = mesh.find(Frame(pair, 1.0 + turn / 7.5))
    assert len(found) == 2


def test_one_face_is_never_two(store: ModelStore) -> None:
    mesh = LitertFaceMesh(store, 16)
    image = drawn(1)
    counts = [len(mesh.find(Frame(image, turn / 7.5))) for turn in range(40)]
    assert set(counts) == {1}


@pytest.mark.parametrize(("height", "width"), [(120, 160), (480, 640), (720, 1280), (1280, 720), (2160, 3840)])
def test_views_stay_inside_the_picture_and_cover_it(height: int, width: int) -> None:
    covered = np.zeros((height, width), bool)
    whole, *parts = views(height, width)
    assert whole == Region(width / 2, height / 2, max(width, height), 0.0)
    for part in parts:
        left, top = round(part.x - part.side / 2), round(part.y - part.side / 2)
        right, bottom = round(part.x + part.side / 2), round(part.y + part.side / 2)
        assert left >= 0 and right <= width and top >= 0 and bottom <= height
        covered[top:bottom, left:right] = True
    assert covered.all()


def test_asking_for_mediapipe_where_there_is_none_is_a_clear_error(store: ModelStore, monkeypatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "mediapipe.python.solutions.face_mesh", None)
    with pytest.raises(UserError, match=r'perception\.mesh = "mediapipe" needs the package mediapipe 0\.10\.18'):
        open_mesh(Perception(mesh="mediapipe"), store)
