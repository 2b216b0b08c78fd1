"""The room's neutral, on features that were made up."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.perception.neutral import FEWEST, MINUTE_S, REMEMBERED, Neutral, shift
from edge.signals import Float32Array

STEPS, COUNT = 75, 45
FROM_ABOVE = np.full(COUNT, 2.0, np.float32)
"""What a camera that hangs high does to every face, in standard deviations."""


def window(mean: Float32Array) -> Float32Array:
    return np.repeat(mean[None], STEPS, axis=0)


def watch(neutral: Neutral, track: int, mean: Float32Array, seconds: float = MINUTE_S, start: float = 0.0) -> None:
    for second in range(int(seconds) + 1):
        neutral.saw(track, window(mean), start + second)


def fill(neutral: Neutral, mean: Float32Array = FROM_ABOVE, seconds: float = MINUTE_S, start: float = 0.0) -> None:
    """A room of just enough people to have a neutral."""
    for track in range(FEWEST):
        watch(neutral, track, mean, seconds, start)


def people(count: int, camera: Float32Array, seed: int = 1) -> Float32Array:
    """What ``count`` people look like: as different from each other as those of the training."""
    drawn = np.random.default_rng(seed).normal(0.0, 0.65, (count, COUNT)) + camera
    return np.asarray(drawn, np.float32)


def size(mean: Float32Array) -> float:
    return float(np.linalg.norm(mean))


def test_nothing_is_relative_before_the_minute() -> None:
    neutral = Neutral()
    fill(neutral, seconds=MINUTE_S - 1)
    assert np.array_equal(neutral.relative(window(FROM_ABOVE)), window(FROM_ABOVE))


def test_the_first_minute_becomes_the_neutral() -> None:
    neutral = Neutral()
    for track, seen in enumerate(people(5, FROM_ABOVE)):
        watch(neutral, track, seen)
    left = neutral.relative(window(FROM_ABOVE)).mean(axis=0)
    assert size(left) < 0.2 * size(FROM_ABOVE)


def test_what_comes_after_the_minute_does_not_move_the_neutral() -> None:
    neutral = Neutral()
    fill(neutral)
    before = neutral.relative(window(FROM_ABOVE))
    fill(neutral, -FROM_ABOVE, 300, start=MINUTE_S + 1)
    assert np.array_equal(neutral.relative(window(FROM_ABOVE)), before)


def test_a_new_track_is_judged_by_the_rooms_neutral() -> None:
    neutral = Neutral()
    for track, seen in enumerate(people(5, FROM_ABOVE)):
        watch(neutral, track, seen)
    neutral.keep([])
    newcomer = people(1, FROM_ABOVE, seed=2)[0]
    assert size(neutral.relative(window(newcomer)).mean(axis=0)) < 0.5 * size(newcomer)


def test_people_before_a_camera_like_the_trainings_are_read_as_they_are() -> None:
    for count in (1, 5, 30):
        assert size(shift(people(count, np.zeros(COUNT, np.float32)))) == 0.0


def test_few_peoples_neutral_counts_for_less_than_that_of_many() -> None:
    few, room = np.stack([FROM_ABOVE] * FEWEST), np.stack([FROM_ABOVE] * 10)
    assert 0.0 < size(shift(few)) < size(shift(room)) < size(FROM_ABOVE)


def test_a_face_that_comes_and_goes_is_watched_only_while_it_is_there() -> None:
    neutral = Neutral()
    for look in range(20):
        for track in range(FEWEST):
            neutral.saw(track, window(FROM_ABOVE), 30.0 * look)
    assert np.array_equal(neutral.relative(window(FROM_ABOVE)), window(FROM_ABOVE))


def test_a_minute_that_was_broken_off_leaves_nothing() -> None:
    neutral = Neutral()
    fill(neutral, seconds=MINUTE_S / 2)
    neutral.keep([])
    fill(neutral, seconds=MINUTE_S / 2, start=MINUTE_S / 2 + 1)
    assert np.array_equal(neutral.relative(window(FROM_ABOVE)), window(FROM_ABOVE))


def test_a_camera_that_was_moved_is_forgotten_in_time() -> None:
    neutral = Neutral()
    watch(neutral, -1, -FROM_ABOVE)
    for track in range(REMEMBERED):
        watch(neutral, track, FROM_ABOVE)
    assert size(neutral.relative(window(FROM_ABOVE)).mean(axis=0)) < 0.01 * size(FROM_ABOVE)


def test_forgetting_forgets_the_neutral() -> None:
    neutral = Neutral()
    fill(neutral)
    assert not np.array_equal(neutral.relative(window(FROM_ABOVE)), window(FROM_ABOVE))
    neutral.forget()
    assert np.array_equal(neutral.relative(window(FROM_ABOVE)), window(FROM_ABOVE))


@given(st.integers(1, 70), st.floats(0.0, 1e4), st.integers(0, 9))
def test_never_more_is_taken_away_than_was_seen(count: int, scale: float, seed: int) -> None:
    seen = np.asarray(np.random.default_rng(seed).normal(scale / 2, scale, (count, COUNT)), np.float32)
    taken, mean = shift(seen), seen.mean(axis=0)
    assert np.isfinite(taken).all()
    assert (np.abs(taken) <= np.abs(mean)).all()
    chance = COUNT / (count * max(size(mean), 1e-9)) if count >= FEWEST else size(mean)
    assert size(taken) == pytest.approx(max(0.0, size(mean) - chance), rel=1e-3, abs=1e-2)


def test_somebody_alone_is_read_as_they_are() -> None:
    neutral = Neutral()
    watch(neutral, 1, FROM_ABOVE, 2 * MINUTE_S)
    assert np.array_equal(neutral.relative(window(FROM_ABOVE)), window(FROM_ABOVE))
