"""The outbox: what must reach the broker waits here, in order, until the broker has acknowledged it.

What is promised. A message counts as lost if it was kept and never reaches the broker. It is kept before it is sent
and removed only after its acknowledgement, so that a broker that goes, a process that is killed and a power cut repeat
messages at worst. The newest of all is kept within the moment one commit takes; to be killed within that moment is to
be killed just before the message was made, as nobody has been told of it.

What it costs. A healthy box has its message acknowledged long before the next one is made. Such a message is
committed to the file's log, where it outlives the process, but the medium is left to the kernel's own time: no wait, no
flush, and the removal rides in the commit of the next message. While messages have to wait (there is no connection, or
the oldest is unacknowledged for longer than PROMPT_S) every commit waits for the medium, and takes the ones before with
it. So a power cut can take what a healthy box made in its last moment, as if it had come a moment earlier, and nothing
else. ``python -m edge.benchmarks.outbox`` measures both.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from edge.publish.message_store import MessageStore

log = logging.getLogger(__name__)

WINDOW = 100
"""Most messages on their way to the broker at once."""
REMOVED_AT = 10
"""As many acknowledged messages are removed at once; fewer wait for the next commit, and are repeated after a kill."""
PROMPT_S = 0.5
"""A broker that acknowledges within this is well."""
LEAVE_S = 0.3
"""How long ``stop`` waits for the file to be closed."""


class Outbox:
    """Keeps messages in ``file`` (in memory if None), at most ``limit``, and delivers each at least once, in order.

    ``deliver`` is given a topic and a message on the outbox's own thread, hands them to the network, and returns the
    number that the acknowledgement will bear, or None if the network takes no more now; it raises ValueError for
    a message that must not leave. Nothing else raises: see MessageStore for what happens where the file fails.
    """

    def __init__(self, file: Path | None, limit: int, deliver: Callable[[str, bytes], int | None]) -> None:
        self._file = file
        self._limit = limit
        self._deliver = deliver
        self._thread = threading.Thread(target=self._work, name="outbox", daemon=True)
        self._wake = threading.Event()
        self._stopping = False
        # Written by others, read by the outbox's thread.
        self._fresh: deque[tuple[str, bytes]] = deque(maxlen=limit)
        self._acknowledged: deque[int] = deque()
        self._flowing = self._restarting = False
        self._taken = self._overrun = self._discarded = 0
        # The outbox's thread's own.
        self._known = self._fresh
        self._on_their_way: dict[int, int] = {}
        self._delivered: list[int] = []
        self._sent = 0
        self._settled = self._dropped = 0
        self._clear_at = time.monotonic()

    @property
    def depth(self) -> int:
        """How many messages the broker has yet to acknowledge."""
        return max(0, self._taken - self._settled)

    @property
    def lost(self) -> int:
        """Messages dropped unsent since the start, the oldest first, to make room for newer ones."""
        return self._overrun + self._dropped

    def start(self) -> None:
        """Open the file and begin to keep messages; they leave after ``resume``."""
        self._thread.start()

    def put(self, topic: str, message: bytes) -> None:
        """Take a message, without waiting for anything; from one thread at a time."""
        if len(self._fresh) < self._limit:
            self._taken += 1
        else:
            # The medium hangs, and the oldest falls out of memory.
            self._overrun += 1
        self._fresh.append((topic, message))
        self._wake.set()

    def discard(self) -> None:
        """Drop all that was put before and still waits; it does not count as lost. From the thread of ``put``.

        Called before ``start``, that is all that an earlier process left. What the network has been handed cannot be
        called back.
        """
        self._discarded = self._taken
        # one assignment, so that the outbox's thread finds what was put before and after neatly apart
        self._fresh = deque(maxlen=self._limit)
        self._wake.set()

    def resume(self) -> None:
        """Deliver, from the oldest unacknowledged message on: there is a new connection."""
        self._restarting = self._flowing = True
        self._wake.set()

    def pause(self) -> None:
        """Stop delivering: the connection is gone, and what was on its way will have to be sent again."""
        self._flowing = False
        self._restarting = True
        self._wake.set()

    def acknowledge(self, number: int) -> None:
        """The broker has the message that ``deliver`` gave this number; any other number is ignored."""
        self._acknowledged.append(number)
        self._wake.set()

    def drained(self, within_s: float) -> bool:
        """Wait until every message is acknowledged; whether that came true in time."""
        deadline = time.monotonic() + within_s
        while self.depth and time.monotonic() < deadline:
            time.sleep(0.01)
        return self.depth == 0

    def stop(self) -> None:
        """Keep what was taken, close the file and end, soon whatever the medium does."""
        self._stopping = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(LEAVE_S)

    # The methods below run on the outbox's own thread.

    def _work(self) -> None:
        with closing(MessageStore(self._file, self._limit)) as store:
            self._settled -= store.count
            while not self._stopping:
                self._turn(store)
                self._wake.wait()
                self._wake.clear()
            self._flowing, self._restarting = False, True
            self._turn(store)

    def _turn(self, store: MessageStore) -> None:
        restarting = self._restarting
        if restarting:
            self._restarting = False
        self._settle()
        if self._fresh is not self._known:
            self._forget(store)
        if self._fresh or restarting or len(self._delivered) >= REMOVED_AT:
            self._keep(store)
        if restarting:
            self._on_their_way.clear()
            self._sent = 0
        if self._flowing:
            self._send(store)

    def _settle(self) -> None:
        """Notes whose acknowledgement came; their rows go with the next commit."""
        while self._acknowledged:
            row = self._on_their_way.pop(self._acknowledged.popleft(), None)
            if row is not None:
                self._delivered.append(row)
                self._settled += 1

    def _forget(self, store: MessageStore) -> None:
        """Drops all that came before the last ``discard``."""
        self._known = self._fresh
        store.clear()
        self._on_their_way.clear()
        self._delivered = []
        self._settled = self._discarded

    def _keep(self, store: MessageStore) -> None:
        """Commits what was taken and what was acknowledged."""
        fresh = [self._known.popleft() for _ in range(len(self._known))]
        now, before = time.monotonic(), store.lost
        if self.depth <= len(fresh):
            self._clear_at = now
        prompt = self._flowing and now - self._clear_at <= PROMPT_S
        store.update(fresh, self._delivered, beyond=self._sent, durable=bool(fresh) and not prompt)
        self._delivered = []
        self._count_lost(store.lost - before)

    def _send(self, store: MessageStore) -> None:
        """Hands the oldest messages to the network, as many as the window and the network take."""
        for row, topic, message in store.after(self._sent, WINDOW - len(self._on_their_way)):
            try:
                number = self._deliver(topic, message)
            except (ValueError, TypeError) as error:
                log.error("dropped a message to %s from the outbox that must not leave: %s", topic, error)
                self._delivered.append(row)
                self._count_lost(1)
            else:
                if number is None:
                    return
                self._on_their_way[number] = row
            self._sent = row

    def _count_lost(self, messages: int) -> None:
        self._dropped += messages
        self._settled += messages
