"""An MQTT client that reads, finds its broker again, and says in one line why when it cannot."""

from __future__ import annotations

import queue
import secrets
import sys
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from typing import Any

from paho.mqtt.client import Client, MQTTMessage

from edge.errors import DeviceError
from edge.publish.connection import KEEPALIVE_S, in_words, prepared_client, refusal
from edge.publish.schema import SchemaError, validate
from edge.publish.topics import Topic, address
from edge.subscribe.source import Source

OnMessage = Callable[[str, bytes, bool], None]
"""Takes a message's topic, its payload, and whether it was retained."""

GRACE_S = 0.7
"""How long after a subscription's acknowledgement its retained messages may take to come."""


class Reader:
    """Subscribes to ``topics`` for as long as it runs; ``on_message`` is called on the network thread.

    Raises UserError at construction where the source's settings cannot work.
    """

    def __init__(
        self,
        source: Source,
        topics: Sequence[str],
        on_message: OnMessage,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        self._where = source.broker.where
        self._address = source.broker.address
        self._topics = [(topic, 1) for topic in topics]
        self._on_change = on_change
        self.connected = False
        """Whether messages come now."""
        self.problem: str | None = None
        """Why they do not, and the cure, in one line; None also before the first attempt has ended."""
        self._client = prepared_client(source.broker, source.box, role=f"-reader-{secrets.token_hex(4)}")
        # The box's own last will, which is not a reader's to have.
        self._client.will_clear()
        self._client.on_connect = self._connected
        self._client.on_connect_fail = self._unreachable
        self._client.on_subscribe = self._subscribed
        self._client.on_disconnect = self._disconnected
        self._client.on_message = lambda client, _, message: _pass_on(message, on_message)

    def start(self) -> None:
        """Begins to connect, in the background, for as long as it takes."""
        self._client.connect_async(*self._address, KEEPALIVE_S)
        self._client.loop_start()

    def stop(self) -> None:
        """Leaves."""
        self._client.disconnect()
        self._client.loop_stop()

    def publish(self, topic: str, message: bytes, qos: int) -> bool:
        """Sends a message now, or not at all: whether there is a connection that takes it."""
        return self.connected and self._client.publish(topic, message, qos).rc == 0

    # The methods below run on the network thread.

    def _connected(self, client: Client, _: Any, flags: Any, reason: Any, properties: Any) -> None:
        problem = refusal(self._where, reason)
        if problem is None:
            client.subscribe(self._topics)
        else:
            self._change(False, problem)

    def _subscribed(self, client: Client, _: Any, mid: int, reasons: list[Any], properties: Any) -> None:
        if any(reason.is_failure for reason in reasons):
            self._change(False, f"{self._where} does not let this user read; ask for the right to")
        else:
            self._change(True, None)

    def _unreachable(self, client: Client, _: Any) -> None:
        # paho calls this while it handles the exception, and does not pass it on.
        self._change(False, in_words(self._where, sys.exc_info()[1]))

    def _disconnected(self, client: Client, _: Any, flags: Any, reason: Any, properties: Any) -> None:
        self._change(False, self.problem or f"{self._where}: the connection was lost")

    def _change(self, connected: bool, problem: str | None) -> None:
        self.connected, self.problem = connected, problem
        self._on_change()


def retained(source: Source, topics: Sequence[Topic], within_s: float) -> dict[Topic, Any]:
    """The newest decoded message of each of the box's ``topics`` that the broker keeps; a topic without one is absent.

    Raises DeviceError where the broker does not let in or does not answer within ``within_s``, or a message is not
    what its topic carries.
    """
    with closing(followed(source, topics, within_s, every_s=0.0)) as states:
        return next(states)


def followed(
    source: Source, topics: Sequence[Topic], within_s: float, every_s: float
) -> Generator[dict[Topic, Any], None, None]:
    """What ``retained`` gives, and then every ``every_s`` the newest messages again, for as long as it is asked.

    Once begun, it finds a lost broker again by itself; until then the messages are the old ones. Raises as
    ``retained`` does.
    """
    inbox = _Inbox(within_s)
    wanted = {address(source.box, topic): topic for topic in topics}
    reader = Reader(
        source, list(wanted), lambda topic, message, _: inbox.put((topic, message)), lambda: inbox.put(None)
    )
    found: dict[Topic, Any] = {}
    answered = False
    reader.start()
    try:
        for item in inbox:
            if item is not None:
                found[wanted[item[0]]] = validate(*item)
            elif reader.problem is not None:
                raise DeviceError(reader.problem)
            elif not answered:
                answered = True
                inbox.open_for(GRACE_S)
            if len(found) == len(wanted):
                break
        if not answered and not found:
            raise DeviceError(f"{source.broker.where} does not answer")
        while True:
            yield dict(found)
            inbox.open_for(every_s)
            for item in inbox:
                if item is not None:
                    found[wanted[item[0]]] = validate(*item)
    except SchemaError as error:
        raise DeviceError(f"{source.broker.where}: a message of another kind than the contract's ({error})") from error
    finally:
        reader.stop()


class _Inbox:
    """What comes within a time, in order: messages as topic and payload, and None where the connection changed."""

    def __init__(self, within_s: float) -> None:
        self._items: queue.SimpleQueue[tuple[str, bytes] | None] = queue.SimpleQueue()
        self.put = self._items.put
        self.open_for(within_s)

    def open_for(self, seconds: float) -> None:
        """From now on, also for an iteration under way."""
        self._deadline = time.monotonic() + seconds

    def __iter__(self) -> Iterator[tuple[str, bytes] | None]:
        while (left := self._deadline - time.monotonic()) > 0:
            try:
                item = self._items.get(timeout=left)
            except queue.Empty:
                return
            yield item


def _pass_on(message: MQTTMessage, on_message: OnMessage) -> None:
    try:
        topic = message.topic
    except UnicodeDecodeError:
        return
    on_message(topic, bytes(message.payload), message.retain)
