"""``install.sh device``: what it does on each system, and that it does it once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.installer.box import HOUSE, Box
from tests.services import wait_until

EVERYWHERE = {"python3", "python3-venv", "python3-pyaudio", "python3-systemd", "mosquitto", "openssl"}
RASPBERRY = {"python3-picamera2", "python3-gpiozero", "python3-lgpio"}


def packages_asked_for(box: Box) -> set[str]:
    (call,) = [call for call in box.calls("apt-get") if " install " in call]
    return {word for word in call.partition(" install ")[2].split() if not word.startswith("-")}


@pytest.mark.parametrize(
    ("distribution", "version"),
    [("debian", "12"), ("debian", "13"), ("ubuntu", "22.04"), ("ubuntu", "24.04")],
)
def test_debian_and_ubuntu_get_what_the_service_needs(box: Box, distribution: str, version: str) -> None:
    box.is_a(distribution, version)
    done = box.install_sh("device")
    assert done.returncode == 0, done.stdout
    assert packages_asked_for(box) == EVERYWHERE
    assert box.runs() == "1.0"


@pytest.mark.parametrize("version", ["12", "13"])
def test_raspberry_pi_os_gets_its_camera_and_pins_as_well(box: Box, version: str) -> None:
    box.is_a("debian", version)
    (box.root / "etc/rpi-issue").touch()
    box.let("gpio", "")
    done = box.install_sh("device")
    assert done.returncode == 0, done.stdout
    assert packages_asked_for(box) == EVERYWHERE | RASPBERRY
    assert box.calls("usermod -aG gpio affectfusion")


def test_elsewhere_no_group_gpio_is_made(box: Box) -> None:
    box.install_sh("device")
    assert not box.calls("usermod")


@pytest.mark.parametrize(
    ("distribution", "version", "architecture", "python", "words"),
    [
        ("fedora", "41", "arm64", "3.11", "fedora 41 is not supported"),
        ("debian", "11", "arm64", "3.9", "debian 11 is not supported"),
        ("ubuntu", "20.04", "arm64", "3.8", "ubuntu 20.04 is not supported"),
        ("raspbian", "12", "armhf", "3.11", "64-bit Raspberry Pi OS"),
        ("debian", "12", "armhf", "3.11", "must be 64-bit"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_changes(
    box: Box, distribution: str, version: str, architecture: str, python: str, words: str
) -> None:
    box.is_a(distribution, version)
    box.let("architecture", architecture)
    box.let("python", python)
    done = box.install_sh("device")
    assert done.returncode == 2
    assert words in done.stdout
    assert not box.calls("apt-get")
    assert not box.prefix.exists()


@pytest.mark.parametrize("python", ["3.9", "3.14"])
def test_a_python_that_is_not_supported_is_refused(box: Box, python: str) -> None:
    box.let("python", python)
    done = box.install_sh("device")
    assert done.returncode == 2
    assert f"Python {python} is not supported; Python 3.10 to 3.13 is" in done.stdout
    assert box.release() is None


def test_a_dry_run_says_every_step_and_changes_nothing(box: Box) -> None:
    before = box.everything()
    done = box.install_sh("device", "--dry-run")
    assert done.returncode == 0, done.stdout
    for step in ("apt-get", "venv", "pip install", "systemd-sysusers", "systemd-tmpfiles", "broker-config", "enable"):
        assert step in done.stdout
    assert box.everything() == before
    changing = ("apt-get", "systemctl", "systemd-", "mkdir", "install", "ln", "mv", "rm", "tar", "touch")
    assert not [call for call in box.calls() if call.startswith(changing)]


def test_a_dry_run_of_everything_else_changes_nothing_either(installed: Box) -> None:
    installed.install_sh("update", source=installed.checkout("2.0"))
    before = installed.everything()
    for command in (["update"], ["rollback"], ["uninstall", "--purge"]):
        done = installed.install_sh(*command, "--dry-run", source=installed.checkout("3.0"))
        assert done.returncode == 0, done.stdout
        assert "would run" in done.stdout
    assert installed.everything() == before
    assert installed.runs() == "2.0"


def test_a_second_run_finds_nothing_to_do(installed: Box) -> None:
    before = installed.everything()
    done = installed.install_sh("device")
    assert done.returncode == 0, done.stdout
    assert "runs already" in done.stdout
    assert not [call for call in installed.calls() if "pip" in call or "apt-get" in call or "restart" in call]
    log = "var/log/affectfusion-install.log"
    assert {**installed.everything(), log: ""} == {**before, log: ""}


def test_a_second_run_repairs_a_unit_that_was_changed(installed: Box) -> None:
    unit = installed.units / "affectfusion.service"
    shipped = unit.read_text()
    unit.write_text("[Service]\n")
    installed.install_sh("device")
    assert unit.read_text() == shipped
    assert installed.calls("systemctl restart affectfusion.service")


def test_the_configuration_is_never_overwritten(box: Box) -> None:
    box.configuration.parent.mkdir(parents=True)
    box.configuration.write_text('[box]\nroom = "12b"\n')
    box.install_sh("device")
    box.install_sh("update", source=box.checkout("2.0"))
    assert box.configuration.read_text() == '[box]\nroom = "12b"\n'


def test_the_first_installation_writes_a_configuration_to_fill_in(box: Box) -> None:
    done = box.install_sh("device")
    assert "[deployment]" in box.configuration.read_text()
    assert "nothing is captured until [deployment]" in done.stdout


def test_wheels_from_a_folder_need_no_network(box: Box, tmp_path: Path) -> None:
    (tmp_path / "wheels").mkdir()
    done = box.install_sh("device", "--offline", "wheels")
    assert done.returncode == 0, done.stdout
    (pip,) = [call for call in box.calls() if "-m pip" in call]
    assert f"--no-index --find-links {tmp_path / 'wheels'}" in pip
    assert not [call for call in box.calls("apt-get") if "update" in call]


def test_the_service_loses_its_network_where_its_broker_is_reached_through_a_file(installed: Box) -> None:
    part = installed.units / "affectfusion.service.d/local-broker.conf"
    assert "PrivateNetwork=yes" in part.read_text()
    installed.configuration.write_text('[broker]\nhost = "mqtt.school.example"\n')
    installed.install_sh("device")
    assert not part.exists()
    assert installed.calls("systemctl restart affectfusion.service")


def test_the_service_may_leave_the_building_only_while_its_broker_is_out_there(installed: Box) -> None:
    part = installed.units / "affectfusion.service.d/broker.conf"
    assert not part.exists()
    installed.configuration.write_text('[broker]\nhost = "mqtt.school.example"\n')
    done = installed.install_sh("device")
    assert "IPAddressAllow=any" in part.read_text()
    assert "the service may connect to any address" in done.stdout
    assert installed.calls("systemctl restart affectfusion.service")
    for broker in ('host = "10.0.0.7"', 'socket = "/run/mosquitto/affectfusion.sock"'):
        part.write_text("[Service]\nIPAddressAllow=any\n")
        installed.configuration.write_text(f"[broker]\n{broker}\n")
        installed.install_sh("device")
        assert not part.exists()


@pytest.mark.parametrize(
    ("broker", "way"),
    [
        ('socket = "/run/mosquitto/affectfusion.sock"', "socket"),
        ('host = "127.0.0.1"', "loopback"),
        ('host = "192.168.7.1"', "building"),
        ('host = "fd00::7"', "building"),
        ('host = "8.8.8.8"', "distant"),
        ('host = "100.64.0.1"', "distant"),
        ('host = "2606:4700::1111"', "distant"),
        ('host = "nobody.invalid"', "distant"),
        ("host = 7", ""),
    ],
)
def test_where_a_broker_is_decides_what_the_service_may_reach(tmp_path: Path, broker: str, way: str) -> None:
    python = tmp_path / "release/venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    (tmp_path / "release/app").symlink_to(HOUSE)
    (tmp_path / "etc/affectfusion").mkdir(parents=True)
    (tmp_path / "etc/affectfusion/config.toml").write_text(f"[broker]\n{broker}\n")
    parts = "".join(f". systemd/installer/{part}.sh; " for part in ("places", "steps", "broker"))
    done = subprocess.run(
        ["bash", "-c", f"{parts} way_to_broker {tmp_path}/release"],
        cwd=HOUSE,
        env=os.environ | {"AFFECTFUSION_ROOT": str(tmp_path), "PYTHONPATH": str(HOUSE)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == way, done.stderr


def test_a_broker_elsewhere_closes_the_one_on_the_box(installed: Box) -> None:
    drop_in = installed.root / "etc/mosquitto/conf.d/affectfusion.conf"
    assert drop_in.exists()
    installed.configuration.write_text('[broker]\nhost = "mqtt.school.example"\n')
    installed.install_sh("device")
    assert not drop_in.exists()
    assert installed.calls("systemctl try-restart mosquitto.service")


def test_the_brokers_passwords_are_shown_to_a_person_once_and_never_logged(box: Box) -> None:
    first = box.install_sh_at_a_terminal("device")
    second = box.install_sh_at_a_terminal("device")
    for secret in ("secret-of-viewers", "secret-of-operators"):
        assert secret in first
        assert secret not in second
        assert secret not in box.log()


def test_where_nobody_watches_the_passwords_are_not_shown(box: Box) -> None:
    done = box.install_sh("device")
    assert "secret-of" not in done.stdout
    assert f"are in {box.root / 'etc/affectfusion/credentials'}" in done.stdout


def test_the_log_tells_what_was_run(box: Box) -> None:
    box.install_sh("device")
    assert "install.sh device" in box.log()
    assert "-m pip install" in box.log()


def test_status_tells_what_runs(box: Box) -> None:
    assert box.install_sh("status").returncode == 1
    box.install_sh("device")
    done = box.install_sh("status")
    assert done.returncode == 0, done.stdout
    assert "release    1.0-" in done.stdout
    assert "camera live" in done.stdout


def test_two_installers_never_work_at_once(box: Box) -> None:
    box.let("waits", "apt-get")
    first = box.start("device")
    assert wait_until(box.waiting)
    second = box.install_sh("device")
    assert second.returncode == 1
    assert "another install.sh is at work" in second.stdout
    box.go_on()
    assert first.wait(timeout=60) == 0
    first.communicate()
    assert box.runs() == "1.0"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["device", "--nonsense"], "device takes no --nonsense"),
        (["device", "--purge"], "device takes no --purge"),
        (["device", "--offline", "nowhere"], "--offline needs a folder of wheels"),
        (["update", "one", "two"], "update takes one SOURCE"),
        (["status", "now"], "status takes no argument"),
        (["update"], "there is nothing to update"),
        (["rollback"], "there is no release to go back to"),
    ],
)
def test_a_mistaken_command_is_one_line(box: Box, arguments: list[str], words: str) -> None:
    done = box.install_sh(*arguments)
    assert done.returncode == 2
    assert words in done.stdout
    assert not box.prefix.exists()
