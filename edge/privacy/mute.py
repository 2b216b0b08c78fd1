"""The mute switch: turned by a command, by the button or at the console, and left as it was by a power cut."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

import msgspec

from edge.clock import WallTime
from edge.privacy.closure import Closure
from edge.publish.payloads import MutedBy
from edge.signals import Abstention
from edge.state import Kept, StateError, StateFolder

log = logging.getLogger(__name__)

_WORDS: dict[MutedBy, str] = {
    "command": "muted by a command",
    "button": "muted with the button on the box, and to be unmuted there only",
    "console": "muted at the box's console, and to be unmuted there only",
    "unknown": "counts as muted, as the record of it cannot be read; to be unmuted at the box, by button or console",
}


class Mute(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whether the box is muted, what turned the switch last, and when."""

    on: bool
    by: MutedBy
    since: WallTime


_NEVER = Mute(False, "console", 0.0)
"""A box that nobody ever muted."""


class MuteSwitch:
    """Whoever is at the box has the last word.

    Anybody may mute. A mute by a command is lifted by anybody; one by the button or at the console is lifted by either
    of these two and by no command: a person in the room pressed it, and nobody elsewhere knows why. A record that
    cannot be read counts as such a mute.
    """

    def __init__(self, state: StateFolder, wall_clock: Callable[[], float] = time.time) -> None:
        self._kept = Kept(state, "mute", Mute)
        self._wall_clock = wall_clock
        self._mute = _NEVER
        self._to_keep = False

    @property
    def state(self) -> Mute:
        """The switch as it stands; what the console wrote meanwhile counts."""
        try:
            if self._kept.refresh():
                self._mute, self._to_keep = self._kept.value or _NEVER, False
        except StateError as error:
            log.warning("%s; the box counts as muted until it is unmuted by its button or console", error)
            self._mute, self._to_keep = Mute(True, "unknown", self._wall_clock()), False
        return self._mute

    def turn(self, on: bool, by: MutedBy) -> bool:
        """Mutes, or with ``on`` false unmutes; returns whether the box is now as asked.

        Nothing is written yet: ``keep`` does that, once the devices are closed.
        """
        before = self.state
        overruled = by == "command" and before.on and before.by != "command"
        if not overruled and (on != before.on or (on and by != before.by)):
            self._mute = Mute(on, by, before.since if on and before.on else self._wall_clock())
            self._to_keep = True
        return self._mute.on == on

    def keep(self) -> bool:
        """Writes what was turned; False where the console wrote meanwhile, whose word counts.

        Takes as long as the medium does. Raises StateError where it cannot be written: once for each turn.
        """
        if not self._to_keep:
            return True
        self._to_keep = False
        return self._kept.write(self._mute)

    @property
    def closure(self) -> Closure | None:
        """The mute as a reason why nothing may be captured; None where it is off."""
        mute = self.state
        return Closure(Abstention.MUTED, _WORDS[mute.by], mute.since) if mute.on else None
