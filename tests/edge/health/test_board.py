"""What a board says of its heat and power, from trees of files as kernels lay them out. Untested on hardware."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from edge.health.board import Board, BoardState

UNKNOWN = BoardState(temperature_c=None, undervoltage=None, throttled=None)


@pytest.fixture
def board(tmp_path: Path) -> Callable[..., BoardState]:
    """What a board says whose sysfs holds the given files; slashes are written as they are."""

    def read(files: dict[str, str]) -> BoardState:
        for name, text in files.items():
            file = tmp_path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text + "\n")
        return Board(tmp_path).read()

    return read


def test_a_raspberry_pi_says_its_heat_and_that_its_power_is_weak(board: Callable[..., BoardState]) -> None:
    state = board(
        {
            "class/thermal/thermal_zone0/type": "cpu-thermal",
            "class/thermal/thermal_zone0/temp": "81234",
            "class/hwmon/hwmon1/name": "rpi_volt",
            "class/hwmon/hwmon1/in0_lcrit_alarm": "0",
            "devices/platform/soc/soc:firmware/get_throttled": "50005",
        }
    )
    assert state == BoardState(temperature_c=81.234, undervoltage=True, throttled=True)


def test_what_once_was_is_not_what_is(board: Callable[..., BoardState]) -> None:
    state = board({"devices/platform/soc@107c000000/soc@107c000000:firmware/get_throttled": "50000"})
    assert state == BoardState(temperature_c=None, undervoltage=False, throttled=False)


@pytest.mark.parametrize(("alarm", "weak"), [("0", False), ("1", True)])
def test_a_kernel_without_the_firmwares_file_has_the_alarm_alone(
    alarm: str, weak: bool, board: Callable[..., BoardState]
) -> None:
    state = board({"class/hwmon/hwmon0/name": "rpi_volt", "class/hwmon/hwmon0/in0_lcrit_alarm": alarm})
    assert state == BoardState(temperature_c=None, undervoltage=weak, throttled=None)


def test_the_hottest_zone_of_a_jetsons_processor_counts_and_its_power_chip_does_not(
    board: Callable[..., BoardState],
) -> None:
    zones = {"CPU-therm": "61500", "GPU-therm": "70000", "PMIC-Die": "100000", "SOC0-therm": "64000"}
    files: dict[str, str] = {}
    for number, (kind, heat) in enumerate(zones.items()):
        files[f"class/thermal/thermal_zone{number}/type"] = kind
        files[f"class/thermal/thermal_zone{number}/temp"] = heat
    files |= {
        "class/thermal/cooling_device0/type": "pwm-fan",
        "class/thermal/cooling_device0/cur_state": "3",
        "class/thermal/cooling_device1/type": "cpufreq-cpu0",
        "class/thermal/cooling_device1/cur_state": "2",
    }
    assert board(files) == BoardState(temperature_c=64.0, undervoltage=None, throttled=True)


@pytest.mark.parametrize("text", ["", "n/a", "\x00"])
def test_what_cannot_be_read_is_unknown(text: str, board: Callable[..., BoardState]) -> None:
    state = board(
        {
            "class/thermal/thermal_zone0/type": "cpu-thermal",
            "class/thermal/thermal_zone0/temp": text,
            "devices/platform/soc/soc:firmware/get_throttled": text,
        }
    )
    assert state == UNKNOWN


def test_a_machine_that_says_nothing_is_unknown(tmp_path: Path) -> None:
    assert Board(tmp_path / "nowhere").read() == UNKNOWN
