"""The publisher against a real broker."""

from __future__ import annotations

import json
import logging
import math
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from messages import HEALTH
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion
from services import Mosquitto, free_port, wait_until
from wire import RecordingProxy

from edge.config import Box, Broker
from edge.errors import UserError
from edge.publish.mqtt import Publisher
from edge.publish.payloads import PrivacyPayload, timestamp
from edge.publish.schema import validate
from edge.session.statistics import summary
from edge.signals import Affect

BASE = "affectfusion/school/lab/"
BOX = Box(site="school", room="lab")
AFFECT = Affect(1.0, 3.0, 6, {"face": 0.9}, valence=0.5, satisfaction=0.75, confidence=0.7)
SESSION = summary([], "lesson", 0.0)
PRIVACY = PrivacyPayload(
    state="capturing",
    reason="declared",
    since=timestamp(0.0),
    muted_by=None,
    consent_until=None,
    minimum_group=5,
    purpose="research",
    jurisdiction="US",
    mode="room",
)


class Subscriber:
    """Everything below the box's base, as a stranger on the network receives it."""

    def __init__(self, broker: Mosquitto) -> None:
        self.messages: list[MQTTMessage] = []
        self._subscribed = False
        self._client = Client(CallbackAPIVersion.VERSION2)
        self._client.on_message = lambda client, _, message: self.messages.append(message)
        self._client.on_subscribe = self._on_subscribe
        self._client.on_connect = lambda client, *_: client.subscribe(BASE + "#", 2)
        self._client.connect(broker.host, broker.port)
        self._client.loop_start()
        assert wait_until(lambda: self._subscribed)

    def _on_subscribe(self, *_: Any) -> None:
        self._subscribed = True

    def of(self, name: str) -> list[bytes]:
        return [bytes(m.payload) for m in tuple(self.messages) if m.topic == BASE + name]

    def command(self, payload: bytes, retain: bool = False) -> None:
        self._client.publish(BASE + "command", payload, 1, retain).wait_for_publish(5)

    def say(self, topic: str, payload: bytes) -> None:
        self._client.publish(BASE + topic, payload, 1).wait_for_publish(5)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture
def subscribe() -> Iterator[Callable[[Mosquitto], Subscriber]]:
    made: list[Subscriber] = []

    def subscribe_to(broker: Mosquitto) -> Subscriber:
        made.append(Subscriber(broker))
        return made[-1]

    yield subscribe_to
    for subscriber in made:
        subscriber.close()


@pytest.fixture
def publish() -> Iterator[Callable[..., Publisher]]:
    """Starts publishers to a port and stops them afterwards."""
    made: list[Publisher] = []

    def publish_to(port: int, on_command: Any = lambda command: None, **broker: Any) -> Publisher:
        refused = broker.pop("on_refused", lambda reason: None)
        made.append(Publisher(Broker(host="127.0.0.1", port=port, **broker), BOX, on_command, refused))
        made[-1].start()
        return made[-1]

    yield publish_to
    for publisher in made:
        publisher.stop()


def connected(publisher: Publisher) -> bool:
    return wait_until(lambda: publisher.connected)


def sequence(message: bytes) -> int:
    number: int = json.loads(message)["sequence"]
    return number


def test_new_subscriber_finds_every_state_retained(
    mosquitto: Mosquitto, publish: Callable[..., Publisher], subscribe: Callable[[Mosquitto], Subscriber]
) -> None:
    publisher = publish(mosquitto.port)
    assert connected(publisher)
    publisher.affect(AFFECT)
    publisher.session(SESSION)
    publisher.health(HEALTH)
    publisher.privacy(PRIVACY)
    assert wait_until(lambda: publisher.queue == 0)
    late = subscribe(mosquitto)
    assert wait_until(lambda: len(late.messages) == 5)
    assert {m.topic.removeprefix(BASE): (m.retain, m.qos) for m in late.messages} == {
        "status": (True, 1),
        "affect": (True, 1),
        "session": (True, 1),
        "health": (True, 0),
        "privacy": (True, 1),
    }
    for message in late.messages:
        validate(message.topic, message.payload)


def test_stop_says_offline(
    mosquitto: Mosquitto, publish: Callable[..., Publisher], subscribe: Callable[[Mosquitto], Subscriber]
) -> None:
    subscriber = subscribe(mosquitto)
    publisher = publish(mosquitto.port)
    assert connected(publisher)
    publisher.stop()
    assert wait_until(lambda: subscriber.of("status") == [b"online", b"offline"])


