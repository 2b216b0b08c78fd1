"""What the outbox costs its medium: ``python -m edge.benchmarks.outbox [FOLDER]``, on the medium that FOLDER lies on.

Bytes are the kernel's account of this process: what it wrote to files, and what of that went to the medium, without the
file system's own bookkeeping. Linux sends changed pages to the medium within half a minute: here after 30 states.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

from edge.publish.message_store import MessageStore
from edge.publish.payloads import affect_payload
from edge.publish.schema import encode
from edge.signals import Affect, Engagement, Modality

STATES = 3000
FLUSHED_AFTER = 30
DAY = 86_400
TOPIC = "affectfusion/school/lab/affect"


def main(folder: Path) -> int:
    """Measures a healthy box and one whose broker is away, and prints a line for each."""
    print(f"One state is {len(_state(1))} bytes. Megabytes are for one a second, 24 hours long.")
    for name, durable in (("broker reachable", False), ("broker away", True)):
        with tempfile.TemporaryDirectory(dir=folder) as place:
            file = Path(place) / "outbox.sqlite"
            store, took, before = MessageStore(file, DAY), 0.0, _written()
            for number in range(1, STATES + 1):
                message = _state(number)
                began = time.perf_counter()
                # a healthy box removes a state in the commit of the next one
                store.update([(TOPIC, message)], [] if durable else [number - 1], durable=durable)
                took += time.perf_counter() - began
                if number % FLUSHED_AFTER == 0:
                    _flush(file.with_name(f"{file.name}-wal"))
            store.close()
            written, medium = (1e-6 * DAY / STATES * (now - then) for now, then in zip(_written(), before, strict=True))
            size = file.stat().st_size
        waits = f"; {size / STATES:.0f} bytes a waiting state" if durable else ""
        print(
            f"{name}: {1e6 * took / STATES:.0f} us a state, {written:.0f} MB a day to files,"
            f" {medium:.0f} MB to the medium{waits}"
        )
    return 0


def _state(number: int) -> bytes:
    reliability: dict[Modality, float] = {"face": 0.92, "engagement": 0.71, "speech": 0.64}
    engagement = Engagement(0.21, 0.17, 0.83, 0.09, "engagement")
    affect = Affect(1.0, 3.0, 6, reliability, engagement, valence=-0.52, satisfaction=0.76, confidence=0.71)
    return encode("affect", affect_payload(affect, number, 1.8e9 + number))


def _written() -> tuple[int, int]:
    """Bytes this process wrote so far, to files and to the medium."""
    fields = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(fields["wchar"]), int(fields["write_bytes"])


def _flush(file: Path) -> None:
    handle = os.open(file, os.O_RDWR)
    os.fsync(handle)
    os.close(handle)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if sys.argv[1:] else Path.cwd()))
