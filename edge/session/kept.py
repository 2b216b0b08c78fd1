"""Sessions as they lie on disk, read for reports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from pathlib import Path

from edge.errors import UserError
from edge.publish.payloads import SessionPayload
from edge.session import journal
from edge.session.journal import Ending, Heading, Minute, Recording, Remark, Said, whole_lines
from edge.session.statistics import Part, summary, together
from edge.session.tally import Tally


@dataclass(frozen=True)
class KeptSession:
    """One session from its file: when it ran (local time), its parts, and the alerts said in it.

    Of a recorded lesson also the recording, and what is to be remarked of it.
    """

    id: str
    site: str
    room: str
    started: datetime
    ended: datetime | None
    parts: Sequence[Part]
    alerts: Sequence[Said]
    recording: Recording | None = None
    remarks: Sequence[str] = ()

    @cached_property
    def whole(self) -> Tally:
        """The session as one stretch."""
        return together(list(self.parts))

    @property
    def summary(self) -> SessionPayload:
        """What the box published at its end, or would have."""
        ended = self.ended.timestamp() if self.ended else None
        return summary(list(self.parts), self.id, self.started.timestamp(), ended)


def read(file: Path) -> KeptSession:
    """Reads a session's file, also one that still grows or that a power cut damaged: up to its last whole line.

    Raises UserError where it cannot be read or is not a session's.
    """
    try:
        found = [line for line, _ in whole_lines(file.read_bytes())]
    except OSError as error:
        raise UserError(f"{file}: cannot be read ({error.strerror})") from error
    if not found or not isinstance(found[0], Heading):
        raise UserError(f"{file}: is not a session kept by affect-edge")
    heading = found[0]
    endings = [line.ended for line in found if isinstance(line, Ending)]
    return KeptSession(
        id=heading.id,
        site=heading.site,
        room=heading.room,
        started=datetime.fromtimestamp(heading.started).astimezone(),
        ended=datetime.fromtimestamp(endings[-1]).astimezone() if endings else None,
        parts=[line.part for line in found if isinstance(line, Minute)],
        alerts=[line for line in found if isinstance(line, Said)],
        recording=next((line for line in found if isinstance(line, Recording)), None),
        remarks=[line.words for line in found if isinstance(line, Remark)],
    )


def find(folder: Path, name: str) -> Path:
    """The file of the session ``name``: a file, a session's id or the beginning of one, or "last".

    Raises UserError where there is none, or more than one.
    """
    if Path(name).is_file():
        return Path(name)
    files = kept(folder)
    if name == "last":
        if not files:
            raise UserError(f"{folder}: no session is kept here yet")
        return files[-1]
    matching = [file for file in files if file.stem.startswith(name)]
    if not matching:
        raise UserError(f"{name}: no such session in {folder}; affect-edge report --list shows them")
    if len(matching) > 1:
        raise UserError(f"{name}: fits {len(matching)} sessions; affect-edge report --list shows them")
    return matching[0]


def kept(folder: Path, since: date | None = None, until: date | None = None) -> list[Path]:
    """The files of all sessions in ``folder``, oldest first; those begun from ``since`` to ``until``, both included."""
    days = {file: _day(file) for file in journal.files(folder)}
    return [
        file
        for file, day in days.items()
        if day is not None and (since is None or day >= since) and (until is None or day <= until)
    ]


def _day(file: Path) -> date | None:
    try:
        return datetime.strptime(file.stem[:8], "%Y%m%d").date()
    except ValueError:
        return None
