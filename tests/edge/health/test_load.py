"""How often the box looks under heat and load: steps down, and back up without swinging."""

from __future__ import annotations

import logging

import pytest

from edge.health.load import JUDGE_S, REST_S, Governor

CONFIGURED_HZ = 7.5


class Machine:
    """A processor that a look takes so many seconds of, and a governor that judges it."""

    def __init__(self, look_s: float = 0.02, temperature_c: float | None = None, lowest_hz: float = 1.5) -> None:
        self.governor = Governor(CONFIGURED_HZ, lowest_hz)
        self.look_s = look_s
        self.temperature_c = temperature_c
        self.now = 0.0
        self.rates: list[float] = []

    def runs(self, seconds: float) -> list[float]:
        """The rates it goes through."""
        rates = [self.governor.rate_hz]
        for _ in range(round(seconds / JUDGE_S)):
            self.governor.due(self.now)
            # no machine works for more than all of its time
            self.governor.worked(min(1.0, self.look_s * self.governor.rate_hz) * JUDGE_S)
            self.now += JUDGE_S
            assert self.governor.due(self.now)
            self.governor.judge(self.now, self.temperature_c)
            if self.governor.rate_hz != rates[-1]:
                rates.append(self.governor.rate_hz)
        return rates


def test_a_machine_with_time_to_spare_looks_as_often_as_configured() -> None:
    machine = Machine(look_s=0.05, temperature_c=55.0)
    assert machine.runs(600.0) == [7.5]
    assert machine.governor.load == "normal"
    assert machine.governor.words == ""


def test_an_overloaded_machine_steps_down_until_it_has_time(caplog: pytest.LogCaptureFixture) -> None:
    machine = Machine(look_s=0.19)
    assert machine.runs(30.0) == [7.5, 5.0, 3.75]
    assert machine.governor.load == "overloaded"
    assert machine.governor.words == "overloaded, looking 3.75 times a second"
    assert [record.__dict__["LOAD"] for record in caplog.records] == ["overloaded", "overloaded"]


def test_a_hopeless_machine_stops_at_the_last_step() -> None:
    assert Machine(look_s=5.0).runs(300.0) == [7.5, 5.0, 3.75, 2.5]


def test_no_step_goes_below_what_keeps_faces_together() -> None:
    assert Machine(look_s=5.0, lowest_hz=3.0).runs(300.0) == [7.5, 5.0, 3.75]


def test_a_load_between_two_steps_does_not_make_the_rate_swing() -> None:
    # too much for 7.5 a second, well within 5
    machine = Machine(look_s=0.125)
    assert machine.runs(3600.0) == [7.5, 5.0]


def test_a_machine_relieved_of_its_load_climbs_back_in_steps_and_not_at_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    machine = Machine(look_s=5.0)
    machine.runs(60.0)
    machine.look_s = 0.02
    assert machine.runs(REST_S - JUDGE_S) == [2.5]
    assert machine.runs(300.0) == [2.5, 3.75, 5.0, 7.5]
    assert machine.governor.load == "normal"
    assert "looking 7.5 times a second" in caplog.records[-1].getMessage()


def test_a_hot_machine_steps_down_slowly_and_climbs_once_it_is_cool() -> None:
    machine = Machine(temperature_c=84.0)
    assert machine.runs(2 * JUDGE_S) == [7.5, 5.0]
    assert machine.governor.load == "hot"
    assert machine.runs(2 * REST_S + 2 * JUDGE_S) == [5.0, 3.75, 2.5]
    machine.temperature_c = 76.0
    assert machine.runs(600.0) == [2.5]
    machine.temperature_c = 65.0
    assert machine.runs(600.0) == [2.5, 3.75, 5.0, 7.5]
    assert machine.governor.load == "normal"


def test_an_unknown_temperature_is_no_heat() -> None:
    assert Machine(temperature_c=None).runs(600.0) == [7.5]
