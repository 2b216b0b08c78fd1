"""Passwords of the broker's users: made once, kept where only root reads, and handed to mosquitto hashed."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
import subprocess
import tempfile
from pathlib import Path

from edge.broker.files import content
from edge.errors import DeviceError, UserError

LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
"""Those that nobody mistakes for one another when a password is read aloud: 31, so that 20 of them are 99 bits."""


def new() -> str:
    """A password that can be typed: five groups of four letters and digits."""
    return "-".join("".join(secrets.choice(LETTERS) for _ in range(4)) for _ in range(5))


def read(path: Path) -> str | None:
    """The first line of ``path``; None where there is no such file. Raises UserError where it can be no password."""
    try:
        found = (content(path) or b"").decode().partition("\n")[0]
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: is not UTF-8 text") from error
    if path.exists() and (not found or ":" in found or not found.isprintable() or found != found.strip()):
        raise UserError(f"{path}: its first line must be a password, without colons and without spaces at its ends")
    return found or None


def entries(text: str) -> dict[str, str]:
    """Hashes by user name, from a password file of mosquitto's."""
    pairs = (line.partition(":") for line in text.splitlines() if ":" in line)
    return {name: hashed for name, _, hashed in pairs}


def fits(password: str, hashed: str) -> bool:
    """Whether ``password`` is an entry's: ``$7$ITERATIONS$SALT$HASH``, PBKDF2 over SHA-512 (mosquitto 2)."""
    try:
        _, kind, iterations, salt, expected = hashed.split("$")
        derived = hashlib.pbkdf2_hmac("sha512", password.encode(), base64.b64decode(salt), int(iterations))
        return kind == "7" and hmac.compare_digest(derived, base64.b64decode(expected))
    except (ValueError, OverflowError, binascii.Error):
        return False


def hashed(passwords: dict[str, str]) -> dict[str, str]:
    """Hashes by user name, made by ``mosquitto_passwd`` in a file of its own: arguments are for everybody to read.

    Raises UserError where it is not installed, DeviceError where it fails.
    """
    if not passwords:
        return {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "passwords"
        path.write_text("".join(f"{name}:{password}\n" for name, password in passwords.items()))
        try:
            subprocess.run(
                ["mosquitto_passwd", "-U", str(path)], stdin=subprocess.DEVNULL, capture_output=True, check=True
            )
        except FileNotFoundError as error:
            raise UserError("mosquitto_passwd is not installed: apt install mosquitto") from error
        except subprocess.CalledProcessError as error:
            raise DeviceError(f"mosquitto_passwd failed with {error.returncode}") from error
        found = entries(path.read_text())
    for name, password in passwords.items():
        if not fits(password, found.get(name, "")):
            raise DeviceError("mosquitto_passwd wrote no hash this box knows; mosquitto 2.0 or later is needed")
    return found
