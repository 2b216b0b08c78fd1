"""A school of simulated boxes: what they would publish, made up, at a real broker."""

from __future__ import annotations

import json
import random
import time
from typing import Any

from messages import affect, health, privacy, session, silent
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from edge.publish.payloads import timestamp

LABELS = ("engagement", "boredom", "confusion", "frustration")


class SimulatedRoom:
    """A room whose scores wander."""

    def __init__(self, school: School, site: str, room: str, seed: int) -> None:
        self.base = f"affectfusion/{site}/{room}/"
        self.sequence = 0
        self._school = school
        self._dice = random.Random(seed)
        self._engaged, self._satisfied, self._sure = 0.6, 0.6, 0.7

    def say(self, topic: str, message: Any, retain: bool = True) -> None:
        text = message if isinstance(message, (str, bytes)) else json.dumps(message)
        self._school.client.publish(self.base + topic, text, 1, retain=retain)

    def enter(self) -> None:
        """What a box says when it comes."""
        self.say("status", "online")
        self.say("privacy", privacy(since=time.time() - 900))
        self.say("health", health())
        self.say("session", session())

    def speak(self, at: float | None = None, **changes: Any) -> int:
        """The next state; its sequence number."""
        self.sequence += 1
        self.say("affect", {**self.state(time.time() if at is None else at), **changes})
        return self.sequence

    def abstain(self, reason: str, at: float | None = None) -> None:
        self.sequence += 1
        when = timestamp(time.time() if at is None else at)
        self.say("affect", {**silent(reason), "time": when, "sequence": self.sequence, "group": "2-4"})

    def alert(self, kind: str, phase: str, seconds: float = 60.0) -> None:
        now = time.time()
        message = {
            "v": 1,
            "time": timestamp(now),
            "kind": kind,
            "phase": phase,
            "since": timestamp(now - seconds),
            "seconds": seconds,
            "share": 0.7,
            "scenario": "lecture",
        }
        self.say("alert", message, retain=False)

    def state(self, at: float) -> dict[str, Any]:
        wander = lambda value, low, high, by: min(high, max(low, value + self._dice.uniform(-by, by)))  # noqa: E731
        self._engaged = wander(self._engaged, 0.1, 0.9, 0.04)
        self._satisfied = wander(self._satisfied, 0.25, 0.85, 0.02)
        self._sure = wander(self._sure, 0.12, 0.9, 0.03)
        rest = 1 - self._engaged
        shares = dict(zip(LABELS, (self._engaged, rest * 0.5, rest * 0.3, rest * 0.2), strict=True))
        label = max(shares, key=lambda name: shares[name]) if max(shares.values()) > 0.4 else None
        return affect(
            time=timestamp(at),
            sequence=self.sequence,
            engagement={"label": label, **{name: round(share, 2) for name, share in shares.items()}},
            satisfaction=round(self._satisfied, 2),
            valence=round(2 * self._satisfied - 1, 2),
            confidence=round(self._sure, 2),
            reliability={"face": 0.82, "engagement": 0.64},
        )


class School:
    """The connection that all simulated boxes share."""

    def __init__(self, port: int, username: str | None = None, password: str | None = None) -> None:
        self.client = Client(CallbackAPIVersion.VERSION2)
        self.client.max_inflight_messages_set(2000)
        self.client.max_queued_messages_set(0)
        self.client.reconnect_delay_set(1, 1)
        if username is not None:
            self.client.username_pw_set(username, password)
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()

    def room(self, site: str = "school", room: str = "lab", seed: int = 1) -> SimulatedRoom:
        made = SimulatedRoom(self, site, room, seed)
        made.enter()
        return made

    def rooms(self, count: int) -> list[SimulatedRoom]:
        sites = ("north", "south", "east", "west")
        return [self.room(sites[n % 4], f"r{n // 4 + 1:03}", n) for n in range(count)]

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()
