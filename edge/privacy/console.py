"""``affect-edge privacy``: consent and mute from the box's console, whether the box runs or not."""

from __future__ import annotations

import argparse
import time
from datetime import date, datetime
from pathlib import Path
from typing import get_args

import msgspec

from edge import config
from edge.config import Deployment, Purpose, Settings
from edge.errors import UserError
from edge.privacy.consent import Consent, contradiction, prohibited
from edge.privacy.gate import Gate
from edge.privacy.mute import Mute, MuteSwitch
from edge.session.journal import files as kept_sessions
from edge.state import StateError, StateFolder

EXAMPLES = """\
  affect-edge privacy show --config classroom.toml
  sudo affect-edge privacy mute
  sudo affect-edge privacy unmute
  sudo affect-edge privacy grant --consent "signed forms of class 7b, kept in the office" --until 2027-07-31
  sudo affect-edge privacy revoke
  sudo affect-edge privacy revoke --erase

Without --config they are for the box installed here. A running box obeys within a second; one that
is off, when it starts.

A mute from here or from the button on the box is lifted at the box only, and by no command. Consent
is the last word from here: a grant holds for the purpose and jurisdiction it names, which [deployment]
in the configuration may not contradict; a revocation closes the box, whatever [deployment] says, until
the next grant. The words of the consent stay on the box and are never published."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what may be done, and to which box."""
    box = argparse.ArgumentParser(add_help=False)
    box.add_argument("--config", type=Path, default=config.INSTALLED, help="the configuration (default: %(default)s)")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")

    def action(name: str, about: str) -> argparse.ArgumentParser:
        return actions.add_parser(name, parents=[box], help=about, description=f"{about.capitalize()}.")

    action("show", "say whether the box may capture, and why")
    action("mute", "close camera and microphone until somebody at the box unmutes it")
    action("unmute", "lift a mute, wherever it came from")
    revoke = action("revoke", "withdraw consent and forget the words of the last grant")
    revoke.epilog = (
        "Scores that still wait for the broker are dropped, and the lesson that runs ends unpublished. What stays on "
        "the box are the statistics of lessons, for [session] keep_days, in sessions/ below [storage] directory "
        "(/var/lib/affectfusion/sessions on an installed box); --erase deletes them, now or when given later."
    )
    revoke.add_argument("--erase", action="store_true", help="also delete the statistics of all lessons kept here")
    grant = action("grant", "record consent")
    grant.epilog = (
        'example: sudo affect-edge privacy grant --consent "signed forms of class 7b, kept in the office" '
        "--purpose research --jurisdiction US --until 2027-07-31"
    )
    grant.add_argument(
        "--consent", required=True, metavar="WORDS", help="who consented, and where that is written down"
    )
    grant.add_argument("--purpose", choices=get_args(Purpose)[1:], help="needed where [deployment] declares none")
    grant.add_argument("--jurisdiction", metavar="CODE", help="such as EU, DE or US-CA; likewise")
    grant.add_argument("--until", type=_day, metavar="DATE", help="the last day on which it holds, such as 2027-07-31")


def act(options: argparse.Namespace) -> int:
    """Does what was asked and prints how the box stands.

    Raises UserError where it was asked wrongly or by somebody without the right, StateError where the disk fails.
    """
    settings = config.load(options.config)
    folder = _folder(settings, options.config)
    try:
        _do(options, settings, folder)
    except StateError as error:
        _blame_rights(error)
        raise
    gate = Gate(settings.deployment, folder)
    declared = gate.deployment
    print(f"closed: {gate.explanation}" if gate.closed else "open: a running box captures")
    print(f"purpose       {declared.purpose or '-'}")
    print(f"jurisdiction  {declared.jurisdiction or '-'}")
    print(f"consent       {consent_in_words(gate)}")
    print(f"mute          {mute_in_words(gate)}")
    return 0


def consent_in_words(gate: Gate) -> str:
    """Who consented, and how the box knows; for the console only."""
    given, declared = gate.consent.given, gate.deployment.consent
    if given is None:
        return f"declared in the configuration: {declared}" if declared else "-"
    if not given.granted:
        return f"revoked {_minute(given.at)}"
    until = f", until {given.until}" if given.until else ""
    return f"granted {_minute(given.at)}{until}: {given.words}"


def mute_in_words(gate: Gate) -> str:
    """What muted the box, and since when."""
    mute = gate.switch.state
    return f"on, by {mute.by}, since {_minute(mute.since)}" if mute.on else "off"


def _do(options: argparse.Namespace, settings: Settings, folder: StateFolder) -> None:
    if options.action == "grant":
        folder.write("consent", _grant(options, settings.deployment))
    elif options.action == "revoke":
        # first, so that a running box adds no more to what is deleted
        folder.write("consent", Consent(granted=False, at=time.time()))
        if options.erase:
            _erase(settings)
    elif options.action in ("mute", "unmute"):
        switch = MuteSwitch(folder)
        # again, where the running box wrote in between: the console has the last word
        while not (switch.turn(options.action == "mute", "console") and switch.keep()):
            pass


def _erase(settings: Settings) -> None:
    """Deletes every kept session and the running minute. Raises StateError where one stays."""
    sessions, scratch = settings.storage.sessions, settings.storage.scratch
    for file in [*kept_sessions(sessions), *([scratch.file] if scratch else ())]:
        try:
            file.unlink(missing_ok=True)
        except OSError as error:
            raise StateError(f"{file}: cannot be deleted ({error.strerror})") from error


def _grant(options: argparse.Namespace, declared: Deployment) -> Consent:
    purpose, jurisdiction = options.purpose or declared.purpose, options.jurisdiction or declared.jurisdiction
    for name, value in (("purpose", purpose), ("jurisdiction", jurisdiction)):
        if not value:
            raise UserError(f"--{name} is needed: [deployment] in {options.config} declares none")
    if not options.consent.strip():
        raise UserError("--consent is empty: say who consented, and where that is written down")
    if other := contradiction(purpose, jurisdiction, declared):
        said = getattr(declared, other)
        raise UserError(f"--{other} contradicts {options.config}, whose [deployment] says {said!r}: change it there")
    try:
        if law := prohibited(Deployment(purpose, jurisdiction)):
            raise UserError(law.words)
        return msgspec.convert(
            {
                "granted": True,
                "at": time.time(),
                "words": options.consent.strip(),
                "purpose": purpose,
                "jurisdiction": jurisdiction,
                "until": options.until,
            },
            Consent,
        )
    except ValueError as error:
        raise UserError(str(error)) from error


def _folder(settings: Settings, path: Path) -> StateFolder:
    """Where the box keeps its state. Raises UserError where that is nowhere, or not for this user to see."""
    directory = settings.storage.folder
    if directory is None:
        raise UserError(f"{path}: consent and mute are kept nowhere; set [storage] directory")
    folder = StateFolder(directory)
    try:
        folder.read("mute", Mute)
    except StateError as error:
        _blame_rights(error)  # any other damage is the gate's to judge
    return folder


def _blame_rights(error: StateError) -> None:
    if isinstance(error.__cause__, PermissionError):
        raise UserError(f"{error}; run with sudo") from error


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text} is no date such as 2027-07-31") from error
    if day < date.today():
        raise argparse.ArgumentTypeError(f"{text} is over")
    return day


def _minute(wall_time: float) -> str:
    return f"{datetime.fromtimestamp(wall_time):%Y-%m-%d %H:%M}"
