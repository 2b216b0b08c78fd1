"""Nothing but schema-valid messages leaves the process and nothing is written: watched while it runs.

Each check is also shown what it must refuse, so that its silence means something.
"""

from __future__ import annotations

import json
import re
import sqlite3
from pathlib import Path
from typing import Any

import pytest
import soundfile
from boxrun import BASE, CLIENT_ID, DECLARED, PATIENCE_S, Run, recordings, run_the_box
from services import free_port, wait_until
from watched import Watched, audited_strangers, files_opened, files_written, strangers, why_no_strace
from wire import messages, objections, packets

from edge.demo.lesson import SOUND, VIDEO
from edge.signals import SAMPLE_RATE

pytestmark = pytest.mark.system

needs_strace = pytest.mark.skipif(bool(why_no_strace()), reason=why_no_strace())


@pytest.fixture(scope="module")
def lesson(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The bundled lesson, with its sound from the first sentence on."""
    folder = tmp_path_factory.mktemp("lesson")
    sound, _ = soundfile.read(SOUND, start=12 * SAMPLE_RATE, dtype="int16")
    soundfile.write(folder / "sound.flac", sound, SAMPLE_RATE)
    watched = DECLARED + recordings("file", VIDEO, folder / "sound.flac")
    return run_the_box(folder / "run", watched, lambda sent: len(messages(sent, "affect")) >= 12)


# Nothing but messages, to nobody but the broker


def test_every_byte_sent_is_a_message_the_schema_allows(lesson: Run) -> None:
    assert lesson.exit_code == 0
    assert len(lesson.sent) == 1
    assert objections(bytes(lesson.sent[0]), BASE, CLIENT_ID) == []
    kinds = {packet.name for packet in packets(bytes(lesson.sent[0]))}
    assert kinds >= {"CONNECT", "SUBSCRIBE", "PUBLISH", "PUBACK", "DISCONNECT"}
    assert any(state["abstain"] is None for state in messages(lesson.sent, "affect"))


@needs_strace
def test_no_file_is_written_while_the_box_runs(lesson: Run) -> None:
    assert {str(VIDEO)} <= files_opened(lesson.watched.calls)
    assert files_written(lesson.watched.calls) == []


@needs_strace
def test_the_box_connects_to_its_broker_and_to_nobody_else(lesson: Run) -> None:
    assert f"sin_port=htons({lesson.port})" in lesson.watched.calls
    assert strangers(lesson.watched.calls, lesson.port) == []


def test_python_itself_sees_nothing_written_and_no_stranger(lesson: Run) -> None:
    assert any(str(lesson.port) in line for line in lesson.watched.audited)
    assert audited_strangers(lesson.watched.audited) == []


def test_nothing_is_left_behind(lesson: Run) -> None:
    assert list(lesson.watched.home.iterdir()) == []


# The one file: the outbox of messages that wait for the broker


KEPT = re.compile(r'^(openat\(AT_FDCWD, |mkdir\()"(?P<path>[^"]+)"')
"""How a file comes to be, as strace writes it."""


@pytest.fixture(scope="module")
def waiting(tmp_path_factory: pytest.TempPathFactory) -> tuple[Watched, Path]:
    """A box that may keep things and has no broker to tell them to; and the folder it may keep them in."""
    folder = tmp_path_factory.mktemp("waiting")
    state, config = folder / "state", folder / "config.toml"
    config.write_text(
        DECLARED
        + recordings("file", VIDEO, SOUND)
        + f'[box]\nsite = "school"\nroom = "lab"\n[storage]\ndirectory = "{state}"\n'
        + f'[broker]\nhost = "127.0.0.1"\nport = {free_port()}\n'
    )
    box = Watched(["-m", "edge", "run", "--config", str(config), "--log-level", "debug"], folder)
    log = state / "outbox.sqlite-wal"
    try:
        assert wait_until(lambda: log.exists() and log.stat().st_size > 20_000, PATIENCE_S), box.log.decode()
        assert box.stop() == 0
    finally:
        if box.process.poll() is None:
            box.process.kill()
    return box, state


def test_every_row_of_the_outbox_is_a_message_the_schema_allows(waiting: tuple[Watched, Path]) -> None:
    database = sqlite3.connect(waiting[1] / "outbox.sqlite")
    tables = database.execute("SELECT name, sql FROM sqlite_master").fetchall()
    rows = database.execute("SELECT * FROM outbox").fetchall()
    database.close()
    assert [name for name, _ in tables] == ["outbox"]
    assert {len(row) for row in rows} == {3}
    assert [type(value) for value in rows[0]] == [int, str, bytes]
    assert objections(b"".join(publish(topic, message) for _, topic, message in rows), BASE, CLIENT_ID) == []
    assert {topic.rpartition("/")[2] for _, topic, _ in rows} == {"affect", "session"}
    assert any(json.loads(message).get("abstain") is None for _, topic, message in rows if topic.endswith("/affect"))


def test_the_outbox_holds_nothing_between_its_rows(waiting: tuple[Watched, Path]) -> None:
    content = (waiting[1] / "outbox.sqlite").read_bytes()
    known = (b"SQLite format 3", b"CREATE TABLE outbox", b"tableoutboxoutbox", b"affectfusion/school/lab/", b'"v":1')
    texts = re.findall(rb"[\x20-\x7e]{6,}", content)
    assert [text for text in texts if not any(word in text for word in known)] == []
    # what is no text is SQLite's own, a few bytes a page: no picture or sound would fit
    rest = re.sub(rb"[\x20-\x7e]{6,}|\x00", b"", content)
    assert len(rest) < 40 * (len(content) // 512)


@needs_strace
def test_nothing_but_the_outbox_is_written_where_a_box_may_keep_things(waiting: tuple[Watched, Path]) -> None:
    box, state = waiting
    written = files_written(box.calls)
    paths = {match["path"] for call in written if (match := KEPT.match(call))}
    assert all(KEPT.match(call) for call in written)
    outbox = state / "outbox.sqlite"
    assert paths == {str(state), str(outbox), f"{outbox}-wal", f"{outbox}-journal"}
    assert [path.name for path in state.iterdir()] == ["outbox.sqlite"]
    assert list(box.home.iterdir()) == []


# What would be wrong, and is found


def publish(topic: str, payload: bytes) -> bytes:
    body = len(topic).to_bytes(2, "big") + topic.encode() + payload
    assert len(body) < 16384
    return bytes((0x30, len(body) & 0x7F | 0x80, len(body) >> 7)) + body


SESSION = {
    "v": 1,
    "id": "a",
    "started": "2026-01-01T00:00:00.000Z",
    "ended": None,
    "final": False,
    "seconds": {"total": 1.25, "scored": 1.0, "abstained": {}},
    "engagement": None,
    "valence": None,
    "satisfaction": 0.5,
    "coverage": 1.0,
}


def session(**changes: Any) -> bytes:
    return publish(f"{BASE}/session", json.dumps(SESSION | changes).encode())


def test_a_proper_message_meets_no_objection() -> None:
    assert objections(session() + b"\xe0\x00", BASE, CLIENT_ID) == []


@pytest.mark.parametrize(
    "stream",
    [
        session(faces=[[0.1, 0.2]]),
        session(satisfaction=0.123),
        publish(f"{BASE}/session", b"\xff\xd8\xff\xe0 a picture"),
        publish(f"{BASE}/landmarks", json.dumps(SESSION).encode()),
        publish("elsewhere/session", json.dumps(SESSION).encode()),
        publish(f"{BASE}/status", b"online, and more"),
        bytes((0xE0, 4)) + b"more",
        bytes((0xC0, 4)) + b"more",
        bytes((0x82, 8)) + b"\x00\x01\x00\x03a/b\x01",
        bytes((0x10, 4)) + b"MQTT",
        bytes((0xA2, 0)),
        session()[:-1],
        session() + b"\xff",
    ],
)
def test_what_is_no_message_is_objected_to(stream: bytes) -> None:
    assert objections(stream, BASE, CLIENT_ID) != []


LEAKS = """
import os, socket, subprocess
open("frame.png", "wb").close()
os.rename("frame.png", "kept.png")
os.mkdir("frames")
subprocess.run(["true"])
socket.socket(type=socket.SOCK_DGRAM).sendto(b"frame", ("127.0.0.1", 9))
elsewhere = socket.socket()
elsewhere.setblocking(False)
elsewhere.connect_ex(("192.0.2.1", 1883))
other = socket.socket()
other.connect_ex(("127.0.0.1", 9))
"""


@pytest.fixture(scope="module")
def leaky(tmp_path_factory: pytest.TempPathFactory) -> Watched:
    """A program that does all that a box must not."""
    program = Watched(["-c", LEAKS], tmp_path_factory.mktemp("leaky"))
    assert program.wait() == 0
    return program


@needs_strace
def test_every_leak_to_a_file_or_a_stranger_is_seen_by_the_kernel(leaky: Watched) -> None:
    written = "\n".join(files_written(leaky.calls))
    assert all(call in written for call in ("frame.png", "rename", "mkdir", "execve"))
    reached = "\n".join(strangers(leaky.calls, 1883))
    assert all(call in reached for call in ("sendto", "192.0.2.1", "connect"))
    assert reached.count("htons(9)") == 2


def test_every_leak_is_seen_by_python(leaky: Watched) -> None:
    seen = "\n".join(audited_strangers(leaky.audited))
    assert all(event in seen for event in ("open ", "os.rename", "os.mkdir", "subprocess.Popen", "sendto", "192.0.2.1"))


# Without a declaration nothing is captured


@pytest.fixture(scope="module")
def undeclared(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run without [deployment]."""
    folder = tmp_path_factory.mktemp("undeclared")
    return run_the_box(
        folder / "run", recordings("file", VIDEO, SOUND), lambda sent: len(messages(sent, "affect")) >= 3
    )


@needs_strace
def test_nothing_is_opened_without_a_declaration(undeclared: Run, lesson: Run) -> None:
    def media(run: Run) -> set[str]:
        devices = ("/dev/video", "/dev/media", "/dev/snd", "/dev/dsp")
        files = (".mp4", ".flac")
        return {path for path in files_opened(run.watched.calls) if path.startswith(devices) or path.endswith(files)}

    assert len(media(lesson)) == 2
    assert media(undeclared) == set()


def test_the_message_says_why_nothing_is_captured(undeclared: Run) -> None:
    (notice,) = messages(undeclared.sent, "privacy")
    assert notice["state"] == "not_declared"
    assert "[deployment]" in notice["reason"]
    assert all(name in notice["reason"] for name in ("purpose", "jurisdiction", "consent"))
    assert {state["abstain"] for state in messages(undeclared.sent, "affect")} == {"not_declared"}
    retained = [p.flags & 1 for p in packets(bytes(undeclared.sent[0])) if p.name == "PUBLISH"]
    assert set(retained) == {1}
    assert objections(bytes(undeclared.sent[0]), BASE, CLIENT_ID) == []
