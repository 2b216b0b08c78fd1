"""Keeps open pages up to date: what changed, at most four times a second, and no faster than a page can take it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from aiohttp import web

from edge.dashboard import view
from edge.dashboard.rooms import Key, Rooms
from edge.words.catalogue import Catalogue

PAUSE_S = 0.25
"""Between two updates of a page; the first after a quiet time goes out at once."""


class Bell:
    """Wakes every open page, from whichever thread; ringing it often costs no more than once."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._waiting: set[asyncio.Event] = set()
        self._rung = False

    def ring(self) -> None:
        """Something changed."""
        if not self._rung and not self._loop.is_closed():
            self._rung = True
            self._loop.call_soon_threadsafe(self._wake)

    @property
    def pages(self) -> int:
        """How many pages are open."""
        return len(self._waiting)

    @contextmanager
    def heard(self) -> Iterator[asyncio.Event]:
        """An event that is set when it rings."""
        event = asyncio.Event()
        self._waiting.add(event)
        try:
            yield event
        finally:
            self._waiting.discard(event)

    def _wake(self) -> None:
        self._rung = False
        for event in self._waiting:
            event.set()


class Page:
    """What one open page was told, so that it is told only what is new: of the room ``key``, or of all."""

    def __init__(self, rooms: Rooms, key: Key | None, words: Catalogue) -> None:
        self._rooms = rooms
        self._key = key
        self._words = words
        self._revision = 0
        self._changes = 0
        self._shown: set[Key] = set()

    def news(self) -> dict[str, Any]:
        """What is new: {} where nothing is."""
        with self._rooms.lock:
            return self._wall() if self._key is None else self._room(*self._key)

    def _wall(self) -> dict[str, Any]:
        if self._rooms.revision == self._revision:
            return {}
        told = view.wall(self._rooms, self._revision, self._words)
        there = {(room.site, room.name) for room in self._rooms.all()}
        gone, self._shown, self._revision = self._shown - there, there, self._rooms.revision
        return {"wall": told, "gone": sorted(gone)}

    def _room(self, site: str, name: str) -> dict[str, Any]:
        room = self._rooms.get(site, name)
        if room is None:
            return {"absent": True}
        if room.revision == self._revision:
            return {}
        self._revision = room.revision
        told = view.page(self._rooms, room, self._changes, self._words)
        self._changes = room.history.changes
        return {"page": told}


async def push(socket: web.WebSocketResponse, page: Page, event: asyncio.Event, connected: Callable[[], bool]) -> None:
    """Tells a page the news until it is closed; ``connected`` says whether anything comes from the broker."""
    event.set()
    told: bool | None = None
    while not socket.closed:
        await event.wait()
        event.clear()
        news = page.news()
        if news or told != connected():
            told = connected()
            # waits for a page that is slow, and meanwhile nothing piles up
            await socket.send_str(json.dumps({**news, "connected": told}, ensure_ascii=False, separators=(",", ":")))
        await asyncio.sleep(PAUSE_S)
