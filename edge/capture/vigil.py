"""Telling a device at work from one that only looks so: what users of such boxes meet most.

Hardware only: recordings and drawings may stand still or hold digital silence for as long as they like. A real
camera's noise makes every picture another, in the dark too, and a real microphone's noise every stretch of sound.
"""

from __future__ import annotations

import zlib
from typing import Literal, Protocol, TypeVar

import numpy as np

from edge.signals import AudioChunk, Frame

ROWS = 8
"""One row of a picture in so many is looked at: enough for noise to show, and cheap."""

LEAST_SWING = 1e-6
"""A stretch of sound that stays within this is one and the same value: the last bit of 16 is thirty times as much."""

ItemIn = TypeVar("ItemIn", contravariant=True)

DeadState = Literal["frozen", "silent"]


class Vigil(Protocol[ItemIn]):
    """Judges the items of one device, in order."""

    state: DeadState
    """What a device is that delivers without being alive."""
    problem: str
    """The same in a line, with the cure."""

    def alive(self, item: ItemIn) -> bool:
        """Whether ``item`` shows that the device is at work."""
        ...


class PictureVigil:
    """A camera is alive while its pictures differ. Keeps a checksum, never a picture."""

    state: DeadState = "frozen"
    problem = "gives the same picture again and again; if it stays so, unplug it and plug it in again"

    def __init__(self) -> None:
        self._last: int | None = None

    def alive(self, item: Frame) -> bool:
        """Whether the picture is another than the last one."""
        last, self._last = self._last, zlib.crc32(np.ascontiguousarray(item.image[::ROWS]).data)
        return self._last != last


class SoundVigil:
    """A microphone is alive while its sound moves at all."""

    state: DeadState = "silent"
    problem = "gives no sound, not even noise; is it muted by a switch of its own or in the mixer?"

    def alive(self, item: AudioChunk) -> bool:
        """Whether anything moves in this stretch of sound."""
        return float(np.ptp(item.samples)) > LEAST_SWING
