"""Scenarios as data: those that come with the box, and a user's own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from edge.clock import ManualClock
from edge.config import Box, SessionSettings
from edge.doctor import examine
from edge.errors import UserError
from edge.publish.payloads import AlertKind
from edge.session.lessons import Lessons
from edge.session.scenarios import Priors, Rule, Scenario, configured, scenarios

SHIPPED = {"lecture", "exam", "discussion", "self-study"}


@pytest.fixture
def own(tmp_path: Path) -> Path:
    return tmp_path / "scenarios.toml"


def test_the_scenarios_that_come_with_the_box_have_rules_and_claim_no_priors() -> None:
    assert set(scenarios()) == SHIPPED
    assert all(scenario.rules for scenario in scenarios().values())
    assert all(scenario.priors == Priors() for scenario in scenarios().values())


def test_every_kind_of_alert_can_have_a_rule() -> None:
    assert set(Scenario.__struct_fields__) == {*get_args(AlertKind), "priors"}


def test_a_rule_that_would_never_clear_is_refused() -> None:
    with pytest.raises(ValueError, match="clear must be below begin"):
        Rule(begin=0.5, clear=0.5, after_s=60.0)


def test_own_scenarios_add_to_those_of_the_box_and_replace_them_whole(own: Path) -> None:
    own.write_text(
        "[lab]\nhigh_confusion = { begin = 0.6, clear = 0.3, after_s = 60.0 }\npriors = { confusion = 0.7 }\n"
        "[exam]\nhigh_frustration = { begin = 0.9, clear = 0.5, after_s = 600.0 }\n"
    )
    found = scenarios(own)
    assert set(found) == {*SHIPPED, "lab"}
    assert found["lab"].priors.by_state == {"confusion": 0.7}
    assert set(found["exam"].rules) == {"high_frustration"}
    assert found["lecture"] == scenarios()["lecture"]


def test_an_own_scenario_is_begun_with_and_switched_to_while_the_box_runs(own: Path) -> None:
    own.write_text("[lab]\npriors = { boredom = -0.7 }\n")
    settings = SessionSettings(scenario="lab", scenarios=own)
    lessons = Lessons(ManualClock(), Box("school", "lab"), settings, None, None)
    assert lessons.scenario.priors.by_state == {"boredom": -0.7}
    assert lessons.choose("exam")
    assert lessons.scenario == scenarios()["exam"]
    assert not lessons.choose("party")
    assert lessons.scenario == scenarios()["exam"]
    assert lessons.choose("lab")
    assert lessons.scenario.rules == {}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[lab]\nto_lively = { begin = 0.6, clear = 0.3, after_s = 60.0 }", "lab: Object contains unknown field"),
        (
            "[lab]\ntoo_lively = { begin = 0.6, clear = 0.3, after = 60.0 }",
            "lab.too_lively: Object contains unknown field `after`",
        ),
        ("[lab]\ntoo_lively = { begin = 0.6, clear = 0.3 }", "lab.too_lively: Object missing required field `after_s`"),
        (
            "[lab]\ntoo_lively = { begin = 1.6, clear = 0.3, after_s = 60.0 }",
            "lab.too_lively.begin: Expected `float` <= 1.0",
        ),
        (
            "[lab]\ntoo_lively = { begin = 0.3, clear = 0.3, after_s = 60.0 }",
            "lab.too_lively: clear must be below begin",
        ),
        ("[lab]\npriors = { joy = 1.0 }", "lab.priors: Object contains unknown field `joy`"),
        ("[lab]\npriors = { boredom = 9.0 }", "lab.priors.boredom: Expected `float` <= 3.0"),
        ("[lab]\npriors = { boredom = nan }", "lab.priors.boredom: Expected `float`"),
        ("lab = 3", "lab: Expected `object`, got `int`"),
        ("[Lab]", "'Lab' is no name"),
        ("[lab", "Expected"),
    ],
)
def test_a_mistake_in_own_scenarios_is_one_line_with_the_file_and_the_key(own: Path, text: str, complaint: str) -> None:
    own.write_text(text)
    with pytest.raises(UserError) as caught:
        configured(SessionSettings(scenarios=own))
    message = str(caught.value)
    assert message.startswith(f"{own}: {complaint}")
    assert "\n" not in message


@pytest.mark.parametrize(
    ("session", "complaint"),
    [
        (
            'scenario = "party"',
            "session.scenario: none is called 'party'; there are lecture, exam, discussion, self-study",
        ),
        ('scenarios = "nowhere.toml"', "session.scenarios: cannot read {folder}/nowhere.toml (No such file"),
    ],
)
def test_a_box_with_scenarios_it_cannot_use_does_not_start(session: str, complaint: str, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text(f'[camera]\nsource = "drawn"\n[microphone]\nsource = "none"\n[session]\n{session}\n')
    ran = subprocess.run(
        [sys.executable, "-m", "edge", "run", "--config", str(config)], capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.splitlines()[-1].startswith("affect-edge run: " + complaint.format(folder=tmp_path))
    (finding,) = examine(config)
    assert (finding.subject, finding.healthy) == ("configuration", False)
