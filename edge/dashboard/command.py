"""The command ``affect-edge dashboard``."""

from __future__ import annotations

import argparse
import ipaddress
from pathlib import Path

from edge.dashboard.roles import ROLES
from edge.errors import UserError
from edge.subscribe import source

EXAMPLES = """\
  affect-edge dashboard --config classroom.toml
  sudo affect-edge dashboard --operate
  affect-edge dashboard --host mqtt.school.example --username wall --password-file secret
  affect-edge dashboard --passwords dashboard.passwords --set-password operator
  affect-edge dashboard --listen 0.0.0.0 --certificate school.pem --key school.key --passwords dashboard.passwords

Needs the extra "dashboard": pip install "affectfusion-edge[dashboard]". Every room of the broker that its user may read
is shown. From this machine it is opened without a password, and for looking only unless --operate is given; other
machines need TLS and one of the two passwords."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    source.add_arguments(parser)
    parser.add_argument("--listen", default="127.0.0.1", metavar="ADDRESS", help="default: %(default)s, this machine")
    parser.add_argument("--web-port", type=int, default=8080, metavar="PORT", help="default: %(default)s")
    parser.add_argument("--operate", action="store_true", help="without passwords: let whoever opens it give commands")
    parser.add_argument("--passwords", type=Path, metavar="FILE", help="hashed passwords of viewer and operator")
    parser.add_argument("--set-password", choices=ROLES, help="ask for a password, put it into FILE, and end")
    parser.add_argument("--certificate", type=Path, metavar="FILE", help="PEM, with its chain; serves https")
    parser.add_argument("--key", type=Path, metavar="FILE", help="of the certificate: PEM, no passphrase")


def act(options: argparse.Namespace) -> int:
    """Serves until stopped, or sets a password. Raises UserError."""
    # with the broker's hashes, which not every command needs
    from edge.dashboard import access

    if options.set_password is not None:
        if options.passwords is None:
            raise UserError("--set-password needs --passwords FILE")
        access.keep(options.passwords, options.set_password, _asked(options.set_password))
        return 0
    _check(options)
    try:
        from edge.dashboard.service import serve
    except ModuleNotFoundError as error:
        raise UserError(
            f'{error.name} is not installed: pip install "affectfusion-edge[dashboard]" brings what the dashboard needs'
        ) from error
    where = source.resolve(options, users=("operator", "viewer"))
    passwords = access.load(options.passwords) if options.passwords else {}
    return serve(where, options, passwords, exposed=not _loopback(options.listen))


def _check(options: argparse.Namespace) -> None:
    if (options.certificate is None) != (options.key is None):
        raise UserError("--certificate and --key go together")
    if not 0 <= options.web_port <= 65535:
        raise UserError(f"--web-port {options.web_port}: is no port")
    if options.operate and options.passwords is not None:
        raise UserError("--operate is for a dashboard without --passwords; with them, the operator's password operates")
    if not _loopback(options.listen):
        if options.certificate is None:
            raise UserError(f"--listen {options.listen}: other machines need TLS; give --certificate and --key")
        if options.passwords is None:
            raise UserError(f"--listen {options.listen}: other machines need a login; give --passwords")


def _loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError as error:
        raise UserError(f"--listen {address}: is no address, such as 127.0.0.1 or 0.0.0.0") from error


def _asked(role: str) -> str:
    from getpass import getpass

    password = getpass(f"password of the {role}: ")
    if getpass("again: ") != password:
        raise UserError("the two passwords differ")
    return password
