"""The appliance on a Debian under a real systemd: installed, watched, sandboxed, updated and removed.

systemd-nspawn enforces neither device lists nor memory limits nor IP filters on every kernel; they are not tested here.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services import wait_until
from tests.system.debian import HOUSE, fresh_root, wheels
from tests.system.machine import Machine, booted

pytestmark = [pytest.mark.system, pytest.mark.timeout(1800)]

CONFIGURATION = """
[deployment]
purpose = "demonstration"
jurisdiction = "none"
consent = "drawn learners"
[camera]
source = "drawn"
width = 640
height = 480
[microphone]
source = "none"
[broker]
socket = "/run/mosquitto/affectfusion.sock"
username = "device"
"""

RESTARTED_WITHIN_S = 15.0
SETTLE = {"AFFECTFUSION_SETTLE_S": "11"}
"""Just longer than the watchdog's patience."""
CONTENTS = ("edge", "models_tflite", "systemd", "pyproject.toml", "install.sh", "README.md", "LICENSE", "NOTICE")
DASHBOARD = "http://127.0.0.1:8080/"
SLOW_S = 180.0
"""Slow machines load the models for a long time; nothing is measured by this."""


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A machine on which ``install.sh device`` has been run, without a network."""
    root = fresh_root(tmp_path_factory.mktemp("machine") / "box")
    _checkout(root / "root/checkout")
    shutil.copytree(wheels(), root / "root/wheels")
    (root / "etc/affectfusion").mkdir()
    (root / "etc/affectfusion/config.toml").write_text(CONFIGURATION)
    shutil.copy(HOUSE / "tests/system/probe.py", root / "usr/local/lib/probe.py")
    try:
        with booted(root) as machine:
            machine.run("/root/checkout/install.sh", "device", "--offline", "/root/wheels", **SETTLE)
            yield machine
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _checkout(folder: Path) -> Path:
    folder.mkdir()
    for name in CONTENTS:
        source = HOUSE / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder)
    return folder


def _runs(machine: Machine) -> bool:
    return machine.property("ActiveState") == "active"


def _start_anew(machine: Machine) -> None:
    """With a count of restarts that begins at 0, and no memory of earlier starts."""
    machine.run("systemctl", "stop", "affectfusion")
    machine.run("systemctl", "reset-failed", "affectfusion", check=False)
    machine.run("systemctl", "start", "affectfusion")


def test_the_service_is_ready_and_says_what_it_does(machine: Machine) -> None:
    assert _runs(machine)
    assert wait_until(lambda: "giving scores" in machine.property("StatusText"), SLOW_S), machine.journal()
    status = machine.run("/root/checkout/install.sh", "status").stdout
    assert "active" in status


def test_its_scores_reach_a_viewer_through_the_broker_on_the_box(machine: Machine) -> None:
    password = machine.run("cat", "/etc/affectfusion/credentials/mqtt-viewer-password").stdout.strip()
    subscribe = ["mosquitto_sub", "-h", "127.0.0.1", "-u", "viewer", "-P", password, "-t", "affectfusion/+/+/affect"]
    message = json.loads(machine.run(*subscribe, "-C", "1", "-W", "60").stdout)
    assert message["v"] == 1


def test_the_dashboard_is_off_and_reads_the_box_once_it_is_switched_on(machine: Machine) -> None:
    unit = "affectfusion-dashboard"
    assert machine.run("systemctl", "is-active", unit, check=False).stdout.strip() == "inactive"
    machine.run("systemctl", "start", unit)
    try:
        read = f"import urllib.request; print(urllib.request.urlopen({DASHBOARD!r}, timeout=60).status)"
        assert wait_until(lambda: "reading from" in machine.journal(unit), SLOW_S), machine.journal(unit)
        assert machine.run("python3", "-c", read).stdout.strip() == "200"
    finally:
        machine.run("systemctl", "stop", unit)
    assert "Traceback" not in machine.journal(unit)


def test_the_doctor_finds_nothing_wrong_whoever_calls_it(machine: Machine) -> None:
    assert wait_until(lambda: "camera live" in machine.property("StatusText"), SLOW_S), machine.journal()
    by_root = machine.run("affect-edge", "doctor").stdout
    assert "live, says the running box" in by_root
    assert "accepts this box" in by_root
    assert not {"unseen", "problem"} & set(by_root.split())
    by_another = machine.run("runuser", "-u", "nobody", "--", "affect-edge", "doctor").stdout
    assert "live, says the running box" in by_another
    assert "run with sudo" in by_another


def test_a_second_installation_leaves_the_service_alone(machine: Machine) -> None:
    before = machine.property("MainPID")
    machine.run("/root/checkout/install.sh", "device", "--offline", "/root/wheels")
    assert machine.property("MainPID") == before


def _allowed(machine: Machine, *, with_network: bool) -> dict[str, object]:
    """What the probe could do in a unit that differs from the service in nothing but the program that runs."""
    unit = "sandbox-probe.service"
    folder = machine.root / "etc/systemd/system"
    shutil.copy(folder / "affectfusion.service", folder / unit)
    parts = folder / f"{unit}.d"
    shutil.rmtree(parts, ignore_errors=True)
    parts.mkdir()
    if not with_network:
        shutil.copy(folder / "affectfusion.service.d/local-broker.conf", parts)
    (parts / "probe.conf").write_text(
        "[Unit]\nOnFailure=\n[Service]\nType=oneshot\nRestart=no\nWatchdogSec=0\n"
        "ExecStart=\nExecStart=/usr/bin/python3 /usr/local/lib/probe.py\n"
    )
    machine.run("systemctl", "daemon-reload")
    machine.run("bash", "-c", "install -m 0640 -g video /dev/null /run/camera")
    machine.run("systemctl", "start", unit)
    line = next(line for line in reversed(machine.journal(unit).splitlines()) if line.startswith("{"))
    found: dict[str, object] = json.loads(line)
    return found


def test_nothing_can_be_reached_from_the_sandbox_but_the_state_and_the_sensors(machine: Machine) -> None:
    found = _allowed(machine, with_network=False)
    allowed = {action for action, result in found.items() if result == "allowed"}
    assert allowed == {"write state", "read credential", "read a camera of the group video"}, found
    assert found["core dumps"] == 0


def test_with_its_broker_on_the_box_the_service_has_no_network(machine: Machine) -> None:
    everybodys = machine.run("readlink", "/proc/1/ns/net").stdout.strip()
    assert _allowed(machine, with_network=True)["network"] == everybodys
    assert _allowed(machine, with_network=False)["network"] != everybodys
    service = machine.run("readlink", f"/proc/{machine.property('MainPID')}/ns/net").stdout.strip()
    assert service != everybodys


def test_a_hung_loop_is_killed_and_started_again(machine: Machine) -> None:
    _start_anew(machine)
    process = machine.property("MainPID")
    machine.run("kill", "-STOP", process)
    hung = time.monotonic()
    assert wait_until(lambda: machine.property("NRestarts") == "1" and _runs(machine), SLOW_S), machine.journal()
    started = int(machine.property("ExecMainStartTimestampMonotonic")) / 1e6
    assert started - hung < RESTARTED_WITHIN_S
    assert "watchdog" in machine.journal()


def test_a_killed_service_is_started_again(machine: Machine) -> None:
    _start_anew(machine)
    machine.run("systemctl", "kill", "--signal=KILL", "affectfusion")
    assert wait_until(lambda: machine.property("NRestarts") == "1" and _runs(machine), SLOW_S), machine.journal()


def test_it_stops_when_told_to_and_stays_stopped(machine: Machine) -> None:
    _start_anew(machine)
    machine.run("systemctl", "stop", "affectfusion")
    assert machine.property("Result") == "success"
    assert machine.property("ActiveState") == "inactive"
    machine.run("systemctl", "start", "affectfusion")
    assert _runs(machine)


def test_a_mistaken_configuration_is_named_and_tried_again_later(machine: Machine) -> None:
    configuration = machine.root / "etc/affectfusion/config.toml"
    machine.run(
        "bash",
        "-c",
        "mkdir -p /run/systemd/system/affectfusion-retry.timer.d && "
        "printf '[Timer]\\nOnActiveSec=\\nOnActiveSec=3s\\nAccuracySec=1s\\n' "
        ">/run/systemd/system/affectfusion-retry.timer.d/sooner.conf && systemctl daemon-reload",
    )
    configuration.write_text(CONFIGURATION + "[box]\nrom = '12b'\n")
    machine.run("systemctl", "restart", "affectfusion", check=False)
    assert machine.property("ActiveState") == "failed"
    assert "rom" in machine.property("StatusText")
    configuration.write_text(CONFIGURATION)
    assert wait_until(lambda: _runs(machine), SLOW_S), machine.journal()


def test_a_release_that_does_not_start_is_taken_back(machine: Machine) -> None:
    before = machine.run("readlink", "/opt/affectfusion/current").stdout
    broken = _checkout(machine.root / "root/broken")
    with (broken / "edge/daemon.py").open("a") as daemon:
        daemon.write("\n\ndef run(configuration: Path, log_level: str) -> int:\n    raise SystemExit(1)\n")
    done = machine.run("/root/broken/install.sh", "update", "--offline", "/root/wheels", check=False, **SETTLE)
    assert done.returncode == 1
    assert "did not become healthy" in done.stderr
    assert wait_until(lambda: _runs(machine), SLOW_S), machine.journal()
    assert machine.run("readlink", "/opt/affectfusion/current").stdout == before
    assert len(list((machine.root / "opt/affectfusion/releases").iterdir())) == 1


def test_purge_leaves_nothing_behind(machine: Machine) -> None:
    machine.run("/root/checkout/install.sh", "uninstall", "--purge")
    found = machine.run("find", "/etc", "/opt", "/usr", "/var", "-xdev", "-iname", "*affect*").stdout.split()
    assert found == ["/var/log/affectfusion-install.log"]
    assert machine.run("getent", "passwd", "affectfusion", check=False).returncode != 0
    assert machine.property("ActiveState", "mosquitto.service") == "active"
