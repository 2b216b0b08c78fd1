"""What a power cut leaves: the writes of a traced process, replayed onto an imagined medium that loses its cache.

The medium holds for certain what was flushed before the cut. Of every write since, each sector may have reached it or
not, whatever became of the sectors before: harsher than a real card, which keeps to some order.
"""

from __future__ import annotations

import random
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

SECTOR = 512
ROOT = Path(__file__).resolve().parent.parent

_CALLS = "openat,write,pwrite64,ftruncate,fsync,fdatasync,unlink"
_STRING = r'"((?:\\x[0-9a-f]{2})*)"'
_FILE = r"\d+<((?:\\x[0-9a-f]{2})*)>"
_EVENTS = {
    "says": re.compile(rf"write\(1<[^>]*>, {_STRING}, \d+\)"),
    "makes": re.compile(rf"openat\([^,]*, {_STRING}, [^)]*O_CREAT[^)]*\) = \d"),
    "writes": re.compile(rf"pwrite64\({_FILE}, {_STRING}, \d+, (\d+)\)"),
    "cuts": re.compile(rf"ftruncate\({_FILE}, (\d+)\)"),
    "flushes": re.compile(rf"(?:fsync|fdatasync)\({_FILE}\)"),
    "removes": re.compile(rf"unlink\({_STRING}\) = 0"),
}


@dataclass(frozen=True)
class Event:
    """``kind`` is one of _EVENTS; ``subject`` the file's path, or the line that was printed."""

    kind: str
    subject: str
    data: bytes = b""
    offset: int = 0


def traced(program: str, folder: Path) -> list[Event]:
    """Runs a Python ``program`` with ``folder`` as its argument; what it did to files there, and what it printed."""
    trace = folder.with_name(f"{folder.name}.trace")
    watch = ["strace", "-f", "-y", "-xx", "-s", "65536", "-e", f"trace={_CALLS}", "-o", str(trace)]
    ran = subprocess.run(
        [*watch, sys.executable, "-c", program, str(folder)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    events = [event for line in trace.read_text().splitlines() if (event := _event(line)) is not None]
    return [event for event in events if event.kind == "says" or Path(event.subject).parent == folder]


def _event(line: str) -> Event | None:
    for kind, pattern in _EVENTS.items():
        if match := pattern.search(line):
            first, *rest = match.groups()
            subject = _bytes(first).decode()
            if kind == "writes":
                return Event(kind, subject, _bytes(rest[0]), int(rest[1]))
            return Event(kind, subject, offset=int(rest[0]) if rest else 0)
    return None


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.replace("\\x", ""))


@dataclass
class Medium:
    """The files of a folder as they certainly are, and the changes that may not have reached them yet."""

    certain: dict[str, bytes] = field(default_factory=dict)
    pending: dict[str, list[Event]] = field(default_factory=dict)

    def take(self, event: Event) -> None:
        name = Path(event.subject).name
        if event.kind == "makes":
            self.certain.setdefault(name, b"")
        elif event.kind == "removes":
            self.certain.pop(name, None)
            self.pending.pop(name, None)
        elif event.kind in ("writes", "cuts"):
            self.pending.setdefault(name, []).extend(_sectors(event))
        elif event.kind == "flushes" and name in self.certain:
            self.certain[name] = _after(self.certain[name], self.pending.pop(name, []))

    def after_a_cut(self, dice: random.Random) -> dict[str, bytes]:
        """The files as they may be found when the power is back."""
        share = dice.choice((0.0, 0.1, 0.5, 0.9, 1.0))
        return {
            name: _after(content, [event for event in self.pending.get(name, []) if dice.random() < share])
            for name, content in self.certain.items()
        }


def _sectors(event: Event) -> Iterator[Event]:
    if event.kind == "cuts":
        yield event
        return
    start, end = event.offset, event.offset + len(event.data)
    while start < end:
        stop = min(end, (start // SECTOR + 1) * SECTOR)
        yield Event("writes", event.subject, event.data[start - event.offset : stop - event.offset], start)
        start = stop


def _after(content: bytes, changes: list[Event]) -> bytes:
    changed = bytearray(content)
    for change in changes:
        if change.kind == "cuts":
            del changed[change.offset :]
            continue
        end = change.offset + len(change.data)
        changed.extend(bytes(max(0, end - len(changed))))
        changed[change.offset : end] = change.data
    return bytes(changed)
