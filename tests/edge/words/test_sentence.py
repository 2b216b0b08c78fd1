"""What is said of a room: how it is, how far to trust that, or why nothing is known."""

from __future__ import annotations

import json
from typing import Any

import pytest
from messages import NOW, affect, privacy, silent

from edge.publish.payloads import timestamp
from edge.words.catalogue import catalogue
from edge.words.compact import compact
from edge.words.sentence import Message, Newest, seconds_since, sentence

EN, DE = catalogue("en"), catalogue("de")


def newest(message: Message | None = None, *, age_s: float | None = 1.0, **rest: Any) -> Newest:
    return Newest(now=NOW, affect=message, age_s=age_s, **({"status": "online", "privacy": privacy()} | rest))


def test_a_room_that_is_seen_and_not_heard() -> None:
    assert sentence(newest(affect()), EN) == "mostly engaged; voice unheard; 2 of 3 modalities trusted"
    assert (
        sentence(newest(affect()), DE) == "überwiegend engagiert; Stimme nicht gehört; 2 von 3 Modalitäten verlässlich"
    )


def test_a_modality_that_is_there_but_poor_is_not_trusted() -> None:
    said = sentence(newest(affect(reliability={"face": 0.8, "engagement": 0.7, "speech": 0.02})), EN)
    assert said == "mostly engaged; 2 of 3 modalities trusted"


def test_a_modality_from_outside_counts_where_it_is_there() -> None:
    said = sentence(newest(affect(reliability={"face": 0.8, "engagement": 0.7, "text": 0.6})), EN)
    assert said == "mostly engaged; voice unheard; 3 of 4 modalities trusted"


def test_low_confidence_is_said() -> None:
    assert "low confidence" in sentence(newest(affect(confidence=0.1)), EN)


@pytest.mark.parametrize(("label", "said"), [("boredom", "mostly bored"), (None, "no state stands out")])
def test_the_state_is_the_label_or_that_there_is_none(label: str | None, said: str) -> None:
    engagement = affect()["engagement"] | {"label": label}
    assert sentence(newest(affect(engagement=engagement)), EN).startswith(said)


def test_engagement_may_be_unknown_beside_other_scores() -> None:
    assert sentence(newest(affect(engagement=None, reliability={"face": 0.6})), EN) == (
        "engagement unknown; attention unseen; voice unheard; 1 of 3 modalities trusted"
    )


def test_an_abstention_says_why() -> None:
    assert sentence(newest(silent("too_few_faces")), EN) == "no scores: too few faces in view"


def test_a_muted_room_says_so_whatever_it_said_before() -> None:
    assert sentence(newest(affect(), privacy=privacy("muted")), EN) == "muted for 12 min; nothing is seen or heard"
    assert sentence(newest(affect(), privacy=privacy("muted")), DE).startswith("stummgeschaltet seit 12 min")


def test_a_mute_of_tomorrow_has_no_length() -> None:
    later = privacy("muted", since=NOW + 86400)
    assert sentence(newest(affect(), privacy=later), EN) == "muted; nothing is seen or heard"


def test_a_state_of_old_says_its_age() -> None:
    assert sentence(newest(affect(), age_s=200), EN).startswith("3 min ago: mostly engaged")


def test_a_state_of_the_future_has_no_age() -> None:
    said = sentence(newest(affect(), age_s=None), EN)
    assert said.endswith("the box's clock is ahead, so its age is unknown")


def test_a_box_that_is_gone_has_no_state() -> None:
    assert sentence(newest(affect(), status="offline", age_s=300), EN) == "the box is offline; last heard 5 min ago"
    assert sentence(newest(None, status="offline", age_s=None), EN) == "the box is offline"


def test_a_room_without_a_message_is_not_made_up() -> None:
    assert sentence(newest(None, status=None, privacy=None, age_s=None), EN) == "nothing heard from this room yet"


@pytest.mark.parametrize(
    ("time", "age"),
    [
        (timestamp(NOW - 2), 2.0),
        (timestamp(NOW + 2), 0.0),
        (timestamp(NOW + 60), None),
        ("2026-02-31T00:00:00.000Z", None),
        ("0000-01-01T00:00:00.000Z", None),
    ],
)
def test_age_is_told_from_a_message_that_can_tell_it(time: str, age: float | None) -> None:
    assert seconds_since(time, NOW) == age


def test_a_state_of_years_ago_is_old_rather_than_wrong() -> None:
    age = seconds_since("2001-01-01T00:00:00.000Z", NOW)
    assert age is not None and age > 25 * 365 * 86400


def test_the_json_holds_the_sentence_its_age_and_the_numbers_behind_it() -> None:
    told = json.loads(compact("north", "r12", newest(affect(), age_s=1.04), EN))
    assert told["sentence"] == "mostly engaged; voice unheard; 2 of 3 modalities trusted"
    assert (told["site"], told["room"], told["age_s"], told["fresh"]) == ("north", "r12", 1.0, True)
    assert told["confidence"] == 0.7 and told["engagement"]["engagement"] == 0.8 and told["privacy"] == "capturing"


def test_the_json_of_an_old_state_is_not_fresh() -> None:
    assert json.loads(compact("north", "r12", newest(affect(), age_s=11), EN))["fresh"] is False
    assert json.loads(compact("north", "r12", newest(affect(), age_s=None), EN))["age_s"] is None
