"""Every state and every session reaches the broker, in order, whatever happens to the broker, the box or its disk.

Run with ``-rP`` to read how long each recovery took. Rates are higher than a box's, so that a fault hits messages in
every stage of their way.
"""

from __future__ import annotations

import logging
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from runningbox import DRAWN, SILENT, RunningBox
from services import Mosquitto, wait_until
from subscriber import PATIENCE_S, Subscriber

from edge.config import Box, Broker
from edge.publish.mqtt import Publisher
from edge.publish.payloads import AlertPayload, timestamp
from edge.session.statistics import summary
from edge.signals import Affect

pytestmark = [pytest.mark.system, pytest.mark.flaky(reruns=1)]

BOX = Box("school", "lab")
AFFECT = Affect(1.0, 3.0, 6, {"face": 0.9}, valence=0.5, satisfaction=0.75, confidence=0.7)
SESSION = summary([], "lesson", 0.0)
ALERT = AlertPayload(timestamp(60.0), "high_confusion", "began", timestamp(0.0), 60.0, 0.7, "lecture")
OUTAGE_S = 3.0
TEN_MINUTES = 600
"""States in ten minutes; a tenth as many session messages."""
RECOVERY_S = 30.0


SURVIVES_SIGKILL = ["autosave_interval 1", "autosave_on_changes true"]
"""Mosquitto writes down what changed with every turn of its loop, milliseconds after it acknowledged it. Ended with
SIGTERM it saves anyhow."""


@pytest.fixture
def broker(request: pytest.FixtureRequest, make_mosquitto: Callable[..., Mosquitto], tmp_path: Path) -> Mosquitto:
    """A broker that remembers who listened and what is owed to them; ``param`` adds options."""
    folder = tmp_path / "broker"
    folder.mkdir()
    options = ["persistence true", f"persistence_location {folder}/", "max_queued_messages 0"]
    broker = make_mosquitto(options=[*options, *getattr(request, "param", [])])
    broker.start()
    return broker


@pytest.fixture
def listener(broker: Mosquitto) -> Iterator[Subscriber]:
    """Somebody for whom the broker keeps what comes while they are apart."""
    listener = Subscriber(broker.port, name="listener")
    yield listener
    listener.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "outbox.sqlite"


@pytest.fixture
def publish(broker: Mosquitto, file: Path) -> Iterator[Callable[..., Publisher]]:
    made: list[Publisher] = []

    def started(**settings: Any) -> Publisher:
        place = Broker(host="127.0.0.1", port=broker.port)
        made.append(Publisher(place, BOX, lambda command: None, file=file, **settings))
        made[-1].start()
        return made[-1]

    yield started
    for publisher in made:
        publisher.stop()


def numbers(listener: Subscriber) -> list[int]:
    """The sequence numbers of all states, as they came."""
    return [state["sequence"] for state in listener.of("affect", retained=False)]


def repeated(listener: Subscriber) -> int:
    return len(numbers(listener)) - len(set(numbers(listener)))


def recovered(condition: Callable[[], object]) -> float:
    """The seconds until ``condition`` came true."""
    began = time.monotonic()
    assert wait_until(condition, RECOVERY_S)
    return time.monotonic() - began


def assert_all_came_in_order(listener: Subscriber, count: int) -> None:
    """QoS 1 may repeat, but new ones come in order and none is missing."""
    assert wait_until(lambda: set(numbers(listener)) >= set(range(1, count + 1)), PATIENCE_S)
    came = list(dict.fromkeys(numbers(listener)))
    assert came == list(range(1, count + 1))


# The broker.


@pytest.mark.parametrize(
    ("fault", "broker"),
    [("SIGTERM", []), ("SIGKILL", SURVIVES_SIGKILL)],
    indirect=["broker"],
    ids=["SIGTERM", "SIGKILL"],
)
def test_a_broker_that_ends_or_is_killed_loses_nothing(
    fault: str, broker: Mosquitto, listener: Subscriber, publish: Callable[..., Publisher]
) -> None:
    publisher = publish()
    made = 0
    over = threading.Event()

    def work() -> None:
        nonlocal made
        while not over.wait(0.1):
            publisher.affect(AFFECT)
            made += 1
            if made % 10 == 0:
                publisher.session(SESSION)

    working = threading.Thread(target=work)
    working.start()
    try:
        for _ in range(2):
            reached = made + 20
            assert wait_until(lambda reached=reached: made > reached and publisher.connected, PATIENCE_S)
            broker.end() if fault == "SIGTERM" else broker.kill()
            assert wait_until(lambda: not publisher.connected)
            time.sleep(OUTAGE_S)
            broker.start()
            took = recovered(lambda: publisher.connected and publisher.queue <= 2)
            print(f"{fault}: all delivered {took:.1f} s after the broker was back")
    finally:
        over.set()
        working.join()
    assert wait_until(lambda: publisher.queue == 0, PATIENCE_S)
    assert_all_came_in_order(listener, made)
    assert len(listener.of("session", retained=False)) >= made // 10
    assert publisher.lost == 0
    print(f"{made} states, {repeated(listener)} repeated")


def test_ten_minutes_without_a_broker_lose_nothing_and_end_with_the_newest(
    broker: Mosquitto, listener: Subscriber, publish: Callable[..., Publisher], file: Path
) -> None:
    broker.end()
    publisher = publish()
    for state in range(TEN_MINUTES):
        publisher.affect(AFFECT)
        if state % 10 == 0:
            publisher.session(SESSION)
    publisher.alert(ALERT)
    assert publisher.queue == TEN_MINUTES + TEN_MINUTES // 10 + 1
    broker.start()
    print(f"connected after {recovered(lambda: publisher.connected):.1f} s")
    print(f"all delivered {recovered(lambda: publisher.queue == 0):.1f} s later")
    assert_all_came_in_order(listener, TEN_MINUTES)
    assert len(listener.of("session", retained=False)) == TEN_MINUTES // 10
    assert [alert["kind"] for alert in listener.of("alert")] == ["high_confusion"]
    assert publisher.lost == 0
    late = Subscriber(broker.port)
    assert late.until("affect", sequence=TEN_MINUTES)
    late.close()


