"""A session on disk: a line for its name, a line a minute, so that a crash or a power cut loses no more than one."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from edge.config import Scratch
from edge.session.statistics import Part

log = logging.getLogger(__name__)


class Heading(msgspec.Struct, tag="session", forbid_unknown_fields=True):
    """The first line: what the session is called, when it ``started`` (seconds since 1970), and where."""

    id: str
    started: float
    site: str
    room: str


class Recording(msgspec.Struct, tag="recording", forbid_unknown_fields=True):
    """Of a lesson that was not lived but recorded: the name of the ``file``.

    The ``fingerprint`` tells this analysis from every other, of another recording or with other settings.
    """

    file: str
    fingerprint: str


class Minute(msgspec.Struct, tag="part", forbid_unknown_fields=True):
    """A finished part of the session."""

    part: Part


class Said(msgspec.Struct, tag="alert", forbid_unknown_fields=True):
    """An alert that ``began`` or was ``over``, in seconds after the session's start."""

    kind: str
    phase: str
    at: float


class Remark(msgspec.Struct, tag="remark", forbid_unknown_fields=True):
    """What a reader must know of a recording: that it breaks off, has no sound ..."""

    words: str


class Ending(msgspec.Struct, tag="end", forbid_unknown_fields=True):
    """The last line: when it ``ended``, seconds since 1970."""

    ended: float


Line = Heading | Recording | Minute | Said | Remark | Ending


class Journal:
    """Appends lines to one session's file and keeps the unfinished minute beside it.

    A finished line is on the medium when ``append`` returns: about one write a minute. The unfinished minute is
    rewritten to ``scratch``. Under systemd that is memory, which outlives the process but not a power cut: written with
    every state, it lets a crash lose nothing and wears no card. Of a box run by hand it is a file on the card, and a
    crash costs the seconds since it was last written. Where either cannot be written that is said once, and the session
    goes on. A session's file that somebody deletes stays deleted.
    """

    def __init__(self, file: Path | None, scratch: Scratch | None) -> None:
        self.file = file
        self._scratch = scratch and scratch.file
        self._every_s = scratch.every_s if scratch else 0.0
        self._sketched_at = float("-inf")
        self._complained: set[Path] = set()

    def append(self, line: Line) -> None:
        """Adds a line, for good."""
        if self.file is None:
            return
        try:
            begins = isinstance(line, Heading)
            if begins:
                self.file.parent.mkdir(parents=True, exist_ok=True)
            with self.file.open("ab" if begins else "r+b") as out:
                out.seek(0, os.SEEK_END)
                out.write(msgspec.json.encode(line) + b"\n")
                out.flush()
                os.fsync(out.fileno())
        except OSError as error:
            self._complain(self.file, error, "this session is not kept")

    def sketch(self, part: Part) -> None:
        """Replaces the unfinished minute, if it is time to."""
        now = part.start + part.tally.elapsed
        if self._scratch is None or now - self._sketched_at < self._every_s:
            return
        self._sketched_at = now
        temporary = self._scratch.with_suffix(".new")
        try:
            temporary.write_bytes(msgspec.json.encode(part))
            temporary.replace(self._scratch)
        except OSError as error:
            self._complain(self._scratch, error, "a crash would cost the running minute of this session")

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
        self._delete(self._scratch)

    def remove(self) -> None:
        """Deletes the session."""
        self.clear()
        self._delete(self.file)

    def _delete(self, path: Path | None) -> None:
        try:
            if path is not None:
                path.unlink(missing_ok=True)
        except OSError as error:
            log.warning("%s: cannot be deleted (%s)", path, error.strerror)

    def _complain(self, path: Path, error: OSError, consequence: str) -> None:
        if path not in self._complained:
            self._complained.add(path)
            log.warning("%s: cannot be written (%s); %s", path, error.strerror, consequence)


def files(folder: Path | None) -> list[Path]:
    """The files of all sessions in ``folder``, oldest first; none where there is no such folder."""
    return sorted(folder.glob("*.jsonl")) if folder else []


def whole_lines(content: bytes) -> Iterator[tuple[Line, int]]:
    """The lines of a session's file, each with where it ends, up to the first that is damaged."""
    end = 0
    for raw in content.splitlines(keepends=True):
        end += len(raw)
        try:
            yield msgspec.json.decode(raw, type=Line), end
        except msgspec.DecodeError:
            return


def recover(file: Path) -> list[Line]:
    """The lines of a session's file; one that a power cut left half written is cut off, with whatever follows it."""
    content = file.read_bytes()
    found, whole = [], 0
    for line, end in whole_lines(content):
        if content[end - 1 : end] == b"\n":
            found.append(line)
            whole = end
    if whole < len(content):
        log.warning("%s: damaged after %d lines; the rest is cut off", file, len(found))
        os.truncate(file, whole)
    return found
