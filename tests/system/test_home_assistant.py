"""A real Home Assistant finds a real box at the box's own broker, follows it, commands it and forgets it.

``AFFECT_HASS`` names a Home Assistant's ``hass`` (in a virtual environment: ``pip install homeassistant``); without it
the one on the path is used. At its first start Home Assistant fetches what its parts need from PyPI.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from boxbroker import BoxBroker, Person
from runningbox import DRAWN, SILENT, RunningBox
from services import free_port, wait_until

from edge.config import load
from edge.homeassistant.discovery import description, where

pytestmark = [pytest.mark.system, pytest.mark.timeout(2400)]

START_S = 900.0
PATIENCE_S = 120.0
ENTITY = "affectfusion_school_lab_"
WANTED = "[homeassistant]\nenabled = true\n"


class HomeAssistant:
    """A Home Assistant of its own, with the user that its first page asks for, over its REST interface."""

    def __init__(self, program: str, folder: Path) -> None:
        self._folder, self._port = folder, free_port()
        self._address = f"http://127.0.0.1:{self._port}"
        self._token = ""
        (folder / "configuration.yaml").write_text(
            f"homeassistant:\nhttp:\n  server_host: 127.0.0.1\n  server_port: {self._port}\n"
            "api:\nconfig:\nonboarding:\n"
        )
        with (folder / "out").open("w") as out:
            self.process = subprocess.Popen([program, "-c", str(folder)], stdout=out, stderr=out)
        assert wait_until(self._answers, START_S), self.log
        user = {"name": "head", "username": "head", "password": "head", "language": "en"}
        code = self.ask("/api/onboarding/users", user | {"client_id": f"{self._address}/"})["auth_code"]
        form = {"grant_type": "authorization_code", "code": code, "client_id": f"{self._address}/"}
        self._token = self._request("/auth/token", urllib.parse.urlencode(form).encode())["access_token"]

    @property
    def log(self) -> str:
        files = (self._folder / "out", self._folder / "home-assistant.log")
        return "".join(path.read_text() for path in files if path.exists())

    def ask(self, path: str, content: Any = None) -> Any:
        return self._request(path, None if content is None else json.dumps(content).encode(), "application/json")

    def add_broker(self, port: int, username: str, password: str) -> None:
        """The MQTT integration, by the dialogue that a person goes through."""
        flow = self.ask("/api/config/config_entries/flow", {"handler": "mqtt", "show_advanced_options": False})
        broker = {"broker": "127.0.0.1", "port": port, "username": username, "password": password}
        done = self.ask(f"/api/config/config_entries/flow/{flow['flow_id']}", broker)
        assert done["type"] == "create_entry", done

    def do(self, service: str, entity: str, **data: str) -> None:
        self.ask(f"/api/services/{service}", {"entity_id": entity, **data})

    def rendered(self, template: str) -> str:
        return str(self._request("/api/template", json.dumps({"template": template}).encode(), "application/json"))

    @property
    def states(self) -> dict[str, str]:
        """The box's entities and their states."""
        return {one["entity_id"]: one["state"] for one in self.ask("/api/states") if ENTITY in one["entity_id"]}

    def shows(self, seconds: float = PATIENCE_S, **states: str) -> bool:
        """Whether the box's entities, each by its platform and name, came to these states."""
        wanted = {key.replace("__", f".{ENTITY}", 1): state for key, state in states.items()}
        return wait_until(lambda: wanted.items() <= self.states.items(), seconds)

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _answers(self) -> bool:
        assert self.process.poll() is None, self.log
        try:
            return isinstance(self.ask("/api/onboarding"), list)
        except (OSError, ValueError):
            return False

    def _request(self, path: str, content: bytes | None, kind: str = "application/x-www-form-urlencoded") -> Any:
        headers = {"Content-Type": kind} | ({"Authorization": f"Bearer {self._token}"} if self._token else {})
        with urllib.request.urlopen(
            urllib.request.Request(self._address + path, content, headers), timeout=PATIENCE_S
        ) as answer:
            said = answer.read().decode()
            return json.loads(said) if "json" in answer.headers["Content-Type"] else said


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="ha") as made:
        yield Path(made)


@pytest.fixture(scope="module")
def broker(folder: Path) -> Iterator[BoxBroker]:
    broker = BoxBroker(folder / "box", tables=WANTED)
    broker.configure()
    broker.start()
    yield broker
    broker.kill()


@pytest.fixture(scope="module")
def home(folder: Path, broker: BoxBroker) -> Iterator[HomeAssistant]:
    """A Home Assistant at the box's broker, under its own name there."""
    program = os.environ.get("AFFECT_HASS") or shutil.which("hass")
    if program is None:
        pytest.skip("no Home Assistant: pip install homeassistant elsewhere and name its hass in AFFECT_HASS")
    own = folder / "home"
    own.mkdir()
    home = HomeAssistant(program, own)
    home.add_broker(broker.loopback, "homeassistant", broker.password("homeassistant"))
    yield home
    home.stop()


@pytest.fixture(scope="module")
def box(folder: Path, broker: BoxBroker, home: HomeAssistant) -> Iterator[RunningBox]:
    """A box that looks at drawn learners, with the name and the rights of an installed one."""
    password = broker.places.credentials / "mqtt-password"
    account = f'username = "device"\npassword_file = "{password}"\n'
    own = folder / "own"
    own.mkdir()
    box = RunningBox(own, broker.loopback, DRAWN + SILENT + WANTED, account)
    yield box
    if box.process.poll() is None:
        box.process.kill()
    box.process.wait()


