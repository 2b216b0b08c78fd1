"""Where messages wait for the broker: one SQLite file that outlives the process and a power cut, or else memory."""

from __future__ import annotations

import logging
import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

log = logging.getLogger(__name__)

Row = tuple[int, str, bytes]
Result = TypeVar("Result")

BUSY_S = 2.0
"""How long a process that has not quite ended may still hold the file."""
RETRY_S = 60.0
"""Between two attempts to return to a medium that failed."""

_PRAGMAS = (
    # A state costs one page of the log; with SQLite's own choice, 4096, it would be eight times as many bytes.
    "page_size = 512",
    # One process only; so the log needs no index in a memory-mapped file, which would be written too.
    "locking_mode = EXCLUSIVE",
    "journal_mode = WAL",
    "journal_size_limit = 1048576",
    "temp_store = MEMORY",
)
_TABLE = "CREATE TABLE IF NOT EXISTS outbox (id INTEGER PRIMARY KEY, topic TEXT NOT NULL, message BLOB NOT NULL)"
_INSERT = "INSERT INTO outbox (id, topic, message) VALUES (?, ?, ?)"
_NEXT = "SELECT id, topic, message FROM outbox WHERE id > ? ORDER BY id LIMIT ?"


class MessageStore:
    """Messages in the order they came, at most ``limit``; the oldest make room for the newest.

    Nothing here raises on account of the medium: without a ``file``, or where it cannot be used, messages are kept in
    memory, and the log says so once. A damaged file is set aside under another name. For one thread only.
    """

    def __init__(self, file: Path | None, limit: int) -> None:
        self._file = file
        self._limit = limit
        self._retry_at: float | None = None
        self._last = 0
        self.lost = 0
        """Messages dropped to make room, or gone with a medium that failed, since the start."""
        self._use(self._opened() or _connect())

    def update(
        self, fresh: Sequence[tuple[str, bytes]], delivered: Sequence[int], *, beyond: int = 0, durable: bool = True
    ) -> None:
        """Adds the ``fresh`` topics and messages and removes those ``delivered``, all or nothing.

        When this returns the change outlives the process, and with ``durable`` a power cut too. Where there is no room,
        the oldest messages numbered above ``beyond`` are dropped.
        """
        if self._retry_at is not None and time.monotonic() >= self._retry_at:
            self._return()
        self._safely(lambda: self._update(fresh, delivered, beyond, durable))

    def clear(self) -> None:
        """Removes every message, and what the file still holds of those removed before."""
        self._safely(self._clear)

    def after(self, number: int, most: int) -> list[Row]:
        """The oldest messages numbered above ``number``, at most ``most``."""
        return self._safely(lambda: self._db.execute(_NEXT, (number, most)).fetchall())

    def close(self) -> None:
        """Closes the file; all that is in it is on the medium afterwards."""
        with suppress(sqlite3.Error):
            self._db.close()

    def _use(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._durable: bool | None = None
        self.count: int
        self.count, last = db.execute("SELECT count(*), coalesce(max(id), 0) FROM outbox").fetchone()
        # a number is never given twice: whoever asks for what comes ``after`` one would miss the newer message
        self._last = max(self._last, last)

    def _update(self, fresh: Sequence[tuple[str, bytes]], delivered: Sequence[int], beyond: int, durable: bool) -> None:
        if durable != self._durable:
            # FULL waits for the medium; NORMAL leaves that to the kernel's own time. Neither can damage the file.
            self._db.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            self._durable = durable
        last = self._last + len(fresh)
        with _transaction(self._db) as db:
            removed = db.executemany("DELETE FROM outbox WHERE id = ?", [(number,) for number in delivered]).rowcount
            db.executemany(_INSERT, [(self._last + place, *message) for place, message in enumerate(fresh, 1)])
            count = self.count + len(fresh) - max(removed, 0)
            oldest = "SELECT id FROM outbox WHERE id > ? ORDER BY id LIMIT ?"
            excess = max(count - self._limit, 0)
            dropped = db.execute(f"DELETE FROM outbox WHERE id IN ({oldest})", (beyond, excess)).rowcount
        self.count, self._last, self.lost = count - dropped, last, self.lost + dropped

    def _clear(self) -> None:
        self._db.execute("PRAGMA synchronous = FULL")
        self._durable = True
        self._db.execute("DELETE FROM outbox")
        # deleted rows lie on in the file's free pages, and in its log
        self._db.execute("VACUUM")
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self.count = 0

    def _opened(self) -> sqlite3.Connection | None:
        if self._file is None:
            return None
        try:
            return _open(self._file)
        except (sqlite3.Error, OSError) as error:
            log.warning("%s: cannot be used (%s); unsent messages will not outlive a restart", self._file, error)
            return None

    def _safely(self, action: Callable[[], Result]) -> Result:
        """Does ``action``; where the medium fails, once more in memory."""
        try:
            return action()
        except sqlite3.Error as error:
            self._retreat(error)
            return action()

    def _retreat(self, error: sqlite3.Error) -> None:
        """Goes on in memory, with every message that can still be read."""
        log.warning("%s: %s; unsent messages are kept in memory until it can be written again", self._file, error)
        memory, before = _connect(), self.count
        _fill(memory, _readable(self._db))
        self.close()
        self._use(memory)
        self.lost += before - self.count
        self._retry_at = time.monotonic() + RETRY_S

    def _return(self) -> None:
        """Goes back to the file if the medium is well again."""
        assert self._file is not None
        self._retry_at = time.monotonic() + RETRY_S
        try:
            file = _open(self._file)
        except (sqlite3.Error, OSError):
            return
        try:
            _fill(file, self._db.execute(_NEXT, (0, -1)))
        except sqlite3.Error:
            file.close()
            return
        self.close()
        self._use(file)
        self._retry_at = None
        log.info("%s: unsent messages are kept there again", self._file)


def _open(file: Path) -> sqlite3.Connection:
    """Opens ``file``, or begins a new one where it is missing or damaged. Raises sqlite3.Error and OSError."""
    file.parent.mkdir(parents=True, exist_ok=True)
    # SQLite gives its log the same permissions.
    os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))
    try:
        return _connect(file)
    except sqlite3.OperationalError:
        # No room, no permission, another process: the file itself is well.
        raise
    except sqlite3.DatabaseError as error:
        aside = file.with_name(f"{file.name}.damaged")
        log.warning("%s: damaged (%s); set aside as %s, messages unsent in it are lost", file, error, aside.name)
        file.replace(aside)
        file.with_name(f"{file.name}-wal").unlink(missing_ok=True)
        return _open(file)


def _connect(file: Path | None = None) -> sqlite3.Connection:
    db = sqlite3.connect(file or ":memory:", timeout=BUSY_S, isolation_level=None)
    try:
        for pragma in _PRAGMAS:
            db.execute(f"PRAGMA {pragma}")
        (problem,) = db.execute("PRAGMA quick_check(1)").fetchone()
        if problem != "ok":
            raise sqlite3.DatabaseError(problem)
        db.execute(_TABLE)
    except BaseException:
        db.close()
        raise
    return db


@contextmanager
def _transaction(db: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    try:
        db.execute("BEGIN IMMEDIATE")
        yield db
        db.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):
            db.execute("ROLLBACK")
        raise


def _fill(db: sqlite3.Connection, rows: Iterable[Row]) -> None:
    """Makes ``rows`` all that ``db`` holds, or changes nothing."""
    with _transaction(db):
        db.execute("DELETE FROM outbox")
        db.executemany(_INSERT, rows)


def _readable(db: sqlite3.Connection) -> Iterator[Row]:
    """Every row up to the first that cannot be read."""
    with suppress(sqlite3.Error):
        yield from db.execute(_NEXT, (0, -1))
