"""What makes a home automation find the box: said when the box connects, and again to one that has just started."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass

from paho.mqtt.client import MQTTMessage

DELAY_S = (0.5, 8.0)
"""Between a birth and the answer, at random: with hundreds of rooms not all answer at once."""


@dataclass(frozen=True, slots=True)
class Announcement:
    """``message`` is retained at ``topic``; who reads it says ``online`` at ``birth`` when it has started."""

    topic: str
    message: bytes
    birth: str


class Announcer:
    """Answers births by ``announce``, on a thread of its own; many that come together get one answer."""

    def __init__(self, announcement: Announcement, announce: Callable[[], object]) -> None:
        self.announcement = announcement
        self._announce = announce
        self._answer: threading.Timer | None = None

    def heard(self, message: MQTTMessage) -> bool:
        """Whether ``message`` was for here. A retained birth is an old one, answered by connecting."""
        if message.topic != self.announcement.birth:
            return False
        waiting = self._answer is not None and self._answer.is_alive()
        if message.payload == b"online" and not message.retain and not waiting:
            self._answer = threading.Timer(random.uniform(*DELAY_S), self._announce)
            self._answer.daemon = True
            self._answer.start()
        return True

    def stop(self) -> None:
        """Answers nobody any more."""
        if self._answer is not None:
            self._answer.cancel()
