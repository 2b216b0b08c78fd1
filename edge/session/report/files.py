"""What ``affect-edge report`` writes, and where."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from html import escape
from pathlib import Path
from urllib.parse import quote

import msgspec

from edge.errors import DeviceError, UserError
from edge.session.kept import KeptSession, find, kept, read
from edge.session.report.lesson import describe, page, percent, table

FORMATS: dict[str, Callable[[Sequence[KeptSession]], str]] = {
    "html": page,
    "csv": lambda sessions: "".join(map(table, sessions)),
    "json": lambda sessions: msgspec.json.format(msgspec.json.encode(list(map(_plain, sessions)))).decode() + "\n",
}


def overview(folder: Path) -> str:
    """One line per kept session: its id, when, how long, and how much of it has scores."""
    lines = []
    for file in kept(folder):
        session = read(file)
        whole = session.whole
        lines.append(
            f"{session.id}  {session.started:%a %d %b %Y %H:%M}  {whole.elapsed / 60:4.0f} min  "
            f"scores for {percent(whole.coverage)}  {session.site}/{session.room}"
        )
    return "\n".join(lines) or f"no session is kept in {folder} yet"


def write_one(folder: Path, names: Sequence[str], kind: str, out: Path | None) -> Path:
    """Writes the report of one session, or of several side by side, and returns where.

    Raises UserError where there is no such session, DeviceError where the file cannot be written.
    """
    sessions = [read(find(folder, name)) for name in names]
    out = out or Path("-".join(session.id for session in sessions) + f".{kind}")
    _write(out, FORMATS[kind](sessions))
    return out


def write_term(folder: Path, since: date | None, until: date | None, kind: str, out: Path) -> list[Path]:
    """Writes a report for every session begun on these days into the folder ``out``, with an index of them.

    Raises UserError where there is none, DeviceError where a file cannot be written.
    """
    files = kept(folder, since, until)
    if not files:
        raise UserError(f"{folder}: no session was kept on these days")
    sessions = [read(file) for file in files]
    written = []
    for session in sessions:
        written.append(out / f"{session.id}.{kind}")
        _write(written[-1], FORMATS[kind]([session]))
    if kind == "html":
        written.append(out / "index.html")
        _write(written[-1], _index({session.id: session for session in sessions}))
    return written


def write_analysed(folder: Path, out: Path) -> list[Path]:
    """Writes an index and all kinds of reports of the recorded lessons in ``folder``, named after their recordings.

    Raises UserError where a session cannot be read, DeviceError where a file cannot be written.
    """
    read_all = [read(file) for file in kept(folder)]
    sessions = {Path(session.recording.file).stem: session for session in read_all if session.recording}
    written = []
    for name, session in sessions.items():
        for kind, render in FORMATS.items():
            written.append(out / f"{name}.{kind}")
            _write(written[-1], render([session]))
    written.append(out / "index.html")
    _write(written[-1], _index(sessions))
    return written


def _plain(session: KeptSession) -> dict[str, object]:
    """A session for analysts."""
    plain = {"summary": session.summary, "parts": session.parts, "alerts": session.alerts}
    if session.recording is None:
        return plain
    return plain | {"recording": session.recording.file, "remarks": session.remarks}


def _index(sessions: Mapping[str, KeptSession]) -> str:
    """A list of sessions, each with the name of its page."""
    rows = []
    for name, session in sessions.items():
        lesson = describe(session)
        rows.append(
            f'<li><a href="{quote(name)}.html">{escape(lesson.when)}</a>, {escape(lesson.title)}: '
            f"{escape(lesson.sentence)}</li>\n"
        )
    return (
        '<!doctype html>\n<html lang="en"><meta charset="utf-8"><meta name="color-scheme" content="light dark">'
        "<title>Lesson reports</title>"
        "<style>body { font: 16px/1.6 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; }</style>\n"
        f"<h1>Lesson reports</h1>\n<ul>\n{''.join(rows)}</ul>\n</html>\n"
    )


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.new")
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        raise DeviceError(f"{path}: cannot be written ({error.strerror})") from error
