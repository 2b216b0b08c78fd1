"""An arm64 machine under emulation: its disk, its card, its power, and the guest agent that runs commands in it."""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PATIENCE_S = 900.0
"""Longest wait for anything under emulation."""


class MachineError(Exception):
    """The machine, or a command in it, did not do what was asked."""


COMMAND_LINE = (
    "root=/dev/vda rw console=ttyAMA0 net.ifnames=0 panic=-1"
    # a host that is busy with other things makes an emulated machine ten times slower still
    " systemd.default_timeout_start_sec=900"
)


@dataclass(frozen=True)
class Ran:
    """A command that ended in the machine."""

    code: int
    output: str
    """What it wrote, errors included."""


class Machine:
    """Stands in for a Raspberry Pi: ``disk`` keeps what is written, ``card`` is its boot partition."""

    def __init__(self, folder: Path, kernel: Path, initrd: Path, disk: Path, card: Path, supplies: Path) -> None:
        self.folder = folder
        self._files = kernel, initrd, disk, card, supplies
        self._process: subprocess.Popen[bytes] | None = None
        self._numbers = itertools.count(1)
        self.console = folder / "console.log"

    def start(self) -> None:
        """Switches the machine on and waits for its agent."""
        kernel, initrd, disk, card, supplies = self._files
        agent = self.folder / "agent"
        agent.unlink(missing_ok=True)
        drives: list[str] = []
        for name, file, options in (
            ("disk", disk, "format=qcow2"),
            ("card", card, "format=raw"),
            ("supplies", supplies, "format=raw,read-only=on"),
        ):
            drives += ["-drive", f"id={name},file={file},if=none,{options}", "-device", f"virtio-blk-pci,drive={name}"]
        command = ["qemu-system-aarch64", "-M", "virt", "-cpu", "cortex-a72", "-smp", "2", "-m", "2048"]
        command += ["-accel", "tcg,thread=multi", "-display", "none", "-monitor", "none", "-no-reboot"]
        command += ["-kernel", str(kernel), "-initrd", str(initrd)]
        command += ["-append", COMMAND_LINE]
        command += ["-serial", f"file:{self.console}", *drives, "-nic", "user,model=virtio-net-pci,restrict=on"]
        command += ["-chardev", f"socket,id=agent,path={agent},server=on,wait=off", "-device", "virtio-serial-pci"]
        command += ["-device", "virtserialport,chardev=agent,name=org.qemu.guest_agent.0"]
        with (self.folder / "qemu.log").open("ab") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.until("its agent answers", self._answers)

    def cut_power(self) -> None:
        """Takes the power away: what the guest has not flushed is lost."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def power_off(self) -> None:
        """Shuts down as an operator would, and waits for it."""
        assert self._process is not None
        with contextlib.suppress(MachineError):
            self._ask("guest-shutdown", {"mode": "powerdown"}, reply=False)
        try:
            self._process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired as error:
            raise MachineError("the machine does not shut down") from error
        self._process = None

    def run(self, script: str, seconds: float = PATIENCE_S) -> Ran:
        """Runs a shell script as root in the machine and waits for its end."""
        arguments = {"path": "/bin/bash", "arg": ["-c", f"{{ {script}\n}} 2>&1"], "capture-output": True}
        pid = self._ask("guest-exec", arguments)["pid"]
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            status = self._ask("guest-exec-status", {"pid": pid})
            if status["exited"]:
                output = base64.b64decode(status.get("out-data", "")).decode(errors="replace")
                return Ran(status.get("exitcode", -1), output.strip())
            time.sleep(0.5)
        raise MachineError(f"still at work after {seconds:.0f} s: {script}")

    def tell(self, script: str, seconds: float = PATIENCE_S) -> str:
        """The output of a script that must succeed."""
        ran = self.run(script, seconds)
        if ran.code:
            raise MachineError(f"{script}: exit code {ran.code}: {ran.output[-2000:]}")
        return ran.output

    def until(self, what: str, true: Callable[[], bool], seconds: float = PATIENCE_S) -> float:
        """Waits until ``true()``; returns the seconds it took."""
        begin = time.monotonic()
        while not true():
            if self._process is None or self._process.poll() is not None:
                raise MachineError(f"the machine went off before {what}")
            if time.monotonic() - begin > seconds:
                raise MachineError(f"after {seconds:.0f} s still not: {what}")
            time.sleep(1.0)
        return time.monotonic() - begin

    def holds(self, script: str) -> bool:
        """Whether a script succeeds."""
        return self.run(script).code == 0

    def _answers(self) -> bool:
        try:
            self._ask("guest-ping", {}, seconds=5.0)
        except (MachineError, OSError):
            return False
        return True

    def _ask(self, command: str, arguments: dict[str, Any], *, seconds: float = 60.0, reply: bool = True) -> Any:
        """One request to the agent on a connection of its own: an answer to an earlier one cannot be taken for it."""
        number = next(self._numbers)
        with socket.socket(socket.AF_UNIX) as channel:
            channel.settimeout(seconds)
            try:
                channel.connect(str(self.folder / "agent"))
                lines = channel.makefile("rw")
                self._write(lines, "guest-sync", {"id": number})
                while json.loads(lines.readline() or "{}").get("return") != number:
                    pass
                self._write(lines, command, arguments)
                answer = json.loads(lines.readline()) if reply else {"return": None}
            except (OSError, ValueError) as error:
                raise MachineError(f"the machine's agent does not answer ({error})") from error
        if "error" in answer:
            raise MachineError(f"{command}: {answer['error']['desc']}")
        return answer["return"]

    @staticmethod
    def _write(lines: Any, command: str, arguments: dict[str, Any]) -> None:
        lines.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        lines.flush()


def overlay(disk: Path, over: Path) -> Path:
    """A disk that begins as ``over`` and leaves it as it is."""
    disk.unlink(missing_ok=True)
    _run("qemu-img", "create", "-q", "-f", "qcow2", "-b", str(over.resolve()), "-F", "raw", str(disk))
    return disk


def fat(image: Path, content: Path, mebibytes: int) -> Path:
    """A FAT file system with the files of ``content``, as a card's boot partition is."""
    image.unlink(missing_ok=True)
    _run("mkfs.vfat", "-C", "-n", "bootfs", str(image), str(mebibytes * 1024))
    _run("mcopy", "-s", "-i", str(image), *map(str, sorted(content.iterdir())), "::/")
    return image


def ext4(image: Path, content: Path, mebibytes: int) -> Path:
    """An ext4 file system with the files of ``content``."""
    image.unlink(missing_ok=True)
    _run("mkfs.ext4", "-q", "-F", "-d", str(content), str(image), f"{mebibytes}M")
    return image


def card_holds(image: Path) -> list[str]:
    """The paths on a FAT image, as a PC lists them."""
    return _run("mdir", "-b", "-/", "-i", str(image), "::/").splitlines()


def _run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
