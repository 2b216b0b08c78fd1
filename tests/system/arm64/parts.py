"""What the machine is given: Python packages for arm64, a card made by prepare-card, and releases to update to."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from machine import ext4, fat
from packaging.requirements import Requirement

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PROJECT = Path(__file__).resolve().parents[3]
PYTHON = "3.13"
"""What Debian trixie has."""

GLIBC = ("2_28", "2_27", "2_26", "2_17")

CONFIGURATION = """\
[camera]
width = 640
height = 360
fps = 5.0

[perception]
faces = 2
rate_hz = 2.0
"""
"""Small enough for an emulated processor."""

CMDLINE = (
    "console=serial0,115200 console=tty1 root=PARTUUID=5d0bc1ec-02 rootfstype=ext4 fsck.repair=yes rootwait resize\n"
)

WIFI_PASSWORD = "a secret of the school"

BROKEN = """

def _broken(self):
    raise RuntimeError("broken on purpose")


Appliance._turn = _broken
"""
"""What an update brings that does not hold."""


def wheels(folder: Path) -> Path:
    """Downloads, once, every Python package that a device needs, built for arm64."""
    if (folder / "complete").exists():
        return folder
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())
    shown = project["project"]["optional-dependencies"]["dashboard"]
    needs = map(Requirement, [*project["project"]["dependencies"], *shown, *project["build-system"]["requires"]])
    environment = {"python_version": PYTHON, "python_full_version": f"{PYTHON}.0", "platform_machine": "aarch64"}
    wanted = [need for need in needs if need.marker is None or need.marker.evaluate(environment)]
    platforms = [word for glibc in GLIBC for word in ("--platform", f"manylinux_{glibc}_aarch64")]
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "download", "--quiet", "--dest", str(folder)),
            *("--only-binary=:all:", "--python-version", PYTHON, *platforms, "--platform", "manylinux2014_aarch64"),
            *(f"{need.name}{need.specifier}" for need in wanted),
        ],
        check=True,
    )
    (folder / "complete").touch()
    return folder


def card(folder: Path, packages: Path) -> Path:
    """The image of a Trixie card's boot partition, prepared by the command that a technician uses."""
    boot = folder / "bootfs"
    boot.mkdir()
    (boot / "config.txt").write_text("arm_64bit=1\n")
    (boot / "cmdline.txt").write_text(CMDLINE)
    (boot / "user-data").write_text("#cloud-config\n")
    (boot / "meta-data").write_text("dsmode: local\ninstance_id: rpios-image\n")
    (folder / "base.toml").write_text(CONFIGURATION)
    (folder / "wifi.txt").write_text(WIFI_PASSWORD)
    answers = ["--site", "school", "--room", "7b", "--purpose", "research", "--jurisdiction", "US"]
    answers += ["--consent", "signed forms, file 12", "--config", str(folder / "base.toml")]
    answers += ["--wifi", "School", "--wifi-country", "DE", "--wifi-password-file", str(folder / "wifi.txt")]
    answers += ["--wheels", str(packages), "--logins", str(folder / "logins.txt")]
    command = [sys.executable, "-m", "edge", "prepare-card", str(boot), *answers]
    print(subprocess.run(command, cwd=PROJECT, check=True, capture_output=True, text=True).stdout)
    return fat(folder / "card.img", boot, 256)


def supplies(folder: Path, packages: Path) -> Path:
    """A stick with the wheels and two releases: the one on the card, and one whose loop dies at its first turn."""
    stick = folder / "stick"
    (stick / "wheels").mkdir(parents=True)
    for wheel in packages.glob("*.whl"):
        (stick / "wheels" / wheel.name).hardlink_to(wheel)
    with tarfile.open(folder / "bootfs/affectfusion/release.tar.gz") as tar, tempfile.TemporaryDirectory() as unpacked:
        tar.extractall(unpacked, filter="data")
        with (Path(unpacked) / "edge/appliance.py").open("a") as file:
            file.write(BROKEN)
        subprocess.run(["tar", "-czf", str(stick / "broken.tar.gz"), "-C", unpacked, "."], check=True)
    return ext4(folder / "supplies.img", stick, 256)
