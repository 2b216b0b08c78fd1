"""The broker on the box as it is installed: mosquitto, under a Debian's own settings and what the box adds to them."""

from __future__ import annotations

import shutil
import ssl
import subprocess
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from services import free_port, mosquitto_program, wait_until

from edge.broker.configure import configure
from edge.broker.places import Places
from edge.config import load

CREDENTIALS = {
    "device": "mqtt-password",
    "viewer": "mqtt-viewer-password",
    "operator": "mqtt-operator-password",
}
"""Those of every box; one that allows modalities from outside has a contributor's too."""
PATIENCE_S = 10.0


def need_tools() -> None:
    """Skips the test where a tool is not installed that every box has."""
    for tool in ("mosquitto_passwd", "openssl"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed: apt install mosquitto openssl")


class BoxBroker:
    """A broker made from a box's configuration by ``broker-config``. ``folder`` must have a short name: sockets do."""

    def __init__(self, folder: Path, broker: str = "", tables: str = "", room: str = "lab") -> None:
        need_tools()
        self.program = mosquitto_program()
        self.folder = folder
        self.process: subprocess.Popen[bytes] | None = None
        self.loopback, self.websockets, self.network = free_port(), free_port(), free_port()
        self.socket = folder / "s"
        self.places = Places(folder / "mosquitto", folder / "credentials", runtime=folder)
        self.config = folder / "config.toml"
        self.state = folder / "state"
        for made in (self.places.drop_in.parent, self.places.memory.parent, self.state):
            made.mkdir(parents=True)
        # As Debian has it; "user root" lets a broker that root starts read a test's files.
        self.places.main.write_text(
            f"persistence true\npersistence_location {self.state}/\nlog_dest file {folder / 'log'}\n"
            f"user root\ninclude_dir {self.places.drop_in.parent}\n"
        )
        self.config.write_text(
            f'[box]\nsite = "school"\nroom = "{room}"\n'
            f'[broker]\nusername = "device"\n{broker or self._by_socket()}'
            f"[broker.local]\nport = {self.network}\nloopback_port = {self.loopback}\n"
            f"websockets_port = {self.websockets}\n{tables}"
        )

    def configure(self) -> None:
        configure(load(self.config), self.places)

    def start(self) -> None:
        self._read = len(self.log)
        with (self.folder / "stderr").open("ab") as stderr:
            self.process = subprocess.Popen([self.program, "-c", str(self.places.main)], stderr=stderr)
        assert wait_until(self._is_ready), self.log

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def stop(self) -> None:
        assert self.process is not None
        self.process.terminate()
        self.process.wait(PATIENCE_S)
        self.process = None

    @property
    def log(self) -> str:
        """What it said, by whichever way."""
        said = ""
        for name in ("stderr", "log"):
            with suppress(FileNotFoundError):
                said += (self.folder / name).read_text()
        return said

    def password(self, user: str) -> str:
        return (self.places.credentials / CREDENTIALS.get(user, f"mqtt-{user}-password")).read_text().strip()

    def client(self, user: str | None, password: str | None = None, **how: Any) -> Person:
        """A client that has tried to come in by loopback."""
        known = password or (self.password(user) if user in CREDENTIALS else None)
        return Person(("127.0.0.1", self.loopback), user, known, **how)

    def _by_socket(self) -> str:
        return f'socket = "{self.socket}"\n'

    def _is_ready(self) -> bool:
        return "running" in self.log[self._read :] and self.process is not None and self.process.poll() is None


class Person:
    """An MQTT 5 client, to which a broker gives its reasons."""

    def __init__(
        self,
        address: tuple[str, int],
        user: str | None = None,
        password: str | None = None,
        transport: Any = "tcp",
        authority: Path | None = None,
        name: str = "",
        keep: bool = False,
    ) -> None:
        self.received: list[MQTTMessage] = []
        self.entry: str | None = None
        """What the broker said to the connection; None where it came to nothing."""
        self._answers: dict[int, str] = {}
        self._answered = threading.Condition()
        version = MQTTProtocolVersion.MQTTv311 if keep else MQTTProtocolVersion.MQTTv5
        kept = {"clean_session": False} if keep else {}
        self.mqtt = Client(CallbackAPIVersion.VERSION2, client_id=name, transport=transport, protocol=version, **kept)
        if user is not None:
            self.mqtt.username_pw_set(user, password)
        if authority is not None:
            self.mqtt.tls_set_context(ssl.create_default_context(cafile=authority))
        came = threading.Event()

        def entered(client: Any, data: Any, flags: Any, reason: Any, properties: Any) -> None:
            self.entry = str(reason)
            came.set()

        self.mqtt.on_connect = entered
        self.mqtt.on_message = lambda client, data, message: self.received.append(message)
        self.mqtt.on_publish = lambda client, data, mid, reason, properties: self._note(mid, str(reason))
        self.mqtt.on_subscribe = lambda client, data, mid, reasons, properties: self._note(mid, str(reasons[0]))
        self.mqtt.on_unsubscribe = lambda client, data, mid, reasons, properties: self._note(mid, "done")
        self.mqtt.connect(*address)
        self.mqtt.loop_start()
        came.wait(PATIENCE_S)

    def may_write(self, topic: str, payload: str = "x", retain: bool = False) -> bool:
        """Whether the broker takes a message."""
        return self._answer(self.mqtt.publish(topic, payload, 1, retain).mid) != "Not authorized"

    def subscribe(self, pattern: str) -> None:
        self._answer(self.mqtt.subscribe(pattern, 1)[1])

    def retained(self, pattern: str) -> set[str]:
        """The topics of the retained messages that a subscription brings."""
        before = len(self.received)
        self.subscribe(pattern)
        # Answered after whatever the subscription brought.
        self._answer(self.mqtt.unsubscribe(pattern)[1])
        return {message.topic for message in self.received[before:]}

    def close(self) -> None:
        self.mqtt.disconnect()
        self.mqtt.loop_stop()

    def _note(self, number: int, answer: str) -> None:
        with self._answered:
            self._answers[number] = answer
            self._answered.notify_all()

    def _answer(self, number: int | None) -> str:
        assert number is not None
        with self._answered:
            assert self._answered.wait_for(lambda: number in self._answers, PATIENCE_S), "the broker does not answer"
            return self._answers.pop(number)
