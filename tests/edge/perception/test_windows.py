import numpy as np
import pytest

from edge.perception.windows import LandmarkWindow


def features(value: float) -> np.ndarray:
    return np.full(3, value, np.float32)


def as_they_are(seen: np.ndarray) -> np.ndarray:
    return seen


@pytest.mark.parametrize("fps", [2.5, 3.75, 5.0, 7.5, 15.0, 30.0, 29.97])
def test_ten_seconds_are_75_sets_whatever_the_camera_rate(fps: float) -> None:
    window = LandmarkWindow(75, 7.5, as_they_are)
    times = np.arange(0, 12, 1 / fps)
    for time in times:
        window.add(features(time), float(time))
    cut, covered = window.cut(float(times[-1]))
    assert cut.shape == (75, 3)
    assert covered == 1.0
    expected = times[-1] - np.arange(74, -1, -1) / 7.5
    assert np.abs(cut[:, 0] - expected).max() <= 1 / fps + 1 / 15


def test_a_rate_that_is_lowered_and_raised_leaves_ten_seconds_of_75_sets() -> None:
    window = LandmarkWindow(75, 7.5, as_they_are)
    times = np.concatenate([np.arange(0, 4, 1 / 7.5), np.arange(4, 8, 1 / 2.5), np.arange(8, 12, 1 / 5)])
    for time in times:
        window.add(features(time), float(time))
    cut, covered = window.cut(12.0)
    assert covered == 1.0
    assert np.abs(cut[:, 0] - (12.0 - np.arange(74, -1, -1) / 7.5)).max() <= 1 / 2.5 + 1 / 15
    assert np.all(np.diff(cut[:, 0]) >= 0)


def test_a_gap_repeats_the_last_valid_set() -> None:
    window = LandmarkWindow(75, 7.5, as_they_are)
    for step in range(75):
        if not 30 <= step < 36:
            window.add(features(step), step / 7.5)
    cut, _ = window.cut(74 / 7.5)
    assert cut[30:36, 0].tolist() == [29.0] * 6
    assert cut[36, 0] == 36.0


def test_before_a_track_began_its_first_set_stands() -> None:
    window = LandmarkWindow(75, 7.5, as_they_are)
    for step in range(30):
        window.add(features(7 if step == 0 else 8), step / 7.5)
    cut, covered = window.cut(29 / 7.5)
    assert covered == pytest.approx(30 / 75)
    assert (cut[:46, 0] == 7).all() and (cut[46:, 0] == 8).all()


def test_memory_is_bounded_by_the_window() -> None:
    window = LandmarkWindow(75, 7.5, as_they_are)
    for step in range(10_000):
        window.add(features(step), step / 30)
    assert len(window._times) <= 75 / 7.5 * 30 + 2


def test_each_set_is_turned_into_features_once() -> None:
    turned: list[int] = []

    def halves(seen: np.ndarray) -> np.ndarray:
        turned.append(len(seen))
        return seen / 2

    window = LandmarkWindow(75, 7.5, halves)
    for step in range(20):
        window.add(features(step), step / 7.5)
        if step in (9, 19):
            cut, _ = window.cut(step / 7.5)
    assert turned == [10, 10]
    assert cut[-20:, 0].tolist() == [step / 2 for step in range(20)]


def test_an_empty_window_cannot_be_cut() -> None:
    with pytest.raises(ValueError, match="nothing was seen"):
        LandmarkWindow(75, 7.5, as_they_are).cut(1.0)
