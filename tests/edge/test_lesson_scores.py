"""The bundled lesson gives sensible, stable scores: its script (``STRETCHES``) is what the box is held against."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import pytest
from replay import replay

from edge.config import MODELS, CameraSettings, Deployment, MicrophoneSettings, Settings
from edge.demo.lesson import DURATION_S, SOUND, STRETCHES, VIDEO, Stretch
from edge.inference.store import ModelStore
from edge.publish.payloads import affect_payload
from edge.publish.schema import encode
from edge.signals import ENGAGEMENT_STATES, Abstention, Affect

SETTINGS = Settings(
    deployment=Deployment("demonstration", "none", "nobody is shown or heard"),
    camera=CameraSettings(source="file", path=VIDEO),
    microphone=MicrophoneSettings(source="file", path=SOUND),
)
TRANSITION_S = 4.0
"""After this a stretch's mood is on every face, who leaves is gone, and the stretch before is out of the window."""
LONGEST_UTTERANCE_S = 5.0

BY_NAME = {stretch.name: stretch for stretch in STRETCHES}
SETTLING, SMILING, ONE_LEAVES = (BY_NAME[name] for name in ("settling", "smiling", "one leaves"))
FROWNING, SMILING_AGAIN = BY_NAME["frowning"], BY_NAME["smiling again"]
DARK, EMPTY = BY_NAME["light out"], BY_NAME["empty room"]
SCORED = [stretch for stretch in STRETCHES if stretch not in (DARK, EMPTY)]


@pytest.fixture(scope="module")
def lesson() -> list[Affect]:
    """The state of every second."""
    return replay(SETTINGS, ModelStore(MODELS))


def settled(lesson: Iterable[Affect], stretch: Stretch) -> list[Affect]:
    """The states of ``stretch`` without its transition; at the very start there is none."""
    begin = stretch.start + TRANSITION_S if stretch.start else 1.0
    return [state for state in lesson if begin <= state.time < stretch.end]


def valences(lesson: list[Affect], *stretches: Stretch) -> list[float]:
    return [s.valence for stretch in stretches for s in settled(lesson, stretch) if s.valence is not None]


def satisfactions(lesson: list[Affect], stretch: Stretch) -> list[float]:
    return [s.satisfaction for s in settled(lesson, stretch) if s.satisfaction is not None]


def test_every_second_gives_a_message_that_may_leave(lesson: list[Affect]) -> None:
    assert [state.time for state in lesson] == list(range(1, round(DURATION_S) + 1))
    for sequence, state in enumerate(lesson):
        assert encode("affect", affect_payload(state, sequence, state.time))


@pytest.mark.parametrize("stretch", SCORED, ids=lambda stretch: stretch.name)
def test_a_lit_room_with_people_in_it_is_scored_throughout(lesson: list[Affect], stretch: Stretch) -> None:
    states = settled(lesson, stretch)
    assert {state.abstain for state in states} == {None}
    assert {state.group for state in states} == {len(stretch.present)}


def test_smiling_is_scored_clearly_more_positive_than_frowning(lesson: list[Affect]) -> None:
    smiling, frowning = valences(lesson, SMILING, SMILING_AGAIN), valences(lesson, FROWNING)
    assert np.mean(smiling) - np.mean(frowning) > 0.5
    assert min(smiling) > max(frowning)
    assert np.mean(satisfactions(lesson, SMILING)) - np.mean(satisfactions(lesson, FROWNING)) > 0.3


def test_neutral_faces_lie_between_smiling_and_frowning(lesson: list[Affect]) -> None:
    frowning, neutral, smiling = (
        log_odds(float(np.mean(valences(lesson, *stretches))))
        for stretches in ((FROWNING,), (SETTLING, ONE_LEAVES), (SMILING,))
    )
    assert frowning + 1 < neutral < smiling - 1


def log_odds(valence: float) -> float:
    """Neutral faces count as positive, so that most of what sets a smile apart lies close to 1."""
    return math.log((1 + valence) / (1 - valence))


@pytest.mark.parametrize("stretch", SCORED, ids=lambda stretch: stretch.name)
def test_scores_are_stable_while_the_mood_lasts(lesson: list[Affect], stretch: Stretch) -> None:
    assert np.std(valences(lesson, stretch)) < 0.15


def test_darkness_is_named(lesson: list[Affect]) -> None:
    states = [state for state in lesson if DARK.start + 1 <= state.time < DARK.end]
    assert {state.abstain for state in states} == {Abstention.TOO_DARK}


def test_an_empty_room_is_named_once_the_last_one_is_out(lesson: list[Affect]) -> None:
    leaving = [state.abstain for state in lesson if EMPTY.start + 2 <= state.time < EMPTY.start + TRANSITION_S]
    assert set(leaving) <= {Abstention.TOO_FEW_FACES, Abstention.NO_FACES}
    assert {state.abstain for state in settled(lesson, EMPTY)} == {Abstention.NO_FACES}


def test_scores_return_within_seconds_of_the_light(lesson: list[Affect]) -> None:
    back = [state.time for state in lesson if state.time >= DARK.end and state.abstain is None]
    assert back[0] - DARK.end <= 3.0


def test_speech_counts_while_somebody_speaks_and_not_otherwise(lesson: list[Affect]) -> None:
    heard = [state.time for state in lesson if "speech" in state.reliability]
    for stretch in (SMILING, FROWNING):
        assert any(stretch.start < time < stretch.end for time in heard)
    spoken = [(stretch.start, stretch.end + LONGEST_UTTERANCE_S) for stretch in STRETCHES if stretch.speech]
    assert all(any(start < time < end for start, end in spoken) for time in heard)


def test_engagement_is_known_by_the_sixth_second_and_its_label_is_one_of_the_states(lesson: list[Affect]) -> None:
    known = {state.time: state.engagement for state in lesson if state.engagement is not None}
    assert min(known) <= 6
    assert all(time in known for time in range(6, round(DARK.start)) if lesson[time - 1].abstain is None)
    assert {engagement.label for engagement in known.values()} <= {*ENGAGEMENT_STATES, None}


def test_what_is_abstained_carries_nothing(lesson: list[Affect]) -> None:
    for state in (state for state in lesson if state.abstain is not None):
        assert (state.valence, state.satisfaction, state.engagement) == (None, None, None)
        assert (state.confidence, dict(state.reliability)) == (0.0, {})
