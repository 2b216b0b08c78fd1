"""Consent: the configuration, the console's last word, and the calendar."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import pytest

from edge.config import Deployment
from edge.privacy.consent import Consent
from edge.privacy.gate import Gate
from edge.publish.payloads import timestamp
from edge.signals import Abstention
from edge.state import StateFolder

DECLARED = Deployment("research", "US", "forms in the file")
UNDECLARED = Deployment()
WORDS = "signed forms of class 7b, kept by Anna Example"
SUMMER = date(2027, 7, 31)


def moment(year: int, month: int, day: int, hour: int = 12) -> float:
    return datetime(year, month, day, hour).timestamp()


GRANTED_AT = moment(2026, 11, 20)
GRANT = Consent(True, GRANTED_AT, WORDS, "research", "US")
REVOCATION = Consent(False, moment(2026, 12, 1))


class Box:
    """A gate over a real folder, at a time of the test's choosing."""

    def __init__(self, directory: Path) -> None:
        self.state = StateFolder(directory)
        self.now = moment(2026, 12, 24)

    def gate(self, deployment: Deployment) -> Gate:
        return Gate(deployment, self.state, lambda: self.now)

    def decide(self, consent: Consent) -> None:
        assert self.state.write("consent", consent)


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path)


def test_a_grant_opens_a_box_whose_configuration_declares_nothing(box: Box) -> None:
    gate = box.gate(UNDECLARED)
    assert gate.closed is Abstention.NOT_DECLARED
    box.decide(GRANT)
    assert gate.closed is None
    assert (gate.deployment.purpose, gate.deployment.jurisdiction) == ("research", "US")


def test_a_revocation_closes_a_box_whose_configuration_declares_consent_until_a_new_grant(box: Box) -> None:
    gate = box.gate(DECLARED)
    assert gate.closed is None
    box.decide(REVOCATION)
    assert gate.closed is Abstention.NO_CONSENT
    assert "revoked" in gate.explanation
    assert gate.notice().since == timestamp(REVOCATION.at)
    assert box.gate(DECLARED).closed is Abstention.NO_CONSENT
    box.decide(GRANT)
    assert gate.closed is None


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        (Deployment("wellbeing", "US", "forms"), "another purpose"),
        (Deployment("research", "DE"), "another jurisdiction"),
        (Deployment("wellbeing", ""), "another purpose"),
    ],
)
def test_a_grant_for_something_else_does_not_hold(changed: Deployment, name: str, box: Box) -> None:
    box.decide(GRANT)
    gate = box.gate(changed)
    assert gate.closed is Abstention.NO_CONSENT
    assert name in gate.explanation
    assert gate.notice().purpose == changed.purpose


def test_a_demonstrations_grant_is_no_use_to_another_purpose(box: Box) -> None:
    box.decide(Consent(True, GRANTED_AT, "nobody is shown", "demonstration", "none"))
    assert box.gate(UNDECLARED).closed is None
    assert box.gate(Deployment("research")).closed is Abstention.NO_CONSENT
    assert box.gate(Deployment("research")).notice().jurisdiction == ""


@pytest.mark.parametrize("jurisdiction", ["EU", "de", "FR-75"])
def test_no_grant_opens_a_box_to_education_in_the_eu(jurisdiction: str, box: Box) -> None:
    box.decide(Consent(True, GRANTED_AT, WORDS, "education", jurisdiction))
    assert box.gate(UNDECLARED).closed is Abstention.PROHIBITED


# Its end.


def test_a_consent_holds_through_its_last_day_and_closes_the_box_by_itself(box: Box) -> None:
    box.decide(Consent(True, GRANTED_AT, WORDS, "research", "US", SUMMER))
    gate = box.gate(DECLARED)
    box.now = moment(2027, 7, 31, 23)
    assert gate.closed is None
    assert gate.notice().consent_until == "2027-07-31"
    box.now = moment(2027, 8, 1, 0)
    notice = gate.notice()
    assert (notice.state, notice.consent_until) == ("no_consent", "2027-07-31")
    assert notice.reason.startswith("consent ended with 2027-07-31")
    box.now = moment(2027, 9, 1)
    # also for a box that starts only then
    assert gate.notice().since == box.gate(DECLARED).notice().since == notice.since == timestamp(moment(2027, 8, 1, 0))


def test_a_clock_from_before_the_grant_keeps_a_consent_with_an_end_closed(box: Box) -> None:
    box.decide(Consent(True, GRANTED_AT, WORDS, "research", "US", SUMMER))
    box.now = moment(2024, 1, 1)
    gate = box.gate(DECLARED)
    assert gate.closed is Abstention.NO_CONSENT
    assert "the clock says 2024-01-01" in gate.explanation
    box.decide(GRANT)
    assert gate.closed is None


# Damage.


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b'{"granted": true, "at": 1.0',
        b'{"granted": true, "at": 1.0, "words": " ", "purpose": "research", "jurisdiction": "US"}',
        b'{"granted": true, "at": 1.0, "words": "forms", "purpose": "profit", "jurisdiction": "US"}',
        b'{"granted": true, "at": 1.0, "words": "forms", "purpose": "research", "jurisdiction": "Germany"}',
        b'{"granted": true, "at": 1e300, "words": "forms", "purpose": "research", "jurisdiction": "US"}',
        b'{"granted": true, "at": 1.0, "words": "forms", "purpose": "research", "jurisdiction": "US", "x": 1}',
    ],
)
def test_a_damaged_record_is_no_consent(
    content: bytes, box: Box, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    gate = box.gate(DECLARED)
    assert gate.closed is None
    (tmp_path / "consent.json").write_bytes(content)
    assert gate.closed is Abstention.NO_CONSENT
    assert "cannot be read" in gate.explanation
    assert gate.notice().state == "no_consent"
    assert len(caplog.records) == 1
    assert str(tmp_path / "consent.json") in caplog.text
    assert box.gate(DECLARED).closed is Abstention.NO_CONSENT
    box.decide(GRANT)
    assert gate.closed is None


# What is told.


def test_the_words_of_the_consent_are_never_published(box: Box) -> None:
    for decision in (GRANT, Consent(True, GRANTED_AT, WORDS, "research", "US", date(2026, 12, 1))):
        box.decide(decision)
        assert "Anna" not in str(box.gate(UNDECLARED).notice())
        assert "Anna" not in str(box.gate(Deployment("wellbeing")).notice())
    assert "file" not in str(box.gate(DECLARED).notice())


def test_a_revocation_leaves_none_of_the_words(box: Box, tmp_path: Path) -> None:
    box.decide(GRANT)
    box.decide(REVOCATION)
    assert "Anna" not in (tmp_path / "consent.json").read_text()


@pytest.mark.parametrize("deployment", [UNDECLARED, DECLARED, Deployment("education", "EU", "forms")])
def test_every_reason_fits_its_message(deployment: Deployment, box: Box) -> None:
    for decision in (GRANT, REVOCATION, Consent(True, GRANTED_AT, WORDS, "research", "US", date(2026, 12, 1))):
        assert len(box.gate(deployment).notice().reason) <= 200
        box.decide(decision)
        assert len(box.gate(deployment).notice().reason) <= 200
