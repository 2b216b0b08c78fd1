"""The whole life of a box, from a prepared card to a power cut, on arm64 Debian trixie under emulation.

    python tests/system/arm64 [--cache DIR] [--keep]

Each step is one behaviour; the table at the end says which held. The exit code is 1 where one did not. Needs root
once, to make the root file system; a run takes about half an hour on two cores.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import parts
from box import CURRENT, RESULT, UNIT, Box
from machine import Machine, MachineError, card_holds, overlay

HERE = Path(__file__).resolve().parent
CACHE = Path.home() / ".cache/affectfusion/arm64"
BOOT_S, INSTALL_S = 900.0, 3600.0

Step = Callable[[Machine, Box], str]
"""Does something to the machine and returns a remark for the table; raises where the box does not behave."""

steps: list[Step] = []


def step(function: Step) -> Step:
    """Makes a function one row of the table, in the order of this file."""
    steps.append(function)
    return function


def expect(true: bool, words: str) -> None:
    """Raises, saying what was found instead, where something is not as it should be."""
    if not true:
        raise MachineError(words)


@step
def first_start_by_cloud_init(machine: Machine, box: Box) -> str:
    """cloud-init takes the parcel, and the card's own unit installs the appliance without a network."""
    machine.until("it is installed", lambda: box.result.startswith("installed"), INSTALL_S)
    expect(machine.tell("hostname") == "affectfusion-school-7b", "the box has another name")
    expect(machine.holds("grep -q technician /etc/passwd"), "cloud-init made no user")
    valid = machine.run("cloud-init schema --system")
    expect(valid.code == 0, f"cloud-init finds fault with user-data: {valid.output}")
    machine.until("it is active", lambda: box.active, BOOT_S)
    return f"{box.result}; uptime {machine.tell('cut -d. -f1 /proc/uptime')} s"


@step
def no_secret_on_the_card(machine: Machine, box: Box) -> str:
    """The Wi-Fi's key is where the system keeps it, and nowhere on the card."""
    machine.tell("sync")
    names = machine.tell("find /boot/firmware -type f | sort").splitlines()
    expect(not [name for name in names if "affectfusion/" in name or "network-config" in name], f"still there: {names}")
    expect(machine.holds("grep -rq School /etc/netplan"), "the system has forgotten the Wi-Fi")
    expect("/boot/firmware/affectfusion-ca.crt" in names, "nobody could know the box's broker by its certificate")
    return f"{len(names)} files left, of ours the result and the authority"


@step
def states_are_published(machine: Machine, box: Box) -> str:
    machine.until("it publishes", box.speaks, BOOT_S)
    machine.until("the camera lives", lambda: box.sensor("camera") == "live", BOOT_S)
    return f"camera live, microphone {box.sensor('microphone')}"


@step
def installing_again_changes_nothing(machine: Machine, box: Box) -> str:
    release, pid = box.release, box.pid
    machine.tell(f"{CURRENT}/app/install.sh device --offline /mnt/wheels", INSTALL_S)
    expect((box.release, box.pid) == (release, pid), "the service was disturbed")
    return "same release, same process"


@step
def mute_closes_the_camera(machine: Machine, box: Box) -> str:
    expect(box.holds_camera(), "the camera was not open before")
    box.command("mute")
    machine.until("the camera is closed", lambda: not box.holds_camera(), 60)
    privacy = box.next("privacy")
    expect(privacy is not None and privacy["state"] == "muted", f"it says {privacy}")
    box.command("unmute")
    machine.until("the camera is open again", box.holds_camera, 120)
    return "closed, said so, and opened again"


@step
def mute_survives_a_restart(machine: Machine, box: Box) -> str:
    box.command("mute")
    machine.until("the camera is closed", lambda: not box.holds_camera(), 60)
    machine.tell(f"systemctl restart {UNIT}", BOOT_S)
    machine.until("it publishes", box.speaks, BOOT_S)
    privacy = box.next("privacy")
    expect(privacy is not None and privacy["state"] == "muted", f"after the restart it says {privacy}")
    box.command("unmute")
    machine.until("the camera is open again", box.holds_camera, 120)
    return "muted before and after"


@step
def a_killed_broker_comes_back(machine: Machine, box: Box) -> str:
    pid = box.pid
    machine.tell("systemctl kill --signal=KILL mosquitto")
    machine.until("the broker is back", lambda: machine.holds("systemctl is-active -q mosquitto"), 120)
    seconds = machine.until("it publishes", box.speaks, BOOT_S)
    expect(box.pid == pid, "the service was restarted")
    return f"publishes again after {seconds:.0f} s, same process"


@step
def an_unplugged_camera_is_noticed_and_reopened(machine: Machine, box: Box) -> str:
    pid = box.pid
    machine.tell("echo vivid.0 >/sys/bus/platform/drivers/vivid/unbind")
    lost = machine.until("the loss is reported", lambda: box.sensor("camera") not in ("live", "unknown"), 300)
    machine.until("the module can go", lambda: machine.holds("modprobe -r vivid"), 120)
    machine.tell("modprobe vivid")
    back = machine.until("the camera lives again", lambda: box.sensor("camera") == "live", 300)
    expect(box.pid == pid, "the service was restarted")
    return f"reported within {lost:.0f} s, back within {back:.0f} s, same process"


