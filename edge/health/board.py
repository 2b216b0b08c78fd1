"""The board the box runs on: how hot it is, and whether its power supply holds. Untested on hardware.

Everything is read from sysfs: the service's sandbox has neither vcgencmd nor the device that it asks (/dev/vcio), and
what the firmware would answer stands in a file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

SYS = Path("/sys")

# A Pi's zone is cpu-thermal; a Jetson's are CPU-therm, GPU-therm ... and a PMIC that says 100 degrees whatever it is.
_PROCESSOR = re.compile("cpu|soc|tj|x86_pkg", re.IGNORECASE)
_SLOWED = re.compile("cpufreq|^processor", re.IGNORECASE)

# Bits of the firmware's get_throttled that speak of now; those 16 higher, of some time since the start.
_UNDERVOLTAGE, _SLOWER = 0x1, 0x2 | 0x4 | 0x8


@dataclass(frozen=True, slots=True)
class BoardState:
    """What the board says of itself; None is unknown."""

    temperature_c: float | None
    undervoltage: bool | None
    throttled: bool | None


class Board:
    """Finds what this board can tell once, and then only reads."""

    def __init__(self, sys: Path = SYS) -> None:
        self._temperatures = [zone / "temp" for zone in _kinds(sys, "thermal/thermal_zone*", "type", _PROCESSOR)]
        self._alarms = [
            monitor / "in0_lcrit_alarm" for monitor in _kinds(sys, "hwmon/hwmon*", "name", re.compile("rpi_volt"))
        ]
        self._brakes = [brake / "cur_state" for brake in _kinds(sys, "thermal/cooling_device*", "type", _SLOWED)]
        self._firmware = sorted(sys.glob("devices/platform/soc*/*firmware/get_throttled"))

    def read(self) -> BoardState:
        """The state now. What cannot be read is unknown; nothing raises."""
        temperatures = _numbers(self._temperatures)
        firmware = _numbers(self._firmware, base=16)
        undervoltage = [flags & _UNDERVOLTAGE for flags in firmware] or _numbers(self._alarms)
        throttled = [flags & _SLOWER for flags in firmware] or [max(state, 0) for state in _numbers(self._brakes)]
        return BoardState(
            temperature_c=max(temperatures) / 1000 if temperatures else None,
            undervoltage=any(undervoltage) if undervoltage else None,
            throttled=any(throttled) if throttled else None,
        )


def _kinds(sys: Path, pattern: str, name: str, kind: re.Pattern[str]) -> list[Path]:
    """The devices of a class whose ``name`` file is of this kind."""
    return [device for device in sorted((sys / "class").glob(pattern)) if kind.search(_text(device / name))]


def _numbers(files: list[Path], base: int = 10) -> list[int]:
    """What the files hold, those that cannot be read left out."""
    found = []
    for file in files:
        try:
            found.append(int(_text(file), base))
        except ValueError:
            continue
    return found


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""
