"""Where messages wait: the file, what becomes of it when it is damaged, and memory when it fails."""

from __future__ import annotations

import logging
import resource
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edge.publish import message_store
from edge.publish.message_store import MessageStore

LIMIT = 1000


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "outbox.sqlite"


@pytest.fixture
def opened() -> Iterator[Callable[..., MessageStore]]:
    made: list[MessageStore] = []

    def open_store(file: Path | None, limit: int = LIMIT) -> MessageStore:
        made.append(MessageStore(file, limit))
        return made[-1]

    yield open_store
    for store in made:
        store.close()


def add(store: MessageStore, *numbers: int, beyond: int = 0) -> None:
    store.update([("room/affect", b"%d" % number) for number in numbers], [], beyond=beyond)


def held(store: MessageStore) -> list[int]:
    return [int(message) for _, _, message in store.after(0, -1)]


@contextmanager
def failing_medium() -> Iterator[None]:
    """No write of this process to a file succeeds, as on a bad card."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("place", ["file", "memory"])
def test_messages_stay_in_order_until_they_are_delivered(
    place: str, file: Path, opened: Callable[..., MessageStore]
) -> None:
    store = opened(file if place == "file" else None)
    add(store, 1, 2)
    add(store, 3)
    assert store.after(0, 2) == [(1, "room/affect", b"1"), (2, "room/affect", b"2")]
    assert store.after(2, 9) == [(3, "room/affect", b"3")]
    store.update([("room/session", b"4")], [1, 3])
    assert held(store) == [2, 4]
    assert (store.count, store.lost) == (2, 0)


def test_what_was_cleared_is_nowhere_in_the_file(file: Path, opened: Callable[..., MessageStore]) -> None:
    store = opened(file)
    store.update([("room/affect", b"before%d" % number) for number in range(500)], [])
    store.update([], [1])
    store.clear()
    left = b"".join(path.read_bytes() for path in file.parent.iterdir())
    assert b"before" not in left
    add(store, 7)
    assert held(store) == [7]
    assert (store.count, store.lost) == (1, 0)


def test_a_medium_that_fails_keeps_nothing_from_being_cleared(opened: Callable[..., MessageStore], file: Path) -> None:
    store = opened(file)
    add(store, 1, 2)
    with failing_medium():
        store.clear()
        assert held(store) == []


def test_a_number_is_given_once_though_all_was_delivered_before_the_medium_failed(
    file: Path, opened: Callable[..., MessageStore]
) -> None:
    store = opened(file)
    add(store, 1, 2)
    store.update([], [1, 2])
    with failing_medium():
        add(store, 3)
    assert [message for _, _, message in store.after(2, 9)] == [b"3"]


def test_the_next_process_finds_what_was_not_delivered(file: Path, opened: Callable[..., MessageStore]) -> None:
    first = opened(file)
    add(first, 1, 2, 3)
    first.update([], [1])
    first.close()
    second = opened(file)
    assert held(second) == [2, 3]
    add(second, 4)
    assert held(second) == [2, 3, 4]
    assert second.count == 3


@pytest.mark.parametrize("durable", [True, False])
def test_what_was_kept_outlives_a_killed_process(
    durable: bool, file: Path, opened: Callable[..., MessageStore]
) -> None:
    program = (
        "import os, signal, sys; from pathlib import Path; from edge.publish.message_store import MessageStore\n"
        "store = MessageStore(Path(sys.argv[1]), 1000)\n"
        f"for number in range(500): store.update([('t', b'%d' % number)], [], durable={durable})\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    root = Path(__file__).resolve().parents[3]
    assert subprocess.run([sys.executable, "-c", program, str(file)], cwd=root, check=False).returncode == -9
    assert held(opened(file)) == list(range(500))


def test_a_full_store_drops_the_oldest_and_counts_them(file: Path, opened: Callable[..., MessageStore]) -> None:
    store = opened(file, limit=5)
    add(store, *range(1, 8))
    assert held(store) == [3, 4, 5, 6, 7]
    add(store, 8)
    assert (held(store), store.lost, store.count) == ([4, 5, 6, 7, 8], 3, 5)


def test_messages_on_their_way_are_not_the_ones_dropped(file: Path, opened: Callable[..., MessageStore]) -> None:
    store = opened(file, limit=3)
    add(store, 1, 2, 3)
    add(store, 4, beyond=2)
    assert held(store) == [1, 2, 4]


def test_nobody_else_may_read_the_file(file: Path, opened: Callable[..., MessageStore]) -> None:
    add(opened(file), 1)
    assert sorted(path.name for path in file.parent.iterdir()) == ["outbox.sqlite", "outbox.sqlite-wal"]
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in file.parent.iterdir())


# Damage.


def whole(file: Path, opened: Callable[..., MessageStore]) -> bytes:
    store = opened(file)
    add(store, *range(100))
    store.close()
    return file.read_bytes()


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"this is no database, whatever its name says" * 100,
        lambda content: content[:100],
        lambda content: content[: len(content) // 2],
        lambda content: content[:1024] + bytes(1024) + content[2048:],
        lambda content: content[:600] + bytes([byte ^ 0xFF for byte in content[600:1200]]) + content[1200:],
    ],
    ids=["another file", "only its beginning", "half of it", "zeros", "bits flipped"],
)
def test_a_damaged_file_is_set_aside_and_said_once_and_a_new_one_begun(
    damage: Callable[[bytes], bytes],
    file: Path,
    opened: Callable[..., MessageStore],
    caplog: pytest.LogCaptureFixture,
) -> None:
    damaged = damage(whole(file, opened))
    file.write_bytes(damaged)
    store = opened(file)
    add(store, 1)
    store.close()
    assert held(opened(file)) == [1]
    aside = file.with_name("outbox.sqlite.damaged")
    assert aside.read_bytes() == damaged
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert f"{file}: damaged" in record.getMessage()
    assert aside.name in record.getMessage()


def test_damage_that_comes_back_leaves_one_file_aside(file: Path, opened: Callable[..., MessageStore]) -> None:
    whole(file, opened)
    for number in range(3):
        file.write_bytes(b"damaged %d" % number * 1000)
        opened(file).close()
    assert sorted(path.name for path in file.parent.iterdir()) == ["outbox.sqlite", "outbox.sqlite.damaged"]


def test_a_file_cut_anywhere_never_keeps_the_box_from_keeping_messages(
    file: Path, opened: Callable[..., MessageStore]
) -> None:
    content = whole(file, opened)
    for length in range(0, len(content), 997):
        file.write_bytes(content[:length])
        store = MessageStore(file, LIMIT)
        before = held(store)
        assert before == list(range(len(before)))
        add(store, 100)
        assert held(store) == [*before, 100]
        store.close()


def test_a_log_cut_anywhere_loses_only_what_came_after_the_cut(
    file: Path, tmp_path: Path, opened: Callable[..., MessageStore]
) -> None:
    store = opened(file)
    for number in range(40):
        add(store, number)
    database, log = file.read_bytes(), file.with_name(f"{file.name}-wal").read_bytes()
    lengths = range(0, len(log), 1511)
    copy = tmp_path / "copy" / "outbox.sqlite"
    copy.parent.mkdir()
    kept = []
    for length in lengths:
        copy.write_bytes(database)
        copy.with_name(f"{copy.name}-wal").write_bytes(log[:length])
        after_the_cut = MessageStore(copy, LIMIT)
        kept.append(held(after_the_cut))
        after_the_cut.close()
    assert all(numbers == list(range(len(numbers))) for numbers in kept)
    assert [len(numbers) for numbers in kept] == sorted(len(numbers) for numbers in kept)
    assert len(kept[-1]) >= 35


# Where the file cannot be used.


def test_a_folder_that_cannot_be_made_is_said_and_messages_are_kept_in_memory(
    file: Path, opened: Callable[..., MessageStore], caplog: pytest.LogCaptureFixture
) -> None:
    file.parent.write_text("a file where the folder should be")
    store = opened(file)
    add(store, 1, 2)
    assert held(store) == [1, 2]
    (record,) = caplog.records
    assert str(file) in record.getMessage()
    assert "will not outlive a restart" in record.getMessage()


def test_a_file_that_another_process_uses_is_left_alone(
    file: Path, opened: Callable[..., MessageStore], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(message_store, "BUSY_S", 0.0)
    first = opened(file)
    add(first, 1)
    second = opened(file)
    add(second, 2)
    assert (held(first), held(second)) == ([1], [2])
    assert "locked" in caplog.text
    assert not file.with_name("outbox.sqlite.damaged").exists()


def test_a_medium_that_fails_loses_nothing_and_is_used_again_when_it_is_well(
    file: Path, opened: Callable[..., MessageStore], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(message_store, "RETRY_S", 0.0)
    store = opened(file)
    add(store, *range(10))
    with failing_medium():
        for number in range(10, 100):
            add(store, number)
        store.update([], [1])
        assert held(store) == list(range(1, 100))
    add(store, 100)
    store.close()
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert "kept in memory until it can be written again" in caplog.text
    again = opened(file)
    assert held(again) == list(range(1, 101))
    assert (store.lost, again.lost) == (0, 0)


def test_messages_that_a_failing_medium_takes_with_it_are_counted(
    file: Path, opened: Callable[..., MessageStore], caplog: pytest.LogCaptureFixture
) -> None:
    store = opened(file)
    add(store, *range(2000))
    assert store.lost == 1000
    store.close()
    store = opened(file)
    content = bytearray(file.read_bytes())
    content[1024:] = bytes(len(content) - 1024)
    file.write_bytes(content)
    add(store, 1)
    assert held(store)[-1] == 1
    assert store.lost + len(held(store)) == 1001
