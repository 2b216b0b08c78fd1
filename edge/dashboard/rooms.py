"""All rooms that boxes speak of, within bounds that no sender can stretch."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from edge.dashboard.room import Now, Room
from edge.publish.schema import SchemaError, validate
from edge.publish.topics import PUBLISHED
from edge.words.catalogue import catalogue
from edge.words.sentence import sentence

MOST_ROOMS = 500
"""Further ones are counted, and shown only once others have gone."""

GONE_S = 3600.0
"""A room not heard for so long makes way for a new one where there is no other place."""

LONGEST_MESSAGE = 65536
"""Bytes: what the broker on a box takes, and a hundred times what a box says."""

LONGEST_NAME = 60

BURST, PER_SECOND = 4000, 30
"""Messages of one room that are looked at: so many at once, as after an outage of an hour, and so many in each second
from then on; a box says two."""

TOPICS = {topic.name: topic for topic in PUBLISHED}

Key = tuple[str, str]
"""Site and room."""


@dataclass(slots=True)
class _Allowance:
    """How many more messages of a room are looked at."""

    since: float
    left: float = BURST

    def spent(self, now: float) -> bool:
        """Takes one; whether there was none left."""
        self.left = min(BURST, self.left + (now - self.since) * PER_SECOND)
        self.since = now
        if self.left < 1:
            return True
        self.left -= 1
        return False


@dataclass(slots=True)
class Refused:
    """What was not shown, and why."""

    invalid: int = 0
    """Messages that broke the schema, of rooms that are not shown."""
    crowded: int = 0
    """Messages of rooms for which there was no place."""
    flooded: int = 0
    """Messages that came faster than any box speaks."""


def _now() -> Now:
    return Now(time.time(), time.monotonic())


@dataclass
class Rooms:
    """Takes messages on one thread and is read on another; ``lock`` is held for either.

    ``revision`` counts changes; each room has that of its own last one.
    """

    clock: Callable[[], Now] = _now
    most: int = MOST_ROOMS
    lock: threading.RLock = field(default_factory=threading.RLock)
    refused: Refused = field(default_factory=Refused)
    revision: int = 0
    _rooms: dict[Key, Room] = field(default_factory=dict)
    _allowances: dict[Key, _Allowance] = field(default_factory=dict)

    def receive(self, topic: str, payload: bytes, retained: bool = False) -> None:
        """Takes what came from the broker, whatever it is."""
        with self.lock:
            self._receive(topic, payload, retained, self.clock())

    def get(self, site: str, name: str) -> Room | None:
        """The room, if it is known."""
        with self.lock:
            return self._rooms.get((site, name))

    def all(self) -> list[Room]:
        """The rooms in the order of their names."""
        with self.lock:
            return [self._rooms[key] for key in sorted(self._rooms)]

    def tick(self) -> None:
        """Notes what time alone has changed; called once a second."""
        with self.lock:
            now = self.clock()
            for room in self._rooms.values():
                said = _said(room, now)
                if room.forget(now) or said != room.said:
                    room.said = said
                    self._changed(room)

    def _receive(self, topic: str, payload: bytes, retained: bool, now: Now) -> None:
        levels = topic.split("/")
        if len(levels) != 4 or levels[3] not in TOPICS:
            return
        _, site, name, kind = levels
        key = site, name
        room = self._rooms.get(key)
        if room is not None and self._allowances[key].spent(now.steady):
            self.refused.flooded += 1
            self.revision += 1
            return
        try:
            if len(payload) > LONGEST_MESSAGE:
                raise SchemaError("too long")
            message = validate(kind, payload)
            if not _printable(site) or not _printable(name):
                raise SchemaError("no name for a room")
        except SchemaError:
            self._refuse(room)
            return
        if room is None:
            room = self._add(key, now)
        if room is not None:
            room.receive(kind, message, retained, now)
            room.said = _said(room, now)
            self._changed(room)

    def _refuse(self, room: Room | None) -> None:
        if room is None:
            self.refused.invalid += 1
            self.revision += 1
        else:
            room.invalid += 1
            self._changed(room)

    def _add(self, key: Key, now: Now) -> Room | None:
        if len(self._rooms) >= self.most:
            oldest = min(self._rooms, key=lambda other: self._rooms[other].heard)
            if now.steady - self._rooms[oldest].heard < GONE_S:
                self.refused.crowded += 1
                self.revision += 1
                return None
            del self._rooms[oldest], self._allowances[oldest]
        self._allowances[key] = _Allowance(now.steady)
        room = self._rooms[key] = Room(*key, heard=now.steady)
        return room

    def _changed(self, room: Room) -> None:
        self.revision += 1
        room.revision = self.revision


def _said(room: Room, now: Now) -> str:
    """The one text that holds everything of a room that ages."""
    return sentence(room.look(now), catalogue("en"))


def _printable(name: str) -> bool:
    """Whether a name can be shown as it is: no control characters, none that turn text around."""
    return 0 < len(name) <= LONGEST_NAME and name.isprintable() and bool(name.strip())
