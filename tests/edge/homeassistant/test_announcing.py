"""The box makes itself known to a real broker's Home Assistants, and is forgotten again."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion
from services import Mosquitto, wait_until

from edge.cli import main
from edge.config import Box, Broker, HomeAssistant, Settings
from edge.homeassistant.discovery import announcement, description, where
from edge.publish import announcement as announcing
from edge.publish.announcement import Announcement, Announcer
from edge.publish.mqtt import Publisher
from edge.publish.topics import BIRTH

SETTINGS = Settings(box=Box("school", "lab"), homeassistant=HomeAssistant(enabled=True))


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(announcing, "DELAY_S", (0.1, 0.2))


class Listener:
    """A Home Assistant, as far as the broker sees one."""

    def __init__(self, port: int) -> None:
        self.messages: list[MQTTMessage] = []
        self._ready = False
        self._client = Client(CallbackAPIVersion.VERSION2)
        self._client.on_message = lambda client, _, message: self.messages.append(message)
        self._client.on_connect = lambda client, *_: client.subscribe("homeassistant/device/#", 1)
        self._client.on_subscribe = self._subscribed
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        assert wait_until(lambda: self._ready)

    def _subscribed(self, *_: object) -> None:
        self._ready = True

    def says(self, word: str, retain: bool = False) -> None:
        self._client.publish(BIRTH, word, 1, retain).wait_for_publish(5)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture
def listener(mosquitto: Mosquitto) -> Iterator[Listener]:
    one = Listener(mosquitto.port)
    yield one
    one.close()


@pytest.fixture
def publish(mosquitto: Mosquitto) -> Iterator[Callable[..., Publisher]]:
    made: list[Publisher] = []

    def start(settings: Settings = SETTINGS) -> Publisher:
        broker = Broker(port=mosquitto.port)
        made.append(Publisher(broker, settings.box, lambda command: None, announcement=announcement(settings)))
        made[-1].start()
        assert wait_until(lambda: made[-1].connected)
        return made[-1]

    yield start
    for publisher in made:
        publisher.stop()


def test_a_box_is_found_by_who_comes_later(
    mosquitto: Mosquitto, listener: Listener, publish: Callable[..., Publisher]
) -> None:
    publish()
    assert wait_until(lambda: listener.messages)
    late = Listener(mosquitto.port)
    assert wait_until(lambda: late.messages)
    (found,) = late.messages
    assert (found.topic, found.retain) == (where(SETTINGS), True)
    assert json.loads(found.payload) == description(SETTINGS)
    late.close()


def test_every_birth_is_answered(listener: Listener, publish: Callable[..., Publisher]) -> None:
    publish()
    assert wait_until(lambda: len(listener.messages) == 1)
    listener.says("online")
    assert wait_until(lambda: len(listener.messages) == 2)
    listener.says("online")
    assert wait_until(lambda: len(listener.messages) == 3)


def test_births_that_come_together_get_one_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(announcing, "DELAY_S", (1.0, 1.0))
    answers: list[None] = []
    announcer = Announcer(Announcement("home", b"{}", BIRTH), lambda: answers.append(None))
    birth = MQTTMessage(topic=BIRTH.encode())
    birth.payload = b"online"
    for _ in range(100):
        assert announcer.heard(birth)
    assert wait_until(lambda: answers)
    assert not wait_until(lambda: len(answers) > 1, 1.5)


def test_a_birth_is_no_command(listener: Listener, publish: Callable[..., Publisher]) -> None:
    publisher = publish()
    assert wait_until(lambda: len(listener.messages) == 1)
    for word in ("offline", "", '{"v": 1, "command": "mute"}'):
        listener.says(word)
    listener.says("online", retain=True)
    time.sleep(0.5)
    assert publisher.refused == 0


def test_a_death_is_not_answered(listener: Listener, publish: Callable[..., Publisher]) -> None:
    publish()
    assert wait_until(lambda: len(listener.messages) == 1)
    listener.says("offline")
    assert not wait_until(lambda: len(listener.messages) > 1, 0.6)


def test_a_broker_that_has_forgotten_everything_is_told_again(
    mosquitto: Mosquitto, publish: Callable[..., Publisher]
) -> None:
    publisher = publish()
    mosquitto.kill()
    assert wait_until(lambda: not publisher.connected)
    mosquitto.start()
    assert wait_until(lambda: publisher.connected, 20.0)
    late = Listener(mosquitto.port)
    assert wait_until(lambda: late.messages)
    late.close()


def test_a_box_that_is_not_to_be_found_says_nothing(listener: Listener, publish: Callable[..., Publisher]) -> None:
    publish(Settings(box=Box("school", "lab")))
    listener.says("online")
    assert not wait_until(lambda: listener.messages, 0.6)


def test_a_stopping_box_answers_no_birth(listener: Listener, publish: Callable[..., Publisher]) -> None:
    publisher = publish()
    assert wait_until(lambda: len(listener.messages) == 1)
    listener.says("online")
    publisher.stop()
    assert not wait_until(lambda: len(listener.messages) > 1, 0.6)


def test_a_removed_box_is_forgotten_by_the_broker_too(
    mosquitto: Mosquitto,
    listener: Listener,
    publish: Callable[..., Publisher],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    publish()
    assert wait_until(lambda: len(listener.messages) == 1)
    config = tmp_path / "classroom.toml"
    config.write_text(f'[box]\nsite = "school"\nroom = "lab"\n[broker]\nport = {mosquitto.port}\n')
    assert main(["homeassistant", "remove", "--config", str(config)]) == 0
    assert capsys.readouterr().out == f"removed {where(SETTINGS)} from localhost:{mosquitto.port}\n"
    assert wait_until(lambda: len(listener.messages) == 2)
    assert listener.messages[-1].payload == b""
    late = Listener(mosquitto.port)
    assert not wait_until(lambda: late.messages, 0.5)
    late.close()
