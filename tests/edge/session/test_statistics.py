from __future__ import annotations

import random
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from states import CALM, MERRY, Label, abstained, scored

from edge.publish.payloads import SessionPayload
from edge.publish.schema import encode
from edge.session.statistics import LONGEST_MINUTES, Statistics, summary
from edge.session.tally import Tally
from edge.signals import Abstention, Affect


def summed_up(*states: Affect, ended: float | None = None) -> SessionPayload:
    statistics = Statistics()
    for affect in states:
        statistics.add(affect, affect.time)
    return summary(statistics.parts, "s", 0.0, ended)


def test_time_is_split_into_scored_and_abstained_by_reason() -> None:
    session = summed_up(
        abstained(1.0, Abstention.STARTING),
        scored(2.0),
        scored(3.0),
        abstained(4.0, Abstention.TOO_DARK),
        abstained(5.0, Abstention.TOO_DARK),
    )
    assert (session.seconds.total, session.seconds.scored) == (5.0, 2.0)
    assert (session.seconds.abstained.starting, session.seconds.abstained.too_dark) == (1.0, 2.0)
    assert session.coverage == 0.4


def test_means_and_shares_are_weighted_by_time() -> None:
    session = summed_up(
        scored(3.0, satisfaction=1.0, label="engagement", emotions=CALM),
        scored(4.0, satisfaction=0.0, label=None, emotions=MERRY),
    )
    assert (session.satisfaction, session.valence) == (0.75, 0.5)
    assert session.engagement is not None
    assert (session.engagement.engagement, session.engagement.none, session.engagement.boredom) == (0.75, 0.25, 0.0)
    assert session.emotions is not None
    assert session.emotions.happy == pytest.approx((3 * 0.2 + 0.8) / 4)


def test_gap_longer_than_the_window_is_not_covered() -> None:
    session = summed_up(scored(1.0), scored(61.0))
    assert (session.seconds.total, session.seconds.scored) == (61.0, 4.0)
    assert session.coverage == pytest.approx(4 / 61)


def test_state_out_of_order_counts_for_nothing() -> None:
    assert summed_up(scored(2.0), scored(1.0, satisfaction=0.0)) == summed_up(scored(2.0))


def test_unknown_valence_does_not_pull_the_mean() -> None:
    session = summed_up(
        scored(1.0, satisfaction=0.9), Affect(2.0, 3.0, 6, {"speech": 1.0}, satisfaction=0.3, confidence=0.5)
    )
    assert session.valence == pytest.approx(0.8)
    assert session.satisfaction == pytest.approx(0.6)


def test_session_without_a_state_has_no_means_and_is_publishable() -> None:
    session = summed_up()
    assert (session.valence, session.satisfaction, session.engagement, session.coverage) == (None, None, None, 0.0)
    encode("session", session)


def test_summary_is_final_only_once_the_session_has_ended() -> None:
    assert not summed_up().final
    final = summed_up(ended=60.0)
    assert final.final
    assert final.ended == "1970-01-01T00:01:00.000Z"


def test_the_longest_low_stretch_bridges_what_was_not_seen_but_no_good_moment() -> None:
    states = [scored(float(t), label="boredom") for t in range(1, 11)]
    states += [abstained(float(t)) for t in range(11, 16)]
    states += [scored(float(t), satisfaction=0.1) for t in range(16, 21)]
    states += [scored(21.0)] + [scored(float(t), label="frustration") for t in range(22, 25)]
    assert summed_up(*states).longest_low_s == 15.0


def test_changes_of_the_label_are_counted_over_the_ends_of_minutes() -> None:
    labels: list[Label] = ["engagement"] * 60 + ["boredom"] * 60 + ["engagement"] * 5
    session = summed_up(*[scored(float(t), label=label) for t, label in enumerate(labels, start=1)])
    assert session.transitions == 2


