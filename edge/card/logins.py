"""Who may listen to a box's own broker: names and passwords, noted where the card was prepared.

A box without SSH could hand them to nobody: they are made here, and travel to it among the card's secrets.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from edge.broker import passwords
from edge.broker.mosquitto import people
from edge.broker.places import credential
from edge.card.partition import AUTHORITY
from edge.config import Settings
from edge.errors import UserError


def made(settings: Settings) -> dict[str, bytes]:
    """New passwords, by the name of their file on the box."""
    return {credential(user): passwords.new().encode() for user in people(settings)}


def text(hostname: str, settings: Settings, made: dict[str, bytes]) -> str:
    """What a person needs to subscribe to the box."""
    box, local = settings.box, settings.broker.local
    where = f"{hostname}.local, port {local.port}, TLS" if local.network else "on the box only"
    lines = [
        f"broker        {where}",
        f"trust         {AUTHORITY}, which the box puts on its card, beside affectfusion-result.txt",
        f"topics        affectfusion/{box.site}/{box.room}/#",
        *(f"{user:<14}{made[credential(user)].decode()}   {why}" for user, why in people(settings).items()),
    ]
    return "".join(f"{line}\n" for line in lines)


@contextlib.contextmanager
def noted(path: Path, content: str) -> Iterator[None]:
    """Writes ``path`` for its owner alone; takes it back where what follows fails, as then no box knows the passwords.

    Raises UserError where it exists, as somebody may still need it, and where it cannot be written.
    """
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise UserError(f"--logins {path}: exists already; move it away or name another file") from error
    except OSError as error:
        raise UserError(f"--logins {path}: cannot be written ({error.strerror})") from error
    try:
        with os.fdopen(handle, "w") as file:
            file.write(content)
        yield
    except BaseException:
        path.unlink(missing_ok=True)
        raise
