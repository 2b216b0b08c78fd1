"""The command ``affect-edge report``."""

from __future__ import annotations

import argparse
from datetime import date
from pathlib import Path

from edge.config import INSTALLED
from edge.errors import UserError

EXAMPLES = (
    "  affect-edge report last\n"
    "  affect-edge report --list\n"
    "  affect-edge report 20261120T0815 --beside 20261120T1015 --out monday.html\n"
    "  affect-edge report --since 2026-09-01 --until 2026-12-20 --out autumn/\n"
    "  affect-edge report last --format csv --out lesson.csv"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("session", nargs="?", help='a session\'s id or the beginning of one, its file, or "last"')
    parser.add_argument("--beside", nargs="+", default=[], metavar="SESSION", help="show these next to it")
    parser.add_argument("--since", type=_day, metavar="DAY", help="all sessions begun on or after DAY (YYYY-MM-DD)")
    parser.add_argument("--until", type=_day, metavar="DAY", help="all sessions begun on or before DAY")
    parser.add_argument("--list", action="store_true", help="list the sessions kept")
    parser.add_argument("--format", choices=("html", "csv", "json"), default="html", help="default: %(default)s")
    parser.add_argument("--out", type=Path, metavar="PATH", help="the file; with --since or --until, a folder")
    parser.add_argument("--config", type=Path, default=INSTALLED, help="the configuration (default: %(default)s)")
    parser.add_argument("--sessions", type=Path, metavar="DIR", help="where sessions are kept, instead of the box's")


def act(options: argparse.Namespace) -> int:
    """Does what the arguments ask for. Raises UserError and DeviceError."""
    # jinja2 is loaded for a report only, not by every command
    from edge.session.report import files

    folder = options.sessions or _kept_sessions(options.config)
    if options.list:
        print(files.overview(folder))
    elif options.session:
        print(files.write_one(folder, [options.session, *options.beside], options.format, options.out))
    elif options.since or options.until:
        for path in files.write_term(folder, options.since, options.until, options.format, options.out or Path()):
            print(path)
    else:
        raise UserError('name a session, "last", --since DAY or --list')
    return 0


def _kept_sessions(file: Path) -> Path:
    from edge import config

    folder = config.load(file).storage.sessions
    if folder is None:
        raise UserError(f"{file}: has no [storage] directory, so no session is kept; name a folder with --sessions")
    return folder


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text} is not a day like 2026-11-20") from error
