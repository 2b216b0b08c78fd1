"""Raspberry Pi OS's boot partition, and the two ways in which it takes a technician's files at the first start."""

from __future__ import annotations

import json
import os
import shlex
import shutil
from collections.abc import Iterator, Mapping
from enum import Enum
from pathlib import Path
from string import Template

from edge.card.answers import BROKER_CA, Answers, Wifi
from edge.card.release import PROJECT
from edge.errors import UserError
from edge.files import replace

TEMPLATES = PROJECT / "systemd" / "first-boot"

PARCEL = "affectfusion"
"""The folder on the card that holds everything of ours."""

RESULT = "affectfusion-result.txt"
"""Where the box says how its installation went."""

AUTHORITY = "affectfusion-ca.crt"
"""Where it leaves the certificate by which others know its broker."""

IDENTITY = f"{PARCEL}/parcel-id"
"""Which preparation of the card this is; without it there is no parcel."""

_HOOK = (
    "systemd.run=/boot/firmware/firstrun.sh",
    "systemd.run_success_action=reboot",
    "systemd.unit=kernel-command-line.target",
)
_SEED = "ds=nocloud;i="


class FirstBoot(Enum):
    """What runs a card's files at the first start."""

    CLOUD_INIT = "Raspberry Pi OS Trixie (cloud-init)"
    FIRSTRUN = "Raspberry Pi OS Bookworm (firstrun.sh)"


def recognise(folder: Path) -> FirstBoot:
    """How the boot partition at ``folder`` starts. Raises UserError, saying what it looks like, where it is none."""
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; name the card's boot partition, such as /media/{_user()}/bootfs")
    if not all((folder / name).is_file() for name in ("config.txt", "cmdline.txt")):
        raise UserError(
            f"{folder}: not the boot partition of Raspberry Pi OS (no config.txt and cmdline.txt);"
            " on a Jetson, run install.sh device instead"
        )
    words = _cmdline(folder)
    if any(word.startswith("init=/usr/lib/raspi-config/") for word in words):
        raise UserError(f"{folder}: Raspberry Pi OS before Bookworm cannot run the appliance; write Trixie on the card")
    seeded = (folder / "meta-data").is_file() or any(word.startswith(_SEED) for word in words)
    return FirstBoot.CLOUD_INIT if seeded else FirstBoot.FIRSTRUN


def customised(folder: Path) -> str:
    """Who has already prepared the card at ``folder``, in words; empty where nobody has."""
    if (folder / IDENTITY).exists():
        return "this card has been prepared before"
    words = _cmdline(folder)
    if (folder / "firstrun.sh").exists() or any(
        word.startswith((f"{_SEED}rpi-imager", "systemd.run=")) for word in words
    ):
        return "Raspberry Pi Imager has put a customisation of its own on this card"
    return ""


def files(
    kind: FirstBoot, folder: Path, answers: Answers, release: bytes, wheels: Path | None, identity: str
) -> Iterator[tuple[str, bytes]]:
    """Every file that makes ``folder`` a card of the box, in the order of writing; ``identity`` is new each time.

    What starts the installation comes last, so that a card pulled out too early starts as if nothing had been done.
    """
    yield f"{PARCEL}/release.tar.gz", release
    for wheel in sorted(wheels.glob("*.whl")) if wheels else ():
        yield f"{PARCEL}/wheels/{wheel.name}", wheel.read_bytes()
    yield f"{PARCEL}/config.toml", answers.toml.encode()
    if answers.broker_ca:
        yield f"{PARCEL}/{BROKER_CA}", answers.broker_ca
    yield f"{PARCEL}/box.env", _shell(answers).encode()
    for name in ("first-boot.sh", "affectfusion-first-boot.service"):
        yield f"{PARCEL}/{name}", _template(name).encode()
    for name, secret in answers.secrets.items():
        yield f"{PARCEL}/secrets/{name}", secret
    if kind is FirstBoot.FIRSTRUN and answers.wifi:
        yield f"{PARCEL}/secrets/wifi-psk", answers.wifi.key.encode()
    yield IDENTITY, identity.encode()
    words = [word for word in _cmdline(folder) if not word.startswith((_SEED, "systemd.run", "systemd.unit="))]
    if kind is FirstBoot.FIRSTRUN:
        yield "firstrun.sh", _template("firstrun.sh").encode()
        words += _HOOK
    else:
        yield "network-config", _network(answers.wifi).encode()
        yield "meta-data", f"dsmode: local\ninstance-id: {identity}\n".encode()
        yield "user-data", _user_data(answers).encode()
        # a new instance to cloud-init, even where this card has started before
        words.append(_SEED + identity)
    yield "cmdline.txt", (" ".join(words) + "\n").encode()


def write(folder: Path, content: Mapping[str, bytes]) -> None:
    """Writes ``content`` by name into ``folder``, each file whole or not at all, and waits for the card to have it.

    Raises UserError, before the first byte, where the card has no room for it, and where it cannot be written.
    """
    needed = sum(map(len, content.values())) + (1 << 20)
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise UserError(f"{folder}: {needed >> 20} MiB are needed and {free >> 20} MiB are free")
    for name, data in content.items():
        _replace(folder / name, data)


def clear(folder: Path) -> None:
    """Takes away what an earlier preparation, or Imager, left: nothing of it may outlive the new answers."""
    try:
        shutil.rmtree(folder / PARCEL, ignore_errors=True)
        for name in ("firstrun.sh", "network-config", RESULT, AUTHORITY):
            (folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise UserError(f"{folder}: cannot be written ({error.strerror})") from error


def _cmdline(folder: Path) -> list[str]:
    try:
        return (folder / "cmdline.txt").read_text().split()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{folder / 'cmdline.txt'}: cannot be read ({error})") from error


def _template(name: str) -> str:
    try:
        return (TEMPLATES / name).read_text()
    except OSError as error:
        raise UserError(f"{TEMPLATES / name}: missing; run prepare-card from the project's folder") from error


def _shell(answers: Answers) -> str:
    wifi = answers.wifi
    values = {
        "HOSTNAME_WANTED": answers.hostname,
        "WIFI_SSID": wifi.ssid if wifi else "",
        "WIFI_COUNTRY": wifi.country if wifi else "",
        "SSH_KEY": answers.ssh_key,
    }
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in values.items())


def _user_data(answers: Answers) -> str:
    text = Template(_template("user-data")).substitute(hostname=answers.hostname)
    # an empty list of keys is none that cloud-init takes
    return text + (f"    ssh_authorized_keys: {json.dumps([answers.ssh_key])}\n" if answers.ssh_key else "")


def _network(wifi: Wifi | None) -> str:
    text = _template("network-config")
    if wifi is None:
        return text
    # a JSON string is a YAML string
    part = Template(_template("network-config.wifi"))
    return text + part.substitute(
        ssid=json.dumps(wifi.ssid), key=json.dumps(wifi.key), country=json.dumps(wifi.country)
    )


def _replace(path: Path, data: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace(path, data)
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror})") from error


def _user() -> str:
    return os.environ.get("SUDO_USER") or os.environ.get("USER") or "you"