def test_the_box_is_one_device_with_all_its_entities(home: HomeAssistant, box: RunningBox, folder: Path) -> None:
    told = description(load(folder / "own" / "classroom.toml"))["components"]
    shown = [entity for entity in told.values() if entity.get("enabled_by_default", True)]
    assert wait_until(lambda: len(home.states) == len(shown), PATIENCE_S), home.states
    assert sorted(entity.partition(".")[0] for entity in home.states) == sorted(one["platform"] for one in shown)
    device = "device_id('switch.affectfusion_school_lab_muted')"
    assert set(json.loads(home.rendered(f"{{{{ device_entities({device}) | to_json }}}}"))) == set(home.states)
    assert home.rendered(f"{{{{ device_id('AffectFusion school lab') == {device} }}}}") == "True"


def test_states_follow_the_boxs_messages(home: HomeAssistant, box: RunningBox) -> None:
    assert home.shows(
        sensor__watching="scoring",
        sensor__privacy="capturing",
        sensor__faces_in_view="5-9",
        sensor__camera="live",
        sensor__microphone="none",
        select__kind_of_lesson="lecture",
        binary_sensor__connection="on",
        binary_sensor__capturing="on",
        binary_sensor__lesson="on",
        switch__muted="off",
    ), home.states
    states = home.states
    assert 0 <= float(states[f"sensor.{ENTITY}satisfaction"]) <= 100
    # nobody speaks: unknown, not zero, and no alert has been given yet
    assert states[f"sensor.{ENTITY}reliability_of_voice"] == "unknown"
    assert states[f"binary_sensor.{ENTITY}alert_too_lively"] == "unknown"


def test_the_switch_mutes_the_box_and_every_score_becomes_unknown(home: HomeAssistant, box: RunningBox) -> None:
    home.do("switch/turn_on", f"switch.{ENTITY}muted")
    assert home.shows(
        switch__muted="on", binary_sensor__capturing="off", sensor__watching="muted", sensor__camera="closed"
    )
    assert home.shows(sensor__satisfaction="unknown", sensor__engagement="unknown", sensor__valence="unknown")
    assert box.says("muted by a command")
    home.do("switch/turn_off", f"switch.{ENTITY}muted")
    assert home.shows(switch__muted="off", binary_sensor__capturing="on"), home.states
    # scoring, or on a busy machine why not
    assert wait_until(lambda: home.states[f"sensor.{ENTITY}watching"] != "muted", PATIENCE_S)


def test_the_kind_of_lesson_and_the_lesson_itself_are_chosen_there(home: HomeAssistant, box: RunningBox) -> None:
    home.do("select/select_option", f"select.{ENTITY}kind_of_lesson", option="exam")
    assert home.shows(select__kind_of_lesson="exam")
    home.do("button/press", f"button.{ENTITY}end_lesson")
    assert home.shows(binary_sensor__lesson="off")
    home.do("button/press", f"button.{ENTITY}start_lesson")
    assert home.shows(binary_sensor__lesson="on", select__kind_of_lesson="exam")


def test_a_home_assistant_that_starts_anew_is_told_again(
    home: HomeAssistant, box: RunningBox, broker: BoxBroker
) -> None:
    watcher = broker.client("homeassistant", broker.password("homeassistant"))
    watcher.subscribe("homeassistant/device/#")
    home.do("homeassistant/reload_config_entry", f"switch.{ENTITY}muted")
    assert wait_until(lambda: any(not found.retain for found in watcher.received), PATIENCE_S)
    assert home.shows(binary_sensor__connection="on", sensor__privacy="capturing", select__kind_of_lesson="exam")
    watcher.close()


def test_a_box_that_is_gone_does_not_look_alive(home: HomeAssistant, box: RunningBox) -> None:
    box.process.send_signal(signal.SIGKILL)
    assert home.shows(
        binary_sensor__connection="off",
        sensor__satisfaction="unavailable",
        switch__muted="unavailable",
        sensor__privacy="unavailable",
    )


def test_home_assistant_had_nothing_to_complain_of(home: HomeAssistant, box: RunningBox) -> None:
    complaints = [
        line
        for line in home.log.splitlines()
        if any(level in line for level in ("WARNING", "ERROR"))
        and any(word in line for word in ("mqtt", "affectfusion", "Template"))
    ]
    assert complaints == []


def test_a_removed_box_leaves_nothing_behind(
    home: HomeAssistant, box: RunningBox, broker: BoxBroker, folder: Path
) -> None:
    unwanted = folder / "own" / "unwanted.toml"
    unwanted.write_text((folder / "own" / "classroom.toml").read_text().replace(WANTED, ""))
    command = [sys.executable, "-m", "edge", "homeassistant", "remove", "--config", str(unwanted)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    assert done.stdout.startswith("removed homeassistant/device/affectfusion-school-lab/config")
    assert wait_until(lambda: home.states == {}, PATIENCE_S), home.states
    assert home.rendered("{{ device_id('AffectFusion school lab') }}") == "None"
    late: Person = broker.client("homeassistant", broker.password("homeassistant"))
    assert where(load(unwanted)) not in late.retained("homeassistant/#")
    late.close()