def test_killed_publisher_is_declared_offline_by_its_last_will(
    mosquitto: Mosquitto, subscribe: Callable[[Mosquitto], Subscriber]
) -> None:
    subscriber = subscribe(mosquitto)
    program = (
        "import time; from edge.config import Box, Broker; from edge.publish.mqtt import Publisher\n"
        f"broker = Broker(host='127.0.0.1', port={mosquitto.port})\n"
        "Publisher(broker, Box(site='school', room='lab'), print).start()\n"
        "time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", program]) as process:
        assert wait_until(lambda: subscriber.of("status") == [b"online"])
        process.send_signal(signal.SIGKILL)
    assert wait_until(lambda: subscriber.of("status") == [b"online", b"offline"])


def test_broker_absent_at_start_is_reported_once_and_gets_all_that_waited_when_it_appears(
    make_mosquitto: Callable[..., Mosquitto],
    publish: Callable[..., Publisher],
    subscribe: Callable[[Mosquitto], Subscriber],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "edge")
    broker = make_mosquitto()
    publisher = publish(broker.port)
    for _ in range(300):
        publisher.affect(AFFECT)
        publisher.privacy(PRIVACY)
    assert wait_until(lambda: publisher.problem)
    assert publisher.problem is not None
    assert publisher.queue == 300
    assert "start it, or check broker.host and broker.port" in publisher.problem
    broker.start()
    subscriber = subscribe(broker)
    assert connected(publisher)
    assert publisher.problem is None
    assert wait_until(lambda: publisher.queue == 0)
    assert wait_until(lambda: [sequence(message) for message in subscriber.of("affect")][-1:] == [300])
    assert subscriber.of("status") == [b"online"]
    received = [sequence(message) for message in subscriber.of("affect")]
    # a subscriber who came too late to see the first of them sees the rest
    assert received == list(range(301 - len(received), 301))
    assert len(subscriber.of("privacy")) == 1
    late = subscribe(broker)
    assert wait_until(lambda: late.of("affect"))
    assert [sequence(message) for message in late.of("affect")] == [300]
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert "300 messages that waited" in caplog.text


def test_broker_killed_while_messages_are_on_their_way_ends_up_with_the_newest(
    mosquitto: Mosquitto,
    publish: Callable[..., Publisher],
    subscribe: Callable[[Mosquitto], Subscriber],
    caplog: pytest.LogCaptureFixture,
) -> None:
    publisher = publish(mosquitto.port)
    assert connected(publisher)
    publisher.privacy(PRIVACY)
    assert wait_until(lambda: publisher.queue == 0)
    caplog.set_level(logging.INFO, "edge")
    assert mosquitto.process is not None
    os.kill(mosquitto.process.pid, signal.SIGSTOP)
    for _ in range(50):
        publisher.affect(AFFECT)
    assert publisher.queue == 50
    mosquitto.kill()
    assert wait_until(lambda: not publisher.connected)
    publisher.affect(AFFECT)
    mosquitto.start()
    assert connected(publisher)
    assert wait_until(lambda: publisher.queue == 0)
    late = subscribe(mosquitto)
    assert wait_until(lambda: len(late.messages) >= 3)
    assert late.of("status") == [b"online"]
    assert [sequence(message) for message in late.of("affect")] == [51]
    assert late.of("privacy")
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


