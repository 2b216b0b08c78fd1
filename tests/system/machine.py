"""A small Debian under a real systemd, in systemd-nspawn, without a network. For root alone."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.services import wait_until
from tests.system.debian import skip_if_forbidden

CGROUPS = Path("/sys/fs/cgroup")
BOOT_S = 90.0
INSIDE = {"PATH": "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}


class Machine:
    """A booted root folder in which commands run as its root."""

    def __init__(self, root: Path, leader: int) -> None:
        self.root = root
        self._leader = leader

    def run(self, *command: str, check: bool = True, **environment: str) -> subprocess.CompletedProcess[str]:
        """Runs ``command`` inside. With ``check``, a failure fails the test with all that the command said."""
        done = subprocess.run(
            ["nsenter", "--all", "--target", str(self._leader), "--", *command],
            capture_output=True,
            text=True,
            timeout=900,
            env=INSIDE | environment,
        )
        if check:
            assert done.returncode == 0, f"{command}: exit {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    def property(self, name: str, unit: str = "affectfusion.service") -> str:
        """One property of a unit, as ``systemctl show`` prints it."""
        return self.run("systemctl", "show", f"--property={name}", "--value", unit).stdout.strip()

    def journal(self, unit: str = "affectfusion.service") -> str:
        """All that a unit has logged."""
        return self.run("journalctl", f"--unit={unit}", "--output=cat", "--no-pager").stdout


@contextmanager
def booted(root: Path) -> Iterator[Machine]:
    """Boots ``root`` and powers it off at the end; skips the test where this system does not let it boot."""
    console = root.with_suffix(".console")
    with _control_groups(root.name) as enter, console.open("wb") as output:
        nspawn = (
            f"systemd-nspawn --quiet --boot --directory={root} --machine={root.name} --keep-unit --register=no "
            "--private-network --link-journal=no --console=pipe"
        )
        guard = subprocess.Popen(
            ["bash", "-c", f"{enter} exec {nspawn}"], stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
        try:
            wait_until(lambda: guard.poll() is not None or _is_up(_child(guard.pid)), BOOT_S)
            if not _is_up(_child(guard.pid)):
                _explain(console.read_text(errors="replace"))
            yield Machine(root, _child(guard.pid))
        finally:
            _power_off(guard)


def _explain(words: str) -> None:
    """Skips the test where this system forbids what a machine needs; fails it for any other reason."""
    skip_if_forbidden("systemd-nspawn may not boot a machine here", words)
    raise AssertionError(f"the machine did not boot:\n{words[-3000:]}")


def _child(pid: int) -> int:
    """The first child of ``pid``: systemd-nspawn's is the machine's first process. 0 where there is none."""
    found = subprocess.run(["pgrep", "--oldest", "--parent", str(pid)], capture_output=True, text=True).stdout
    return int(found or 0)


def _is_up(leader: int) -> bool:
    command = ["nsenter", "--all", "--target", str(leader), "--", "systemctl", "is-system-running"]
    found = subprocess.run(command, capture_output=True, text=True, env=INSIDE) if leader else None
    return found is not None and found.stdout.strip() in ("running", "degraded")


def _power_off(guard: subprocess.Popen[bytes]) -> None:
    leader = _child(guard.pid)
    if leader:
        os.kill(leader, signal.SIGRTMIN + 4)
    try:
        guard.wait(timeout=30)
    except subprocess.TimeoutExpired:
        if leader:
            os.kill(leader, signal.SIGKILL)
        guard.kill()
        guard.wait()


@contextmanager
def _control_groups(name: str) -> Iterator[str]:
    """Control groups for a machine, in each hierarchy that systemd uses; gives the shell words that enter them."""
    hierarchies = [folder for folder in (CGROUPS / "systemd", CGROUPS / "unified") if folder.is_dir()] or [CGROUPS]
    groups = [hierarchy / f"affectfusion-{name}" for hierarchy in hierarchies]
    try:
        for group in groups:
            group.mkdir(exist_ok=True)
    except OSError as error:
        pytest.skip(f"systemd-nspawn may not make a control group here ({error})")
    try:
        yield " ".join(f"echo $$ >{group}/cgroup.procs &&" for group in groups)
    finally:
        for group in groups:
            subprocess.run(
                ["find", str(group), "-depth", "-type", "d", "-exec", "rmdir", "{}", ";"], capture_output=True
            )
