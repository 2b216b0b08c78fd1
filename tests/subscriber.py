"""The box as its neighbours on the network see it."""

from __future__ import annotations

import json
import threading
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion
from services import wait_until

from edge.publish.schema import validate

BASE = "affectfusion/school/lab/"
PATIENCE_S = 20.0


class Subscriber:
    """All that the box publishes, as a stranger on the network receives it, and commands to it.

    For one with a ``name`` the broker keeps what comes while they are apart, and it finds the broker again.
    """

    def __init__(self, port: int, name: str = "") -> None:
        self._messages: list[MQTTMessage] = []
        self._subscribed = threading.Event()
        self._client = Client(CallbackAPIVersion.VERSION2, client_id=name, clean_session=not name)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_message = lambda client, _, message: self._messages.append(message)
        self._client.on_connect = lambda client, *_: client.subscribe(BASE + "+", 1)
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        assert self._subscribed.wait(PATIENCE_S)

    def of(self, topic: str, *, retained: bool = True) -> list[Any]:
        """What came on ``topic`` so far, decoded; each message is checked against the schema.

        Without ``retained`` only what was published since the subscription.
        """
        found = []
        for message in tuple(self._messages):
            validate(message.topic, message.payload)
            if message.topic == BASE + topic and (retained or not message.retain):
                found.append(json.loads(message.payload) if topic != "status" else message.payload.decode())
        return found

    def last(self, topic: str) -> Any:
        found = self.of(topic)
        return found[-1] if found else {}

    def until(self, topic: str, seconds: float = PATIENCE_S, **values: Any) -> bool:
        """Whether the newest message of ``topic`` came to hold ``values``."""
        return wait_until(lambda: values.items() <= self.last(topic).items(), seconds)

    def command(self, command: str, **values: str) -> None:
        self._client.publish(BASE + "command", json.dumps({"v": 1, "command": command, **values}), 1)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()
