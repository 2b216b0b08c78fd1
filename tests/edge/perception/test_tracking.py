import numpy as np

from edge.features.landmarks import NOSE_TIP, OUTER_EYE_CORNERS
from edge.perception.mesh import Mesh
from edge.perception.tracking import Tracker, eye_distance


def mesh(x: float, y: float = 100.0, eyes: float = 60.0) -> Mesh:
    landmarks = np.zeros((468, 3), np.float32)
    landmarks[:, :2] = (x, y)
    left, right = OUTER_EYE_CORNERS
    landmarks[left, 0] -= eyes / 2
    landmarks[right, 0] += eyes / 2
    landmarks[NOSE_TIP, 1] += 20
    return Mesh(landmarks, 1.0)


def test_a_moving_face_keeps_its_track_in_any_order() -> None:
    tracker = Tracker(1.0)
    first = tracker.follow([mesh(100), mesh(400)], 0.0)
    second = tracker.follow([mesh(410), mesh(115)], 0.1)
    assert [f.track for f in first] == [0, 1]
    assert [f.track for f in second] == [1, 0]


def test_a_face_gone_shortly_comes_back_as_the_same_track() -> None:
    tracker = Tracker(1.0)
    tracker.follow([mesh(100)], 0.0)
    tracker.follow([], 0.5)
    assert tracker.follow([mesh(105)], 0.9)[0].track == 0


def test_a_face_that_moves_keeps_its_track_at_a_lowered_rate_too() -> None:
    # two eye distances a second sideways: a learner who leans over to a neighbour
    for rate_hz in (7.5, 5.0, 3.75, 2.5):
        tracker = Tracker(1.0)
        for look in range(10):
            (face,) = tracker.follow([mesh(100 + 240 * look / rate_hz)], look / rate_hz)
            assert face.track == 0


def test_a_face_gone_for_long_is_a_new_track() -> None:
    tracker = Tracker(1.0)
    tracker.follow([mesh(100)], 0.0)
    tracker.follow([], 1.5)
    assert tracker.alive == {}
    assert tracker.follow([mesh(100)], 1.6)[0].track == 1


def test_a_face_far_from_all_tracks_is_new() -> None:
    tracker = Tracker(1.0)
    tracker.follow([mesh(100)], 0.0)
    assert tracker.follow([mesh(300)], 0.1)[0].track == 1


def test_two_faces_never_share_a_track() -> None:
    tracker = Tracker(1.0)
    tracker.follow([mesh(100)], 0.0)
    tracks = [f.track for f in tracker.follow([mesh(101), mesh(99)], 0.1)]
    assert len(set(tracks)) == 2


def test_forgetting_ends_all_tracks_and_reuses_no_number() -> None:
    tracker = Tracker(1.0)
    tracker.follow([mesh(100)], 0.0)
    tracker.forget()
    assert tracker.alive == {}
    assert tracker.follow([mesh(100)], 0.1)[0].track == 1


def test_eye_distance_is_in_pixels() -> None:
    assert eye_distance(mesh(100, eyes=58).landmarks) == 58.0
