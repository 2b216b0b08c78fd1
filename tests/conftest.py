"""Fixtures shared by all tests: real parts rather than stand-ins."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import hypothesis
import pytest
from services import Mosquitto, mosquitto_program

# nothing is timed in a test: a busy machine must not make one fail
hypothesis.settings.register_profile("untimed", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("untimed")


@pytest.fixture
def make_mosquitto(tmp_path: Path) -> Iterator[Callable[..., Mosquitto]]:
    """Makes brokers that are not started yet: ``username`` and ``password`` make one that asks for them."""
    program = mosquitto_program()
    made: list[Mosquitto] = []

    def make(username: str = "", password: str = "", options: Sequence[str] = ()) -> Mosquitto:
        folder = tmp_path / f"mosquitto-{len(made)}"
        folder.mkdir()
        access = ["allow_anonymous true"]
        if username:
            passwords = folder / "passwords"
            passwords.write_text(f"{username}:{password}\n")
            subprocess.run(["mosquitto_passwd", "-U", str(passwords)], check=True)
            access = ["allow_anonymous false", f"password_file {passwords}"]
        made.append(Mosquitto(program, folder, [*access, *options]))
        return made[-1]

    yield make
    for broker in made:
        broker.kill()


@pytest.fixture
def mosquitto(make_mosquitto: Callable[..., Mosquitto]) -> Mosquitto:
    """A running broker that lets everybody in."""
    broker = make_mosquitto()
    broker.start()
    return broker


@pytest.fixture(scope="session")
def blind_display() -> Iterator[str]:
    """The name of a display that nobody looks at."""
    pytest.importorskip("tkinter", reason="Python has no tkinter: apt install python3-tk")
    if shutil.which("Xvfb") is None:
        pytest.skip("Xvfb is not installed: apt install xvfb")
    reading, writing = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writing), "-screen", "0", "800x600x24", "-nolisten", "tcp"],
        pass_fds=[writing],
        stderr=subprocess.DEVNULL,
    )
    os.close(writing)
    with os.fdopen(reading) as said:
        name = f":{said.readline().strip()}"
    yield name
    server.terminate()
    server.wait(10)


@pytest.fixture
def display(blind_display: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The same, as the display of this process."""
    monkeypatch.setenv("DISPLAY", blind_display)
    return blind_display
