"""The box's configuration in mosquitto's words: pure functions from settings to text."""

from __future__ import annotations

import os
from pathlib import Path

from edge.broker.places import Places
from edge.config import Settings
from edge.errors import UserError
from edge.publish.topics import BIRTH, COMMAND, INPUTS, PUBLISHED, address, discovery_topic, identifier

DEVICE, VIEWER, OPERATOR = "device", "viewer", "operator"
"""Who the broker lets in: the box itself, those who see its scores, and those who may also give it commands."""
HOME_ASSISTANT = "homeassistant"
"""And Home Assistant, where the box announces itself to it."""
CONTRIBUTOR = "contributor"
"""And modalities from outside, where they are allowed."""

HEADER = "# Written by affect-edge broker-config from the box's configuration; what is changed here is lost."
SYSTEM_AUTHORITIES = Path("/etc/ssl/certs")


def people(settings: Settings) -> dict[str, str]:
    """Who, apart from the box itself, has a name and a password, and what for."""
    found = {VIEWER: "reads", OPERATOR: "reads, and sends commands such as mute"}
    if settings.homeassistant.enabled:
        found[HOME_ASSISTANT] = "for Home Assistant"
    if settings.inputs.allow:
        found[CONTRIBUTOR] = "sends modalities from outside"
    return found


def drop_in(settings: Settings, places: Places, stated: Path | None) -> str:
    """What is added to the distribution's configuration.

    ``stated`` is the folder for what outlives the broker, where the distribution's configuration names one: named
    twice, it keeps mosquitto from starting. ``per_listener_settings`` stays off, so that one set of passwords and
    rights holds for every listener, those of an administrator's own drop-ins too.
    """
    local, socket, durable = settings.broker.local, settings.broker.socket, settings.broker.local.durable
    return _text(
        ["allow_anonymous false", f"password_file {places.passwords}", f"acl_file {places.acl}"],
        [
            "# Written down with every change: a broker that is killed forgets what it acknowledged in its last",
            "# milliseconds, and no more.",
            "persistence true",
            *([] if stated is not None else [f"persistence_location {places.state}/"]),
            # The one way out of a folder that cannot be named again.
            *([] if durable else [f"persistence_file {os.path.relpath(places.memory, stated or places.state)}"]),
            "autosave_on_changes true",
            "autosave_interval 1",
            "persistent_client_expiration 14d",
        ],
        [
            "# A subscriber that is away finds an hour of the lesson when it returns, and cannot fill the memory.",
            "max_queued_messages 5000",
            "max_queued_bytes 4194304",
            "max_packet_size 65536",
        ],
        [] if socket is None else ["# The box itself.", f"listener 0 {socket}"],
        ["# Programs on this machine.", f"listener {local.loopback_port} 127.0.0.1", "max_connections 50"],
        [
            "# Browsers, by way of a web server on this machine. Without socket_domain, mosquitto 2.0.11 takes",
            "# connections from everywhere here, whatever address the listener names.",
            f"listener {local.websockets_port} 127.0.0.1",
            "socket_domain ipv4",
            "protocol websockets",
            "max_connections 50",
        ],
        [
            "# The network.",
            f"listener {local.port}",
            f"certfile {places.certificate}",
            f"keyfile {places.key}",
            "tls_version tlsv1.2",
            "max_connections 100",
        ]
        if local.network
        else [],
    )


def acl(settings: Settings) -> str:
    """Who may read and write what; nobody else may anything.

    The box may always write its announcement, so that it can be taken back once it is no longer wanted.

    mosquitto grants every subscription and checks each message on its way out: whoever subscribes to ``#`` receives
    what may be read, and no more. What comes from outside is for the box alone: it may yet refuse it.
    """
    box, homeassistant = settings.box, settings.homeassistant
    everything = f"affectfusion/{box.site}/{box.room}/#"
    announcement = discovery_topic(box, homeassistant.prefix)
    outside = [address(box, INPUTS[name]) for name in sorted(set(settings.inputs.allow))]
    hidden = [f"topic deny {topic}" for topic in outside]
    return _text(
        [
            f"user {DEVICE}",
            *(f"topic write {address(box, topic)}" for topic in PUBLISHED),
            f"topic read {address(box, COMMAND)}",
            f"topic write {announcement}",
            f"topic read {BIRTH}",
            *(f"topic read {topic}" for topic in outside),
        ],
        [f"user {VIEWER}", f"topic read {everything}", *hidden],
        [f"user {OPERATOR}", f"topic read {everything}", f"topic write {address(box, COMMAND)}", *hidden],
        [
            f"user {HOME_ASSISTANT}",
            f"topic read {everything}",
            *([f"topic write {address(box, COMMAND)}"] if homeassistant.commands else []),
            # it takes the announcement away when its user deletes the device there
            f"topic readwrite {announcement}",
            f"topic write {BIRTH}",
            *hidden,
        ]
        if homeassistant.enabled
        else [],
        [f"user {CONTRIBUTOR}", *(f"topic write {topic}" for topic in outside)] if outside else [],
    )


def bridge(settings: Settings, password: str | None) -> str:
    """What is sent on to another broker, and what may come from there. ``password`` is the one of its user name.

    Beside the box's own topics, ``bridge`` below its base says, retained, whether the box reaches that broker (1, 0):
    the last will of the box itself ends at the broker on the box.
    """
    there = settings.broker.bridge
    assert there is not None
    host, port = there.address
    box, homeassistant = identifier(settings.box), settings.homeassistant
    return _text(
        [
            f"connection {box}",
            f"address {host}:{port}",
            f"remote_clientid {box}-bridge",
            *([f"remote_username {there.username}"] if there.username else []),
            *([f"remote_password {password}"] if password is not None else []),
        ],
        [
            "# What could not be sent waits, across a restart of either broker.",
            "cleansession false",
            "bridge_protocol_version mqttv311",
            "keepalive_interval 15",
            "restart_timeout 1 10",
            f"notification_topic affectfusion/{settings.box.site}/{settings.box.room}/bridge",
        ],
        [
            f"bridge_cafile {there.ca_file}" if there.ca_file is not None else f"bridge_capath {SYSTEM_AUTHORITIES}",
            "bridge_insecure false",
        ]
        if there.encrypted
        else [],
        [
            *(f"topic {address(settings.box, topic)} out {topic.qos}" for topic in PUBLISHED),
            *([f"topic {address(settings.box, COMMAND)} in {COMMAND.qos}"] if there.commands else []),
            f"topic {discovery_topic(settings.box, homeassistant.prefix)} out 1",
            *([f"topic {BIRTH} in 0"] if homeassistant.enabled else []),
        ],
    )


def _text(*blocks: list[str]) -> str:
    """Blocks of lines, apart. Raises UserError where a value would break its line and become an option of its own."""
    lines = [line for block in blocks for line in block]
    for line in lines:
        if not line.isprintable():
            key = line.partition(" ")[0]
            raise UserError(f"{key}: the value holds a line break or another character that cannot be printed")
    return "\n\n".join([HEADER, *("\n".join(block) for block in blocks if block)]) + "\n"
