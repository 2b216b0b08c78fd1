"""``affect-edge demo`` as it is typed: on the bundled lesson, on recordings, interrupted, and with mistakes."""

from __future__ import annotations

import os
import queue
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import cv2
import pytest
import soundfile

from edge.demo.lesson import SOUND, VIDEO
from edge.signals import SAMPLE_RATE

pytestmark = pytest.mark.system

ROOT = Path(__file__).resolve().parents[3]
DEMO = [sys.executable, "-m", "edge", "demo"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
PATIENCE_S = 90.0
SCORE = re.compile(r"^\d\d:\d\d:\d\d  satisfaction \d\.\d\d  confidence \d\.\d\d  .*\(.*faces [-0-9]+\)$")
ABSTENTION = re.compile(r"^\d\d:\d\d:\d\d  no scores: [a-z ]+$")


@contextmanager
def demo(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A running demo, off a terminal, in a group of its own so that Ctrl-C reaches it alone; killed if still there."""
    with subprocess.Popen(
        [*DEMO, *arguments],
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def finished(*arguments: str) -> tuple[int, list[str], str]:
    """The demo's exit code, the lines it printed, and its stderr."""
    with demo(*arguments) as process:
        output, errors = process.communicate(timeout=PATIENCE_S)
    return process.returncode, output.splitlines(), errors


def following(process: subprocess.Popen[str]) -> Iterator[str]:
    """The lines of a running demo as they come."""
    lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def read() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            lines.put(line.rstrip("\n"))
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    deadline = time.monotonic() + PATIENCE_S
    while (line := lines.get(timeout=max(0.1, deadline - time.monotonic()))) is not None:
        yield line


@pytest.fixture(scope="module")
def lesson() -> tuple[int, list[str], str]:
    return finished("--plain", "--speed", "3")


def test_the_bundled_lesson_plays_to_its_end(lesson: tuple[int, list[str], str]) -> None:
    code, lines, errors = lesson
    assert code == 0, errors
    assert "Traceback" not in errors
    assert "the box is online" in lines
    assert any(line.startswith("privacy: capturing (declared: demonstration)") for line in lines)
    assert "the box is offline" in lines


def test_scores_and_the_reasons_for_having_none_are_shown(lesson: tuple[int, list[str], str]) -> None:
    _, lines, _ = lesson
    states = [line for line in lines if re.match(r"\d\d:\d\d:\d\d ", line)]
    assert all(SCORE.match(line) or ABSTENTION.match(line) for line in states), lines
    assert sum(bool(SCORE.match(line)) for line in states) >= 10
    reasons = {line.partition("no scores: ")[2] for line in states if ABSTENTION.match(line)}
    assert reasons >= {"too dark", "no faces"}
    assert any("valence -" in line for line in states)
    assert any("valence +" in line for line in states)


def test_the_lesson_ends_with_its_summary(lesson: tuple[int, list[str], str]) -> None:
    _, lines, _ = lesson
    offline = lines.index("the box is offline")
    summary = "\n".join(lines[offline + 1 :])
    assert "the lesson's summary" in summary
    assert re.search(r"\d+ s, scores for \d+% of them", summary)
    for part in ("too dark", "no faces", "mean satisfaction", "mean valence", "time by state"):
        assert part in summary


def test_off_a_terminal_there_are_no_escape_codes() -> None:
    with demo("--speed", "8") as process:
        shown = list(islice(following(process), 8))
    assert len(shown) == 8
    assert "\x1b" not in "".join(shown)


def test_ctrl_c_ends_the_demo_with_the_summary_so_far() -> None:
    with demo("--plain") as process:
        lines = following(process)
        assert any(SCORE.match(line) for line in lines)
        interrupted = time.monotonic()
        os.killpg(process.pid, signal.SIGINT)
        rest = list(lines)
        assert process.wait(10) == 0
        assert time.monotonic() - interrupted < 5.0
    assert "the box is offline" in rest
    assert "the lesson's summary" in "\n".join(rest)


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (("--camera", "missing.mp4"), "missing.mp4"),
        (("--microphone", "missing.wav"), "missing.wav"),
        (("--camera", str(SOUND)), "lesson.flac"),
        (("--microphone", str(ROOT / "pyproject.toml")), "pyproject.toml"),
        (("--speed", "100"), "--speed"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(arguments: tuple[str, ...], what: str) -> None:
    code, lines, errors = finished("--plain", *arguments)
    said = [line for line in errors.splitlines() if line.startswith("affect-edge demo: ")]
    assert code == 2, errors
    assert len(said) == 1
    assert what in said[0]
    assert "Traceback" not in errors
    assert "the lesson's summary" not in "\n".join(lines)


@pytest.fixture(scope="module")
def own_recordings(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Eight seconds cut out of the lesson, in other formats, as arguments."""
    folder = tmp_path_factory.mktemp("own")
    sound, _ = soundfile.read(SOUND, start=13 * SAMPLE_RATE, frames=8 * SAMPLE_RATE, dtype="int16")
    soundfile.write(folder / "own.wav", sound, SAMPLE_RATE)
    lesson = cv2.VideoCapture(str(VIDEO))
    own = cv2.VideoWriter(str(folder / "own.mp4"), cv2.VideoWriter.fourcc(*"mp4v"), 10, (1280, 720))
    for _ in range(80):
        own.write(lesson.read()[1])
    own.release()
    return ["--speed", "2", "--camera", str(folder / "own.mp4"), "--microphone", str(folder / "own.wav")]


def test_recordings_of_ones_own_are_played(own_recordings: list[str]) -> None:
    code, lines, errors = finished("--plain", *own_recordings)
    assert code == 0, errors
    scores = [line for line in lines if SCORE.match(line)]
    assert any("face" in line for line in scores)
    assert any("speech" in line for line in scores)
    assert "the lesson's summary" in "\n".join(lines)


@pytest.mark.skipif(shutil.which("script") is None, reason="script is not installed: apt install bsdutils")
def test_a_terminal_shows_the_newest_state_and_the_summary(own_recordings: list[str]) -> None:
    command = ["script", "-qec", shlex.join([*DEMO, *own_recordings]), os.devnull]
    terminal = {**ENVIRONMENT, "TERM": "xterm", "COLUMNS": "80", "LINES": "40"}
    done = subprocess.run(command, env=terminal, capture_output=True, timeout=PATIENCE_S, check=False)
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", done.stdout.decode())
    assert done.returncode == 0, shown
    assert "\x1b[" in done.stdout.decode()
    for part in ("affectfusion/demo/classroom: online, capturing", "satisfaction", "faces: ", "the lesson's summary"):
        assert part in shown
