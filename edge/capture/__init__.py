"""Camera and microphone: hardware, files and drawn learners behind two small protocols.

Media lives in two buffers and nowhere else: the newest frame and a bounded ring of sound (``buffers``).
``sources`` opens what the settings name; ``sensor`` keeps one source alive in a thread of its own.
"""

from __future__ import annotations

from typing import Protocol, TypeVar

from edge.signals import AudioChunk, Frame

Item = TypeVar("Item")
ItemOut = TypeVar("ItemOut", covariant=True)


class SourceLostError(Exception):
    """A source that should deliver cannot: absent, busy, unplugged. One line, with the cure."""


class Source(Protocol[ItemOut]):
    """An open source of items, used by one thread at a time.

    It waits on the clock that it was opened with, and never long without: such a wait ends when the device is to be
    closed.
    """

    def read(self) -> ItemOut | None:
        """The next item, when it is due; None at the end of a recording. Raises SourceLostError."""
        ...

    def close(self) -> None:
        """Releases the device; may be called twice."""
        ...


class Camera(Source[Frame], Protocol):
    """An open source of pictures."""


class Microphone(Source[AudioChunk], Protocol):
    """An open source of sound, in stretches of about 0.1 s."""
