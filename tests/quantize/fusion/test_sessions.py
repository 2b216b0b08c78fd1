from __future__ import annotations

import numpy as np
import pytest

from edge.signals import ENGAGEMENT_STATES
from quantize.fusion.sessions import ENGAGED, Course, Pools, arrange, bursts

NEGATIVE, POSITIVE = np.arange(0, 40), np.arange(40, 100)
CLIPS = tuple(np.arange(10 * state, 10 * state + 10) for state in range(4))
HIGH = np.repeat(np.eye(4, dtype=np.int64), 10, axis=0)
POOLS = Pools((NEGATIVE, POSITIVE), (NEGATIVE, POSITIVE), CLIPS, np.full(100, 2.5), HIGH)
SESSIONS = arrange(40, POOLS, Course(), seed=3)


def test_every_second_shows_what_its_state_says() -> None:
    assert np.array_equal(SESSIONS.positive, SESSIONS.high[..., ENGAGED])
    assert np.array_equal(SESSIONS.positive == 1, np.isin(SESSIONS.face, POSITIVE))
    assert np.array_equal(SESSIONS.clip // 10, SESSIONS.high.argmax(axis=2))
    heard = SESSIONS.voice >= 0
    assert np.array_equal(SESSIONS.positive[heard] == 1, np.isin(SESSIONS.voice[heard], POSITIVE))


def test_valence_is_as_often_positive_as_negative_and_turns_every_twenty_seconds() -> None:
    assert SESSIONS.positive.mean() == pytest.approx(0.5, abs=0.06)
    assert 1 / SESSIONS.changed.mean() == pytest.approx(20.0, rel=0.15)


def test_an_utterance_takes_its_time_and_silence_lies_between_two() -> None:
    for voice in SESSIONS.voice:
        ends = np.flatnonzero(voice >= 0)
        assert np.diff(ends).min() >= 2
    assert 0.03 < np.mean(SESSIONS.voice >= 0) < 0.15


def test_no_picture_is_seen_again_before_all_were_seen() -> None:
    faces = SESSIONS.face.ravel()
    looks = faces[np.flatnonzero(np.diff(faces, prepend=-1))]
    negative = looks[np.isin(looks, NEGATIVE)]
    assert len(np.unique(negative[: len(NEGATIVE)])) == len(NEGATIVE)


def test_the_same_seed_makes_the_same_sessions() -> None:
    again = arrange(40, POOLS, Course(), seed=3)
    assert np.array_equal(again.face, SESSIONS.face)
    assert not np.array_equal(arrange(40, POOLS, Course(), seed=4).face, SESSIONS.face)


@pytest.mark.parametrize("share", [0.2, 0.6, 0.8])
def test_a_modality_is_missing_for_its_share_of_the_time_in_bursts(share: float) -> None:
    missing = bursts(400, 180, share, 5.0, seed=1)
    assert missing.mean() == pytest.approx(share, abs=0.02)
    begins = (np.diff(missing.astype(int), axis=1) == 1).sum()
    assert missing.sum() / begins == pytest.approx(5.0, rel=0.15)


def test_there_is_a_clip_for_each_engagement_state() -> None:
    assert len(CLIPS) == len(ENGAGEMENT_STATES)
