"""The outbox's file and the power: what is on the medium when, and what a cut at any moment leaves of it."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from powercut import Event, Medium, traced
from watched import why_no_strace

from edge.publish.message_store import MessageStore

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(bool(why_no_strace()), reason=why_no_strace()),
]

CUTS = 150

KEEPS_AND_REMOVES = """
import os, sys
from pathlib import Path
from edge.publish.message_store import MessageStore

store = MessageStore(Path(sys.argv[1]) / "outbox.sqlite", 10_000)
for number in range(1, 901):
    # two of three wait for the medium; every second message is acknowledged a while later
    durable = number % 3 > 0
    delivered = [number - 50] if number > 50 and number % 2 else []
    for row in delivered:
        os.write(1, b"removes %d" % row)
    state = b'{"v":1,"sequence":%d,"padding":"%s"}' % (number, b"x" * (number * 37 % 400))
    store.update([("room/affect", state)], delivered, durable=durable)
    if durable:
        os.write(1, b"kept %d" % number)
"""

OUTBOX = """
import os, sys, time
from pathlib import Path
from edge.publish.outbox import Outbox

def deliver(topic, message):
    number = int(message)
    if number <= 50:
        outbox.acknowledge(number)
    return number

outbox = Outbox(Path(sys.argv[1]) / "outbox.sqlite", 1000, deliver)
outbox.start()
outbox.resume()
def put(number):
    outbox.put("room/affect", b"%d" % number)
    time.sleep(0.02)
put(1)
assert outbox.drained(10)
for name, numbers in (("healthy", range(2, 51)), ("unacknowledged", range(51, 151)), ("away", range(151, 201))):
    os.write(1, name.encode())
    for number in numbers:
        put(number)
    if name == "unacknowledged":
        outbox.pause()
os.write(1, b"end")
"""


def test_a_power_cut_at_any_moment_loses_nothing_that_was_kept(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    events = traced(KEEPS_AND_REMOVES, folder)
    dice = random.Random(8)
    cuts = set(dice.sample(range(len(events)), CUTS))
    medium, kept, removed = Medium(), 0, set[int]()
    checked = 0
    for moment, event in enumerate(events):
        medium.take(event)
        if event.subject.startswith("kept"):
            kept = int(event.subject.split()[1])
        elif event.subject.startswith("removes"):
            removed.add(int(event.subject.split()[1]))
        if moment in cuts:
            found = when_the_power_is_back(medium.after_a_cut(dice), tmp_path / f"cut-{moment}")
            assert found == sorted(found)
            assert set(range(1, kept + 1)) - removed <= set(found)
            checked += 1
    assert kept == 899
    assert checked == CUTS


def when_the_power_is_back(files: dict[str, bytes], folder: Path) -> list[int]:
    """The numbers of the messages that the next process finds; none of these cuts may damage the file."""
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    store = MessageStore(folder / "outbox.sqlite", 10_000)
    rows = store.after(0, -1)
    store.close()
    assert not (folder / "outbox.sqlite.damaged").exists()
    return [row for row, _, _ in rows]


def test_a_healthy_box_never_waits_for_the_medium_and_one_without_an_answer_does(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    events = traced(OUTBOX, folder)
    assert flushes(events, "healthy", "unacknowledged") == 0
    # on a slow medium several messages share one wait
    assert flushes(events, "unacknowledged", "away") >= 3
    assert flushes(events, "away", "end") >= 3


def flushes(events: list[Event], begin: str, end: str) -> int:
    said = [event.subject for event in events]
    return sum(event.kind == "flushes" for event in events[said.index(begin) : said.index(end)])
