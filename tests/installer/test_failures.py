"""Whatever fails, and wherever an installation is cut short: the last release that worked runs on."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.installer.box import HOUSE, Box
from tests.services import wait_until


@pytest.mark.parametrize(
    ("failing", "words"),
    [
        ("apt-get -q -o DPkg::Lock::Timeout=300 install", "is the network there?"),
        ("python3 -m venv", "stopped while building release"),
        ("python -m pip", "pip could not install the Python packages"),
        ("python -m compileall", "stopped while installing Python packages"),
        ("affect-edge --version", "does not start"),
        ("systemd-sysusers", "stopped while installing the user"),
        ("affect-edge broker-config", "the broker on this box could not be configured"),
        ("systemctl restart mosquitto", "mosquitto.service does not start"),
    ],
)
def test_a_step_that_fails_is_named_and_undone(installed: Box, failing: str, words: str) -> None:
    if failing.startswith("apt-get"):
        installed.let("packages", "python3\n")
    if "mosquitto" in failing:
        (installed.root / "etc/mosquitto/affectfusion/passwords").unlink()
    installed.let("fails", failing)
    done = installed.install_sh("update", source=installed.checkout("2.0"))
    installed.let("fails", "")
    assert done.returncode == 1, done.stdout
    assert words in done.stdout
    assert installed.runs() == installed.release() == "1.0"
    assert installed.releases() == {"1.0"}
    again = installed.install_sh("update", source=installed.checkout("2.0"))
    assert again.returncode == 0, again.stdout
    assert installed.runs() == "2.0"


def test_package_lists_that_cannot_be_had_are_done_without(box: Box) -> None:
    box.let("fails", "apt-get -q -o DPkg::Lock::Timeout=300 update")
    done = box.install_sh("device")
    assert done.returncode == 0, done.stdout
    assert "trying with the lists there are" in done.stdout


def test_a_full_disk_is_noticed_before_it_is_fuller(installed: Box) -> None:
    installed.let("free_mb", "300")
    done = installed.install_sh("update", source=installed.checkout("2.0"))
    assert done.returncode == 1
    assert "the disk is full: 300 MB are free" in done.stdout
    assert not [call for call in installed.calls() if "-m venv" in call]
    assert installed.releases() == {"1.0"}


def test_an_interrupted_update_leaves_nothing_behind(installed: Box) -> None:
    installed.let("waits", "python -m pip")
    update = installed.start("update", source=installed.checkout("2.0"))
    assert wait_until(installed.waiting)
    update.send_signal(signal.SIGTERM)
    installed.go_on()
    words, _ = update.communicate(timeout=60)
    assert update.returncode == 143, words
    assert installed.runs() == installed.release() == "1.0"
    assert installed.releases() == {"1.0"}


KILLED_AT = [
    *("mkdir", "tar", "python3 -m venv", "python -m pip", "touch"),
    *("mv -T", "install -m", "systemctl daemon-reload", "systemctl restart affectfusion", "systemctl show"),
]


@pytest.mark.parametrize("moment", KILLED_AT)
def test_an_update_killed_between_two_steps_is_taken_back_by_the_next_command(installed: Box, moment: str) -> None:
    healthy = installed.everything()
    _killed_at(installed, moment, "update", source=installed.checkout("2.0", "frail"))
    assert installed.release() in ("1.0", "2.0")
    done = installed.install_sh("recover")
    assert done.returncode == 0, done.stdout
    assert installed.runs() == installed.release() == "1.0"
    assert installed.releases() == {"1.0"}
    log = "var/log/affectfusion-install.log"
    assert {**installed.everything(), log: ""} == {**healthy, log: ""}


@pytest.mark.parametrize("moment", ["python -m pip", "mv -T", "systemd-sysusers", "systemctl enable"])
def test_a_first_installation_that_was_killed_is_finished_by_the_second(box: Box, moment: str) -> None:
    _killed_at(box, moment, "device")
    done = box.install_sh("device")
    assert done.returncode == 0, done.stdout
    assert box.runs() == box.release() == "1.0"
    assert box.releases() == {"1.0"}


def test_the_release_before_an_unproven_one_takes_it_back_by_itself(installed: Box) -> None:
    """As the service's retry does after a power cut in the middle of an update."""
    _killed_at(installed, "systemctl show", "update", source=installed.checkout("2.0", "frail"))
    assert installed.release() == "2.0"
    done = installed.install_sh("recover", source=installed.prefix / "previous/app")
    assert done.returncode == 0, done.stdout
    assert installed.runs() == installed.release() == "1.0"


def test_an_unproven_release_that_has_stood_since_is_kept(installed: Box) -> None:
    _killed_at(installed, "systemctl show", "update", source=installed.checkout("2.0"))
    installed.let("active_since", "0")
    done = installed.install_sh("recover")
    assert "has proven itself" in done.stdout
    assert installed.runs() == installed.release() == "2.0"
    assert not (installed.prefix / "unproven").exists()


def test_recovery_leaves_a_healthy_box_alone(installed: Box) -> None:
    assert installed.install_sh("recover").returncode == 0
    assert not installed.calls("systemctl")


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user: needs root")
def test_without_root_one_line_says_so() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        shutil.copy(HOUSE / "install.sh", folder)
        shutil.copytree(HOUSE / "systemd", Path(folder) / "systemd")
        command = [f"{folder}/install.sh", "device"]
        done = subprocess.run(command, capture_output=True, text=True, user=65534, group=65534, cwd="/")
    assert done.returncode == 2
    assert done.stderr == "install.sh: root is needed; run: sudo ./install.sh device\n"


def _killed_at(box: Box, moment: str, *arguments: str, source: Path | None = None) -> None:
    """Kills ``install.sh ARGUMENTS`` where it first makes the call that begins so."""
    box.let("dies_at", moment)
    process = box.start(*arguments, source=source)
    words, _ = process.communicate(timeout=60)
    box.let("dies_at", "")
    assert process.returncode == -signal.SIGKILL, words
