"""Where each message goes, and how: the MQTT contract's table of topics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import get_args

from edge.config import Box
from edge.signals import Outside


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic below the base: ``retained`` messages are what a new subscriber sees first.

    Of a ``kept`` topic every message is delivered, in order, whatever happens to the broker or the box; of the others
    only the newest.
    """

    name: str
    retained: bool
    qos: int
    kept: bool = False


STATUS = Topic("status", retained=True, qos=1)
"""``online`` / ``offline``; also the last will."""
AFFECT = Topic("affect", retained=True, qos=1, kept=True)
ALERT = Topic("alert", retained=False, qos=1, kept=True)
SESSION = Topic("session", retained=True, qos=1, kept=True)
HEALTH = Topic("health", retained=True, qos=0)
PRIVACY = Topic("privacy", retained=True, qos=1)
COMMAND = Topic("command", retained=False, qos=1)
"""Subscribed to."""

INPUTS: Mapping[Outside, Topic] = {name: Topic(f"input/{name}", retained=False, qos=0) for name in get_args(Outside)}
"""Modalities from outside, by name; subscribed to where they are allowed. Late is useless: none is sent twice."""

PUBLISHED = (STATUS, AFFECT, ALERT, SESSION, HEALTH, PRIVACY)
"""All that the box says."""

KEPT = {topic.name: topic for topic in PUBLISHED if topic.kept}
"""The kept topics by name."""

BIRTH = "homeassistant/status"
"""Where a Home Assistant says ``online`` when it has started; not a topic of the box."""


def address(box: Box, topic: Topic) -> str:
    """Return the full topic, ``affectfusion/SITE/ROOM/NAME``."""
    return f"affectfusion/{box.site}/{box.room}/{topic.name}"


def identifier(box: Box) -> str:
    """The one name of the box, for brokers and Home Assistant."""
    return f"affectfusion-{box.site}-{box.room}"


def discovery_topic(box: Box, prefix: str) -> str:
    """Where Home Assistant, set to ``prefix``, learns of the box."""
    return f"{prefix}/device/{identifier(box)}/config"
