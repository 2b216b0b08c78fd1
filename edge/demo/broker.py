"""An MQTT broker inside the process, for the demonstration: loopback only, and gone when it ends."""

from __future__ import annotations

import asyncio
import importlib
import logging
import socket
import threading
from concurrent.futures import Future
from types import TracebackType
from typing import Any

from edge.errors import UserError

HOST = "127.0.0.1"
START_S, STOP_S = 5.0, 1.0
"""How long starting and stopping may take; clients that will not leave by then are cut off."""

log = logging.getLogger(__name__)


class EmbeddedBroker:
    """A broker that runs while its ``with`` block does, for anybody on this machine, on a free ``port``.

    Raises UserError where amqtt is not installed or the broker does not start.
    """

    def __init__(self) -> None:
        try:
            self._module: Any = importlib.import_module("amqtt.broker")
        except ImportError as error:
            raise UserError(f'the embedded broker needs amqtt ({error}): pip install "amqtt==0.12.1"') from error
        for noisy in ("amqtt", "transitions"):
            logging.getLogger(noisy).setLevel(logging.CRITICAL)
        self.port = _free_port()
        self._leave = asyncio.Event()
        self._started: Future[asyncio.AbstractEventLoop] = Future()
        self._thread = threading.Thread(target=self._run, name="embedded-broker", daemon=True)

    def __enter__(self) -> EmbeddedBroker:
        """Start, and return once connections are taken."""
        self._thread.start()
        try:
            self._loop = self._started.result(START_S)
        except Exception as error:
            raise UserError(f"the embedded broker did not start ({error})") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop, and wait until every connection is closed."""
        self._loop.call_soon_threadsafe(self._leave.set)
        self._thread.join(2 * STOP_S)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception as error:
            if not self._started.done():
                self._started.set_exception(error)
            log.debug("the embedded broker ended badly", exc_info=True)

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        # Clients that vanish leave complaints in the loop that nobody watching a demonstration needs.
        loop.set_exception_handler(lambda _, context: log.debug("%s", context["message"]))
        broker = self._module.Broker(
            {
                "listeners": {"default": {"type": "tcp", "bind": f"{HOST}:{self.port}"}},
                "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
            }
        )
        await broker.start()
        self._started.set_result(loop)
        await self._leave.wait()
        await asyncio.wait_for(broker.shutdown(), STOP_S)


def _free_port() -> int:
    with socket.create_server((HOST, 0)) as probe:
        port: int = probe.getsockname()[1]
        return port
