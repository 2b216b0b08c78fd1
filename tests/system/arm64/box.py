"""The appliance inside the machine, as its technician and its subscribers see it."""

from __future__ import annotations

import json
from typing import Any

from machine import Machine

BASE = "affectfusion/school/7b"
RESULT = "/boot/firmware/affectfusion-result.txt"
UNIT = "affectfusion.service"
CURRENT = "/opt/affectfusion/current"


class Box:
    """Questions to the appliance in ``machine``."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    @property
    def result(self) -> str:
        """What a PC reads on the card; empty before there is anything."""
        return self.machine.run(f"head -n 1 {RESULT}").output if self.machine.holds(f"test -e {RESULT}") else ""

    @property
    def release(self) -> str:
        return self.machine.tell(f"basename $(readlink {CURRENT})")

    @property
    def pid(self) -> int:
        return int(self.property("MainPID"))

    @property
    def active(self) -> bool:
        return self.property("ActiveState") == "active"

    def property(self, name: str) -> str:
        """A property of the unit, as systemd says it."""
        return self.machine.tell(f"systemctl show --property={name} --value {UNIT}")

    def next(self, topic: str, *, fresh: bool = False, seconds: int = 120) -> dict[str, Any] | None:
        """The next message of ``topic``; with ``fresh`` a retained one does not count. None where none comes."""
        said = self.machine.run(
            "mosquitto_sub -h localhost -u viewer -P $(cat /etc/affectfusion/credentials/mqtt-viewer-password)"
            f" -t {BASE}/{topic} -C 1 -W {seconds} {'-R' if fresh else ''}"
        )
        try:
            message = json.loads(said.output)
        except ValueError:
            return None
        return message if isinstance(message, dict) else None

    def command(self, name: str) -> None:
        """What an operator sends."""
        self.machine.tell(
            "mosquitto_pub -h localhost -u operator -P $(cat /etc/affectfusion/credentials/mqtt-operator-password)"
            f""" -q 1 -t {BASE}/command -m '{{"v": 1, "command": "{name}"}}'"""
        )

    def speaks(self) -> bool:
        """Whether a new state is published now."""
        return self.next("affect", fresh=True, seconds=30) is not None

    def sensor(self, name: str) -> str:
        """How the box says a sensor is doing."""
        health = self.next("health", fresh=True, seconds=60)
        return str(health[name]) if health else "unknown"

    def holds_camera(self) -> bool:
        """Whether the service has the camera open."""
        return self.machine.holds(f"ls -l /proc/{self.pid}/fd | grep -q /dev/video")
