"""A session on disk: a line for its name, a line a minute, so that a crash or a power cut loses no more than one."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import msgspec

from edge.session.statistics import Part

log = logging.getLogger(__name__)


class Heading(msgspec.Struct, tag="session", forbid_unknown_fields=True):
    """The first line: what the session is called, when it ``started`` (seconds since 1970), and where."""

    id: str
    started: float
    site: str
    room: str


class Minute(msgspec.Struct, tag="part", forbid_unknown_fields=True):
    """A finished part of the session."""

    part: Part


class Said(msgspec.Struct, tag="alert", forbid_unknown_fields=True):
    """An alert that ``began`` or was ``over``, in seconds after the session's start."""

    kind: str
    phase: str
    at: float


class Ending(msgspec.Struct, tag="end", forbid_unknown_fields=True):
    """The last line: when it ``ended``, seconds since 1970."""

    ended: float


Line = Heading | Minute | Said | Ending


class Journal:
    """Appends lines to one session's file and keeps the unfinished minute beside it.

    A finished line is on the medium when ``append`` returns: about one write a minute. The unfinished minute is
    rewritten every second to ``scratch``, memory that outlives the process but not a power cut, so that a crash loses
    nothing and the card is not worn. Where neither can be written that is said once, and the session goes on.
    """

    def __init__(self, file: Path | None, scratch: Path | None) -> None:
        self.file = file
        self._scratch = scratch
        self._complained = False

    def append(self, line: Line) -> None:
        """Adds a line, for good."""
        if self.file is None:
            return
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            with self.file.open("ab") as out:
                out.write(msgspec.json.encode(line) + b"\n")
                out.flush()
                os.fsync(out.fileno())
        except OSError as error:
            self._complain(self.file, error)

    def sketch(self, part: Part) -> None:
        """Replaces the unfinished minute."""
        if self._scratch is None:
            return
        temporary = self._scratch.with_suffix(".new")
        try:
            temporary.write_bytes(msgspec.json.encode(part))
            temporary.replace(self._scratch)
        except OSError as error:
            self._complain(self._scratch, error)

    def sketched(self) -> Part | None:
        """The unfinished minute of the process before this one; None where there is none, or only half of one."""
        if self._scratch is None:
            return None
        try:
            return msgspec.json.decode(self._scratch.read_bytes(), type=Part)
        except (OSError, msgspec.DecodeError):
            return None

    def clear(self) -> None:
        """Forgets the unfinished minute."""
        if self._scratch is not None:
            self._scratch.unlink(missing_ok=True)

    def _complain(self, path: Path, error: OSError) -> None:
        if not self._complained:
            self._complained = True
            log.warning("%s: cannot be written (%s); this session is not kept", path, error.strerror)


def recover(file: Path) -> list[Line]:
    """The lines of a session's file; one that a power cut left half written is cut off, with whatever follows it."""
    found: list[Line] = []
    whole = 0
    for raw in file.read_bytes().splitlines(keepends=True):
        try:
            if not raw.endswith(b"\n"):
                raise ValueError("no end")
            found.append(msgspec.json.decode(raw, type=Line))
        except ValueError:
            log.warning("%s: damaged after %d lines; the rest is cut off", file, len(found))
            os.truncate(file, whole)
            break
        whole += len(raw)
    return found
