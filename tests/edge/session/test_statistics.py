from __future__ import annotations

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.publish.schema import encode
from edge.session.statistics import SessionStatistics
from edge.signals import Abstention, Affect, Engagement

Label = Literal["boredom", "confusion", "engagement", "frustration"]


def scored(time: float, satisfaction: float = 0.5, label: Label | None = "engagement") -> Affect:
    return Affect(
        time,
        3.0,
        6,
        {"face": 1.0},
        Engagement(0.1, 0.1, 0.1, 0.1, label),
        2 * satisfaction - 1,
        satisfaction,
        1.0,
    )


def abstained(time: float, reason: Abstention) -> Affect:
    return Affect(time, 3.0, 0, {}, abstain=reason)


def test_time_is_split_into_scored_and_abstained_by_reason() -> None:
    statistics = SessionStatistics(100.0)
    for affect in (
        abstained(101.0, Abstention.STARTING),
        scored(102.0),
        scored(103.0),
        abstained(104.0, Abstention.TOO_DARK),
        abstained(105.0, Abstention.TOO_DARK),
    ):
        statistics.add(affect)
    seconds = statistics.summary("s", 0.0).seconds
    assert (seconds.total, seconds.scored) == (5.0, 2.0)
    assert (seconds.abstained.starting, seconds.abstained.too_dark) == (1.0, 2.0)
    assert statistics.summary("s", 0.0).coverage == 0.4


def test_means_and_label_shares_are_weighted_by_time() -> None:
    statistics = SessionStatistics(0.0)
    statistics.add(scored(3.0, satisfaction=1.0, label="engagement"))
    statistics.add(scored(4.0, satisfaction=0.0, label=None))
    summary = statistics.summary("s", 0.0)
    assert (summary.satisfaction, summary.valence) == (0.75, 0.5)
    assert summary.engagement is not None
    assert (summary.engagement.engagement, summary.engagement.none, summary.engagement.boredom) == (
        0.75,
        0.25,
        0.0,
    )


def test_gap_longer_than_the_window_is_not_covered() -> None:
    statistics = SessionStatistics(0.0)
    statistics.add(scored(1.0))
    statistics.add(scored(61.0))
    summary = statistics.summary("s", 0.0)
    assert (summary.seconds.total, summary.seconds.scored) == (61.0, 4.0)
    assert summary.coverage == pytest.approx(4 / 61)


def test_state_out_of_order_counts_for_nothing() -> None:
    statistics = SessionStatistics(0.0)
    statistics.add(scored(2.0))
    before = statistics.summary("s", 0.0)
    statistics.add(scored(1.0, satisfaction=0.0))
    assert statistics.summary("s", 0.0) == before


def test_unknown_valence_does_not_pull_the_mean() -> None:
    statistics = SessionStatistics(0.0)
    statistics.add(scored(1.0, satisfaction=0.9))
    statistics.add(Affect(2.0, 3.0, 6, {"speech": 1.0}, satisfaction=0.3, confidence=0.5))
    summary = statistics.summary("s", 0.0)
    assert summary.valence == pytest.approx(0.8)
    assert summary.satisfaction == pytest.approx(0.6)


def test_session_without_a_state_has_no_means_and_is_publishable() -> None:
    summary = SessionStatistics(5.0).summary("s", 0.0)
    assert (summary.valence, summary.satisfaction, summary.engagement, summary.coverage) == (
        None,
        None,
        None,
        0.0,
    )
    encode("session", summary)


def test_summary_is_final_only_once_the_session_has_ended() -> None:
    statistics = SessionStatistics(0.0)
    assert not statistics.summary("s", 0.0).final
    final = statistics.summary("s", 0.0, 60.0)
    assert final.final
    assert final.ended == "1970-01-01T00:01:00.000Z"


@given(
    st.lists(
        st.tuples(st.floats(0, 10), st.floats(0, 1), st.none() | st.sampled_from(Abstention)),
        max_size=30,
    )
)
def test_any_session_is_publishable_and_its_seconds_add_up(
    steps: list[tuple[float, float, Abstention | None]],
) -> None:
    statistics = SessionStatistics(0.0)
    time = 0.0
    for step, satisfaction, reason in steps:
        time += step
        statistics.add(abstained(time, reason) if reason else scored(time, satisfaction))
    summary = statistics.summary("s", 0.0)
    encode("session", summary)
    parts = [getattr(summary.seconds.abstained, reason.value) or 0.0 for reason in Abstention]
    assert summary.seconds.scored + sum(parts) <= summary.seconds.total + 1e-6