def test_wrong_password_is_reported_once_with_the_cure(
    make_mosquitto: Callable[..., Mosquitto],
    publish: Callable[..., Publisher],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    broker = make_mosquitto("box", "right")
    broker.start()
    secret = tmp_path / "password"
    secret.write_text("wrong\n")
    publisher = publish(broker.port, username="box", password_file=secret)
    assert wait_until(lambda: publisher.problem)
    publisher.affect(AFFECT)
    assert publisher.problem == (
        f"127.0.0.1:{broker.port} refused the user name or password; check broker.username and broker.password_file"
    )
    time.sleep(1.5)
    assert not publisher.connected
    assert len(caplog.records) == 1
    assert "wrong" not in caplog.text


def test_right_password_is_let_in(
    make_mosquitto: Callable[..., Mosquitto], publish: Callable[..., Publisher], tmp_path: Path
) -> None:
    broker = make_mosquitto("box", "right")
    broker.start()
    secret = tmp_path / "password"
    secret.write_text("right\nanything below the first line\n")
    assert connected(publish(broker.port, username="box", password_file=secret))


def test_tls_is_verified(
    make_mosquitto: Callable[..., Mosquitto], publish: Callable[..., Publisher], tmp_path: Path
) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    certificate, key = tmp_path / "broker.pem", tmp_path / "broker.key"
    request = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=broker"
    names = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*request.split(), *names], check=True, capture_output=True)
    broker = make_mosquitto(options=[f"certfile {certificate}", f"keyfile {key}"])
    broker.start()
    assert connected(publish(broker.port, tls=True, ca_file=certificate))
    stranger = publish(broker.port, tls=True)
    assert wait_until(lambda: stranger.problem)
    assert stranger.problem is not None
    assert stranger.problem.endswith("check broker.tls and broker.ca_file")
    in_the_clear = publish(broker.port)
    assert wait_until(lambda: in_the_clear.problem)
    assert in_the_clear.problem is not None
    assert in_the_clear.problem.endswith("check broker.port and broker.tls")


