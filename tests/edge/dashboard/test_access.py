"""Passwords, who has entered, how often one may try, and what a page may have sent."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edge.cli import main
from edge.dashboard import access
from edge.dashboard.access import Tries, Visits, check, hashed, keep, load
from edge.dashboard.commands import MOST, Commands
from edge.dashboard.rooms import Rooms
from edge.errors import UserError

PASSWORD = "correct horse battery"
MUTE = '{"v": 1, "command": "mute"}'


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_password_is_kept_hashed_where_only_its_owner_reads(tmp_path: Path) -> None:
    path = tmp_path / "passwords"
    keep(path, "viewer", PASSWORD)
    keep(path, "operator", "another password")
    assert PASSWORD not in path.read_text() and path.stat().st_mode & 0o777 == 0o600
    assert check(PASSWORD, load(path)) == "viewer"
    assert check("another password", load(path)) == "operator"
    assert check("neither", load(path)) is None


def test_a_short_password_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="at least 12"):
        keep(tmp_path / "passwords", "viewer", "short")


@pytest.mark.parametrize("text", ["", "viewer:plain\n", f"root:{hashed(PASSWORD)}\n", "\xff"])
def test_a_file_of_other_things_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "passwords"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(UserError, match="--passwords"):
        load(path)


def test_a_secret_is_good_for_a_day_and_for_nobody_else() -> None:
    clock = Clock()
    visits = Visits(clock)
    secret = visits.begin("viewer")
    assert visits.role(secret) == "viewer" and visits.role(secret + "x") is None and visits.role("") is None
    clock.now = access.STAY_S
    assert visits.role(secret) is None


def test_a_visit_that_was_ended_is_over() -> None:
    visits = Visits()
    secret = visits.begin("operator")
    visits.end(secret)
    assert visits.role(secret) is None


def test_an_address_that_guesses_waits_and_others_do_not() -> None:
    clock = Clock()
    tries = Tries(clock)
    for _ in range(access.TRIES):
        assert tries.wait_s("a") == 0
        tries.failed("a")
    assert tries.wait_s("a") == access.WITHIN_S and tries.wait_s("b") == 0
    clock.now = access.WITHIN_S
    assert tries.wait_s("a") == 0


def test_guessing_from_many_addresses_is_slowed_too() -> None:
    tries = Tries(Clock())
    for number in range(access.TRIES_OF_ALL):
        tries.failed(str(number))
    assert tries.wait_s("new") > 0


def test_addresses_without_end_take_no_memory_without_end() -> None:
    tries = Tries(Clock())
    for number in range(access.MOST_ADDRESSES + 50):
        tries.failed(str(number))
    assert len(tries._by_address) == access.MOST_ADDRESSES


# Commands.


@pytest.fixture
def sent() -> list[tuple[str, bytes, int]]:
    return []


@pytest.fixture
def commands(sent: list[tuple[str, bytes, int]]) -> Commands:
    rooms = Rooms()
    for room in ("lab", "a b"):
        rooms.receive(f"affectfusion/school/{room}/status", b"online")
    return Commands(rooms, lambda *message: sent.append(message) is None, Clock())


def test_a_command_goes_to_its_room(commands: Commands, sent: list[tuple[str, bytes, int]]) -> None:
    assert commands.send(("school", "lab"), MUTE)
    ((topic, message, qos),) = sent
    assert (topic, qos) == ("affectfusion/school/lab/command", 1)
    assert json.loads(message) == {"v": 1, "command": "mute", "name": ""}


@pytest.mark.parametrize(
    ("key", "text"),
    [
        (("school", "lab"), '{"v": 1, "command": "explode"}'),
        (("school", "lab"), '{"v": 1, "command": "mark", "name": "<b>"}'),
        (("school", "lab"), "[]"),
        (("school", "lab"), "mute"),
        (("school", "elsewhere"), MUTE),
        (("school", "a b"), MUTE),
        (("#", "+"), MUTE),
    ],
)
def test_what_is_no_command_to_a_room_is_not_sent(
    key: tuple[str, str], text: str, commands: Commands, sent: list[tuple[str, bytes, int]]
) -> None:
    assert not commands.send(key, text)
    assert sent == []


def test_commands_come_with_measure(commands: Commands) -> None:
    assert [commands.send(("school", "lab"), MUTE) for _ in range(MOST + 1)] == [True] * MOST + [False]


# The command line.


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--listen", "0.0.0.0"], "need TLS"),
        (["--listen", "0.0.0.0", "--certificate", "c", "--key", "k"], "need a login"),
        (["--listen", "everywhere"], "is no address"),
        (["--certificate", "c"], "go together"),
        (["--web-port", "70000"], "is no port"),
        (["--operate", "--passwords", "p"], "--operate is for"),
        (["--set-password", "viewer"], "needs --passwords"),
        (["--passwords", "nowhere", "--host", "localhost"], "cannot be read"),
        (["--host", "localhost", "--certificate", "nowhere", "--key", "nowhere"], "cannot be used"),
    ],
)
def test_what_would_be_unsafe_or_cannot_be_is_refused_in_one_line(
    arguments: list[str], said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["dashboard", *arguments]) == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith("affect-edge dashboard: ") and said in line


def test_without_its_extra_it_names_the_extra(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "edge.dashboard.service", None)
    assert main(["dashboard", "--host", "localhost"]) == 2
    assert "affectfusion-edge[dashboard]" in capfd.readouterr().err
