"""Boxes that run as processes, and who listens to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from runningbox import DRAWN, SILENT, RunningBox
from services import Mosquitto
from subscriber import Subscriber


@pytest.fixture
def run_box(tmp_path: Path) -> Iterator[Callable[..., RunningBox]]:
    made: list[RunningBox] = []

    def run(port: int, sections: str = DRAWN + SILENT, broker: str = "") -> RunningBox:
        made.append(RunningBox(tmp_path, port, sections, broker))
        return made[-1]

    yield run
    for box in made:
        if box.process.poll() is None:
            box.process.kill()
        box.process.wait()


@pytest.fixture
def subscriber(mosquitto: Mosquitto) -> Iterator[Subscriber]:
    subscriber = Subscriber(mosquitto.port)
    yield subscriber
    subscriber.close()
