"""Why a room's scores are what they are, as far as what it publishes tells."""

from __future__ import annotations

import json
from typing import Any

import pytest
from messages import NOW, affect, older, privacy, silent

from edge.publish.payloads import timestamp
from edge.publish.schema import schema
from edge.words.catalogue import LANGUAGES, catalogue
from edge.words.compact import explained
from edge.words.explanation import change, explanation
from edge.words.sentence import Message, Newest

EN, DE = catalogue("en"), catalogue("de")
CONTRACT = schema()["$defs"]
HEARD = {
    "reliability": {"face": 0.8, "engagement": 0.7, "speech": 0.6},
    "weights": {"face": 0.5, "engagement": 0.2, "speech": 0.3},
}


def newest(message: Message | None = None, *, age_s: float | None = 1.0, **rest: Any) -> Newest:
    return Newest(now=NOW, affect=message, age_s=age_s, **({"status": "online", "privacy": privacy()} | rest))


def said(message: Message | None = None, **rest: Any) -> list[str]:
    return list(explanation(newest(message, **rest), EN))


def test_it_says_the_scores_what_they_rest_on_and_what_is_wanting() -> None:
    assert said(affect()) == [
        "Mostly engaged; voice unheard; 2 of 3 modalities trusted.",
        "Engaged 80 of 100; satisfaction 65 of 100; 70 % confident.",
        "It rests on expressions (62 %) and attention (38 %).",
        "Expressions: 80 % reliable, held back by faces turned away. Put the camera where people look.",
    ]


def test_it_says_so_in_german() -> None:
    assert list(explanation(newest(affect()), DE))[2:] == [
        "Es beruht auf Mimik (62 %) und Aufmerksamkeit (38 %).",
        "Mimik: 80 % verlässlich, gemindert durch abgewandte Gesichter. "
        "Stellen Sie die Kamera dorthin, wohin die Menschen schauen.",
    ]


def test_what_weighs_most_comes_first_and_what_weighs_nothing_is_left_out() -> None:
    weights = {"face": 0.0, "engagement": 0.2, "speech": 0.5, "text": 0.3}
    assert "It rests on voice (50 %), text (30 %) and attention (20 %)." in said(affect(weights=weights))


def test_a_single_modality_carries_it_alone() -> None:
    assert "It rests on voice (100 %)." in said(affect(weights={"speech": 1.0}, limits={}))


def test_a_box_that_does_not_know_what_it_rests_on_is_not_spoken_for() -> None:
    assert said(older())[2:] == ["The box does not say what it rests on."]


def test_a_modality_that_cannot_be_trusted_is_named_even_without_a_cause() -> None:
    poor = affect(reliability={"face": 0.8, "speech": 0.04}, limits={})
    assert said(poor)[-1] == "Voice: 4 % reliable."


@pytest.mark.parametrize(
    ("valence", "satisfaction", "line"),
    [
        (0.6, 0.65, "Pulling the other way: voice; expressions alone would give 80 of 100."),
        (0.3, 0.80, "Pulling the same way: voice; expressions alone would give 65 of 100."),
        (-0.6, 0.35, "Pulling the other way: voice; expressions alone would give 20 of 100."),
        (-0.3, 0.20, "Pulling the same way: voice; expressions alone would give 35 of 100."),
    ],
)
def test_what_moves_the_score_off_the_expressions_is_said(valence: float, satisfaction: float, line: str) -> None:
    assert line in said(affect(valence=valence, satisfaction=satisfaction, **HEARD))


def test_several_that_move_it_are_named_together() -> None:
    weights = {"face": 0.5, "speech": 0.3, "text": 0.2, "physiology": 0.0}
    moved = affect(valence=0.6, satisfaction=0.6, weights=weights)
    assert any(line.startswith("Pulling the other way: voice and text;") for line in said(moved))


def test_where_the_weights_are_unknown_whatever_is_heard_may_pull() -> None:
    moved = older(valence=0.6, satisfaction=0.6, reliability=HEARD["reliability"])
    assert "Pulling the other way: voice; expressions alone would give 80 of 100." in said(moved)


