"""A small Debian under a real systemd, in systemd-nspawn, without a network. amd64 and root only."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.services import wait_until

CGROUPS = Path("/sys/fs/cgroup")
BOOT_S = 90.0


class Machine:
    """A booted root folder in which commands run as its root."""

    def __init__(self, root: Path, leader: int) -> None:
        self.root = root
        self._leader = leader

    def run(self, *command: str, check: bool = True, seconds: float = 240) -> subprocess.CompletedProcess[str]:
        """Runs ``command`` inside. With ``check``, a failure fails the test with all that the command said."""
        done = subprocess.run(
            ["nsenter", "--all", "--target", str(self._leader), "--", *command],
            capture_output=True,
            text=True,
            timeout=seconds,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"},
        )
        if check:
            assert done.returncode == 0, f"{command}: exit {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    def unit(self, name: str, unit: str = "affectfusion.service") -> str:
        """One property of a unit, as ``systemctl show`` prints it."""
        return self.run("systemctl", "show", f"--property={name}", "--value", unit).stdout.strip()

    def main_process(self) -> int:
        """The service's main process, as numbered inside."""
        return int(self.unit("MainPID"))


@contextmanager
def booted(root: Path) -> Iterator[Machine]:
    """Boots ``root`` and powers it off at the end; skips the test where this system does not let it boot."""
    console = root.with_suffix(".console")
    with _own_cgroups(root.name) as groups, console.open("wb") as output:
        shell = f"{groups}exec systemd-nspawn -q -bD {root} --machine={root.name} --keep-unit --register=no " \
            "--private-network --console=pipe --link-journal=no"
        guard = subprocess.Popen(["bash", "-c", shell], stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        leader = 0
        try:
            if not wait_until(lambda: guard.poll() is not None or _up(_child(guard.pid)), BOOT_S) or guard.poll() is not None:
                words = console.read_text(errors="replace").strip()[-2000:]
                if "Operation not permitted" in words or "Permission denied" in words:
                    pytest.skip(f"systemd-nspawn may not boot a machine here: {words.splitlines()[-1]}")
                raise AssertionError(f"the machine did not boot:\n{words}")
            leader = _child(guard.pid)
            yield Machine(root, leader)
        finally:
            _power_off(guard, leader)


def _child(pid: int) -> int:
    """The only child of ``pid``: systemd-nspawn's is the machine's first process. 0 where there is none yet."""
    found = subprocess.run(["pgrep", "-o", "-P", str(pid)], capture_output=True, text=True).stdout.split()
    return int(found[0]) if found else 0


def _up(leader: int) -> bool:
    if not leader:
        return False
    command = ["nsenter", "--all", "--target", str(leader), "--", "systemctl", "is-system-running"]
    state = subprocess.run(command, capture_output=True, text=True).stdout.strip()
    return state in ("running", "degraded")


def _power_off(guard: subprocess.Popen[bytes], leader: int) -> None:
    if leader and guard.poll() is None:
        os.kill(leader, signal.SIGRTMIN + 4)
    try:
        guard.wait(timeout=30)
    except subprocess.TimeoutExpired:
        guard.kill()
        guard.wait()


@contextmanager
def _own_cgroups(name: str) -> Iterator[str]:
    """Control groups for a machine's processes alone; gives the shell commands that enter them."""
    hierarchies = [CGROUPS / "systemd", CGROUPS / "unified"] if (CGROUPS / "systemd").is_dir() else [CGROUPS]
    groups = [hierarchy / f"affectfusion-{name}" for hierarchy in hierarchies]
    try:
        for group in groups:
            group.mkdir(exist_ok=True)
    except OSError as error:
        pytest.skip(f"systemd-nspawn needs control groups of its own here ({error})")
    try:
        yield "".join(f"echo $$ >{group}/cgroup.procs && " for group in groups)
    finally:
        for group in groups:
            for folder in sorted(group.rglob("*/"), reverse=True):
                if folder.is_dir():
                    shutil.rmtree  # noqa: B018
        for group in groups:
            subprocess.run(["find", str(group), "-depth", "-type", "d", "-exec", "rmdir", "{}", ";"], capture_output=True)
