"""One JSON Schema for all that leaves the box, enforced; ``python -m edge.publish.schema`` prints it."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from functools import cache
from typing import Any

import fastjsonschema
import msgspec

from edge.publish.payloads import (
    AffectPayload,
    AlertPayload,
    CommandPayload,
    HealthPayload,
    InputPayload,
    Payload,
    PrivacyPayload,
    SessionPayload,
)
from edge.publish.topics import INPUTS

PAYLOADS: dict[str, type[Payload]] = {
    "affect": AffectPayload,
    "alert": AlertPayload,
    "session": SessionPayload,
    "health": HealthPayload,
    "privacy": PrivacyPayload,
    "command": CommandPayload,
    "input": InputPayload,
}
"""What each topic carries, apart from ``status``, which carries a bare word."""

_STATUS = {"description": "Bare text, not JSON: whether the box is there.", "enum": ["online", "offline"]}


class SchemaError(ValueError):
    """A message that is not what its topic carries."""


def schema() -> dict[str, Any]:
    """Generate the schema (draft 2020-12): ``$defs`` has an entry per topic, and what they share."""
    references, parts = msgspec.json.schema_components(PAYLOADS.values(), ref_template="#/$defs/{name}")
    parts["InputPayload"]["anyOf"] = [{"required": ["valence"]}, {"required": ["engagement"]}]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:affectfusion:edge:messages:1",
        "title": "AffectFusion Edge messages, version 1",
        "description": "What is published below affectfusion/SITE/ROOM/; $defs has an entry for each topic.",
        "anyOf": [{"$ref": f"#/$defs/{topic}"} for topic in PAYLOADS],
        "$defs": {**dict(zip(PAYLOADS, references, strict=True)), "status": _STATUS, **parts},
    }


def text() -> str:
    """Write the schema as it is committed beside this file and printed by ``affect-edge schema``."""
    return json.dumps(schema(), indent=2)


def encode(topic: str, payload: Payload) -> bytes:
    """Make the message to send: numbers rounded to two decimals, checked, as JSON. Raises SchemaError."""
    try:
        content = _rounded(msgspec.to_builtins(payload))
    except TypeError as error:
        raise SchemaError(f"{topic}: {error}") from error
    validate(topic, content)
    return json.dumps(content, separators=(",", ":")).encode()


def validate(topic: str, payload: bytes | bytearray | dict[str, Any]) -> Any:
    """Check a message, as sent or decoded, against the schema of ``topic`` (its full path or last level).

    Returns it decoded: a dict, or of ``status`` a word. Raises SchemaError with the first thing that is wrong, where.
    """
    name = topic.rpartition("/")[2]
    name = "input" if name in INPUTS else name
    if name not in (*PAYLOADS, "status"):
        raise SchemaError(f"{topic}: no such topic")
    try:
        content = _decoded(name, payload) if isinstance(payload, (bytes, bytearray)) else payload
        _refuse_non_finite(content)
        _validator(name)(content)
    except (fastjsonschema.JsonSchemaValueException, ValueError, RecursionError) as error:
        raise SchemaError(f"{name}: {error}") from error
    return content


def _decoded(name: str, payload: bytes | bytearray) -> Any:
    return payload.decode() if name == "status" else msgspec.json.decode(payload)


@cache
def _validator(name: str) -> Callable[[Any], Any]:
    # fastjsonschema knows drafts up to 7; every keyword used here means the same there.
    compiled: Callable[[Any], Any] = fastjsonschema.compile({"$ref": f"#/$defs/{name}", "$defs": schema()["$defs"]})
    return compiled


def _refuse_non_finite(content: Any) -> None:
    """JSON has no NaN, and NaN passes every comparison a schema can make."""
    if isinstance(content, dict):
        for value in content.values():
            _refuse_non_finite(value)
    elif isinstance(content, float) and not math.isfinite(content):
        raise ValueError(f"{content} is not a number JSON can say")


def _rounded(content: Any) -> Any:
    if isinstance(content, dict):
        return {key: _rounded(value) for key, value in content.items()}
    # + 0.0 turns the -0.0 that rounding leaves into 0.0.
    return round(content, 2) + 0.0 if isinstance(content, float) else content


if __name__ == "__main__":
    print(text())
