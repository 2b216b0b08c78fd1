"""The MQTT client: sends what the schema allows, says whether the box is there, and outlives the broker."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
from paho.mqtt.client import Client, MQTTMessage, MQTTMessageInfo
from paho.mqtt.enums import MQTTErrorCode

from edge.config import Box, Broker, OutboxSettings
from edge.publish.announcement import Announcement, Announcer
from edge.publish.connection import KEEPALIVE_S, UNACKNOWLEDGED, in_words, prepared_client, refusal
from edge.publish.outbox import Outbox
from edge.publish.payloads import (
    AffectPayload,
    AlertPayload,
    CommandPayload,
    HealthPayload,
    Payload,
    PrivacyPayload,
    SessionPayload,
    affect_payload,
)
from edge.publish.schema import SchemaError, encode, validate
from edge.publish.topics import AFFECT, ALERT, COMMAND, HEALTH, INPUTS, KEPT, PRIVACY, SESSION, STATUS, Topic, address
from edge.signals import Affect, Outside

log = logging.getLogger(__name__)

FAREWELL_S, LEAVE_S = 0.9, 0.5
"""Longest waits of ``stop``: for the broker to acknowledge what is left to say, and for the network thread to end."""


class Publisher:
    """Publishes the room's state and the box's own, and hands over commands.

    ``on_command``, ``on_refused`` (given the reason) and ``on_input`` (given which of ``inputs`` it is, its bytes and
    whether they were retained) are called on the network thread; they must return at once and not raise. Nothing raises
    on account of the broker: while it is away the log says so once, the messages of kept topics wait in the outbox (in
    ``file``, or in memory) and of the other topics the newest is kept. The ``announcement`` is made at every
    connection. Raises UserError at construction where the settings cannot work.
    """

    def __init__(
        self,
        broker: Broker,
        box: Box,
        on_command: Callable[[CommandPayload], None],
        on_refused: Callable[[str], None] = lambda reason: None,
        *,
        inputs: Collection[Outside] = (),
        on_input: Callable[[Outside, bytes, bool], None] = lambda name, payload, retained: None,
        file: Path | None = None,
        limit: int = OutboxSettings().messages,
        announcement: Announcement | None = None,
    ) -> None:
        self._box = box
        self._broker = broker
        self._where = broker.where
        self._on_command = on_command
        self._on_refused = on_refused
        self._inputs = {address(box, INPUTS[name]): name for name in inputs}
        self._on_input = on_input
        self._heeds = False
        self._joining: int | None = None
        self._lock = threading.Lock()
        self._newest: dict[Topic, bytes] = {}
        self._sent: deque[MQTTMessageInfo] = deque(maxlen=UNACKNOWLEDGED)
        self._sequence = 0
        self._stopping = False
        self.connected = False
        """Whether messages reach the broker now."""
        self.problem: str | None = None
        """Why they do not, and the cure, in one line."""
        self.rejected = 0
        """Own messages dropped because they broke the schema; each is a bug."""
        self.refused = 0
        """Commands refused."""
        self._outbox = Outbox(file, limit, self._deliver)
        self._announcer = Announcer(announcement, self._announce) if announcement else None
        self._client = prepared_client(broker, box)
        self._client.on_connect = self._connected
        self._client.on_connect_fail = self._unreachable
        self._client.on_subscribe = self._subscribed
        self._client.on_disconnect = self._disconnected
        self._client.on_message = self._received
        self._client.on_publish = self._acknowledged

    def start(self) -> None:
        """Begin to connect, in the background, for as long as it takes."""
        self._outbox.start()
        self._client.connect_async(*self._broker.address, KEEPALIVE_S)
        self._client.loop_start()

    def stop(self) -> None:
        """Deliver what waits if that can be done at once, say ``offline`` and leave.

        Takes less than two seconds whatever the broker does.
        """
        deadline = time.monotonic() + FAREWELL_S
        if self.connected:
            self._outbox.drained(FAREWELL_S / 2)
        if self._announcer is not None:
            self._announcer.stop()
        with self._lock:
            self._stopping = True
            farewell = self._send(STATUS, b"offline") if self.connected else None
            self.connected = False
        if farewell is not None:
            with suppress(ValueError, RuntimeError):
                farewell.wait_for_publish(max(0.0, deadline - time.monotonic()))
        self._client.disconnect()
        # The thread may be in a connection attempt that nothing interrupts; it is a daemon and ends after it.
        leaving = threading.Thread(target=self._client.loop_stop, daemon=True)
        leaving.start()
        self._outbox.stop()
        leaving.join(LEAVE_S)

    def affect(self, affect: Affect) -> None:
        """Publish the room's state, stamped with the wall time and the next sequence number."""
        if not isinstance(affect, Affect):
            raise TypeError(f"only an Affect may leave as one, not {type(affect).__name__}")
        self._sequence += 1
        try:
            payload = affect_payload(affect, self._sequence, time.time())
        except (TypeError, ValueError) as error:
            self._reject(AFFECT, error)
        else:
            self._publish(AFFECT, payload, AffectPayload)

    def alert(self, payload: AlertPayload) -> None:
        """Publish that a state of the room lasts, or is over."""
        self._publish(ALERT, payload, AlertPayload)

    def session(self, payload: SessionPayload) -> None:
        """Publish the session's statistics."""
        self._publish(SESSION, payload, SessionPayload)

    def health(self, payload: HealthPayload) -> None:
        """Publish how the box is doing."""
        self._publish(HEALTH, payload, HealthPayload)

    def privacy(self, payload: PrivacyPayload) -> None:
        """Publish whether the box captures, and why."""
        self._publish(PRIVACY, payload, PrivacyPayload)

    def heed(self, inputs: bool) -> None:
        """Subscribe to the modalities from outside, or no longer; not subscribed to at first."""
        with self._lock:
            if inputs != self._heeds and self._inputs:
                self._heeds = inputs
                if inputs:
                    self._subscribe_to_inputs()
                else:
                    self._client.unsubscribe(list(self._inputs))

    def discard(self) -> None:
        """Drop what waits of ``affect``, ``alert`` and ``session``; called before ``start``, also what waited since."""
        with self._lock:
            self._outbox.discard()

    @property
    def queue(self) -> int:
        """How many messages the broker has yet to acknowledge."""
        return self._outbox.depth + sum(not _settled(info) for info in tuple(self._sent))

    @property
    def lost(self) -> int:
        """How many messages to kept topics were dropped unsent since the start."""
        return self._outbox.lost

    def _publish(self, topic: Topic, payload: Payload, kind: type[Payload]) -> None:
        if not isinstance(payload, kind):
            raise TypeError(f"{topic.name} carries a {kind.__name__}, not {type(payload).__name__}")
        try:
            message = encode(topic.name, payload)
        except SchemaError as error:
            self._reject(topic, error)
            return
        with self._lock:
            if topic.kept:
                self._outbox.put(address(self._box, topic), message)
                return
            self._newest[topic] = message
            if self.connected:
                self._send(topic, message)

    def _reject(self, topic: Topic, error: Exception) -> None:
        self.rejected += 1
        log.error("dropped a message to %s that breaks the schema; this is a bug: %s", topic.name, error)

    def _send(self, topic: Topic, message: bytes) -> MQTTMessageInfo:
        info = self._client.publish(address(self._box, topic), message, topic.qos, topic.retained)
        if info.rc == MQTTErrorCode.MQTT_ERR_SUCCESS:
            self._sent.append(info)
        return info

    def _subscribe_to_inputs(self) -> None:
        self._client.subscribe([(where, INPUTS[name].qos) for where, name in self._inputs.items()])

    def _deliver(self, where: str, message: bytes) -> int | None:
        """Send a message from the outbox, on its thread. Raises SchemaError where a file brought something else."""
        validate(where, message)
        topic = KEPT.get(where.rpartition("/")[2])
        if topic is None:
            raise SchemaError(f"{where}: not a topic of the outbox")
        info = self._client.publish(where, message, topic.qos, topic.retained)
        return None if info.rc == MQTTErrorCode.MQTT_ERR_QUEUE_SIZE else info.mid

    def _announce(self) -> None:
        """Tell Home Assistant of the box, where that is wanted; on the network thread or on one of its own."""
        if self._announcer is not None and self.connected:
            announcement = self._announcer.announcement
            self._client.publish(announcement.topic, announcement.message, qos=1, retain=True)

    # The methods below run on the network thread.

    def _connected(self, client: Client, _: Any, flags: Any, reason: Any, properties: Any) -> None:
        # Paho would repeat what the last connection left unacknowledged, the old after the new: outbox and
        # ``_subscribed`` do that in order.
        client.drop_out_messages()
        self._sent.clear()
        problem = refusal(self._where, reason)
        if problem is None:
            births = [(self._announcer.announcement.birth, 0)] if self._announcer else []
            with self._lock:
                _, self._joining = client.subscribe([(address(self._box, COMMAND), COMMAND.qos), *births])
                if self._heeds:
                    self._subscribe_to_inputs()
        else:
            self._report(problem, always=True)

    def _subscribed(self, client: Client, _: Any, mid: int, reasons: list[Any], properties: Any) -> None:
        """Announce the box, now that it also hears commands."""
        if mid != self._joining:
            if any(reason.is_failure for reason in reasons):
                log.warning("%s lets no inputs through; allow reading %s", self._where, ", ".join(self._inputs))
            return
        with self._lock:
            if self._stopping:
                return
            self._send(STATUS, b"online")
            for topic, message in self._newest.items():
                self._send(topic, message)
            waiting = self._outbox.depth
            self._outbox.resume()
            self.connected = True
            self.problem = None
        self._announce()
        log.info("publishing to %s%s", self._where, f", {waiting} messages that waited first" if waiting else "")
        if reasons[0].is_failure:
            log.warning("%s lets no commands through; allow reading %s", self._where, address(self._box, COMMAND))

    def _unreachable(self, client: Client, _: Any) -> None:
        # paho calls this while it handles the exception, and does not pass it on.
        self._report(in_words(self._where, sys.exc_info()[1]))

    def _acknowledged(self, client: Client, _: Any, mid: int, reason: Any, properties: Any) -> None:
        self._outbox.acknowledge(mid)

    def _disconnected(self, client: Client, _: Any, flags: Any, reason: Any, properties: Any) -> None:
        self._outbox.pause()
        if self.connected:
            self.connected = False
            hint = "if this repeats, look for a second box with the same box.site and box.room"
            self._report(f"{self._where}: the connection was lost; {hint}")
        elif self.problem is None:
            self._report(f"{self._where} closed the connection before answering; check broker.port and broker.tls")

    def _received(self, client: Client, _: Any, message: MQTTMessage) -> None:
        if self._announcer is not None and self._announcer.heard(message):
            return
        name = self._inputs.get(message.topic)
        if name is not None:
            self._on_input(name, bytes(message.payload), message.retain)
            return
        try:
            command = _command(message)
        except (SchemaError, msgspec.ValidationError) as error:
            self.refused += 1
            reason = " ".join(str(error).split())[:200]
            log.warning("refused a command: %s", reason)
            self._on_refused(reason)
        else:
            self._on_command(command)

    def _report(self, problem: str, always: bool = False) -> None:
        """Note a problem; log it if it begins an outage, or with ``always`` if it is a new one."""
        if self._stopping:
            return
        if self.problem is None or (always and problem != self.problem):
            log.warning("%s; trying again until it works", problem)
        self.problem = problem


def _settled(info: MQTTMessageInfo) -> bool:
    """Whether a message was acknowledged, or lost with its connection."""
    try:
        return info.is_published()
    except (ValueError, RuntimeError):
        return True


def _command(message: MQTTMessage) -> CommandPayload:
    """Read the command in a message. Raises SchemaError or msgspec.ValidationError."""
    if message.retain:
        raise SchemaError("command: retained; it would be obeyed again at every connection")
    validate("command", message.payload)
    return msgspec.json.decode(message.payload, type=CommandPayload)
