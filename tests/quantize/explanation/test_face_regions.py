from __future__ import annotations

import numpy as np
import pytest

from edge.signals import Float32Array
from quantize.explanation import regions
from quantize.explanation.regions import POSE, REGIONS

EVERY = np.arange(468)


@pytest.fixture(scope="module")
def mean() -> Float32Array:
    return np.random.default_rng(0).normal(0, 1, (468, 3)).astype(np.float32)


def turned(degrees: float, axis: str) -> Float32Array:
    """Turns row vectors around an axis of the picture: x to the right, y down, z away from the camera."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    matrices = {
        "x": [[1, 0, 0], [0, c, s], [0, -s, c]],
        "y": [[c, 0, -s], [0, 1, 0], [s, 0, c]],
        "z": [[c, s, 0], [-s, c, 0], [0, 0, 1]],
    }
    return np.array(matrices[axis], np.float32)


def test_every_landmark_is_of_one_part_and_the_named_ones_of_theirs(mean: Float32Array) -> None:
    parts = regions.members(mean)
    assert list(parts) == [name for name in REGIONS if name != POSE]
    assert (np.sum(list(parts.values()), axis=0) == 1).all()
    for name, anchors in regions.ANCHORS.items():
        assert parts[name][list(anchors)].all()


def test_no_landmark_is_named_twice() -> None:
    named = [point for anchors in regions.ANCHORS.values() for point in anchors]
    assert len(named) == len(set(named)) and max(named) < 468


def test_a_turned_larger_and_moved_face_is_the_same_face(mean: Float32Array) -> None:
    turn = turned(25, "y") @ turned(10, "z")
    heads = regions.upright((40 * mean @ turn + 100)[None, None], mean, EVERY)
    np.testing.assert_allclose(heads.frontal[0, 0], mean, atol=1e-4)
    np.testing.assert_allclose(heads.turn[0, 0], turn, atol=1e-5)


def test_a_flat_face_is_never_turned_inside_out() -> None:
    flat = np.random.default_rng(1).normal(0, 1, (468, 3)).astype(np.float32)
    flat[:, 2] *= 1e-6
    heads = regions.upright((flat * [1, 1, -1])[None, None].astype(np.float32), flat, EVERY)
    assert np.linalg.det(heads.turn[0, 0]) == pytest.approx(1.0, abs=1e-4)


def test_with_nothing_left_out_the_face_is_the_clips_own_and_with_all_the_average(mean: Float32Array) -> None:
    bent = mean.copy()
    bent[152] += 0.3
    shape = bent @ turned(20, "x")
    heads = regions.upright(shape[None, None], mean, EVERY)
    frontal, turn = heads.frontal[0], heads.turn[0]
    whole = regions.composed(mean, frontal, turn, np.ones(468, bool), True)[0]
    scale = np.linalg.norm(shape[33] - shape[263]) / np.linalg.norm(whole[33] - whole[263])
    np.testing.assert_allclose((whole - whole[1]) * scale, shape - shape[1], atol=1e-3)
    none = regions.composed(mean, frontal, turn, np.zeros(468, bool), False)[0]
    np.testing.assert_array_equal(none, mean)


@pytest.mark.parametrize(
    ("degrees", "axis", "seen"),
    [
        (15, "x", "a head turned down"),
        (-15, "x", "a head turned up"),
        (20, "y", "a head turned aside"),
        (-20, "y", "a head turned aside"),
        (12, "z", "a tilted head"),
    ],
)
def test_turns_of_the_head_are_called_what_they_look_like(
    degrees: float, axis: str, seen: str, mean: Float32Array
) -> None:
    straight, moved = (
        regions.upright((mean @ turned(angle, axis))[None, None], mean, EVERY) for angle in (0.0, degrees)
    )
    changes = {
        measure.large if (change := float((measure.of(moved) - measure.of(straight)).item())) > 0 else measure.small:
        abs(change)
        for measure in regions.MEASURES[POSE]
    }  # fmt: skip
    assert max(changes, key=lambda name: changes[name]) == seen


def test_the_turn_that_is_called_down_lowers_what_points_at_the_camera() -> None:
    assert (np.array([0, 0, -1.0]) @ turned(15, "x"))[1] > 0.2  # y points down


def test_every_region_can_be_measured(mean: Float32Array) -> None:
    heads = regions.upright(np.tile(mean, (3, 2, 1, 1)), mean, EVERY)
    assert set(regions.MEASURES) == set(REGIONS)
    for measures in regions.MEASURES.values():
        for measure in measures:
            assert measure.of(heads).shape == (3, 2)


def test_raised_brows_measure_higher(mean: Float32Array) -> None:
    raised = mean.copy()
    raised[list(regions.ANCHORS["brows"]), 1] -= 0.5  # y points down
    measure = regions.MEASURES["brows"][0]
    assert measure.large == "raised brows"
    before, after = (
        regions.Heads(face[None, None], np.eye(3, dtype=np.float32)[None, None]) for face in (mean, raised)
    )
    assert measure.of(after).item() > measure.of(before).item()


def test_a_trend_is_the_rank_correlation() -> None:
    values = np.array([1.0, 2.0, 3.0, 4.0])
    assert regions.trend(values, np.exp(values).astype(np.float32)) == pytest.approx(1.0)
    assert regions.trend(values, -(values**3).astype(np.float32)) == pytest.approx(-1.0)
    assert regions.trend(values, np.ones(4, np.float32)) == 0.0
