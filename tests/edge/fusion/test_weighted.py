from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.fusion import room
from edge.fusion.fused import Fused
from edge.fusion.weighted import Weighted, calibrated, pooled
from edge.signals import ENGAGEMENT_STATES, Modality, Reading

THRESHOLDS = dict.fromkeys(ENGAGEMENT_STATES, 0.5)


def face(time: float, positive: float, reliability: float = 0.9, track: int = 0) -> Reading:
    return Reading("face", {"happy": 1.0}, positive, reliability, time, time, track)


def voice(time: float, positive: float, reliability: float = 0.8) -> Reading:
    return Reading("speech", {"calm": 1.0}, positive, reliability, time - 2.0, time)


def fused(weighted: Weighted, readings: list[Reading], now: float) -> Fused:
    return weighted.fuse(readings, room.pool(readings), now)


def test_nothing_is_known_before_anybody_is_seen_or_heard() -> None:
    state = fused(Weighted(THRESHOLDS), [], 0.0)
    assert (state.satisfaction, state.confidence, state.support, state.weights) == (None, 0.0, 0.5, {})


def test_a_reading_stands_for_how_often_such_decisions_are_right() -> None:
    assert calibrated(face(0.0, 0.51, 0.8)) == pytest.approx(0.8)
    assert calibrated(face(0.0, 0.49, 0.8)) == pytest.approx(0.2)


def test_a_decision_that_is_wrong_more_often_than_right_says_nothing() -> None:
    assert calibrated(face(0.0, 0.9, 0.3)) == 0.5


def test_each_reading_counts_once() -> None:
    once, twice = Weighted(THRESHOLDS), Weighted(THRESHOLDS)
    reading = face(0.0, 0.9)
    fused(once, [reading], 0.0)
    fused(twice, [reading], 0.0)
    fused(twice, [reading], 0.0)
    assert fused(once, [], 1.0) == fused(twice, [reading], 1.0)


def test_what_was_known_fades_and_is_forgotten() -> None:
    weighted = Weighted(THRESHOLDS)
    now = fused(weighted, [face(0.0, 0.9)], 0.0)
    later = fused(weighted, [], 10.0)
    assert now.satisfaction is not None
    assert later.satisfaction is not None
    assert 0.5 < later.satisfaction < now.satisfaction
    assert later.support < now.support
    weighted.forget()
    assert fused(weighted, [], 11.0).satisfaction is None


def test_a_change_shows_within_three_seconds() -> None:
    weighted = Weighted(THRESHOLDS)
    for second in range(60):
        fused(weighted, [face(second, 0.9, 0.85)], second)
    shown = [fused(weighted, [face(second, 0.1, 0.85)], second).satisfaction for second in range(60, 63)]
    assert shown[-1] is not None
    assert shown[-1] < 0.5


def test_a_reliable_voice_outweighs_a_face_that_cannot_be_read() -> None:
    state = fused(Weighted(THRESHOLDS), [face(0.0, 0.9, 0.52), voice(0.0, 0.1)], 0.0)
    assert state.satisfaction is not None
    assert state.satisfaction < 0.4
    assert state.weights["speech"] > 0.9


def test_agreement_makes_surer_and_conflict_less_sure() -> None:
    alone = fused(Weighted(THRESHOLDS), [face(0.0, 0.9)], 0.0)
    agreed = fused(Weighted(THRESHOLDS), [face(0.0, 0.9), voice(0.0, 0.9)], 0.0)
    opposed = fused(Weighted(THRESHOLDS), [face(0.0, 0.9), voice(0.0, 0.1)], 0.0)
    assert opposed.confidence < alone.confidence < agreed.confidence
    assert opposed.support == pytest.approx(agreed.support)


def test_a_room_is_the_mean_of_the_faces_that_can_be_read() -> None:
    readable = [face(0.0, 0.9, 0.9, track) for track in range(3)] + [face(0.0, 0.1, 0.9, 3)]
    blurred = [face(0.0, 0.1, 0.5, track) for track in range(4, 30)]
    assert pooled(readable)[0] == pytest.approx((3 * 0.9 + 0.1) / 4)
    assert pooled([*readable, *blurred]) == pytest.approx(pooled(readable))


def test_a_room_of_two_minds_is_known_well() -> None:
    halves = [face(0.0, 0.9 if track % 2 else 0.1, 0.9, track) for track in range(10)]
    state = fused(Weighted(THRESHOLDS), halves, 0.0)
    agreed = fused(Weighted(THRESHOLDS), [face(0.0, 0.9, 0.9, track) for track in range(10)], 0.0)
    assert state.satisfaction == pytest.approx(0.5)
    assert state.confidence == pytest.approx(agreed.confidence)


def test_every_face_of_a_room_counts_once_a_look_however_many_there_are() -> None:
    one, many = Weighted(THRESHOLDS), Weighted(THRESHOLDS)
    single = fused(one, [face(0.0, 0.9)], 0.0)
    crowd = fused(many, [face(0.0, 0.9, track=track) for track in range(30)], 0.0)
    assert single == crowd


@settings(max_examples=200)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["face", "speech"]),
            st.floats(0.0, 1.0),
            st.floats(0.0, 1.0),
            st.integers(0, 3),
            st.floats(0.0, 30.0),
        ),
        max_size=60,
    )
)
def test_whatever_comes_the_state_stays_sane(events: list[tuple[Modality, float, float, int, float]]) -> None:
    weighted, now = Weighted(THRESHOLDS), 0.0
    for modality, positive, reliability, track, gap in events:
        now += gap
        reading = face(now, positive, reliability, track) if modality == "face" else voice(now, positive, reliability)
        state = fused(weighted, [reading], now)
        assert state.satisfaction is not None
        assert 0.0 < state.satisfaction < 1.0
        assert 0.0 <= state.confidence < 1.0
        assert 0.5 <= state.support < 1.0
        assert not state.weights or np.isclose(sum(state.weights.values()), 1.0)
