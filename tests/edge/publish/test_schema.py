from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

import edge.publish.schema as published
from edge.publish.payloads import affect_payload
from edge.publish.schema import PAYLOADS, SchemaError, encode, schema, validate
from edge.signals import Abstention, Affect, Engagement, Limit

TIME = "2026-11-20T08:15:00.000Z"
GOOD: dict[str, dict[str, Any]] = {
    "affect": {
        "v": 1,
        "time": TIME,
        "sequence": 3,
        "window_s": 3.0,
        "group": "5-9",
        "engagement": {
            "label": "engagement",
            "boredom": 0.1,
            "confusion": 0.0,
            "engagement": 1.0,
            "frustration": 0,
        },
        "valence": -1.0,
        "satisfaction": 0.5,
        "confidence": 0.7,
        "reliability": {"face": 0.9},
        "abstain": None,
    },
    "session": {
        "v": 1,
        "id": "20261120-081500",
        "started": TIME,
        "ended": None,
        "final": False,
        "seconds": {"total": 20.0, "scored": 10.0, "abstained": {"too_dark": 10.0}},
        "engagement": {"boredom": 0.5, "confusion": 0.0, "engagement": 0.5, "frustration": 0.0, "none": 0.0},
        "valence": 0.2,
        "satisfaction": None,
        "coverage": 0.5,
        "emotions": None,
        "transitions": 2,
        "longest_low_s": 4.0,
        "halves": {
            "first": {"engaged": 0.5, "satisfaction": None, "coverage": 0.5},
            "second": {"engaged": None, "satisfaction": None, "coverage": 0.0},
        },
        "activities": {"exercise": {"seconds": 5.0, "engaged": 0.5, "satisfaction": None, "coverage": 1.0}},
    },
    "alert": {
        "v": 1,
        "time": TIME,
        "kind": "low_engagement",
        "phase": "began",
        "since": TIME,
        "seconds": 150.0,
        "share": 0.8,
        "scenario": "lecture",
    },
    "health": {
        "v": 1,
        "fps": 15.0,
        "rate_hz": 7.5,
        "target_hz": 7.5,
        "load": "normal",
        "lag_ms": 80.0,
        "temperature_c": 48.5,
        "undervoltage": False,
        "throttled": None,
        "dropped_frames": 3,
        "dropped_audio_s": 0.0,
        "latency_ms": {"mesh": 1.25},
        "rss_mib": 180.0,
        "queue": 0,
        "lost": 0,
        "camera": "live",
        "microphone": "none",
        "version": "0.1.0",
        "runtime": "litert",
        "models": {"face_emotion": "0123456789ab"},
        "uptime_s": 12.0,
    },
    "privacy": {
        "v": 1,
        "state": "capturing",
        "reason": "purpose, jurisdiction and consent are declared",
        "since": TIME,
        "muted_by": None,
        "consent_until": "2027-07-31",
        "minimum_group": 5,
        "purpose": "research",
        "jurisdiction": "US",
        "mode": "room",
    },
    "command": {"v": 1, "command": "mute"},
    "input": {"v": 1, "time": TIME, "valence": -0.5, "reliability": 0.8, "group": 6},
}
BAD: list[tuple[str, dict[str, Any]]] = [
    ("alert", {"phase": "perhaps"}),
    ("alert", {"person": 3}),
    ("session", {"halves": {}}),
    ("affect", {"v": 2}),
    ("affect", {"face": [1, 2, 3]}),
    ("affect", {"time": "2026-11-20 08:15"}),
    ("affect", {"time": "2026-11-20T08:15:00.000+01:00"}),
    ("affect", {"sequence": -1}),
    ("affect", {"sequence": 1.5}),
    ("affect", {"group": "7"}),
    ("affect", {"group": 7}),
    ("affect", {"valence": 1.01}),
    ("affect", {"valence": "0.5"}),
    ("affect", {"satisfaction": -0.01}),
    ("affect", {"confidence": None}),
    ("affect", {"reliability": {"face": 1.5}}),
    ("affect", {"reliability": {"landmarks": 0.5}}),
    ("affect", {"weights": {"face": 1.01}}),
    ("affect", {"weights": {"heart_rate": 1.0}}),
    ("affect", {"weights": None}),
    ("affect", {"limits": {"face": "tired"}}),
    ("affect", {"limits": {"track": "light"}}),
    ("affect", {"limits": {"face": ["light"]}}),
    ("affect", {"engagement": {"label": "engagement"}}),
    ("affect", {"engagement": {**GOOD["affect"]["engagement"], "track": 1}}),
    ("affect", {"abstain": "tired"}),
    ("session", {"id": "Room of Ms. Smith"}),
    ("session", {"seconds": {"total": 1.0, "scored": 1.0, "abstained": {"tired": 1.0}}}),
    ("session", {"final": 1}),
    ("health", {"models": {"face_emotion": "0123"}}),
    ("health", {"latency_ms": {"a stage\n": 1.0}}),
    ("health", {"latency_ms": {"mesh": -1.0}}),
    ("health", {"camera": "on"}),
    ("privacy", {"state": "secret"}),
    ("privacy", {"minimum_group": 0}),
    ("privacy", {"muted_by": "Anna"}),
    ("privacy", {"consent_until": "summer"}),
    ("privacy", {"reason": "two\nlines"}),
    ("input", {"valence": -1.01}),
    ("input", {"valence": True}),
    ("input", {"engagement": 1.01}),
    ("input", {"reliability": None}),
    ("input", {"group": 0}),
    ("input", {"group": 5.5}),
    ("input", {"person": "Anna"}),
    ("affect", {"reliability": {"face": 0.9, "heart_rate": 0.5}}),
    ("health", {"inputs": {"heart_rate": {"taken": 1, "ignored": {}}}}),
    ("health", {"inputs": {"text": {"taken": 1, "ignored": {"boring": 1}}}}),
    ("command", {"command": "reboot"}),
    ("command", {"command": "mute", "for": 10}),
]
CHANGED = [(topic, {**GOOD[topic], **change}) for topic, change in BAD]
CHANGED += [
    (topic, {k: v for k, v in content.items() if k != gone}) for topic, content in GOOD.items() for gone in content
]