# The box.


def test_a_box_killed_in_an_outage_and_again_at_work_loses_nothing(
    broker: Mosquitto, listener: Subscriber, run_box: Callable[..., RunningBox]
) -> None:
    storage = DRAWN + SILENT + '[storage]\ndirectory = "state"\n'
    box = run_box(broker.port, storage)
    assert wait_until(lambda: len(numbers(listener)) >= 3, PATIENCE_S)
    broker.end()
    assert box.says("the connection was lost")
    time.sleep(OUTAGE_S)
    killed = [kill(box)]

    box = run_box(broker.port, storage)
    assert box.says("giving ")
    broker.start()
    print(f"found the broker again after {recovered(lambda: 'publishing to' in box.log):.1f} s")
    assert wait_until(lambda: [len(run) >= 5 for run in by_run(listener)] == [True, True], PATIENCE_S)
    killed.append(kill(box))

    box = run_box(broker.port, storage)
    print(f"publishing {recovered(lambda: 'publishing to' in box.log):.1f} s after the restart")
    assert wait_until(lambda: [len(run) >= 5 for run in by_run(listener)] == [True, True, True], PATIENCE_S)

    runs = by_run(listener)
    assert all([number for _, number in run] == list(range(1, len(run) + 1)) for run in runs)
    # the last state of each run was made just before the kill, in the outage too
    assert all(moment - run[-1][0] < OUTAGE_S - 0.5 for moment, run in zip(killed, runs, strict=False))
    states = sum(len(run) for run in runs)
    print(f"{states} states, {len(numbers(listener)) - states} repeated")


def kill(box: RunningBox) -> float:
    """Kills a box; when, in seconds since 1970."""
    box.process.kill()
    box.process.wait()
    return time.time()


def by_run(listener: Subscriber) -> list[list[tuple[float, int]]]:
    """Times and numbers of the states of each run as they first came; numbers begin again with every run."""
    runs: list[list[tuple[float, int]]] = []
    for moment, number in {state["time"]: state["sequence"] for state in listener.of("affect", retained=False)}.items():
        if number == 1:
            runs.append([])
        runs[-1].append((datetime.fromisoformat(moment.replace("Z", "+00:00")).timestamp(), number))
    return runs


# The disk.


def test_an_outbox_that_is_full_drops_the_oldest_and_counts_them(
    broker: Mosquitto, listener: Subscriber, publish: Callable[..., Publisher]
) -> None:
    broker.end()
    publisher = publish(limit=1000)
    for _ in range(1500):
        publisher.affect(AFFECT)
    assert wait_until(lambda: publisher.lost == 500, PATIENCE_S)
    broker.start()
    assert wait_until(lambda: publisher.queue == 0, RECOVERY_S)
    assert wait_until(lambda: len(numbers(listener)) >= 1000)
    assert list(dict.fromkeys(numbers(listener))) == list(range(501, 1501))


def test_a_damaged_outbox_is_set_aside_and_the_box_goes_on(
    listener: Subscriber, publish: Callable[..., Publisher], file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file.parent.mkdir()
    file.write_bytes(b"what a bad card makes of a file" * 500)
    publisher = publish()
    for _ in range(10):
        publisher.affect(AFFECT)
    assert wait_until(lambda: publisher.connected and publisher.queue == 0, PATIENCE_S)
    assert_all_came_in_order(listener, 10)
    assert [record.levelno for record in caplog.records if "damaged" in record.getMessage()] == [logging.WARNING]
    assert file.with_name("outbox.sqlite.damaged").exists()
    assert publisher.lost == 0


FULL_DISK = """
import logging, sys, time
from pathlib import Path
sys.path.insert(0, "tests/system")
from test_nothing_lost import AFFECT, BOX
from edge.config import Broker
from edge.publish.mqtt import Publisher

logging.basicConfig(level="INFO", format="%(levelname)s %(message)s")
port, folder = int(sys.argv[1]), Path(sys.argv[2])
publisher = Publisher(Broker(host="127.0.0.1", port=port), BOX, print, file=folder / "outbox.sqlite")
publisher.start()
for number in range(1000):
    publisher.affect(AFFECT)
deadline = time.monotonic() + 60
while publisher.queue and time.monotonic() < deadline:
    time.sleep(0.05)
logging.info("lost %d, %d left", publisher.lost, publisher.queue)
publisher.stop()
"""


def test_a_full_disk_loses_nothing_while_the_box_runs(broker: Mosquitto, listener: Subscriber, tmp_path: Path) -> None:
    if shutil.which("unshare") is None or subprocess.run(["unshare", "-rm", "true"], check=False).returncode:
        pytest.skip("a disk of its own needs the right to mount one")
    broker.end()
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = f'mount -t tmpfs -o size=256k none {disk} && PYTHONPATH=.:tests exec "$@"'
    process = subprocess.Popen(
        ["unshare", "-rm", "sh", "-c", mount, "sh", sys.executable, "-c", FULL_DISK, str(broker.port), str(disk)],
        cwd=Path(__file__).resolve().parents[2],
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        time.sleep(OUTAGE_S)
        broker.start()
        _, log = process.communicate(timeout=90)
    finally:
        process.kill()
        process.wait()
    assert_all_came_in_order(listener, 1000)
    assert log.count("database or disk is full; unsent messages are kept in memory") == 1
    assert "lost 0, 0 left" in log
