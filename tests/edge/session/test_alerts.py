from __future__ import annotations

import dataclasses
import random
from collections.abc import Iterable

import pytest
from states import MERRY, Label, abstained, scored

from edge.session.alerts import Alarm, Alert
from edge.session.scenarios import Rule, scenarios
from edge.signals import Affect

LECTURE = scenarios()["lecture"].rules


def said(states: Iterable[Affect], scenario: str = "lecture") -> list[Alert]:
    alarm = Alarm(scenarios()[scenario].rules)
    return [alert for affect in states for alert in alarm.add(affect)]


def words(alerts: Iterable[Alert]) -> list[tuple[str, str]]:
    return [(alert.kind, alert.phase) for alert in alerts]


def bored(seconds: range) -> list[Affect]:
    return [scored(float(t), label="boredom") for t in seconds]


def engaged(seconds: range) -> list[Affect]:
    return [scored(float(t)) for t in seconds]


def test_boredom_that_lasts_begins_an_alert_goes_on_and_is_cleared() -> None:
    alerts = said([*engaged(range(60)), *bored(range(60, 600)), *engaged(range(600, 900))])
    assert words(alerts) == [
        ("low_engagement", "began"),
        ("low_engagement", "still"),
        ("low_engagement", "cleared"),
    ]
    assert 60 < alerts[0].since < 180


def test_a_short_low_is_nobodys_business() -> None:
    assert said([*engaged(range(60)), *bored(range(60, 150)), *engaged(range(150, 600))]) == []


def test_an_alert_that_flickers_at_its_threshold_is_said_once() -> None:
    alarm = Alarm({"low_engagement": Rule(begin=0.7, clear=0.4, after_s=60.0)})
    states = bored(range(300)) + [scored(float(t), label="boredom" if t % 2 else "engagement") for t in range(300, 900)]
    assert [alert.phase for affect in states for alert in alarm.add(affect)].count("began") == 1


def test_after_one_is_over_the_next_of_its_kind_waits() -> None:
    rules = {"low_engagement": Rule(begin=0.7, clear=0.4, after_s=30.0, quiet_s=600.0)}
    alarm = Alarm(rules)
    states = [*bored(range(120)), *engaged(range(120, 240)), *bored(range(240, 480)), *bored(range(480, 900))]
    alerts = [alert for affect in states for alert in alarm.add(affect)]
    assert words(alerts[:2]) == [("low_engagement", "began"), ("low_engagement", "cleared")]
    (again,) = [alert for alert in alerts[2:] if alert.phase == "began"]
    assert again.since < 480


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        ("high_confusion", {"label": "confusion"}),
        ("high_frustration", {"label": "frustration"}),
        ("negative_climate", {"satisfaction": 0.2}),
        ("too_lively", {"emotions": MERRY}),
    ],
)
def test_every_lasting_state_has_its_alert(kind: str, state: dict[str, object]) -> None:
    states = [scored(float(t), **state) for t in range(400)]  # type: ignore[arg-type]
    assert words(said(states))[0] == (kind, "began")


def test_what_is_noise_in_an_exam_is_life_in_a_discussion() -> None:
    states = [scored(float(t), emotions=MERRY) for t in range(600)]
    assert ("too_lively", "began") in words(said(states, "exam"))
    assert said(states, "discussion") == []


def test_an_exam_may_be_as_boring_as_it_likes() -> None:
    assert said(bored(range(3600)), "exam") == []


def test_states_nobody_should_trust_raise_no_alert() -> None:
    assert said([scored(float(t), label="boredom", confidence=0.1) for t in range(1200)]) == []


def test_an_alert_ends_when_the_room_can_no_longer_be_seen() -> None:
    alerts = said([*bored(range(300)), *[abstained(float(t)) for t in range(300, 600)]])
    assert words(alerts) == [("low_engagement", "began"), ("low_engagement", "unobserved")]


def test_a_short_look_away_does_not_start_the_watching_anew() -> None:
    states = [*bored(range(120)), *[abstained(float(t)) for t in range(120, 200)], *bored(range(200, 320))]
    assert words(said(states)) == [("low_engagement", "began")]


def day(share: dict[Label | None, float], persistence_s: float, seed: int) -> list[Affect]:
    """Six hours of a room whose label changes by chance, each staying ``persistence_s`` on average."""
    dice = random.Random(seed)
    label: Label | None = "engagement"
    states = []
    for t in range(6 * 3600):
        if dice.random() < 1 / persistence_s:
            (label,) = dice.choices(list(share), list(share.values()))
        states.append(scored(float(t), label=label, satisfaction=min(1.0, max(0.0, dice.gauss(0.6, 0.15)))))
    return states


ORDINARY: dict[Label | None, float] = {
    "engagement": 0.6,
    None: 0.15,
    "boredom": 0.15,
    "confusion": 0.06,
    "frustration": 0.04,
}


@pytest.mark.parametrize("seed", range(2))
def test_an_ordinary_day_raises_no_alert(seed: int) -> None:
    assert said(day(ORDINARY, 15.0, seed)) == []


@pytest.mark.parametrize("seed", range(2))
def test_labels_that_are_pure_noise_raise_no_alert(seed: int) -> None:
    even: dict[Label | None, float] = dict.fromkeys(ORDINARY, 0.2)
    assert said(day(even, 5.0, seed)) == []


def heard(seconds: range, voice: bool | None) -> list[Affect]:
    return [dataclasses.replace(scored(float(t)), voice=voice) for t in seconds]


def test_a_voice_that_is_missed_in_a_discussion_is_not_missed_in_an_exam() -> None:
    silence = heard(range(400), voice=False)
    assert words(said(silence, "discussion"))[:1] == [("too_quiet", "began")]
    assert all(said(silence, scenario) == [] for scenario in ("exam", "lecture", "self-study"))


def test_talk_in_an_exam_is_worth_a_word_and_in_a_discussion_the_point() -> None:
    talk = heard(range(400), voice=True)
    assert words(said(talk, "exam"))[:1] == [("too_talkative", "began")]
    assert all(said(talk, scenario) == [] for scenario in ("discussion", "lecture", "self-study"))


def test_a_box_that_listens_to_nothing_knows_of_no_silence() -> None:
    deaf = heard(range(400), voice=None)
    assert said(deaf, "discussion") == said(deaf, "exam") == []