def test_the_systems_credential_is_the_password_where_no_file_is_named(
    make_mosquitto: Callable[..., Mosquitto],
    publish: Callable[..., Publisher],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broker = make_mosquitto("box", "right")
    broker.start()
    (tmp_path / "mqtt-password").write_text("right\n")
    (tmp_path / "other").write_text("wrong\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert connected(publish(broker.port, username="box"))
    named = publish(broker.port, username="box", password_file=tmp_path / "other")
    assert wait_until(lambda: named.problem)


def test_a_credential_goes_to_nobody_where_no_user_name_is_given(
    mosquitto: Mosquitto, publish: Callable[..., Publisher], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mqtt-password").write_text("secret\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    proxy = RecordingProxy(mosquitto.port)
    assert connected(publish(proxy.port))
    assert b"secret" not in b"".join(bytes(stream) for stream in proxy.sent)
    proxy.close()


@pytest.mark.parametrize(
    ("socket_file", "cure"),
    [("nowhere", "no broker listens there; start it, or check broker.socket"), ("closed", "no broker listens there")],
)
def test_a_socket_that_nobody_listens_at_is_reported_with_the_cure(socket_file: str, cure: str, tmp_path: Path) -> None:
    path = tmp_path / socket_file
    if socket_file == "closed":
        with socket.socket(socket.AF_UNIX) as left_behind:
            left_behind.bind(str(path))
    publisher = Publisher(Broker(socket=path), BOX, print)
    publisher.start()
    assert wait_until(lambda: publisher.problem)
    publisher.stop()
    assert publisher.problem is not None
    assert publisher.problem.startswith(f"{path}: {cure}")


def test_commands_are_handed_over_and_anything_else_is_refused(
    mosquitto: Mosquitto, publish: Callable[..., Publisher], subscribe: Callable[[Mosquitto], Subscriber]
) -> None:
    commands: list[str] = []
    reasons: list[str] = []
    subscriber = subscribe(mosquitto)
    publisher = publish(mosquitto.port, commands.append, on_refused=reasons.append)
    assert connected(publisher)
    refused = [
        b"",
        b"mute",
        b"[" * 100_000,
        b"\xff\xfe",
        b'{"v":1,"command":"reboot"}',
        b'{"v":2,"command":"mute"}',
        b'{"command":"mute"}',
        b'{"v":1,"command":"mute","seconds":5}',
    ]
    for payload in refused:
        subscriber.command(payload)
    for name in ("mute", "unmute", "start_session", "end_session"):
        subscriber.command(json.dumps({"v": 1, "command": name}).encode())
    assert wait_until(lambda: len(commands) == 4)
    assert [order.command for order in commands] == ["mute", "unmute", "start_session", "end_session"]
    assert publisher.refused == len(reasons) == len(refused)
    assert all("\n" not in reason and len(reason) <= 200 for reason in reasons)


def test_retained_command_is_refused_because_it_would_be_obeyed_at_every_connection(
    mosquitto: Mosquitto, publish: Callable[..., Publisher], subscribe: Callable[[Mosquitto], Subscriber]
) -> None:
    subscribe(mosquitto).command(b'{"v":1,"command":"unmute"}', retain=True)
    commands: list[str] = []
    publisher = publish(mosquitto.port, commands.append)
    assert wait_until(lambda: publisher.refused == 1)
    assert commands == []


def test_modalities_from_outside_are_heard_only_while_they_are_heeded(
    mosquitto: Mosquitto, subscribe: Callable[[Mosquitto], Subscriber]
) -> None:
    heard: list[tuple[str, bytes, bool]] = []
    commands: list[str] = []
    neighbour = subscribe(mosquitto)
    publisher = Publisher(
        Broker(host="127.0.0.1", port=mosquitto.port),
        BOX,
        lambda order: commands.append(order.command),
        inputs=("text",),
        on_input=lambda name, payload, retained: heard.append((name, payload, retained)),
    )
    publisher.start()

    def listens() -> bool:
        """Whether a new message is heard, once the command behind it has come."""
        done = len(commands)
        what = b"%d" % done
        neighbour.say("input/text", what)
        neighbour.say("input/physiology", what)
        neighbour.command(b'{"v":1,"command":"start_session"}')
        assert wait_until(lambda: len(commands) > done)
        return ("text", what, False) in heard

    try:
        assert connected(publisher)
        assert not listens()
        publisher.heed(True)
        assert wait_until(listens)
        mosquitto.kill()
        assert wait_until(lambda: not publisher.connected)
        mosquitto.start()
        assert connected(publisher)
        assert wait_until(listens)
        publisher.heed(False)
        assert wait_until(lambda: not listens())
        assert not listens()
        # the box announced itself once a connection, whatever else it subscribed to
        assert neighbour.of("status") == [b"online", b"online"]
    finally:
        publisher.stop()
    assert {name for name, _, _ in heard} == {"text"}


def test_number_that_is_not_finite_never_leaves(
    mosquitto: Mosquitto,
    publish: Callable[..., Publisher],
    subscribe: Callable[[Mosquitto], Subscriber],
    caplog: pytest.LogCaptureFixture,
) -> None:
    subscriber = subscribe(mosquitto)
    publisher = publish(mosquitto.port)
    assert connected(publisher)
    publisher.affect(Affect(1.0, 3.0, 6, {}, valence=math.nan, confidence=0.5))
    publisher.affect(Affect(1.0, 3.0, 6, {"face": math.inf}, confidence=0.5))
    publisher.affect(AFFECT)
    assert wait_until(lambda: subscriber.of("affect"))
    assert [sequence(message) for message in subscriber.of("affect")] == [3]
    assert publisher.rejected == 2
    assert all("this is a bug" in record.getMessage() for record in caplog.records)


@pytest.mark.parametrize("method", ["affect", "session", "health", "privacy"])
@pytest.mark.parametrize("thing", [b"jpeg", {"v": 1}, None])
def test_only_the_types_of_the_contract_are_accepted(method: str, thing: object) -> None:
    with pytest.raises(TypeError):
        getattr(Publisher(Broker(), BOX, print), method)(thing)


@pytest.mark.parametrize("broker", ["absent", "silent", "frozen"])
def test_stop_takes_less_than_two_seconds_whatever_the_broker_does(
    broker: str, make_mosquitto: Callable[..., Mosquitto], publish: Callable[..., Publisher]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        mosquitto = make_mosquitto()
        port = {"absent": free_port(), "silent": silent.getsockname()[1], "frozen": mosquitto.port}[broker]
        if broker == "frozen":
            mosquitto.start()
        publisher = publish(port)
        if broker == "frozen":
            assert connected(publisher)
            assert mosquitto.process is not None
            os.kill(mosquitto.process.pid, signal.SIGSTOP)
        publisher.affect(AFFECT)
        began = time.monotonic()
        publisher.stop()
        assert time.monotonic() - began < 2.0


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"username": "box", "password_file": Path("/nowhere/password")}, "broker.password_file"),
        ({"password_file": Path("/nowhere/password")}, "broker.username"),
        ({"tls": True, "ca_file": Path("/nowhere/ca.pem")}, "broker.ca_file"),
        ({"ca_file": Path("/dev/null")}, "broker.ca_file"),
        ({"host": "two..dots"}, "broker.host"),
    ],
)
def test_settings_that_cannot_work_are_refused_with_their_key(settings: dict[str, Any], key: str) -> None:
    with pytest.raises(UserError, match=key):
        Publisher(Broker(**settings), BOX, print)