def test_the_second_half_is_compared_with_the_first() -> None:
    states = [scored(float(t), satisfaction=0.9) for t in range(1, 301)]
    states += [scored(float(t), satisfaction=0.3, label="boredom") for t in range(301, 601)]
    halves = summed_up(*states).halves
    first, second = halves.first, halves.second
    assert (first.engaged, second.engaged) == (1.0, 0.0)
    assert (first.satisfaction, second.satisfaction) == (pytest.approx(0.9), pytest.approx(0.3))


def test_marked_activities_are_summed_up_on_their_own() -> None:
    statistics = Statistics()
    for t in range(1, 91):
        if t == 31:
            statistics.mark("exercise")
        if t == 61:
            statistics.mark("")
        statistics.add(scored(float(t), satisfaction=0.8 if 30 < t <= 60 else 0.2), float(t))
    (name, exercise), *others = summary(statistics.parts, "s", 0.0).activities.items()
    assert (name, others) == ("exercise", [])
    assert (exercise.seconds, exercise.satisfaction) == (30.0, pytest.approx(0.8))


def test_memory_does_not_grow_with_a_session_that_nobody_ends() -> None:
    statistics = Statistics()
    for minute in range(1, LONGEST_MINUTES + 200):
        statistics.add(scored(minute * 60.0), minute * 60.0)
    assert len(statistics.parts) == LONGEST_MINUTES
    assert summary(statistics.parts, "s", 0.0).seconds.total == (LONGEST_MINUTES + 199) * 60.0


steps = st.lists(
    st.tuples(
        st.floats(0.01, 10),
        st.floats(0, 1),
        st.sampled_from([None, "boredom", "confusion", "engagement", "frustration"]),
        st.none() | st.sampled_from(Abstention),
    ),
    max_size=30,
)


def states_of(drawn: list[tuple[float, float, Label | None, Abstention | None]]) -> list[tuple[Affect, float]]:
    return [
        (abstained(0.0, reason) if reason else scored(0.0, share, label), step) for step, share, label, reason in drawn
    ]


@given(steps)
def test_any_session_is_publishable_and_its_seconds_add_up(
    drawn: list[tuple[float, float, Label | None, Abstention | None]],
) -> None:
    statistics, now = Statistics(), 0.0
    for affect, step in states_of(drawn):
        now += step
        statistics.add(affect, now)
    session = summary(statistics.parts, "s", 0.0)
    encode("session", session)
    parts = [getattr(session.seconds.abstained, reason.value) or 0.0 for reason in Abstention]
    assert session.seconds.scored + sum(parts) <= session.seconds.total + 1e-6


def flattened(value: object) -> list[object]:
    if isinstance(value, dict):
        return [item for key in sorted(value) for item in [key, *flattened(value[key])]]
    if isinstance(value, list):
        return [item for one in value for item in flattened(one)]
    return [pytest.approx(value)] if isinstance(value, float) else [value]


@given(steps, st.lists(st.integers(0, 30), max_size=3))
def test_stretches_add_up_to_what_counting_in_one_go_gives(
    drawn: list[tuple[float, float, Label | None, Abstention | None]], cuts: list[int]
) -> None:
    states = states_of(drawn)
    whole = Tally()
    for affect, step in states:
        whole.add(affect, step)
    ends = [0, *sorted(min(cut, len(states)) for cut in cuts), len(states)]
    together = Tally()
    for start, end in pairwise(ends):
        part = Tally()
        for affect, step in states[start:end]:
            part.add(affect, step)
        together = together.followed_by(part)
    assert flattened(msgspec.to_builtins(together)) == flattened(msgspec.to_builtins(whole))


def test_a_tally_is_the_same_after_it_was_written_and_read() -> None:
    tally, dice = Tally(), random.Random(1)
    for _ in range(100):
        tally.add(scored(0.0, dice.random(), dice.choice(["boredom", None])), 1.0)
    assert msgspec.json.decode(msgspec.json.encode(tally), type=Tally) == tally
