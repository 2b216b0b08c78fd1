"""``affect-edge prepare-card``: from a technician's answers to a card that installs itself."""

from __future__ import annotations

import argparse
import getpass
import secrets
import ssl
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from edge.broker.mosquitto import DEVICE
from edge.card import logins, partition
from edge.card.answers import BROKER_CA, Answers, Wifi, default_hostname
from edge.card.partition import FirstBoot
from edge.card.release import archive
from edge.config import Settings
from edge.errors import UserError
from edge.privacy.gate import Gate
from edge.state import StateFolder

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

OWN_BROKER = "/run/mosquitto/affectfusion.sock"
"""How the appliance reaches the broker that install.sh sets up on its box."""

_ASKED = {
    "site": "Site (letters, digits, - and _)",
    "room": "Room",
    "purpose": "Purpose (education, wellbeing, research, medical, safety, demonstration)",
    "jurisdiction": "Jurisdiction (EU, or a country's code such as DE or US)",
    "consent": "Who consented, and where is that written down",
}
"""What every box must know."""


def prepare(options: argparse.Namespace) -> int:
    """Checks everything, writes the card, says what will happen. Raises UserError before anything is written."""
    folder: Path = options.folder
    kind = partition.recognise(folder)
    earlier = partition.customised(folder)
    if earlier and not options.replace:
        raise UserError(f"{folder}: {earlier}; write it anew without customisation, or give --replace")
    answers = _answers(options)
    settings = answers.check()
    if options.wheels and not any(options.wheels.glob("*.whl")):
        raise UserError(f"--wheels {options.wheels}: no .whl files in it")
    identity = f"affectfusion-{secrets.token_hex(6)}"
    with _logins(options.logins, answers, settings) as noted:
        content = dict(partition.files(kind, folder, answers, archive(), options.wheels, identity))
        if earlier:
            partition.clear(folder)
        partition.write(folder, content)
    print("\n".join(_outlook(kind, answers, settings, noted, offline=options.wheels is not None)))
    return 0


@contextmanager
def _logins(path: Path | None, answers: Answers, settings: Settings) -> Iterator[Path | None]:
    """Notes who may listen, and gives the card their passwords, where the box has its own broker."""
    if not settings.broker.here:
        if path is not None:
            raise UserError("--logins: this box has no broker of its own, so it makes no passwords")
        yield None
        return
    made = logins.made(settings)
    answers.secrets.update(made)
    path = path or Path(f"{answers.hostname}-logins.txt")
    with logins.noted(path, logins.text(answers.hostname, settings, made)):
        yield path


def _answers(options: argparse.Namespace) -> Answers:
    tables = _begin(options.config)
    _ask(options, tables)
    answered: dict[str, dict[str, Any]] = {
        "deployment": {
            "purpose": options.purpose,
            "jurisdiction": options.jurisdiction,
            "consent": options.consent,
            "mode": options.mode,
            "minimum_group": options.minimum_group,
        },
        "box": {"site": options.site, "room": options.room},
        "camera": {"source": options.camera},
        "microphone": {"source": options.microphone},
        "broker": _broker(options, configured="broker" in tables),
    }
    if options.broker:
        tables.get("broker", {}).pop("socket", None)
    for table, keys in answered.items():
        given = {key: value for key, value in keys.items() if value is not None}
        if given:
            tables[table] = {**tables.get(table, {}), **given}
    box = tables["box"]
    return Answers(
        settings=tables,
        hostname=options.hostname or default_hostname(str(box["site"]), str(box["room"])),
        wifi=_wifi(options),
        ssh_key=_first_line("--ssh-key", options.ssh_key) if options.ssh_key else "",
        broker_ca=_certificate(options.broker_ca),
        secrets=_secrets(options),
    )


def _begin(path: Path | None) -> dict[str, dict[str, Any]]:
    if path is None:
        return {}
    try:
        tables = tomllib.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise UserError(f"--config {path}: {error}") from error
    for name, table in tables.items():
        if not isinstance(table, dict):
            raise UserError(f"--config {path}: {name}: must be a table")
    return tables


