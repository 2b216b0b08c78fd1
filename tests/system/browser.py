"""Debian's Chromium, and a dashboard for it to look at."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from services import wait_until

PATIENCE_MS = 60_000
"""A busy machine must not make a test fail."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser; skips the test where there is none."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("chromium is not installed: apt install chromium")
    with sync_playwright() as playwright:
        # a sandbox of its own needs rights that a container does not give
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


class DashboardProcess:
    """``affect-edge dashboard`` as people start it."""

    def __init__(self, folder: Path, port: int, *arguments: str) -> None:
        self.log = folder / "dashboard.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "edge", "dashboard", "--web-port", "0"),
                    *("--host", "127.0.0.1", "--port", str(port), *arguments),
                ],
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        assert wait_until(lambda: self._address(), 60), self.log.read_text()
        self.url = self._address()

    def rss_mib(self) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.findall(r"VmRSS:\s+(\d+)", status)[0]) / 1024

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)

    def _address(self) -> str:
        found = re.search(r"dashboard at (\S+)/", self.log.read_text())
        return found[1] if found else ""


class Visitor:
    """A person at a browser; every request of theirs is noted."""

    def __init__(self, browser: Browser, url: str, **how: Any) -> None:
        self.url = url
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self._context = browser.new_context(**{"viewport": {"width": 1400, "height": 1000}, "locale": "en-GB", **how})
        self._context.set_default_timeout(PATIENCE_MS)
        self.page: Page = self._context.new_page()
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("websocket", lambda socket: self.requests.append(socket.url))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: self.complaints.append(f"a dialog: {dialog.message}"))
        self.page.on("console", lambda line: self.complaints.append(line.text) if "Policy" in line.text else None)

    def open(self, path: str) -> Page:
        self.page.goto(self.url + path, wait_until="domcontentloaded")
        return self.page

    def room(self, site: str = "school", room: str = "lab") -> Page:
        return self.open(f"/room?site={site}&room={room}")

    def photograph(self, name: str) -> None:
        """Keeps a picture of the page in the folder that AFFECT_SCREENSHOTS names, if it names one."""
        if folder := os.environ.get("AFFECT_SCREENSHOTS"):
            Path(folder).mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=Path(folder) / f"{name}.png", timeout=PATIENCE_MS)

    def leave(self) -> None:
        self._context.close()
