"""The discovery message: one device with all its entities, as Home Assistant's MQTT integration reads it.

The form is the device-based one (Home Assistant 2024.11 and later).
"""

from __future__ import annotations

import json
from typing import Any

from edge import __version__
from edge.config import Settings
from edge.homeassistant.entities import entities
from edge.publish.announcement import Announcement
from edge.publish.topics import BIRTH, discovery_topic, identifier


def announcement(settings: Settings) -> Announcement | None:
    """What the running box says to Home Assistant; None where the settings do not want that."""
    if not settings.homeassistant.enabled:
        return None
    return Announcement(where(settings), json.dumps(description(settings), separators=(",", ":")).encode(), BIRTH)


def where(settings: Settings) -> str:
    """The topic of the message; empty and retained there, it takes the device away."""
    return discovery_topic(settings.box, settings.homeassistant.prefix)


def description(settings: Settings) -> dict[str, Any]:
    """The device, who speaks for it, and its entities by name."""
    box = settings.box
    return {
        "device": {
            "identifiers": [identifier(box)],
            "name": f"AffectFusion {box.site} {box.room}",
            "manufacturer": "AffectFusion",
            "model": "AffectFusion Edge",
            "sw_version": __version__,
            "suggested_area": box.room,
        },
        "origin": {"name": "affect-edge", "sw_version": __version__},
        "components": entities(settings),
    }
