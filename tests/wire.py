"""The wire between a box and its broker, on which every byte the box sends is kept and read as MQTT 3.1.1."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from edge.publish.schema import SchemaError, validate

KINDS = {1: "CONNECT", 3: "PUBLISH", 4: "PUBACK", 8: "SUBSCRIBE", 12: "PINGREQ", 14: "DISCONNECT"}
"""What a box may say to a broker at all."""


class RecordingProxy:
    """Listens on ``port`` of loopback, passes everything on to a broker's, and keeps what clients send it."""

    host = "127.0.0.1"

    def __init__(self, broker_port: int) -> None:
        self.sent: list[bytearray] = []
        """One stream per connection, as far as it came."""
        self._broker_port = broker_port
        self._door = socket.create_server((self.host, 0))
        self.port: int = self._door.getsockname()[1]
        threading.Thread(target=self._welcome, daemon=True).start()

    def close(self) -> None:
        self._door.close()

    def _welcome(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._door.accept()
                broker = socket.create_connection((self.host, self._broker_port))
                stream = bytearray()
                self.sent.append(stream)
                threading.Thread(target=_pass_on, args=(client, broker, stream), daemon=True).start()
                threading.Thread(target=_pass_on, args=(broker, client, bytearray()), daemon=True).start()


def _pass_on(source: socket.socket, sink: socket.socket, record: bytearray) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            record += data
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


@dataclass(frozen=True)
class Packet:
    """An MQTT control packet: its number, the four bits beside it, and what follows the fixed header."""

    kind: int
    flags: int
    body: bytes

    @property
    def name(self) -> str:
        return KINDS.get(self.kind, f"packet {self.kind}")

    @property
    def message(self) -> tuple[str, bytes]:
        """The topic and the payload of a PUBLISH."""
        topic, rest = _text(self.body)
        return topic, rest[2:] if self.flags & 0b0110 else rest


def packets(stream: bytes) -> Iterator[Packet]:
    """The packets of a stream. Raises ValueError where it ends within one."""
    while stream:
        length, digits = 0, 0
        while digits == 0 or stream[digits] & 0x80:
            digits += 1
            if digits > 4 or digits >= len(stream):
                raise ValueError("the stream ends, or goes astray, within a packet's length")
            length |= (stream[digits] & 0x7F) << 7 * (digits - 1)
        body = stream[1 + digits :][:length]
        if len(body) < length:
            raise ValueError("the stream ends within a packet")
        yield Packet(stream[0] >> 4, stream[0] & 0x0F, body)
        stream = stream[1 + digits + length :]


def messages(streams: list[bytearray], topic: str) -> list[Any]:
    """The decoded payloads sent so far to the topics that end in ``topic``; a packet still on its way is left out."""
    found = []
    for stream in streams:
        with suppress(ValueError):
            for packet in packets(bytes(stream)):
                if packet.name == "PUBLISH" and packet.message[0].endswith(f"/{topic}"):
                    found.append(json.loads(packet.message[1]))
    return found


def objections(stream: bytes, base: str, client_id: str) -> list[str]:
    """What in a stream is not what the box at the topic ``base`` may send, in words."""
    found = []
    try:
        for packet in packets(stream):
            if (problem := _problem(packet, base, client_id)) is not None:
                found.append(f"{packet.name}: {problem}")
    except (ValueError, IndexError) as error:
        found.append(str(error))
    return found


def _problem(packet: Packet, base: str, client_id: str) -> str | None:
    if packet.name == "PUBLISH":
        return _problem_of_a_message(*packet.message, base)
    expected = {
        "CONNECT": _connect(base, client_id),
        "SUBSCRIBE": packet.body[:2] + _field(f"{base}/command") + b"\x01",
        "PUBACK": packet.body[:2],
        "PINGREQ": b"",
        "DISCONNECT": b"",
    }
    if packet.name not in expected:
        return "a box has no use for it"
    return None if packet.body == expected[packet.name] else f"holds {packet.body!r}"


def _problem_of_a_message(topic: str, payload: bytes, base: str) -> str | None:
    if topic.rpartition("/")[0] != base:
        return f"goes to {topic}"
    try:
        validate(topic, payload)
    except SchemaError as error:
        return str(error)
    return None if topic.endswith("/status") else _needless_precision(json.loads(payload))


def _needless_precision(content: Any) -> str | None:
    """Scores are single numbers of two decimals: a list, or more digits, could be the coordinates of a face."""
    if isinstance(content, dict):
        return next(filter(None, map(_needless_precision, content.values())), None)
    if isinstance(content, list):
        return f"holds a list: {content}"
    if isinstance(content, float) and content != round(content, 2):
        return f"holds more than two decimals: {content}"
    return None


def _connect(base: str, client_id: str) -> bytes:
    """The one way a box without a password connects: a retained last will, a clean session, a fixed name."""
    keepalive = (15).to_bytes(2, "big")
    will = _field(f"{base}/status") + _field("offline")
    return _field("MQTT") + b"\x04\x2e" + keepalive + _field(client_id) + will


def _field(text: str) -> bytes:
    return len(text).to_bytes(2, "big") + text.encode()


def _text(body: bytes) -> tuple[str, bytes]:
    end = 2 + int.from_bytes(body[:2], "big")
    return body[2:end].decode(), body[end:]
