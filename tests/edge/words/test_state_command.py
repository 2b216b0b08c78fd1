"""``affect-edge state``: one room's state from a real broker, or one line that says why there is none."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from boxbroker import BoxBroker
from messages import affect, leave, now, privacy
from services import Mosquitto, free_port

from edge.cli import main
from edge.publish.payloads import timestamp

State = Callable[..., tuple[int, str, str]]


@pytest.fixture
def state(capfd: pytest.CaptureFixture[str]) -> State:
    def run(*arguments: str) -> tuple[int, str, str]:
        code = main(["state", *arguments])
        out, err = capfd.readouterr()
        assert "Traceback" not in err and len(err.splitlines()) <= 1
        return code, out, err

    return run


def test_a_room_is_told_in_a_sentence(mosquitto: Mosquitto, there: list[str], state: State) -> None:
    leave(mosquitto.port, status="online", affect=now(), privacy=json.dumps(privacy()))
    assert state(*there) == (0, "mostly engaged; voice unheard; 2 of 3 modalities trusted\n", "")
    assert state(*there, "--language", "de")[1].startswith("überwiegend engagiert; ")


def test_a_room_is_told_as_json(mosquitto: Mosquitto, there: list[str], state: State) -> None:
    leave(mosquitto.port, status="online", affect=now(), privacy=json.dumps(privacy()))
    code, out, _ = state(*there, "--format", "json")
    told = json.loads(out)
    assert code == 0 and told["fresh"] and told["confidence"] == 0.7 and told["age_s"] < 60


def test_a_room_that_is_offline_is_one_line_and_exit_1(mosquitto: Mosquitto, there: list[str], state: State) -> None:
    leave(mosquitto.port, status="offline", affect=json.dumps(affect(time=timestamp(time.time() - 400))))
    assert state(*there) == (1, "", "affect-edge state: school/lab: the box is offline; last heard 6 min ago\n")


def test_a_room_that_never_spoke_is_one_line_and_exit_1(there: list[str], state: State) -> None:
    assert state(*there) == (1, "", "affect-edge state: school/lab: nothing heard from this room yet\n")


def test_a_broker_that_is_not_there_is_one_line_and_exit_1(tmp_path: Path, state: State) -> None:
    config = tmp_path / "config.toml"
    config.write_text(f"[broker]\nport = {free_port()}\n")
    code, out, err = state("--config", str(config))
    assert (code, out) == (1, "") and "no broker listens there" in err


def test_a_retained_message_that_breaks_the_schema_is_said(
    mosquitto: Mosquitto, there: list[str], state: State
) -> None:
    leave(mosquitto.port, status="online", affect='{"v": 1, "confidence": NaN}')
    code, out, err = state(*there)
    assert (code, out) == (1, "") and "another kind than the contract's" in err


def test_a_box_of_its_own_broker_is_read_as_a_viewer(
    tmp_path_factory: pytest.TempPathFactory,
    state: State,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    box = BoxBroker(tmp_path_factory.mktemp("b"))
    box.configure()
    box.start()
    try:
        leave(box.loopback, "device", box.password("device"), status="online", affect=now())
        monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(box.places.credentials))
        capfd.readouterr()
        assert state("--config", str(box.config))[:2] == (
            0,
            "mostly engaged; voice unheard; 2 of 3 modalities trusted\n",
        )
    finally:
        box.kill()


def test_without_the_right_to_the_password_it_says_what_to_do(
    tmp_path: Path, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    config = tmp_path / "config.toml"
    config.write_text('[broker]\nusername = "device"\n')
    code, _, err = state("--config", str(config))
    assert code == 2 and "mqtt-viewer-password: cannot be read; run with sudo" in err


@pytest.mark.parametrize(
    "arguments",
    [
        ["--host", "localhost"],
        ["--host", "localhost", "--site", "a"],
        ["--port", "1883"],
        ["--host", "localhost", "--port", "70000", "--site", "a", "--room", "b"],
        ["--host", "localhost", "--site", "#", "--room", "b"],
        ["--host", "localhost", "--site", "a", "--room", "b", "--password-file", "x"],
    ],
)
def test_arguments_that_do_not_go_together_are_refused(arguments: list[str], state: State) -> None:
    assert state(*arguments)[0] == 2
