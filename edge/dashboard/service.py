"""Runs the dashboard: the reader, the rooms and the web server together, until stopped."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import ssl
from collections.abc import Mapping
from pathlib import Path

from aiohttp import web

from edge.dashboard.commands import Commands
from edge.dashboard.door import Door
from edge.dashboard.live import Bell
from edge.dashboard.rooms import Rooms
from edge.dashboard.server import Dashboard
from edge.errors import UserError
from edge.publish.topics import PUBLISHED
from edge.subscribe.reader import Reader
from edge.subscribe.source import Source

log = logging.getLogger(__name__)

TICK_S = 1.0


def serve(source: Source, options: argparse.Namespace, passwords: Mapping[str, str], exposed: bool) -> int:
    """Serves until interrupted or terminated. Raises UserError where it cannot."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    # a line per request would tell who looks when
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)
    context = _tls(options.certificate, options.key) if options.certificate else None
    door = Door(passwords, "operator" if options.operate else "viewer", secure=context is not None, exposed=exposed)
    return asyncio.run(_serve(source, door, options.listen, options.web_port, context))


async def _serve(source: Source, door: Door, address: str, port: int, context: ssl.SSLContext | None) -> int:
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    rooms, bell = Rooms(), Bell()
    watch = _Watch()

    def received(topic: str, message: bytes, retained: bool) -> None:
        rooms.receive(topic, message, retained)
        bell.ring()

    def changed() -> None:
        watch.say(source.broker.where, reader.problem)
        bell.ring()

    reader = Reader(source, [f"affectfusion/+/+/{topic.name}" for topic in PUBLISHED], received, changed)
    dashboard = Dashboard(rooms, Commands(rooms, reader.publish), door, bell, lambda: reader.connected)
    runner = web.AppRunner(dashboard.application, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, address, port, ssl_context=context)
        try:
            await site.start()
        except OSError as error:
            raise UserError(f"--web-port {port}: cannot be used at {address} ({error.strerror or error})") from error
        reader.start()
        print(f"dashboard at {'https' if context else 'http'}://{_shown(address)}:{_port(runner)}/", flush=True)
        while not stopped.is_set():
            before = rooms.revision
            rooms.tick()
            if rooms.revision != before:
                bell.ring()
            await _wait(stopped, TICK_S)
    finally:
        reader.stop()
        await runner.cleanup()
    return 0


class _Watch:
    """Tells the log of an outage once, and of its end."""

    def __init__(self) -> None:
        self._problem: str | None = None

    def say(self, where: str, problem: str | None) -> None:
        if problem is None:
            log.info("reading from %s", where)
        elif problem != self._problem:
            log.warning("%s; trying again until it works", problem)
        self._problem = problem


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except asyncio.TimeoutError:
        return


def _tls(certificate: Path, key: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key, password=lambda: "")
    except OSError as error:
        raise UserError(
            f"--certificate {certificate}, --key {key}: cannot be used ({error.strerror or error})"
        ) from error
    return context


def _shown(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _port(runner: web.AppRunner) -> int:
    found: int = runner.addresses[0][1]
    return found