def by_jsonschema(topic: str, content: dict[str, Any]) -> bool:
    return Draft202012Validator({**schema(), "anyOf": [{"$ref": f"#/$defs/{topic}"}]}).is_valid(content)


def test_committed_schema_is_the_generated_one() -> None:
    committed = Path(published.__file__).with_name("schema.json").read_text()
    assert committed == published.text() + "\n", "python -m edge.publish.schema > edge/publish/schema.json"


def test_schema_is_a_valid_draft_2020_12_schema() -> None:
    Draft202012Validator.check_schema(schema())
    assert set(GOOD) == set(PAYLOADS)


def test_every_object_of_the_schema_is_closed_and_every_field_described() -> None:
    objects = [part for part in schema()["$defs"].values() if part.get("type") == "object"]
    assert len(objects) >= len(PAYLOADS)
    for part in objects:
        assert part["additionalProperties"] is False
        assert part["description"]
        for name, field in part["properties"].items():
            assert name == "v" or field["description"], f"{part['title']}.{name}"
            if field.get("type") == "object":
                assert field["propertyNames"]["pattern"], f"{part['title']}.{name} takes any key"


@pytest.mark.parametrize("topic", GOOD)
def test_good_message_passes(topic: str) -> None:
    validate(topic, GOOD[topic])
    validate(f"affectfusion/site/room/{topic}", json.dumps(GOOD[topic]).encode())
    assert by_jsonschema(topic, GOOD[topic])


@pytest.mark.parametrize(
    ("topic", "change"),
    [
        ("affect", {"reliability": {"face": 0.9, "physiology": 0.4, "behaviour": 0.0, "text": 1.0}}),
        ("affect", {"weights": {"face": 0.6, "text": 0.4}, "limits": {"face": "compression"}}),
        ("health", {"inputs": {"text": {"taken": 3, "ignored": {"stale": 2}}}}),
        ("input/text", {"engagement": 0.0}),
    ],
)
def test_what_comes_from_outside_has_its_place(topic: str, change: dict[str, Any]) -> None:
    kind = topic.partition("/")[0]
    validate(f"affectfusion/site/room/{topic}", json.dumps({**GOOD[kind], **change}).encode())
    assert by_jsonschema(kind, {**GOOD[kind], **change})


