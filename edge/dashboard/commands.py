"""Commands from a page to a room's box: those of the contract, to rooms that are shown, and not without measure."""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Callable

import msgspec

from edge.config import Box
from edge.dashboard.rooms import Key, Rooms
from edge.publish.payloads import CommandPayload
from edge.publish.schema import SchemaError, encode
from edge.publish.topics import COMMAND, address

MOST, WITHIN_S = 20, 10.0
"""Most commands of all pages together within this time."""

NAME = re.compile("[A-Za-z0-9_-]{1,40}")
"""What a configuration allows a site and a room to be called."""

Publish = Callable[[str, bytes, int], bool]
"""Sends a message to a topic with a quality of service; whether the broker's connection took it."""


class Commands:
    """Sends what a page asks for. Whether the box obeyed is told by what it publishes next, and by nothing else."""

    def __init__(self, rooms: Rooms, publish: Publish, clock: Callable[[], float] = time.monotonic) -> None:
        self._rooms = rooms
        self._publish = publish
        self._clock = clock
        self._sent: deque[float] = deque(maxlen=MOST)

    def send(self, key: Key, text: str) -> bool:
        """Sends the command in ``text``, as the contract has it; False where it is none or cannot be sent."""
        site, room = key
        if self._rooms.get(*key) is None or not (NAME.fullmatch(site) and NAME.fullmatch(room)):
            return False
        try:
            message = encode(COMMAND.name, msgspec.json.decode(text, type=CommandPayload))
        except (msgspec.DecodeError, SchemaError):
            return False
        now = self._clock()
        if len(self._sent) == MOST and now - self._sent[0] < WITHIN_S:
            return False
        self._sent.append(now)
        return self._publish(address(Box(site, room), COMMAND), message, COMMAND.qos)
