"""The units: nothing systemd does not know, and a sandbox that leaves little to be had."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from edge import config
from edge.config import Broker, Settings

ROOM = Path(__file__).parents[2] / "systemd"
SYSTEM_UNITS = Path("/usr/lib/systemd/system")

DASHBOARD = "affectfusion-dashboard.service"
MOST_EXPOSED = 1.6
MOST_EXPOSED_WITHOUT_NETWORK = 0.9


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root folder with the units, and stand-ins for the programs that they name."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed: apt install systemd")
    units = tmp_path / "etc/systemd/system"
    units.mkdir(parents=True)
    for unit in (*ROOM.glob("*.service"), *ROOM.glob("*.timer")):
        shutil.copy(unit, units)
    # the targets that every unit leans on
    shutil.copytree(SYSTEM_UNITS, tmp_path / SYSTEM_UNITS.relative_to("/"), symlinks=True)
    for program in (
        "opt/affectfusion/current/venv/bin/affect-edge",
        "opt/affectfusion/previous/app/install.sh",
        "usr/bin/sh",
        "usr/sbin/modprobe",
    ):
        path = tmp_path / program
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("#!/bin/sh\n")
        path.chmod(0o755)
    for link, target in {"lib": "usr/lib", "bin": "usr/bin", "sbin": "usr/sbin"}.items():
        (tmp_path / link).symlink_to(target)
    return tmp_path


def add(root: Path, part: str, unit: str = "affectfusion.service") -> None:
    folder = root / f"etc/systemd/system/{unit}.d"
    folder.mkdir()
    shutil.copy(ROOM / part, folder)


def complaints(root: Path) -> str:
    units = [unit.name for pattern in ("*.service", "*.timer") for unit in ROOM.glob(pattern)]
    done = subprocess.run(["systemd-analyze", "verify", f"--root={root}", *units], capture_output=True, text=True)
    return done.stdout + done.stderr


def exposure(root: Path, unit: str = "affectfusion.service") -> float:
    command = ["systemd-analyze", "security", "--offline=true", "--no-pager", f"--root={root}", unit]
    done = subprocess.run(command, capture_output=True, text=True)
    found = re.search(rf"Overall exposure level for {re.escape(unit)}: ([0-9.]+)", done.stdout)
    assert found, done.stdout + done.stderr
    return float(found[1])


def test_systemd_has_nothing_to_say_about_the_units(root: Path) -> None:
    assert complaints(root) == ""


@pytest.mark.parametrize("part", ["local-broker.conf", "distant-broker.conf"])
def test_systemd_has_nothing_to_say_about_the_unit_as_its_broker_changes_it(root: Path, part: str) -> None:
    add(root, part)
    assert complaints(root) == ""


def test_a_misspelt_setting_would_be_noticed(root: Path) -> None:
    unit = root / "etc/systemd/system/affectfusion.service"
    unit.write_text(unit.read_text().replace("ProtectSystem", "ProtectSytem"))
    assert "ProtectSytem" in complaints(root)


def test_the_networked_unit_is_barely_exposed(root: Path) -> None:
    assert exposure(root) <= MOST_EXPOSED


def test_the_unit_with_a_broker_far_away_is_exposed_no_more(root: Path) -> None:
    before = exposure(root)
    add(root, "distant-broker.conf")
    assert exposure(root) == before


def test_the_unit_without_a_network_is_exposed_even_less(root: Path) -> None:
    add(root, "local-broker.conf")
    assert exposure(root) <= MOST_EXPOSED_WITHOUT_NETWORK


def test_the_dashboard_is_barely_exposed_and_no_more_when_other_machines_reach_it(root: Path) -> None:
    before = exposure(root, DASHBOARD)
    assert before <= MOST_EXPOSED
    add(root, "exposed-dashboard.conf", DASHBOARD)
    assert complaints(root) == ""
    assert exposure(root, DASHBOARD) <= MOST_EXPOSED


def test_the_account_may_use_cameras_and_sound_cards(tmp_path: Path) -> None:
    if shutil.which("systemd-sysusers") is None:
        pytest.skip("systemd-sysusers is not installed: apt install systemd")
    folder = tmp_path / "etc/sysusers.d"
    folder.mkdir(parents=True)
    shutil.copy(ROOM / "affectfusion.sysusers", folder / "affectfusion.conf")
    subprocess.run(["systemd-sysusers", f"--root={tmp_path}"], check=True, capture_output=True)
    groups = dict(line.split(":")[::3] for line in (tmp_path / "etc/group").read_text().splitlines())
    assert groups["video"] == groups["audio"] == "affectfusion"
    assert re.search("^affectfusion:.*:/usr/sbin/nologin$", (tmp_path / "etc/passwd").read_text(), re.MULTILINE)


def test_secrets_lie_where_only_their_owner_looks(tmp_path: Path) -> None:
    if shutil.which("systemd-tmpfiles") is None:
        pytest.skip("systemd-tmpfiles is not installed: apt install systemd")
    rules = tmp_path / "affectfusion.conf"
    # whoever runs the tests stands in for root
    rules.write_text((ROOM / "affectfusion.tmpfiles").read_text().replace(" root root ", " - - "))
    subprocess.run(["systemd-tmpfiles", f"--root={tmp_path}", "--create", str(rules)], check=True, capture_output=True)
    assert (tmp_path / "etc/affectfusion/credentials").stat().st_mode & 0o777 == 0o700


AS_SHIPPED = Settings(broker=Broker(socket=Path("/run/mosquitto/affectfusion.sock"), username="device"))


def test_the_configuration_template_is_the_defaults_with_a_broker_on_the_box(tmp_path: Path) -> None:
    template = tmp_path / "config.toml"
    shutil.copy(ROOM / "config.toml", template)
    assert config.load(template) == AS_SHIPPED


def test_every_line_the_template_offers_can_be_switched_on(tmp_path: Path) -> None:
    offered = re.sub("^# (?=[a-z_]+ = )", "", (ROOM / "config.toml").read_text(), flags=re.MULTILINE)
    template = tmp_path / "config.toml"
    template.write_text(offered)
    assert offered.count("\n# ") < (ROOM / "config.toml").read_text().count("\n# ")
    assert config.load(template) == AS_SHIPPED, "what a comment shows is not the default"
