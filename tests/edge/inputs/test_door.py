"""Modalities from outside at the door: what is let in, for how long, and what is ignored and counted."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.clock import ManualClock
from edge.config import Inputs
from edge.fusion import late
from edge.inputs.door import LARGEST, SKEW_S, SPACING_S, Door
from edge.publish.payloads import IgnoredInput, affect_payload, timestamp
from edge.publish.schema import encode, validate
from edge.signals import ENGAGEMENT_STATES, Affect, Contribution, Engagement, Outside

WALL = 1_800_000_000.0
FIFTIES = dict.fromkeys(ENGAGEMENT_STATES, 0.5)


class Doorway:
    """An open door, on a clock that the test moves; ``ahead`` is how far the wall clock is ahead of it."""

    def __init__(self, *allow: Outside, minimum_group: int | None = 5) -> None:
        self.clock = ManualClock()
        self.ahead = WALL
        self.door = Door(Inputs(allow or ("physiology",)), self.clock, lambda: self.clock.now() + self.ahead)
        if minimum_group is not None:
            self.door.open(minimum_group)

    def say(self, name: Outside = "physiology", age: float = 0.0, retained: bool = False, **changes: Any) -> None:
        said: dict[str, Any] = {"v": 1, "time": timestamp(self.clock.now() + self.ahead - age)}
        said |= {"valence": 0.5, "reliability": 0.8, "group": 6} | changes
        self.door.receive(name, json.dumps({k: v for k, v in said.items() if v is not None}).encode(), retained)

    def ignored(self, name: Outside = "physiology") -> dict[str, int]:
        """What was ignored, having checked that it can be published."""
        counts = getattr(self.door.counts(), name).ignored
        return {reason: count for reason in get_args(IgnoredInput) if isinstance(count := getattr(counts, reason), int)}

    def taken(self, name: Outside = "physiology") -> int:
        count = getattr(self.door.counts(), name).taken
        assert isinstance(count, int)
        return count


def test_a_message_counts_at_once_and_for_what_it_says() -> None:
    doorway = Doorway("physiology", "text")
    doorway.say(valence=0.5, engagement=0.25)
    doorway.say("text", valence=None, engagement=1)
    assert doorway.door.current() == [
        Contribution("physiology", 0.75, 0.25, pytest.approx(0.8, abs=0.001)),
        Contribution("text", None, 1.0, pytest.approx(0.8, abs=0.001)),
    ]
    assert (doorway.taken(), doorway.ignored()) == (1, {})


def test_a_message_fades_and_is_gone_when_it_is_stale() -> None:
    doorway = Doorway()
    doorway.say(age=2.0)
    shares = []
    for _ in range(9):
        shares += [said.reliability for said in doorway.door.current()]
        doorway.clock.sleep(1.0)
    assert shares == pytest.approx([0.8 * left / 10 for left in (8, 7, 6, 5, 4, 3, 2, 1)], abs=0.001)
    assert doorway.door.current() == []


def test_only_the_newest_message_counts() -> None:
    doorway = Doorway()
    for valence in (-0.2, 0.0, 0.2):
        doorway.say(valence=valence)
        doorway.clock.sleep(1.0)
    assert [said.positive for said in doorway.door.current()] == [0.6]


# What is ignored, and counted.


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"retained": True}, "retained"),
        ({"v": 2}, "malformed"),
        ({"valence": math.nan}, "malformed"),
        ({"valence": math.inf}, "malformed"),
        ({"valence": 1.5}, "malformed"),
        ({"valence": "0.5"}, "malformed"),
        ({"valence": None}, "malformed"),
        ({"reliability": -0.1}, "malformed"),
        ({"reliability": None}, "malformed"),
        ({"time": "now"}, "malformed"),
        ({"time": "2027-13-41T25:00:00.000Z"}, "malformed"),
        ({"time": "0000-01-01T00:00:00.000Z"}, "malformed"),
        ({"group": 10**40}, "malformed"),
        ({"student": "Anna"}, "malformed"),
        ({"group": 4}, "small_group"),
        ({"age": 10.0}, "stale"),
        ({"age": 86_400.0}, "stale"),
        ({"age": -SKEW_S - 0.1}, "future"),
        ({"age": -86_400.0}, "future"),
    ],
)
def test_what_is_no_proper_message_of_now_is_ignored_and_counted(change: dict[str, Any], reason: str) -> None:
    doorway = Doorway()
    doorway.say(**change)
    assert doorway.door.current() == []
    assert (doorway.taken(), doorway.ignored()) == (0, {reason: 1})


@pytest.mark.parametrize("payload", [b"", b"\xff\xfe", b"[" * LARGEST, b"null", b'{"v":1', b"x" * (LARGEST + 1)])
def test_what_is_no_message_at_all_is_ignored_and_counted(payload: bytes) -> None:
    doorway = Doorway()
    doorway.door.receive("physiology", payload, False)
    assert doorway.door.current() == []
    assert doorway.ignored() == {"oversized" if len(payload) > LARGEST else "malformed": 1}


def test_a_clock_that_is_a_little_ahead_is_forgiven() -> None:
    doorway = Doorway()
    doorway.say(age=-SKEW_S + 0.1)
    (said,) = doorway.door.current()
    assert said.reliability == 0.8


def test_a_message_sent_again_is_stale() -> None:
    doorway = Doorway()
    doorway.say(valence=0.5)
    doorway.clock.sleep(1.0)
    doorway.say(valence=-0.5, age=1.0)
    doorway.clock.sleep(1.0)
    doorway.say(valence=-0.5, age=3.0)
    assert [said.positive for said in doorway.door.current()] == [0.75]
    assert doorway.ignored() == {"stale": 2}


def test_a_flood_costs_no_more_than_a_few_looks_a_second_and_the_rest_is_counted() -> None:
    doorway = Doorway()
    for _ in range(1000):
        doorway.say()
        doorway.clock.sleep(0.001)
    assert doorway.taken() <= 1 / SPACING_S + 1
    assert doorway.taken() + doorway.ignored()["too_often"] == 1000
    assert len(doorway.door.current()) == 1


def test_a_flood_of_one_modality_leaves_the_others_alone() -> None:
    doorway = Doorway("physiology", "text")
    for _ in range(100):
        doorway.say()
    doorway.say("text")
    assert (doorway.taken("text"), doorway.ignored("text")) == (1, {})


def test_a_score_that_leaps_to_and_fro_is_left_out_until_it_has_been_steady() -> None:
    doorway = Doorway()
    heard = []
    for second in range(40):
        leaping = second < 20 and second % 2
        doorway.say(valence=-0.9 if leaping else 0.9)
        heard.append(bool(doorway.door.current()))
        doorway.clock.sleep(1.0)
    # the first leap may be a change; the second, back, is not
    assert heard[:2] == [True, True]
    assert not any(heard[2:20])
    assert all(heard[30:])
    assert doorway.ignored() == {"flicker": heard.count(False)}


@pytest.mark.parametrize("score", ["valence", "engagement"])
def test_one_change_however_large_is_believed(score: str) -> None:
    doorway = Doorway()
    for second in range(30):
        doorway.say(**{"valence": None, score: 0.0 if second < 15 else 1.0})
        assert len(doorway.door.current()) == 1
        doorway.clock.sleep(1.0)


def test_a_modality_that_comes_and_goes_fades_rather_than_flips() -> None:
    doorway = Doorway()
    shares = []
    for tick in range(160):
        if tick % 80 == 0:
            doorway.say()
        shares.append(sum(said.reliability for said in doorway.door.current()))
        doorway.clock.sleep(0.25)
    falls = [before - after for before, after in pairwise(shares)]
    assert max(falls) < 0.05


def test_clocks_that_are_set_bend_nothing() -> None:
    doorway = Doorway()
    doorway.say(valence=0.5)
    doorway.ahead -= 3600.0
    doorway.clock.sleep(1.0)
    assert [said.reliability for said in doorway.door.current()] == [pytest.approx(0.72, abs=0.001)]
    # sent before what was heard last, by the new clock: believed again once that is stale
    doorway.say()
    doorway.clock.sleep(9.1)
    doorway.say(valence=-0.5)
    assert [said.positive for said in doorway.door.current()] == [0.25]


# Who is asked.


def test_a_closed_door_hears_nothing_and_forgets_what_it_heard() -> None:
    doorway = Doorway(minimum_group=None)
    doorway.say()
    assert (doorway.door.current(), doorway.taken(), doorway.ignored()) == ([], 0, {})
    doorway.door.open(5)
    doorway.say()
    assert len(doorway.door.current()) == 1
    doorway.door.close()
    doorway.clock.sleep(1.0)
    doorway.say()
    assert (doorway.door.current(), doorway.taken()) == ([], 1)
    doorway.door.open(5)
    assert doorway.door.current() == []


def test_a_learners_own_device_takes_what_speaks_of_one() -> None:
    doorway = Doorway(minimum_group=1)
    doorway.say(group=1)
    assert len(doorway.door.current()) == 1


def test_what_is_not_allowed_is_not_listened_to() -> None:
    doorway = Doorway("text")
    doorway.say("physiology")
    assert doorway.door.current() == []
    nothing = Door(Inputs(), ManualClock())
    nothing.open(5)
    nothing.receive("text", b"{}", False)
    assert nothing.current() == []
    assert not nothing.counts()


def test_what_is_ignored_is_logged_once_for_each_reason_and_never_told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    doorway = Doorway()
    for _ in range(5):
        doorway.say(student="Anna")
        doorway.clock.sleep(1.0)
        doorway.say(valence=0.87, age=60.0)
        doorway.clock.sleep(1.0)
    assert [record.getMessage() for record in caplog.records] == [
        f"input/physiology: ignored what came ({reason}); see docs/inputs.md" for reason in ("malformed", "stale")
    ]


# Whatever comes, what is published stays sane.


numbers = st.floats() | st.floats(-1.1, 1.1) | st.sampled_from([-1, 0, 1])
messages = st.fixed_dictionaries(
    {},
    optional={
        "v": st.sampled_from([1, 2]),
        "valence": numbers,
        "engagement": numbers,
        "reliability": numbers | st.just(1.0),
        "group": st.integers(-1, 40),
        "age": st.floats(-5.0, 15.0),
        "retained": st.booleans(),
        "note": st.text(max_size=5),
    },
)
steps = st.tuples(st.sampled_from(get_args(Outside)), messages | st.binary(max_size=40), st.floats(0.0, 3.0))
SHARES = st.floats(0.0, 1.0)
OWN = st.tuples(SHARES, SHARES)


@given(st.lists(steps, max_size=30), OWN, st.fixed_dictionaries(dict.fromkeys(ENGAGEMENT_STATES, SHARES)))
def test_whatever_comes_the_state_stays_valid_and_near_what_the_box_saw_itself(
    story: list[tuple[Outside, dict[str, Any] | bytes, float]],
    own: tuple[float, float],
    probabilities: dict[str, float],
) -> None:
    doorway = Doorway(*get_args(Outside))
    for name, said, pause in story:
        if isinstance(said, bytes):
            doorway.door.receive(name, said, False)
        else:
            doorway.say(name, **said)
        outside = doorway.door.current()
        assert all(0.0 <= one.reliability <= 1.0 for one in outside)
        check_state(own, probabilities, outside)
        doorway.clock.sleep(pause)
    for name in get_args(Outside):
        sent = [said for other, said, _ in story if other == name]
        assert doorway.taken(name) + sum(doorway.ignored(name).values()) == len(sent)


def check_state(own: tuple[float, float], probabilities: dict[str, float], outside: Sequence[Contribution]) -> None:
    satisfaction, confidence = late.moved(
        own, [(said.positive, said.reliability) for said in outside if said.positive is not None]
    )
    engaged = late.engaged(
        probabilities, [(said.engagement, said.reliability) for said in outside if said.engagement is not None]
    )
    engagement: Engagement = late.engagement(engaged, FIFTIES)
    reliability: dict[Any, float] = {said.modality: said.reliability for said in outside}
    state = Affect(0.0, 3.0, 6, reliability, engagement, 0.0, satisfaction, confidence)
    validate("affect", encode("affect", affect_payload(state, 1, 0.0)))
    if not outside:
        assert (satisfaction, confidence) == own
        assert engaged == probabilities
    # faces that are sure are not overruled by whoever is outside
    assert satisfaction is not None
    if own[0] > 0.95:
        assert satisfaction > 0.5
