"""Made-up boot partitions of both kinds, and the answers of a technician in a hurry."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from edge.cli import main

CMDLINE = "console=serial0,115200 console=tty1 root=PARTUUID=5d0bc1ec-02 rootfstype=ext4 fsck.repair=yes rootwait"
ANSWERS = {
    "site": "northside",
    "room": "7b",
    "purpose": "research",
    "jurisdiction": "US",
    "consent": 'signed forms, "file 12"',
}


@pytest.fixture
def bookworm(tmp_path: Path) -> Path:
    """The boot partition of a freshly written Raspberry Pi OS Bookworm."""
    card = tmp_path / "bookworm"
    card.mkdir()
    (card / "config.txt").write_text("arm_64bit=1\n[all]\n")
    (card / "cmdline.txt").write_text(f"{CMDLINE} init=/usr/lib/raspberrypi-sys-mods/firstboot\n")
    (card / "issue.txt").write_text("Raspberry Pi reference 2025-05-13\n")
    return card


@pytest.fixture
def trixie(tmp_path: Path) -> Path:
    """The boot partition of a freshly written Raspberry Pi OS Trixie."""
    card = tmp_path / "trixie"
    card.mkdir()
    (card / "config.txt").write_text("arm_64bit=1\n[all]\n")
    (card / "cmdline.txt").write_text(f"{CMDLINE} resize\n")
    (card / "user-data").write_text("#cloud-config\n#hostname: raspberrypi\n")
    (card / "meta-data").write_text("dsmode: local\ninstance_id: rpios-image\n")
    (card / "network-config").write_text("#version: 2\n")
    return card


@pytest.fixture
def wifi(tmp_path: Path) -> list[str]:
    """The options of a Wi-Fi network."""
    password = tmp_path / "wifi.txt"
    password.write_text("correct horse\n")
    return ["--wifi", 'School "Staff"', "--wifi-country", "DE", "--wifi-password-file", str(password)]


@pytest.fixture
def prepare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., int]:
    """Prepares a card with the usual answers; keywords replace them, and None leaves one out.

    The release on it is a small stand-in: packing the real one takes seconds. It runs in an empty folder, ``desk``.
    """
    desk = tmp_path / "desk"
    desk.mkdir()
    monkeypatch.chdir(desk)
    monkeypatch.setattr("edge.card.prepare.archive", lambda: b"release")

    def run(card: Path, *more: str, **changes: str | None) -> int:
        answers = {**ANSWERS, **changes}
        given = [word for name, value in answers.items() if value is not None for word in (f"--{name}", value)]
        return main(["prepare-card", str(card), *given, *more])

    return run