def _ask(options: argparse.Namespace, tables: dict[str, dict[str, Any]]) -> None:
    """Asks for what every box must know and neither option nor configuration says; at a terminal only."""
    for name, question in _ASKED.items():
        table = "box" if name in ("site", "room") else "deployment"
        if getattr(options, name) is not None or name in tables.get(table, {}):
            continue
        if not sys.stdin.isatty():
            raise UserError(f"--{name}: missing")
        setattr(options, name, input(f"{question}: ").strip())


def _wifi(options: argparse.Namespace) -> Wifi | None:
    if options.wifi is None:
        if options.wifi_password_file or options.wifi_country:
            raise UserError("--wifi: missing; it names the network that the other Wi-Fi options speak of")
        return None
    if options.wifi_country is None:
        raise UserError("--wifi-country: missing; a radio must know whose rules hold")
    if options.wifi_password_file:
        password = _first_line("--wifi-password-file", options.wifi_password_file)
    elif sys.stdin.isatty():
        password = getpass.getpass(f"Password of {options.wifi}: ")
    else:
        raise UserError("--wifi-password-file: missing")
    return Wifi(options.wifi, password, options.wifi_country)


def _broker(options: argparse.Namespace, configured: bool) -> dict[str, Any]:
    """The keys of a broker elsewhere, or of the one on the box."""
    if options.broker is None:
        for name in ("broker_user", "broker_password_file", "broker_ca"):
            if getattr(options, name) is not None:
                raise UserError(f"--{name.replace('_', '-')}: is for another broker; name that with --broker")
        return {} if configured else {"socket": OWN_BROKER, "username": DEVICE}
    host, _, port = options.broker.partition(":")
    if port and not port.isdecimal():
        raise UserError(f"--broker: HOST or HOST:PORT, not {options.broker!r}")
    return {
        "host": host,
        "port": int(port) if port else None,
        "username": options.broker_user,
        "ca_file": BROKER_CA if options.broker_ca else None,
    }


def _secrets(options: argparse.Namespace) -> dict[str, bytes]:
    if options.broker_password_file is None:
        return {}
    return {"mqtt-password": _first_line("--broker-password-file", options.broker_password_file).encode()}


def _certificate(path: Path | None) -> bytes:
    if path is None:
        return b""
    try:
        ssl.create_default_context(cafile=path)
        return path.read_bytes()
    except (OSError, ssl.SSLError) as error:
        raise UserError(f"--broker-ca {path}: not a certificate in PEM form ({error})") from error


def _first_line(option: str, path: Path) -> str:
    try:
        lines = path.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{option} {path}: cannot be read ({error})") from error
    if not lines or not lines[0].strip():
        raise UserError(f"{option} {path}: its first line is empty")
    return lines[0].strip()


def _outlook(
    kind: FirstBoot, answers: Answers, settings: Settings, noted: Path | None, *, offline: bool
) -> Iterator[str]:
    """What the technician may expect, line by line."""
    box, broker = settings.box, settings.broker
    network = f"Wi-Fi {answers.wifi.ssid} ({answers.wifi.country}) or a cable" if answers.wifi else "a network cable"
    yield f"The card is ready: {kind.value}, box {answers.hostname}."
    yield "At its first start the box"
    yield f"  - joins the network by {network}"
    yield "  - installs the appliance " + ("from the card" if offline else "(some minutes; downloads about 150 MB)")
    yield "  - takes every secret off the card, and then its parcel"
    where = "its own broker" if broker.here else broker.where
    yield f"  - publishes to {where} under affectfusion/{box.site}/{box.room}"
    yield f"  - {'lets technician in by SSH with your key' if answers.ssh_key else 'lets nobody in: SSH is off'}"
    if noted is not None:
        yield f"Who may listen to it, with which password, is in {noted}: keep that file."
    yield f"How it went is in {partition.RESULT} on this partition, readable in any PC."
    gate = Gate(settings.deployment, StateFolder(None))
    if gate.closed:
        yield f"Note: it will give no scores: {gate.explanation}."