@pytest.mark.parametrize(
    "changes",
    [
        {"valence": 0.3, "satisfaction": 0.66},
        {"valence": None},
        {"satisfaction": None},
        {"valence": 0.9, "satisfaction": 0.6, "weights": {"face": 0.8, "engagement": 0.2, "speech": 0.0}},
    ],
)
def test_nothing_is_said_to_pull_where_nothing_is_known_to(changes: Message) -> None:
    assert not any("Pulling" in line for line in said(affect(**(HEARD | changes))))


def test_scores_that_are_unknown_are_left_out() -> None:
    assert said(affect(engagement=None, satisfaction=None))[1] == "70 % confident."


def test_no_scores_are_explained_by_their_reason_and_what_helps() -> None:
    assert said(silent("too_dark")) == ["No scores: too dark to see.", "Switch on a light, or open the blinds."]


def test_a_box_that_is_closed_explains_nothing_of_before() -> None:
    lines = said(affect(), privacy=privacy("muted"))
    assert lines[0] == "Muted for 12 min; nothing is seen or heard." and "unmuted" in lines[1] and len(lines) == 2


def test_a_box_that_is_gone_or_never_spoke_explains_nothing() -> None:
    assert said(affect(), status="offline", age_s=300) == ["The box is offline; last heard 5 min ago."]
    assert said(None, privacy=None) == ["Nothing heard from this room yet."]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("limit", CONTRACT["Limit"]["enum"])
def test_whatever_holds_a_modality_back_has_words_and_a_remedy(limit: str, language: str) -> None:
    words = catalogue(language)
    lines = list(explanation(newest(affect(limits={"face": limit})), words))
    assert words(f"limit.{limit}") in lines[-1] and words(f"remedy.{limit}") in lines[-1]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("reason", CONTRACT["Abstention"]["enum"])
def test_every_reason_has_a_remedy(reason: str, language: str) -> None:
    assert len(list(explanation(newest(silent(reason)), catalogue(language)))) == 2


@pytest.mark.parametrize("modality", CONTRACT["Weights"]["properties"])
def test_every_modality_may_carry_a_score(modality: str) -> None:
    assert any("100 %" in line for line in said(affect(weights={modality: 1.0})))


# What has changed.


def then(**changes: Any) -> Newest:
    return newest(affect(time=timestamp(NOW - 6), **changes))


def test_a_change_is_told_with_what_moved() -> None:
    before = then(satisfaction=0.5, weights={"face": 1.0}, reliability={"face": 0.5, "engagement": 0.7})
    assert change(before, newest(affect()), EN) == (
        "In the last 5 s: satisfaction 50 → 65; weight of expressions 100 % → 62 %; "
        "weight of attention 0 % → 38 %; reliability of expressions 50 % → 80 %."
    )


def test_a_change_is_split_between_the_expressions_and_what_pulls() -> None:
    before = then(valence=0.3, satisfaction=0.65, **HEARD)
    after = newest(affect(valence=0.5, satisfaction=0.60, **HEARD))
    assert "satisfaction 65 → 60; by expressions alone 65 → 75" in change(before, after, EN)


def test_what_hardly_changes_is_not_made_into_news() -> None:
    assert change(then(satisfaction=0.62), newest(affect()), EN) == "In the last 5 s: hardly anything has changed."


def test_there_is_no_change_without_two_states_with_scores() -> None:
    assert change(newest(silent("starting")), newest(affect()), EN) == ""
    assert change(then(), newest(silent("too_dark")), EN) == ""
    assert change(newest(affect()), newest(affect()), EN) == ""


# As JSON.


def test_the_json_holds_the_sentences_and_what_they_rest_on() -> None:
    told = json.loads(explained("north", "r12", newest(affect()), EN, said(affect())))
    assert told["weights"] == {"face": 0.62, "engagement": 0.38} and told["limits"] == {"face": "pose"}
    assert told["explanation"][2] == "It rests on expressions (62 %) and attention (38 %)."
    assert told["sentence"] == "mostly engaged; voice unheard; 2 of 3 modalities trusted" and told["fresh"] is True


def test_the_json_of_a_closed_box_does_not_tell_what_was_before() -> None:
    told = json.loads(explained("north", "r12", newest(affect(), privacy=privacy("muted")), EN, []))
    assert told["weights"] == told["limits"] == {}
