"""The outbox in front of a network that takes, acknowledges, and breaks when the test says so."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from services import wait_until

from edge.publish.message_store import MessageStore
from edge.publish.outbox import WINDOW, Outbox

LIMIT = 1000


class Network:
    """Numbers what it is given, and acknowledges at once, or when asked to."""

    def __init__(self, prompt: bool = True) -> None:
        self.prompt = prompt
        self.outbox: Outbox
        self.taken: list[int] = []
        self.owed: dict[int, int] = {}
        self.room = 10_000
        self._numbers = count(1)

    def deliver(self, topic: str, message: bytes) -> int | None:
        assert threading.current_thread().name == "outbox"
        assert topic == "room/affect"
        if message == b"picture":
            raise ValueError("no message")
        if self.room == 0:
            return None
        self.room -= 1
        number = next(self._numbers)
        self.taken.append(int(message))
        if self.prompt:
            self.outbox.acknowledge(number)
        else:
            self.owed[int(message)] = number
        return number

    def acknowledge(self, *messages: int) -> None:
        for message in messages:
            self.outbox.acknowledge(self.owed.pop(message))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "outbox.sqlite"


@pytest.fixture
def begin() -> Iterator[Callable[..., Outbox]]:
    made: list[Outbox] = []

    def started(network: Network, file: Path | None = None, limit: int = LIMIT, resume: bool = True) -> Outbox:
        network.outbox = Outbox(file, limit, network.deliver)
        made.append(network.outbox)
        network.outbox.start()
        if resume:
            network.outbox.resume()
        return network.outbox

    yield started
    for outbox in made:
        outbox.stop()


def put(outbox: Outbox, *numbers: int) -> None:
    for number in numbers:
        outbox.put("room/affect", b"%d" % number)


def left_in(file: Path) -> list[int]:
    store = MessageStore(file, LIMIT)
    rows = store.after(0, -1)
    store.close()
    return [int(message) for _, _, message in rows]


def test_messages_are_delivered_in_order_and_gone_once_acknowledged(file: Path, begin: Callable[..., Outbox]) -> None:
    network = Network()
    outbox = begin(network, file)
    put(outbox, *range(500))
    assert outbox.drained(10.0)
    assert network.taken == list(range(500))
    outbox.stop()
    assert left_in(file) == []
    assert outbox.lost == 0


def test_nothing_is_delivered_before_there_is_a_connection(begin: Callable[..., Outbox]) -> None:
    network = Network()
    outbox = begin(network, resume=False)
    put(outbox, 1, 2, 3)
    assert outbox.depth == 3
    assert not outbox.drained(0.1)
    assert network.taken == []
    outbox.resume()
    assert outbox.drained(10.0)
    assert network.taken == [1, 2, 3]


def test_what_was_never_acknowledged_is_delivered_again_before_anything_newer(begin: Callable[..., Outbox]) -> None:
    network = Network(prompt=False)
    outbox = begin(network)
    put(outbox, 1, 2, 3)
    assert wait_until(lambda: len(network.owed) == 3)
    network.acknowledge(2)
    outbox.pause()
    put(outbox, 4)
    assert wait_until(lambda: outbox.depth == 3)
    network.prompt = True
    outbox.resume()
    assert outbox.drained(10.0)
    assert network.taken == [1, 2, 3, 1, 3, 4]


def test_an_acknowledgement_of_a_former_connection_is_ignored(begin: Callable[..., Outbox]) -> None:
    network = Network(prompt=False)
    outbox = begin(network)
    put(outbox, 1)
    assert wait_until(lambda: network.owed)
    outbox.pause()
    outbox.resume()
    assert wait_until(lambda: network.taken == [1, 1])
    outbox.acknowledge(1)
    assert not outbox.drained(0.1)
    network.acknowledge(1)
    assert outbox.drained(10.0)


def test_no_more_than_a_window_is_on_its_way(begin: Callable[..., Outbox]) -> None:
    network = Network(prompt=False)
    outbox = begin(network)
    put(outbox, *range(3 * WINDOW))
    assert wait_until(lambda: len(network.owed) == WINDOW)
    assert not outbox.drained(0.1)
    assert len(network.owed) == WINDOW
    network.acknowledge(*range(10))
    assert wait_until(lambda: len(network.taken) == WINDOW + 10)
    assert network.taken == list(range(WINDOW + 10))


def test_a_network_that_takes_no_more_gets_the_rest_later(begin: Callable[..., Outbox]) -> None:
    network = Network(prompt=False)
    network.room = 2
    outbox = begin(network)
    put(outbox, 1, 2, 3)
    assert wait_until(lambda: network.taken == [1, 2])
    network.room = 100
    network.acknowledge(1)
    assert wait_until(lambda: network.taken == [1, 2, 3])


def test_messages_left_by_one_process_are_delivered_first_by_the_next(file: Path, begin: Callable[..., Outbox]) -> None:
    first = begin(Network(), file, resume=False)
    put(first, 1, 2, 3)
    first.stop()
    network = Network()
    second = begin(network, file, resume=False)
    assert wait_until(lambda: second.depth == 3)
    put(second, 4)
    second.resume()
    assert second.drained(10.0)
    assert network.taken == [1, 2, 3, 4]


def test_an_acknowledged_message_is_not_repeated_by_the_next_process(file: Path, begin: Callable[..., Outbox]) -> None:
    first = begin(Network(), file)
    put(first, 1)
    assert first.drained(10.0)
    first.stop()
    assert left_in(file) == []


def test_a_full_outbox_drops_the_oldest_and_counts_them(file: Path, begin: Callable[..., Outbox]) -> None:
    network = Network()
    outbox = begin(network, file, resume=False)
    put(outbox, 0)
    assert wait_until(lambda: left_in_log(file))
    put(outbox, *range(1, LIMIT + 300))
    assert wait_until(lambda: outbox.lost == 300)
    assert outbox.depth == LIMIT
    outbox.resume()
    assert outbox.drained(20.0)
    assert network.taken == list(range(300, LIMIT + 300))


def test_what_is_discarded_never_leaves_and_does_not_count_as_lost(file: Path, begin: Callable[..., Outbox]) -> None:
    network = Network()
    outbox = begin(network, file, resume=False)
    put(outbox, 1, 2)
    assert wait_until(lambda: left_in_log(file))
    put(outbox, 3)
    outbox.discard()
    put(outbox, 4)
    assert wait_until(lambda: outbox.depth == 1)
    outbox.resume()
    assert outbox.drained(10.0)
    assert network.taken == [4]
    assert outbox.lost == 0
    outbox.stop()
    assert left_in(file) == []


def test_what_a_former_process_left_can_be_discarded_before_anything_is_delivered(
    file: Path, begin: Callable[..., Outbox]
) -> None:
    first = begin(Network(), file, resume=False)
    put(first, 1, 2, 3)
    first.stop()
    network = Network()
    network.outbox = outbox = Outbox(file, LIMIT, network.deliver)
    outbox.discard()
    put(outbox, 4)
    outbox.start()
    outbox.resume()
    assert wait_until(lambda: network.taken)
    assert outbox.drained(10.0)
    outbox.stop()
    assert network.taken == [4]


def test_what_was_on_its_way_when_all_was_discarded_is_not_sent_again(begin: Callable[..., Outbox]) -> None:
    network = Network(prompt=False)
    outbox = begin(network)
    put(outbox, 1, 2)
    assert wait_until(lambda: len(network.owed) == 2)
    outbox.discard()
    assert wait_until(lambda: outbox.depth == 0)
    network.acknowledge(1)
    outbox.pause()
    put(outbox, 3)
    network.prompt = True
    outbox.resume()
    assert outbox.drained(10.0)
    assert network.taken == [1, 2, 3]


def left_in_log(file: Path) -> bool:
    log = file.with_name(f"{file.name}-wal")
    return log.exists() and log.stat().st_size > 0


def test_what_must_not_leave_is_dropped_said_and_holds_nothing_up(
    begin: Callable[..., Outbox], caplog: pytest.LogCaptureFixture
) -> None:
    network = Network()
    outbox = begin(network)
    put(outbox, 1)
    outbox.put("room/affect", b"picture")
    put(outbox, 2)
    assert outbox.drained(10.0)
    assert network.taken == [1, 2]
    assert outbox.lost == 1
    assert "must not leave" in caplog.text
    assert "picture" not in caplog.text


def test_an_outbox_that_was_never_started_stops(file: Path) -> None:
    Outbox(file, LIMIT, lambda topic, message: None).stop()
    assert not file.exists()
