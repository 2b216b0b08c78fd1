"""What systemd is to a service, as far as tests need it: a socket that hears sd_notify(3), and a patience."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from services import wait_until

ROOT = Path(__file__).resolve().parent.parent
PATIENCE_S = 60.0


class Service:
    """A Python program started as a unit of Type=notify would be, and all it tells systemd."""

    def __init__(self, folder: Path, arguments: Sequence[str], watchdog_s: float, hidden: Sequence[str] = ()) -> None:
        """``hidden`` are packages that the program cannot import."""
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(folder / "notify"))
        self._socket.setblocking(False)
        self._heard: list[str] = []
        self._log = folder / "service.log"
        for name in hidden:
            (folder / f"{name}.py").write_text(f"raise ImportError('no module named {name}')\n")
        environment = {
            **os.environ,
            "PYTHONPATH": f"{folder}:{ROOT}",
            "NOTIFY_SOCKET": str(folder / "notify"),
            "WATCHDOG_USEC": str(round(watchdog_s * 1e6)),
        }
        with self._log.open("w") as log:
            self.process = subprocess.Popen([sys.executable, *arguments], env=environment, stdout=log, stderr=log)

    @property
    def heard(self) -> list[str]:
        """Every line that systemd was told, in order."""
        while True:
            try:
                self._heard += self._socket.recv(4096).decode().splitlines()
            except BlockingIOError:
                return list(self._heard)

    @property
    def log(self) -> str:
        return self._log.read_text()

    def tells(self, line: str, seconds: float = PATIENCE_S) -> bool:
        """Whether systemd came to be told ``line``."""
        return wait_until(lambda: line in self.heard or self.process.poll() is not None, seconds) and line in self.heard

    def count_over(self, seconds: float, line: str = "WATCHDOG=1") -> int:
        """How often systemd is told ``line`` within the next ``seconds``."""
        before = self.heard.count(line)
        time.sleep(seconds)
        return self.heard.count(line) - before

    def end(self, how: Callable[[subprocess.Popen[bytes]], None] = subprocess.Popen.kill) -> int:
        """Ends the program and returns its exit code."""
        if self.process.poll() is None:
            how(self.process)
        return self.process.wait(PATIENCE_S)

    def close(self) -> None:
        """Ends the program, and hears no more."""
        self.end()
        self._socket.close()
