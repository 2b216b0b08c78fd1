"""What Home Assistant shows of a room: each entity is a view of one value of one published topic.

Templates give ``None`` for what is not known, which Home Assistant shows as unknown, and nothing at all for a message
that is not about the entity, which leaves it as it is. What a box would say often but no longer says expires, so that
a dead box does not look alive.
"""

from __future__ import annotations

import json
from typing import Any, get_args

from edge.config import Box, Settings
from edge.publish.payloads import AlertKind, Bucket, HealthLoad, Label, PrivacyState, SensorState
from edge.publish.topics import AFFECT, ALERT, COMMAND, HEALTH, PRIVACY, SESSION, STATUS, Topic, address, identifier
from edge.session.alerts import STILL_S
from edge.session.scenarios import configured
from edge.signals import Abstention

Entity = dict[str, Any]

REPORT_EXPIRES_S = 60
"""Seconds after the last ``health`` or ``session``, which come every ten."""

DIAGNOSTIC = {"entity_category": "diagnostic"}


def entities(settings: Settings) -> dict[str, Entity]:
    """Every entity by its name within the device, in the words of Home Assistant's discovery."""
    shown = _Shown(settings.box)
    _add_room(shown, settings.fusion.period_s)
    _add_alerts(shown)
    _add_lesson(shown)
    _add_privacy(shown)
    if settings.homeassistant.commands:
        _add_controls(shown, list(configured(settings.session)))
    else:
        shown.add("binary_sensor", "muted", "Muted", PRIVACY, _MUTED, icon="mdi:eye-off")
    _add_health(shown)
    return shown.entities


class _Shown:
    """Entities of one box, as they are added."""

    def __init__(self, box: Box) -> None:
        self._box = box
        self.entities: dict[str, Entity] = {}

    def add(self, platform: str, key: str, name: str, topic: Topic, value: str, **options: Any) -> None:
        """An entity that shows what the template ``value`` makes of the messages on ``topic``."""
        self._add(platform, key, name, state_topic=address(self._box, topic), value_template=value, **options)

    def add_share(self, key: str, name: str, topic: Topic, value: str, **options: Any) -> None:
        """A sensor of a share from 0 to 1 (or -1 to 1), or None, in percent.

        Scores are no ``measurement`` to Home Assistant: of those it keeps hourly statistics for ever, beyond whatever
        its owner sets for its history.
        """
        percent = f"{{% set share = {value} %}}{{{{ none if share is none else (100 * share) | round | int }}}}"
        self.add("sensor", key, name, topic, percent, unit_of_measurement="%", **options)

    def add_choice(self, key: str, name: str, topic: Topic, value: str, choices: list[str], **options: Any) -> None:
        """A sensor of one of some words."""
        self.add("sensor", key, name, topic, value, device_class="enum", options=choices, **options)

    def add_command(self, platform: str, key: str, name: str, **options: Any) -> None:
        """An entity that also, or only, gives commands."""
        self._add(platform, key, name, command_topic=address(self._box, COMMAND), qos=COMMAND.qos, **options)

    def add_connection(self) -> None:
        """Whether the box is there: the one entity that must not vanish with it."""
        self.entities["connection"] = {
            "platform": "binary_sensor",
            "name": "Connection",
            "unique_id": f"{identifier(self._box)}-connection",
            "state_topic": address(self._box, STATUS),
            "device_class": "connectivity",
            "payload_on": "online",
            "payload_off": "offline",
            **DIAGNOSTIC,
        }

    def topic(self, topic: Topic) -> str:
        """The full address of ``topic``."""
        return address(self._box, topic)

    def _add(self, platform: str, key: str, name: str, **options: Any) -> None:
        self.entities[key] = {
            "platform": platform,
            "name": name,
            "unique_id": f"{identifier(self._box)}-{key}",
            "availability_topic": address(self._box, STATUS),
            **options,
        }


def _add_room(shown: _Shown, period_s: float) -> None:
    """The room's state. Ten states that do not come are no jitter of the network."""
    fresh = {"expire_after": max(30, round(10 * period_s))}
    engagement = "(value_json.engagement or {})"
    label = "{{ (value_json.engagement.label or 'none') if value_json.engagement else none }}"
    labels = [*get_args(Label), "none"]
    shown.add_choice("engagement", "Engagement", AFFECT, label, labels, icon="mdi:school", **fresh)
    for key, name in (
        ("engagement", "Engaged"),
        ("boredom", "Bored"),
        ("confusion", "Confused"),
        ("frustration", "Frustrated"),
    ):
        shown.add_share(f"{key}_share", name, AFFECT, f"{engagement}.get('{key}')", **fresh)
    shown.add_share("valence", "Valence", AFFECT, "value_json.valence", **fresh)
    shown.add_share("satisfaction", "Satisfaction", AFFECT, "value_json.satisfaction", **fresh)
    shown.add_share("confidence", "Confidence", AFFECT, "value_json.confidence", **fresh)
    for key, name in (("face", "faces"), ("engagement", "engagement"), ("speech", "voice")):
        trust = f"value_json.reliability.get('{key}')"
        shown.add_share(f"reliability_{key}", f"Reliability of {name}", AFFECT, trust, **fresh)
    shown.add_choice("group", "Faces in view", AFFECT, "{{ value_json.group }}", list(get_args(Bucket)), **fresh)
    reasons = ["scoring", *(reason.value for reason in Abstention)]
    shown.add_choice("watching", "Watching", AFFECT, "{{ value_json.abstain or 'scoring' }}", reasons, **fresh)