@step
def a_hung_loop_is_restarted(machine: Machine, box: Box) -> str:
    pid, restarts = box.pid, int(box.property("NRestarts"))
    machine.tell(f"kill -STOP {pid}")
    seconds = machine.until("the watchdog has acted", lambda: int(box.property("NRestarts")) > restarts, 300)
    machine.until("it publishes", box.speaks, BOOT_S)
    expect(box.pid != pid, "it is still the hung process")
    limit = int(box.property("WatchdogUSec").removesuffix("s").replace("1min", "60"))
    return f"after {seconds:.0f} s (the watchdog waits {limit} s here)"


@step
def a_power_cut_heals_by_itself(machine: Machine, box: Box) -> str:
    release = box.release
    machine.cut_power()
    begin = time.monotonic()
    machine.start()
    machine.until("it is active", lambda: box.active, BOOT_S)
    machine.until("it publishes", box.speaks, BOOT_S)
    expect(box.release == release, f"{box.release} is in use")
    expect(box.result == f"installed {release}", f"the card says {box.result}")
    expect(machine.holds("grep -rq School /etc/netplan"), "the system has forgotten the Wi-Fi")
    return f"publishes {time.monotonic() - begin:.0f} s after the power came back"


@step
def a_broken_update_is_taken_back(machine: Machine, box: Box) -> str:
    release = box.release
    machine.tell("mountpoint -q /mnt || mount -o ro /dev/vdc /mnt")
    ran = machine.run(f"{CURRENT}/app/install.sh update /mnt/broken.tar.gz --offline /mnt/wheels", INSTALL_S)
    expect(ran.code != 0, "the broken release was accepted")
    expect(box.release == release, f"{box.release} is in use")
    machine.until("the release before is active", lambda: box.active, BOOT_S)
    machine.until("it publishes", box.speaks, BOOT_S)
    return f"exit code {ran.code}; {release} runs again"


@step
def a_clean_stop_and_a_clean_shutdown(machine: Machine, box: Box) -> str:
    machine.tell(f"systemctl stop {UNIT}", 120)
    expect(box.property("Result") == "success", f"the service ended with {box.property('Result')}")
    status = box.next("status", seconds=10)
    machine.power_off()
    return f"result success; status {status if status else 'offline'}"


def main() -> int:
    """Makes what is missing, runs every step, prints the table; 1 where a step failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", type=Path, default=CACHE, help="of root and wheels (default: %(default)s)")
    parser.add_argument("--keep", action="store_true", help="leave the machine's folder for a look")
    options = parser.parse_args()
    cache: Path = options.cache
    if not (cache / "disk.ext4").exists():
        subprocess.run([str(HERE / "root.sh"), str(cache)], check=True)
    packages = parts.wheels(cache / "wheels")
    folder = Path(tempfile.mkdtemp(prefix="affectfusion-arm64-"))
    card = parts.card(folder, packages)
    supplies = parts.supplies(folder, packages)
    disk = overlay(folder / "disk.qcow2", cache / "disk.ext4")
    machine = Machine(folder, cache / "vmlinuz", cache / "initrd", disk, card, supplies)
    rows = run(machine)
    table(rows)
    print(f"on the card at the end: {', '.join(card_holds(card))}")
    if options.keep or not all(row[1] == "ok" for row in rows):
        print(f"console and disks: {folder}")
    else:
        subprocess.run(["rm", "-rf", str(folder)], check=True)
    return 0 if all(row[1] == "ok" for row in rows) else 1


def run(machine: Machine) -> list[tuple[str, str, float, str]]:
    """Every step's name, outcome, seconds and remark. A machine that does not start ends it."""
    rows: list[tuple[str, str, float, str]] = []
    box = Box(machine)
    try:
        begin = time.monotonic()
        machine.start()
        print(f"started in {time.monotonic() - begin:.0f} s", flush=True)
        machine.tell("mount -o ro /dev/vdc /mnt")
        for function in steps:
            begin = time.monotonic()
            name = function.__name__.replace("_", " ")
            try:
                outcome, remark = "ok", function(machine, box)
            except MachineError as error:
                outcome, remark = "FAILED", str(error)
            rows.append((name, outcome, time.monotonic() - begin, remark))
            print(f"{outcome:6} {name} ({rows[-1][2]:.0f} s): {remark}", flush=True)
            if outcome != "ok":
                look(machine)
                if function is first_start_by_cloud_init:
                    break
    finally:
        machine.cut_power()
    return rows


def look(machine: Machine) -> None:
    """Prints what helps to understand a failure."""
    try:
        print(
            machine.run(
                f"systemctl status {UNIT} --no-pager -n 25; tail -n 20 /var/log/affectfusion*.log; cat {RESULT}"
            ).output
        )
    except MachineError as error:
        print(f"(nothing to see: {error})")


def table(rows: list[tuple[str, str, float, str]]) -> None:
    """Prints the summary."""
    width = max((len(row[0]) for row in rows), default=0)
    print(f"\n{'step':{width}}  result  seconds  remark")
    for name, outcome, seconds, remark in rows:
        print(f"{name:{width}}  {outcome:6}  {seconds:7.0f}  {remark.splitlines()[0] if remark else ''}")
    held = sum(row[1] == "ok" for row in rows)
    print(f"{held} of {len(steps)} steps held")


if __name__ == "__main__":
    sys.exit(main())
