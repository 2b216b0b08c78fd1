"""Every language says everything, with the same values in it."""

from __future__ import annotations

import string

import pytest

from edge.publish.schema import schema
from edge.words.catalogue import LANGUAGES, catalogue
from edge.words.sentence import MODALITIES

CONTRACT = schema()["$defs"]


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_there_is_english_and_another_language() -> None:
    assert {"en", "de"} <= set(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_language_lacks_a_text_or_has_one_too_many(language: str) -> None:
    assert set(catalogue(language).texts) == set(catalogue("en").texts)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_says_something_with_the_same_values_as_in_english(language: str) -> None:
    for key, text in catalogue(language).texts.items():
        assert text.strip() == text != "", key
        assert fields(text) == fields(catalogue("en").texts[key]), key


def test_a_translation_that_forgot_a_value_would_be_noticed() -> None:
    assert fields("{count} of {all}") != fields("some of {all}")


@pytest.mark.parametrize("reason", CONTRACT["Abstention"]["enum"])
def test_every_reason_of_the_contract_has_words(reason: str) -> None:
    assert f"reason.{reason}" in catalogue("en").texts


def test_every_modality_and_label_of_the_contract_has_words() -> None:
    assert set(MODALITIES) <= set(CONTRACT["Reliability"]["properties"])
    labels = CONTRACT["Engagement"]["properties"]["label"]["anyOf"][0]["enum"]
    keys = {f"missing.{modality}" for modality in MODALITIES} | {f"engagement.{label}" for label in labels}
    assert keys <= set(catalogue("en").texts)


@pytest.mark.parametrize(
    ("seconds", "said"), [(-3, "0 s"), (0.9, "0 s"), (59, "59 s"), (60, "1 min"), (7199, "1 h"), (200000, "2 d")]
)
def test_a_duration_is_said_in_its_largest_unit(seconds: float, said: str) -> None:
    assert catalogue("en").duration(seconds) == said