def _add_alerts(shown: _Shown) -> None:
    """Unknown until the first alert. One that is neither repeated nor cleared, as its box was restarted, goes off."""
    for kind in get_args(AlertKind):
        state = "'ON' if value_json.phase in ('began', 'still') else 'OFF'"
        value = f"{{% if value_json.kind == '{kind}' %}}{{{{ {state} }}}}{{% endif %}}"
        name = f"Alert {kind.replace('_', ' ')}"
        off = round(1.5 * STILL_S)
        shown.add("binary_sensor", f"alert_{kind}", name, ALERT, value, device_class="problem", off_delay=off)


def _add_lesson(shown: _Shown) -> None:
    fresh = {"expire_after": REPORT_EXPIRES_S}
    running = "{{ 'OFF' if value_json.final else 'ON' }}"
    shown.add("binary_sensor", "lesson", "Lesson", SESSION, running, device_class="running", **fresh)
    started = "{{ value_json.started }}"
    shown.add("sensor", "lesson_started", "Lesson started", SESSION, started, device_class="timestamp", **fresh)
    engaged = "(value_json.engagement or {}).get('engagement')"
    shown.add_share("lesson_engaged", "Lesson engaged", SESSION, engaged, **fresh)
    shown.add_share("lesson_satisfaction", "Lesson satisfaction", SESSION, "value_json.satisfaction", **fresh)
    shown.add_share("lesson_coverage", "Lesson coverage", SESSION, "value_json.coverage", **fresh)


_MUTED = "{{ 'ON' if value_json.muted_by else 'OFF' }}"


def _add_privacy(shown: _Shown) -> None:
    """The reason, the purpose and the rest of the message are attributes of the state."""
    states, rest = list(get_args(PrivacyState)), {"json_attributes_topic": shown.topic(PRIVACY)}
    shown.add_choice("privacy", "Privacy", PRIVACY, "{{ value_json.state }}", states, icon="mdi:shield-account", **rest)
    capturing = "{{ 'ON' if value_json.state == 'capturing' else 'OFF' }}"
    shown.add("binary_sensor", "capturing", "Capturing", PRIVACY, capturing, device_class="running")


def _add_controls(shown: _Shown, kinds: list[str]) -> None:
    """What may be told to the box; it answers by what it publishes, and only then does the entity change."""
    shown.add_command(
        "switch",
        "muted",
        "Muted",
        icon="mdi:eye-off",
        state_topic=shown.topic(PRIVACY),
        value_template=_MUTED,
        state_on="ON",
        state_off="OFF",
        payload_on=_command("mute"),
        payload_off=_command("unmute"),
    )
    shown.add_command(
        "select",
        "scenario",
        "Kind of lesson",
        icon="mdi:tune",
        state_topic=shown.topic(SESSION),
        value_template="{{ value_json.get('scenario') }}",
        options=kinds,
        command_template=_command("scenario", name="{{ value }}"),
    )
    for key, name, command, icon in (
        ("start_lesson", "Start lesson", "start_session", "mdi:play"),
        ("end_lesson", "End lesson", "end_session", "mdi:stop"),
    ):
        shown.add_command("button", key, name, icon=icon, payload_press=_command(command))


def _add_health(shown: _Shown) -> None:
    """How the box itself is doing, below what the device is for."""
    own = {"expire_after": REPORT_EXPIRES_S, **DIAGNOSTIC}

    def figure(key: str, name: str, field: str, **options: Any) -> None:
        shown.add(
            "sensor", key, name, HEALTH, f"{{{{ value_json.{field} }}}}", state_class="measurement", **own, **options
        )

    def fault(key: str, name: str, field: str) -> None:
        value = f"{{% set bad = value_json.{field} %}}{{{{ none if bad is none else 'ON' if bad else 'OFF' }}}}"
        shown.add("binary_sensor", key, name, HEALTH, value, device_class="problem", **own)

    shown.add_connection()
    figure("temperature", "Temperature", "temperature_c", device_class="temperature", unit_of_measurement="°C")
    figure("rate", "Pictures looked at", "rate_hz", device_class="frequency", unit_of_measurement="Hz")
    figure("lag", "Age of the newest state", "lag_ms", device_class="duration", unit_of_measurement="ms")
    figure("memory", "Memory", "rss_mib", device_class="data_size", unit_of_measurement="MiB")
    figure("queue", "Messages waiting", "queue", enabled_by_default=False)
    shown.add_choice("load", "Load", HEALTH, "{{ value_json.load }}", list(get_args(HealthLoad)), **own)
    for sensor in ("camera", "microphone"):
        states = list(get_args(SensorState))
        shown.add_choice(sensor, sensor.capitalize(), HEALTH, f"{{{{ value_json.{sensor} }}}}", states, **own)
    fault("undervoltage", "Power supply", "undervoltage")
    fault("throttled", "Processor slowed", "throttled")


def _command(command: str, **values: str) -> str:
    return json.dumps({"v": 1, "command": command, **values})
