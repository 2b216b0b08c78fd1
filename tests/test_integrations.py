"""The recipes in docs/ name what the box really has."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import yaml

from edge.config import Box, HomeAssistant, Settings
from edge.homeassistant.discovery import description
from edge.publish.schema import schema, validate
from edge.publish.topics import PUBLISHED
from edge.words.catalogue import catalogue
from edge.words.explanation import explanation
from edge.words.sentence import Newest

DOCS = Path(__file__).parents[1] / "docs"
TEXT = (DOCS / "integrations.md").read_text()
FLOW: list[dict[str, Any]] = json.loads((DOCS / "node-red-flow.json").read_text())
EXPLAINED = re.compile(r"affect-edge explain --config.*\n((?:    .*\n)+)")
NAMED = re.compile(r"\b\w+\.affectfusion_school_lab_\w+")


def entity_ids() -> set[str]:
    """As Home Assistant makes them: the platform, the device's name and the entity's."""
    told = description(Settings(box=Box("school", "lab"), homeassistant=HomeAssistant(enabled=True)))
    names = {entity["platform"]: [] for entity in told["components"].values()}
    for entity in told["components"].values():
        names[entity["platform"]].append(f"{told['device']['name']} {entity['name']}")
    return {f"{platform}.{re.sub('[^a-z0-9]+', '_', name.lower())}" for platform in names for name in names[platform]}


def test_the_examples_for_home_assistant_are_yaml_over_entities_that_the_box_announces() -> None:
    examples = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
    assert len(examples) == 3
    assert all(isinstance(yaml.safe_load(example), dict) for example in examples)
    named = set(NAMED.findall(TEXT))
    assert len(named) >= 10
    assert named <= entity_ids()


def test_the_example_of_a_state_is_valid_and_is_explained_as_it_says() -> None:
    (example,) = (json.loads(block) for block in re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL))
    validate("affect", example)
    (lines,) = EXPLAINED.findall(TEXT)
    newest = Newest(now=0.0, affect=example, age_s=0.0)
    assert [line.strip() for line in lines.splitlines()] == list(explanation(newest, catalogue("en")))


def test_every_limit_of_the_contract_is_in_the_table() -> None:
    (row,) = (line for line in TEXT.splitlines() if line.startswith("| `limits`"))
    assert set(re.findall(r"`(\w+)`", row)) - {"limits"} == set(schema()["$defs"]["Limit"]["enum"])


def test_the_flow_is_wired_within_itself_and_holds_no_secret() -> None:
    nodes = {node["id"]: node for node in FLOW}
    assert len(nodes) == len(FLOW)
    assert {node["type"] for node in FLOW} <= {
        *("tab", "mqtt-broker", "mqtt in", "mqtt out", "function", "rbe", "inject", "debug"),
    }
    for node in FLOW:
        assert {target for wire in node.get("wires", []) for target in wire} <= set(nodes), node["name"]
        assert node.get("broker", "af0000000000brk1") in ("af0000000000brk1", "127.0.0.1")
        assert "credentials" not in node


def test_the_flow_reads_what_is_published_and_gives_commands_that_are_obeyed() -> None:
    published = {f"affectfusion/+/+/{topic.name}" for topic in PUBLISHED}
    assert {node["topic"] for node in FLOW if node["type"] == "mqtt in"} <= published
    (out,) = [node for node in FLOW if node["type"] == "mqtt out"]
    assert out["retain"] == "false"
    for node in FLOW:
        if node["type"] == "inject":
            validate(out["topic"], node["payload"].encode())


def test_the_metrics_are_numbers_that_are_published() -> None:
    known = schema()["$defs"]
    named = set(re.findall(r"\bmqtt_([a-z_]+)", TEXT)) - {"exporter", "message_total"}
    fields = {name for kind in ("AffectPayload", "HealthPayload") for name in known[kind]["properties"]}
    nested = {f"engagement_{name}" for name in known["Engagement"]["properties"]}
    nested |= {f"reliability_{name}" for name in known["Reliability"]["properties"]}
    assert len(named) >= 6
    assert named <= fields | nested
