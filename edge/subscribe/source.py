"""Where the messages come from: the broker that a configuration names, or one on the command line."""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from pathlib import Path

import msgspec

from edge.config import CREDENTIALS, INSTALLED, Box, Broker, load
from edge.errors import UserError


@dataclass(frozen=True, slots=True)
class Source:
    """A broker, with the name and password of a reader, and the box that the configuration is of."""

    broker: Broker
    box: Box


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds which broker to read from."""
    parser.add_argument("--config", type=Path, default=INSTALLED, help="the box's configuration (default: %(default)s)")
    parser.add_argument("--host", help="read from this broker instead of the configuration's")
    parser.add_argument("--port", type=int, help="with --host; default: 8883 where encrypted, 1883 where not")
    parser.add_argument("--ca-file", type=Path, metavar="FILE", help="with --host: the only authority to trust")
    parser.add_argument("--username", help="who reads; at a box's own broker viewer by default")
    parser.add_argument("--password-file", type=Path, metavar="FILE", help="a file whose first line is the password")


def resolve(options: argparse.Namespace, users: tuple[str, ...] = ("viewer",)) -> Source:
    """The broker that the arguments mean. ``users`` are names at a box's own broker, the first with a password wins.

    Raises UserError where the configuration, the arguments or the right to read a password are wanting.
    """
    # these commands' only; a running box knows nothing of its broker's files
    from edge.broker.mosquitto import DEVICE

    if options.host is None:
        if options.port is not None or options.ca_file is not None:
            raise UserError("--port and --ca-file go with --host")
        settings = load(options.config)
        broker, box = settings.broker, settings.box
    else:
        broker, box = _made(host=options.host, port=options.port, ca_file=options.ca_file), Box()
    if options.username is not None:
        return Source(_changed(broker, options.username, options.password_file), box)
    if options.password_file is not None:
        raise UserError("--password-file: a password needs a --username to go with it")
    # under the name by which a box publishes at its own broker nobody may read
    if broker.here and broker.username == DEVICE:
        broker = _changed(broker, *_reader(users))
    return Source(broker, box)


def _reader(users: tuple[str, ...]) -> tuple[str, Path]:
    """The first of ``users`` whose password this process may read, as systemd or the box's own folder hold it."""
    from edge.broker.places import credential

    folder = Path(os.environ.get("CREDENTIALS_DIRECTORY") or CREDENTIALS)
    for user in users:
        path = folder / credential(user)
        if os.access(path, os.R_OK):
            return user, path
    raise UserError(f"{path}: cannot be read; run with sudo, or name a reader with --username and --password-file")


def _changed(broker: Broker, username: str, password_file: Path | None) -> Broker:
    fields = {name: getattr(broker, name) for name in Broker.__struct_fields__}
    if broker.socket is not None:
        # which is the box's own; other programs on this machine have a port
        fields |= {"socket": None, "host": "127.0.0.1", "port": broker.local.loopback_port}
    return _made(**{**fields, "username": username, "password_file": password_file})


def _made(**fields: object) -> Broker:
    try:
        # by way of the checks that a configuration file goes through
        return msgspec.convert({key: value for key, value in fields.items() if value is not None}, Broker)
    except (msgspec.ValidationError, ValueError) as error:
        raise UserError(f"broker: {error}") from error
