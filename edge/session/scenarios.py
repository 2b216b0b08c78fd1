"""Kinds of lessons, as data: which sustained states are worth an alert in each."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from edge.publish.payloads import AlertKind

Share = Annotated[float, Meta(ge=0.0, le=1.0)]


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When one kind of alert begins and ends; ``scenarios.toml`` says what each value means."""

    begin: Share
    clear: Share
    after_s: Annotated[float, Meta(ge=10.0, le=3600.0)]
    confidence: Share = 0.2
    quiet_s: Annotated[float, Meta(ge=0.0, le=7200.0)] = 300.0

    def __post_init__(self) -> None:
        if self.clear >= self.begin:
            raise ValueError("clear must be below begin")


Rules = dict[AlertKind, Rule]


@cache
def scenarios() -> dict[str, Rules]:
    """The scenarios that come with the box, by name."""
    return msgspec.toml.decode(Path(__file__).with_name("scenarios.toml").read_bytes(), type=dict[str, Rules])
