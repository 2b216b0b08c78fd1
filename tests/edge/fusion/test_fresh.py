from __future__ import annotations

from edge.fusion.fresh import Fresh
from edge.signals import Reading


def face(end: float, track: int = 0) -> Reading:
    return Reading("face", {}, 0.5, 0.9, end, end, track)


def voice(end: float) -> Reading:
    return Reading("speech", {}, 0.5, 0.9, end - 2.0, end)


def test_a_reading_is_given_once() -> None:
    fresh = Fresh()
    assert fresh.take([face(0.0)]) == [face(0.0)]
    assert fresh.take([face(0.0)]) == []


def test_of_a_face_the_newest_reading_is_given() -> None:
    assert Fresh().take([face(0.0), face(1.0), face(1.0, track=1)]) == [face(1.0), face(1.0, track=1)]


def test_every_utterance_is_given() -> None:
    fresh = Fresh()
    assert fresh.take([voice(1.0), voice(2.0)]) == [voice(1.0), voice(2.0)]
    assert fresh.take([voice(1.0), voice(2.0), voice(3.0)]) == [voice(3.0)]


def test_a_new_track_is_fresh_however_old_its_reading() -> None:
    fresh = Fresh()
    fresh.take([face(5.0)])
    assert fresh.take([face(5.0), face(4.0, track=7)]) == [face(4.0, track=7)]


def test_who_is_gone_is_forgotten() -> None:
    fresh = Fresh()
    for track in range(1000):
        fresh.take([face(float(track), track)])
    assert len(fresh._given) == 1
