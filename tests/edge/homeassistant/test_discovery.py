"""What Home Assistant is told: the form it reads, and what it would show of the box's own messages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import jsonschema
import msgspec
import pytest
from jinja2 import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from messages import HEALTH

from edge.cli import main
from edge.config import Box, Fusion, HomeAssistant, Settings
from edge.homeassistant.discovery import announcement, description
from edge.publish.payloads import (
    AlertKind,
    AlertPayload,
    Payload,
    PrivacyPayload,
    affect_payload,
    timestamp,
)
from edge.publish.schema import encode, validate
from edge.session.scenarios import scenarios
from edge.session.statistics import summary
from edge.signals import Abstention, Affect, Engagement

BASE = "affectfusion/school/lab"
SETTINGS = Settings(box=Box("school", "lab"), homeassistant=HomeAssistant(enabled=True))
WATCHING_ONLY = Settings(box=Box("school", "lab"), homeassistant=HomeAssistant(enabled=True, commands=False))
PUBLISHED_FORM = json.loads(Path(__file__).with_name("discovery.schema.json").read_text())

SCORED = Affect(
    1.0,
    3.0,
    6,
    {"face": 0.9, "speech": 0.29},
    Engagement(0.1, 0.25, 0.875, 0.0, "engagement"),
    valence=-0.25,
    satisfaction=0.58,
    confidence=0.7,
)
UNCERTAIN = Affect(1.0, 3.0, 6, {"engagement": 0.4}, Engagement(0.2, 0.2, 0.2, 0.2, None), confidence=0.4)
VOICE_ONLY = Affect(1.0, 3.0, 0, {"speech": 0.5}, None, valence=0.5, satisfaction=0.75, confidence=0.2)
ABSTAINED = Affect(1.0, 3.0, 2, {}, abstain=Abstention.TOO_FEW_FACES)
SESSION = msgspec.structs.replace(summary([], "lesson", 0.0), scenario="exam")
PRIVACY = PrivacyPayload(
    state="muted",
    reason="muted by a command",
    since=timestamp(0.0),
    muted_by="command",
    consent_until=None,
    minimum_group=5,
    purpose="research",
    jurisdiction="US",
    mode="room",
)
TROUBLED = msgspec.structs.replace(HEALTH, lag_ms=None, undervoltage=True, queue=3, microphone="none")


def alert(kind: Any, phase: Any) -> AlertPayload:
    now = timestamp(0.0)
    return AlertPayload(time=now, kind=kind, phase=phase, since=now, seconds=0.0, share=0.9, scenario="lecture")


def components(settings: Settings = SETTINGS) -> dict[str, dict[str, Any]]:
    made: dict[str, dict[str, Any]] = description(settings)["components"]
    return made


def shown(topic: str, payload: Payload) -> dict[str, str]:
    """What the templates of the entities that read ``topic`` make of a message; an undefined value is an error."""
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined)
    value = encode(topic, payload)
    return {
        key: environment.from_string(entity["value_template"]).render(value_json=json.loads(value))
        for key, entity in components().items()
        if entity.get("state_topic") == f"{BASE}/{topic}"
    }


def affect(state: Affect) -> dict[str, str]:
    return shown("affect", affect_payload(state, 1, 0.0))


# The form.


@pytest.mark.parametrize("settings", [SETTINGS, WATCHING_ONLY], ids=["with commands", "without"])
def test_the_message_has_the_form_that_home_assistant_documents(settings: Settings) -> None:
    jsonschema.Draft202012Validator(PUBLISHED_FORM).validate(description(settings))


@pytest.mark.parametrize(
    "fault",
    [
        {"stat_topic": "a/b"},
        {"device_class": "enum"},
        {"options": ["a"]},
        {"unit_of_measurement": "parsec", "device_class": "duration"},
        {"entity_category": "config"},
        {"expire_after": 0},
    ],
    ids=str,
)
def test_a_message_that_home_assistant_would_refuse_is_seen(fault: dict[str, Any]) -> None:
    wrong = description(SETTINGS)
    wrong["components"]["valence"] |= fault
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(PUBLISHED_FORM).validate(wrong)


def test_every_entity_has_one_name_for_ever_within_the_box_and_among_boxes() -> None:
    other = Settings(box=Box("school", "yard"), homeassistant=HomeAssistant(enabled=True))
    ids = [entity["unique_id"] for made in (components(), components(other)) for entity in made.values()]
    assert len(set(ids)) == len(ids)
    names = [entity["name"] for entity in components().values()]
    assert len(set(names)) == len(names)
    assert ids[:2] == ["affectfusion-school-lab-engagement", "affectfusion-school-lab-engagement_share"]


def test_every_topic_is_one_of_the_boxs_own() -> None:
    topics = {value for entity in components().values() for key, value in entity.items() if key.endswith("topic")}
    assert topics == {
        f"{BASE}/{name}" for name in ("status", "affect", "alert", "session", "health", "privacy", "command")
    }


def test_what_a_dead_box_no_longer_says_is_not_shown_as_if_it_did() -> None:
    for key, entity in components().items():
        if key != "connection":
            assert entity["availability_topic"] == f"{BASE}/status", key
        if entity["platform"] in ("sensor", "binary_sensor") and not entity["state_topic"].endswith(
            ("/status", "/privacy")  # said when they change
        ):
            assert entity.get("expire_after") or entity.get("off_delay"), key
    assert "availability_topic" not in components()["connection"]


def test_no_score_is_kept_for_ever_as_a_statistic() -> None:
    for key, entity in components().items():
        if not entity.get("state_topic", "").endswith("/health"):
            assert "state_class" not in entity, key


def test_a_slow_box_is_given_more_time() -> None:
    slow = msgspec.structs.replace(SETTINGS, fusion=Fusion(period_s=60.0))
    assert components()["satisfaction"]["expire_after"] == 30
    assert components(slow)["satisfaction"]["expire_after"] == 600


def test_nobody_is_told_unless_the_settings_say_so() -> None:
    assert announcement(Settings()) is None
    told = announcement(SETTINGS)
    assert told is not None
    assert told.topic == "homeassistant/device/affectfusion-school-lab/config"
    assert json.loads(told.message) == description(SETTINGS)
    # the broker on the box takes no larger packets
    assert len(told.message) < 65536 / 2


# What is shown.


def test_a_scored_room() -> None:
    assert affect(SCORED) == {
        "engagement": "engagement",
        "engagement_share": "88",
        "boredom_share": "10",
        "confusion_share": "25",
        "frustration_share": "0",
        "valence": "-25",
        "satisfaction": "58",
        "confidence": "70",
        "reliability_face": "90",
        "reliability_engagement": "None",
        "reliability_speech": "29",
        "group": "5-9",
        "watching": "scoring",
    }


def test_an_abstention_leaves_every_score_unknown_and_says_why() -> None:
    seen = affect(ABSTAINED)
    assert (seen.pop("watching"), seen.pop("group"), seen.pop("confidence")) == ("too_few_faces", "2-4", "0")
    assert set(seen.values()) == {"None"}


def test_a_room_in_no_clear_state_differs_from_one_that_is_not_known() -> None:
    assert affect(UNCERTAIN)["engagement"] == "none"
    assert (affect(UNCERTAIN)["boredom_share"], affect(UNCERTAIN)["valence"]) == ("20", "None")
    assert affect(VOICE_ONLY)["engagement"] == "None"
    assert affect(VOICE_ONLY)["satisfaction"] == "75"


@pytest.mark.parametrize("reason", Abstention)
def test_every_reason_is_one_that_home_assistant_knows(reason: Abstention) -> None:
    seen = affect(Affect(1.0, 3.0, 0, {}, abstain=reason))
    assert seen["watching"] == reason.value
    assert seen["watching"] in components()["watching"]["options"]


@pytest.mark.parametrize(
    ("phase", "state"), [("began", "ON"), ("still", "ON"), ("cleared", "OFF"), ("unobserved", "OFF")]
)
def test_an_alert_changes_its_own_entity_only(phase: str, state: str) -> None:
    seen = shown("alert", alert("high_confusion", phase))
    assert seen.pop("alert_high_confusion") == state
    assert len(seen) == len(get_args(AlertKind)) - 1
    assert set(seen.values()) == {""}


def test_a_lesson() -> None:
    assert shown("session", SESSION) == {
        "lesson": "ON",
        "lesson_started": "1970-01-01T00:00:00.000Z",
        "lesson_engaged": "None",
        "lesson_satisfaction": "None",
        "lesson_coverage": "0",
        "scenario": "exam",
    }
    assert shown("session", summary([], "lesson", 0.0, ended=60.0))["lesson"] == "OFF"
    assert shown("session", summary([], "lesson", 0.0))["scenario"] == "None"


def test_privacy() -> None:
    assert shown("privacy", PRIVACY) == {"privacy": "muted", "capturing": "OFF", "muted": "ON"}
    capturing = msgspec.structs.replace(PRIVACY, state="capturing", muted_by=None)
    assert shown("privacy", capturing) == {"privacy": "capturing", "capturing": "ON", "muted": "OFF"}


def test_health() -> None:
    assert shown("health", TROUBLED) == {
        "temperature": "48.5",
        "rate": "7.5",
        "lag": "None",
        "memory": "180.0",
        "queue": "3",
        "load": "normal",
        "camera": "live",
        "microphone": "none",
        "undervoltage": "ON",
        "throttled": "None",
    }


def test_every_word_that_is_shown_is_among_the_choices() -> None:
    for topic, payload in (
        ("affect", affect_payload(SCORED, 1, 0.0)),
        ("session", SESSION),
        ("privacy", PRIVACY),
        ("health", TROUBLED),
    ):
        for key, value in shown(topic, payload).items():
            assert value in (components()[key].get("options") or [value]), key


# Commands.


def test_every_command_is_one_that_the_box_obeys() -> None:
    made = components()
    given = [made["muted"]["payload_on"], made["muted"]["payload_off"]]
    given += [made[key]["payload_press"] for key in ("start_lesson", "end_lesson")]
    template = ImmutableSandboxedEnvironment(undefined=StrictUndefined).from_string(
        made["scenario"]["command_template"]
    )
    given += [template.render(value=choice) for choice in made["scenario"]["options"]]
    for command in given:
        validate("command", command.encode())
    named = [json.loads(command) for command in given]
    assert [one["command"] for one in named[:4]] == ["mute", "unmute", "start_session", "end_session"]
    assert [one["name"] for one in named[4:]] == list(scenarios())


def test_without_commands_the_mute_is_shown_and_cannot_be_switched() -> None:
    made = components(WATCHING_ONLY)
    assert {entity["platform"] for entity in made.values()} == {"sensor", "binary_sensor"}
    assert not any("command_topic" in entity for entity in made.values())
    assert made["muted"]["value_template"] == components()["muted"]["value_template"]


# At the console.


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "classroom.toml"
    path.write_text('[box]\nsite = "school"\nroom = "lab"\n[broker]\nport = 9\n')
    return path


def test_the_message_is_shown_without_a_broker(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["homeassistant", "show", "--config", str(config)]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out) == description(SETTINGS)
    assert said.err == "retained at homeassistant/device/affectfusion-school-lab/config:\n"


def test_a_box_that_would_announce_itself_again_is_not_removed(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with config.open("a") as file:
        file.write("[homeassistant]\nenabled = true\n")
    assert main(["homeassistant", "remove", "--config", str(config)]) == 2
    assert f"homeassistant.enabled: true in {config}" in capsys.readouterr().err


def test_a_removal_that_reaches_no_broker_is_a_failure(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["homeassistant", "remove", "--config", str(config)]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "no broker listens there" in said.err
