"""The door for modalities from outside: lets in what is well formed, of a large enough group, and of this moment."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import msgspec
from msgspec import UNSET

from edge.clock import Clock
from edge.config import Inputs
from edge.publish.payloads import IgnoredInput, IgnoredInputs, InputCounts, InputPayload, InputsHealth
from edge.publish.schema import SchemaError, validate
from edge.signals import Contribution, Outside

log = logging.getLogger(__name__)

LARGEST = 512
"""Bytes of a message; one with every field has 120."""

SPACING_S = 0.2
"""Messages that come closer after one another are not looked at: the room's state is made once a second."""

SKEW_S = 2.0
"""How far in the future a message may be. Clocks that a network sets differ by less; a clock further off is wrong."""

SWING, SWINGS = 0.5, 2
"""A score that moves by more than half of its range at once, twice while its messages last, flickers."""


class Door:
    """Takes messages on the network's thread; gives the loop what counts now. Nothing in here raises or is kept.

    Closed until ``open`` is called: what comes then is not even counted. Only the newest message of a modality counts,
    and the older it is the less: its reliability falls evenly to zero at the age ``max_age_s``. ``wall_clock`` gives
    seconds since 1970.
    """

    def __init__(self, settings: Inputs, clock: Clock, wall_clock: Callable[[], float] = time.time) -> None:
        self._channels = {name: _Channel(settings.max_age_s) for name in settings.allow}
        self._clock = clock
        self._wall_clock = wall_clock
        self._lock = threading.Lock()
        self._minimum_group: int | None = None

    def open(self, minimum_group: int) -> None:
        """Lets in what speaks of at least ``minimum_group`` people."""
        with self._lock:
            self._minimum_group = minimum_group

    def close(self) -> None:
        """Lets nothing in, and forgets what is inside."""
        with self._lock:
            self._minimum_group = None
            for channel in self._channels.values():
                channel.forget()

    def receive(self, name: Outside, payload: bytes, retained: bool) -> None:
        """A message came."""
        with self._lock:
            channel = self._channels.get(name)
            if channel is None or self._minimum_group is None:
                return
            reason = channel.take(payload, retained, self._minimum_group, self._clock.now(), self._wall_clock())
            if reason is None:
                channel.taken += 1
                return
            channel.ignored[reason] += 1
            first = channel.ignored[reason] == 1
        if first:
            log.warning("input/%s: ignored what came (%s); see docs/inputs.md", name, reason)

    def current(self) -> list[Contribution]:
        """What counts now."""
        with self._lock:
            now = self._clock.now()
            return [said for name, channel in self._channels.items() if (said := channel.current(name, now))]

    def counts(self) -> InputsHealth | msgspec.UnsetType:
        """What came since the start, for ``health``; UNSET where no modality from outside is allowed."""
        with self._lock:
            counted = {
                name: InputCounts(taken=channel.taken, ignored=IgnoredInputs(**channel.ignored))
                for name, channel in self._channels.items()
            }
        return InputsHealth(**counted) if counted else UNSET


@dataclass(slots=True)
class _Channel:
    """One modality: its newest message, and how it behaved."""

    max_age_s: float
    taken: int = 0
    ignored: Counter[str] = field(default_factory=Counter)
    _newest: InputPayload | None = None
    _sent: float = 0.0
    _made: float = 0.0
    """When the newest was sent, seconds since 1970, and when that was on the box's own clock."""
    _looked: float = float("-inf")
    _swings: deque[float] = field(default_factory=lambda: deque(maxlen=SWINGS))

    def take(
        self, payload: bytes, retained: bool, minimum_group: int, now: float, wall_time: float
    ) -> IgnoredInput | None:
        """Takes a message, or says why not. One that flickers is remembered, so that its end is noticed."""
        self._expire(now)
        if retained:
            return "retained"
        if now - self._looked < SPACING_S:
            return "too_often"
        self._looked = now
        if len(payload) > LARGEST:
            return "oversized"
        try:
            validate("input", payload)
            said = msgspec.json.decode(payload, type=InputPayload)
            sent = datetime.fromisoformat(said.time.replace("Z", "+00:00")).timestamp()
        except (SchemaError, msgspec.DecodeError, ValueError, OverflowError):
            return "malformed"
        if said.group < minimum_group:
            return "small_group"
        if sent > wall_time + SKEW_S:
            return "future"
        if wall_time - sent >= self.max_age_s or (self._newest is not None and sent <= self._sent):
            return "stale"
        if self._newest is not None and _swings(self._newest, said):
            self._swings.append(now)
        self._newest, self._sent, self._made = said, sent, now - max(0.0, wall_time - sent)
        return "flicker" if self._flickers else None

    def current(self, name: Outside, now: float) -> Contribution | None:
        """What it says now; None where it says nothing, or is not to be believed."""
        self._expire(now)
        if self._newest is None or self._flickers:
            return None
        said = self._newest
        return Contribution(
            modality=name,
            positive=None if said.valence is UNSET else (said.valence + 1.0) / 2.0,
            engagement=None if said.engagement is UNSET else float(said.engagement),
            reliability=said.reliability * (1.0 - (now - self._made) / self.max_age_s),
        )

    def forget(self) -> None:
        """Forgets all but the counts."""
        self._newest = None
        self._swings.clear()

    @property
    def _flickers(self) -> bool:
        return len(self._swings) == SWINGS

    def _expire(self, now: float) -> None:
        if self._newest is not None and now - self._made >= self.max_age_s:
            self._newest = None
        while self._swings and now - self._swings[0] >= self.max_age_s:
            self._swings.popleft()


def _swings(before: InputPayload, after: InputPayload) -> bool:
    """Whether a score moved by more than half of its range, which is 2 for valence and 1 for engagement."""
    scores = ((before.valence, after.valence, 2.0), (before.engagement, after.engagement, 1.0))
    return any(a is not UNSET and b is not UNSET and abs(b - a) > SWING * span for a, b, span in scores)
