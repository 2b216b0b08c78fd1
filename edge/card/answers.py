"""What a technician answers about a box, checked by the rules of its configuration."""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edge import config
from edge.config import Settings
from edge.errors import UserError

OPTIONS = {
    "box.site": "--site",
    "box.room": "--room",
    "deployment.purpose": "--purpose",
    "deployment.jurisdiction": "--jurisdiction",
    "deployment.consent": "--consent",
    "deployment.mode": "--mode",
    "deployment.minimum_group": "--minimum-group",
    "camera.source": "--camera",
    "microphone.source": "--microphone",
    "broker.host": "--broker",
    "broker.port": "--broker",
    "broker.username": "--broker-user",
}
"""The keys of the configuration that an option answers."""

BROKER_CA = "broker-ca.crt"
"""The file beside the configuration that holds the broker's authority."""

_HOSTNAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Wifi:
    """A WPA2 or WPA3 network with one key for everybody. Raises UserError for what cannot be one."""

    ssid: str
    password: str = field(repr=False)
    country: str

    def __post_init__(self) -> None:
        if not 1 <= len(self.ssid.encode()) <= 32 or not self.ssid.isprintable():
            raise UserError(f"--wifi: a network's name has 1 to 32 bytes that can be printed, not {self.ssid!r}")
        if not re.fullmatch("[A-Z]{2}", self.country):
            raise UserError(f'--wifi-country: must be an ISO 3166 code such as "DE", not {self.country!r}')
        if not re.fullmatch("[ -~]{8,63}|[0-9a-fA-F]{64}", self.password):
            raise UserError(
                "--wifi-password-file: a Wi-Fi password has 8 to 63 ASCII characters (or is a key of 64 hex digits)"
            )

    @property
    def key(self) -> str:
        """The pre-shared key, 64 hex digits (IEEE 802.11-2020, J.4): opens this network, but is not the password."""
        if len(self.password) == 64:
            return self.password.lower()
        return hashlib.pbkdf2_hmac("sha1", self.password.encode(), self.ssid.encode(), 4096, 32).hex()


@dataclass(frozen=True, slots=True)
class Answers:
    """One box: its configuration by key, its name on the network, and what must be kept secret."""

    settings: dict[str, dict[str, Any]]
    """The configuration's tables."""
    hostname: str
    wifi: Wifi | None = None
    ssh_key: str = ""
    """A public key that may log in as ``technician``; SSH stays off without one."""
    broker_ca: bytes = b""
    """The certificate of the broker's authority, PEM; beside the configuration it is BROKER_CA."""
    secrets: dict[str, bytes] = field(default_factory=dict, repr=False)
    """Credentials of the appliance by name, such as ``mqtt-password``."""

    def __post_init__(self) -> None:
        if not _HOSTNAME.fullmatch(self.hostname):
            raise UserError(f"--hostname: up to 63 of a-z, 0-9 and inner hyphens, not {self.hostname!r}")
        if self.ssh_key and not re.fullmatch(r"(ssh|ecdsa|sk-)\S+ [A-Za-z0-9+/=]+( [^\n]*)?", self.ssh_key):
            raise UserError("--ssh-key: not one OpenSSH public key (a file such as ~/.ssh/id_ed25519.pub)")

    @property
    def toml(self) -> str:
        """The configuration file."""
        tables = (line for name, table in self.settings.items() for line in _lines(name, table))
        return "# Written by `affect-edge prepare-card`.\n" + "".join(f"{line}\n" for line in tables)

    def check(self) -> Settings:
        """The configuration as the box will read it. Raises UserError naming the option that was answered wrongly."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "config.toml"
            path.write_text(self.toml)
            try:
                return config.load(path)
            except UserError as error:
                key, _, message = str(error).removeprefix(f"{path}: ").partition(": ")
                raise UserError(f"{_option(key, message)}: {message}") from error


def default_hostname(site: str, room: str) -> str:
    """``affectfusion-SITE-ROOM`` in the letters that a host name may have."""
    name = re.sub("[^a-z0-9]+", "-", f"affectfusion-{site}-{room}".lower())
    return name[:63].strip("-")


def _option(key: str, message: str) -> str:
    """The option behind a complaint about ``key``, or about a table of which the message names the key."""
    for candidate in (key, f"{key}.{message.split(' ')[0]}"):
        if candidate in OPTIONS:
            return OPTIONS[candidate]
    return f"--config: {key}"


def _lines(name: str, table: dict[str, Any]) -> Iterator[str]:
    """A table, then those within it."""
    yield f"\n[{name}]"
    yield from (f"{key} = {_toml(value)}" for key, value in table.items() if not isinstance(value, dict))
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _lines(f"{name}.{key}", value)


def _toml(value: Any) -> str:
    """A scalar or a list as TOML writes it: as JSON does, but for the one control character that JSON leaves alone."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
