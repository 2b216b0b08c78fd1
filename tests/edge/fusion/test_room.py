import pytest

from edge.fusion import room
from edge.signals import Modality, Reading


def face(positive: float, reliability: float, track: int, end: float = 10.0) -> Reading:
    return Reading("face", {}, positive, reliability, end, end, track)


def test_a_missing_modality_is_absent_not_zero() -> None:
    assert set(room.pool([face(0.5, 1.0, 0)])) == {"face"}
    assert room.pool([]) == {}


def test_reliable_subjects_count_more() -> None:
    pooled = room.pool([face(1.0, 0.9, 0), face(0.0, 0.1, 1)])["face"]
    assert pooled.values["positive"] == pytest.approx(0.9)
    assert pooled.reliability == pytest.approx(0.5)


def test_a_face_seen_often_does_not_outvote_one_seen_seldom() -> None:
    often = [face(1.0, 1.0, 0) for _ in range(9)]
    assert room.pool([*often, face(0.0, 1.0, 1)])["face"].values["positive"] == pytest.approx(0.5)


def test_readings_nobody_can_trust_give_a_reliability_of_zero() -> None:
    pooled = room.pool([face(0.2, 0.0, 0), face(0.4, 0.0, 1)])["face"]
    assert pooled.reliability == 0.0
    assert pooled.values["positive"] == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("modality", "start", "end", "counts"),
    [
        ("face", 7.5, 7.5, True),
        ("face", 6.5, 6.5, False),
        ("speech", 1.0, 6.0, True),
        ("speech", 0.0, 4.0, False),
        ("speech", 5.5, 6.5, False),
    ],
)
def test_a_reading_counts_for_the_window_or_its_own_length(
    modality: Modality, start: float, end: float, counts: bool
) -> None:
    reading = Reading(modality, {}, 0.5, 1.0, start, end)
    assert bool(room.current([reading], now=10.0, window_s=3.0)) is counts