@pytest.mark.parametrize(("topic", "content"), CHANGED)
def test_bad_message_is_refused(topic: str, content: dict[str, Any]) -> None:
    with pytest.raises(SchemaError, match=f"^{topic}: "):
        validate(topic, content)
    assert not by_jsonschema(topic, content)


@pytest.mark.parametrize("status", [b"online", b"offline"])
def test_status_is_a_bare_word(status: bytes) -> None:
    validate("status", status)


@pytest.mark.parametrize(
    ("topic", "message"),
    [
        ("status", b"busy"),
        ("status", b'"online"'),
        ("affect", b""),
        ("affect", b"\xff"),
        ("affect", b"[]"),
        ("affect", b"[" * 100_000),
        ("affect", json.dumps({**GOOD["affect"], "valence": math.nan}).encode()),
        ("affect", json.dumps(GOOD["affect"]).replace("-1.0", "1e999").encode()),
        ("picture", b"{}"),
        ("AffectPayload", json.dumps(GOOD["affect"]).encode()),
    ],
)
def test_what_is_no_message_is_refused(topic: str, message: bytes) -> None:
    with pytest.raises(SchemaError):
        validate(topic, message)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("field", ["valence", "satisfaction", "confidence", "window_s"])
def test_number_that_is_not_finite_is_refused(field: str, number: float) -> None:
    with pytest.raises(SchemaError, match="not a number"):
        validate("affect", {**GOOD["affect"], field: number})


numbers = st.floats() | st.floats(-1.1, 1.1)
affects = st.builds(
    Affect,
    time=st.floats(),
    window_s=numbers | st.just(3.0),
    group=st.integers(-1, 20),
    reliability=st.dictionaries(st.sampled_from(["face", "engagement", "speech", "text", "landmarks"]), numbers),
    engagement=st.none()
    | st.builds(
        Engagement,
        numbers,
        numbers,
        numbers,
        numbers,
        st.sampled_from([None, "boredom", "confusion", "engagement", "frustration", "joy"]),
    ),
    valence=st.none() | numbers,
    satisfaction=st.none() | numbers,
    confidence=numbers,
    abstain=st.none() | st.sampled_from(Abstention),
    weights=st.dictionaries(st.sampled_from(["face", "speech", "landmarks"]), numbers),
    limits=st.dictionaries(st.sampled_from(["face", "speech", "landmarks"]), st.sampled_from([*Limit, "tired", None])),
)


@given(affects)
@example(Affect(0.0, 3.0, 5, {"face": 1.0}, None, 1.004, 0.5, 0.5))
def test_any_affect_yields_a_valid_message_or_is_refused(affect: Affect) -> None:
    try:
        message = encode("affect", affect_payload(affect, 1, 0.0))
    except (TypeError, ValueError):
        return
    validate("affect", message)
    content = json.loads(message)
    assert by_jsonschema("affect", content)
    assert affect.abstain is None or content["valence"] is content["engagement"] is content["satisfaction"] is None
    assert affect.abstain is None or not {"weights", "limits"} & set(content)
    for field, limit in (("valence", 1.005), ("satisfaction", 1.005)):
        value = getattr(affect, field)
        assert content[field] is None or abs(value) <= limit


@given(st.floats(0, 1), st.floats(-1, 1), st.integers(0, 16))
def test_affect_within_its_ranges_is_never_refused(share: float, signed: float, group: int) -> None:
    engagement = Engagement(share, share, share, share, None)
    affect = Affect(
        *(0.0, 3.0, group, {"speech": share}, engagement, signed, share, share),
        weights={"face": share, "speech": 1 - share},
        limits={"speech": Limit.NOISE},
    )
    content = json.loads(encode("affect", affect_payload(affect, 1, 0.0)))
    assert content["valence"] == pytest.approx(signed, abs=0.0051)
