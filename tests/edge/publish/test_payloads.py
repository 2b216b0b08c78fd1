from __future__ import annotations

from dataclasses import replace

import pytest
from msgspec import UNSET

from edge.publish.payloads import affect_payload, bucket, timestamp
from edge.publish.schema import encode
from edge.signals import Abstention, Affect, Engagement, Limit

SCORED = Affect(
    time=12.5,
    window_s=3.0,
    group=7,
    reliability={"face": 0.91234, "speech": 0.5},
    engagement=Engagement(0.1, 0.2, 0.876, 0.04, "engagement"),
    valence=-0.001,
    satisfaction=0.66666,
    confidence=0.7,
)


def test_affect_is_published_as_the_contract_says() -> None:
    message = encode("affect", affect_payload(SCORED, 42, 1_800_000_000.1234))
    assert message.decode() == (
        '{"v":1,"time":"2027-01-15T08:00:00.123Z","sequence":42,"window_s":3.0,"group":"5-9",'
        '"engagement":{"label":"engagement","boredom":0.1,"confusion":0.2,"engagement":0.88,"frustration":0.04},'
        '"valence":0.0,"satisfaction":0.67,"confidence":0.7,"reliability":{"face":0.91,"speech":0.5},"abstain":null}'
    )


def test_what_carries_the_scores_and_what_holds_them_back_is_published() -> None:
    told = replace(SCORED, weights={"face": 0.72345, "speech": 0.27655}, limits={"speech": Limit.NOISE})
    message = encode("affect", affect_payload(told, 42, 0.0))
    assert message.endswith(b'"abstain":null,"weights":{"face":0.72,"speech":0.28},"limits":{"speech":"noise"}}')


def test_abstention_carries_no_scores_whatever_stands_beside_it() -> None:
    known = replace(SCORED, weights={"face": 1.0}, limits={"face": Limit.LIGHT})
    payload = affect_payload(replace(known, abstain=Abstention.MUTED), 1, 0.0)
    assert (payload.engagement, payload.valence, payload.satisfaction, payload.confidence) == (
        None,
        None,
        None,
        0.0,
    )
    assert payload.weights is payload.limits is UNSET
    assert payload.abstain is Abstention.MUTED


@pytest.mark.parametrize(
    ("group", "name"),
    [(0, "0"), (1, "1"), (2, "2-4"), (4, "2-4"), (5, "5-9"), (9, "5-9"), (10, "10-16"), (16, "10-16")],
)
def test_group_is_published_as_a_bucket(group: int, name: str) -> None:
    assert bucket(group) == name


@pytest.mark.parametrize("group", [-1, 17])
def test_group_the_box_cannot_see_is_refused(group: int) -> None:
    with pytest.raises(ValueError, match="0 to 16"):
        bucket(group)


def test_time_is_utc_with_milliseconds() -> None:
    assert timestamp(0.9996) == "1970-01-01T00:00:00.999Z"
