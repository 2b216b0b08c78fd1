"""Several recordings at once, each in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from edge.analyse.lesson import Task
from edge.analyse.screen import Screen
from edge.analyse.worker import Answer, Began, Done, Failed, Reached, answer, encode

GRACE_S = 5.0
"""How long a worker that is told to end may take."""


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0))


def work(tasks: Sequence[Task], jobs: int, screen: Screen) -> dict[Path, Path]:
    """The session of each recording that has become one, ``jobs`` of them made at once; ``screen`` hears of the rest.

    Interrupted, it ends every process it has started.
    """
    crew = _Crew(screen)
    with ThreadPoolExecutor(jobs) as threads:
        try:
            found = list(threads.map(crew.one, tasks))
        except BaseException:
            threads.shutdown(wait=False, cancel_futures=True)
            crew.dismiss()
            raise
    return {task.recording: file for task, file in zip(tasks, found, strict=True) if file is not None}


class _Crew:
    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._lock = threading.Lock()
        self._working: set[subprocess.Popen[bytes]] = set()
        self._dismissed = False

    def one(self, task: Task) -> Path | None:
        """Has one worker do ``task``; its session's file, or None where it failed."""
        process = self._start()
        if process is None:
            return None
        name, file, failed = task.recording.name, None, False
        with process:
            assert process.stdin is not None
            assert process.stdout is not None
            try:
                process.stdin.write(encode(task))
                process.stdin.close()
            except BrokenPipeError:
                pass  # its exit code says more
            for line in process.stdout:
                match _heard(line):
                    case Began(seconds):
                        self._screen.began(name, seconds)
                    case Reached(seconds):
                        self._screen.reached(name, seconds)
                    case Done(path):
                        file = path
                        self._screen.done(name)
                    case Failed(words):
                        failed = True
                        self._screen.failed(name, words)
        with self._lock:
            self._working.discard(process)
        if file is None and not failed and not self._dismissed:
            self._screen.failed(name, f"{task.recording}: its analysis {_ending(process.returncode)}")
        return file

    def dismiss(self) -> None:
        """Ends every worker, and starts no other."""
        with self._lock:
            self._dismissed = True
            working = list(self._working)
        for process in working:
            process.terminate()
        for process in working:
            try:
                process.wait(GRACE_S)
            except subprocess.TimeoutExpired:
                process.kill()

    def _start(self) -> subprocess.Popen[bytes] | None:
        with self._lock:
            if self._dismissed:
                return None
            process = subprocess.Popen(
                [sys.executable, "-m", "edge.analyse.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                # what the model runtime and the decoders have to say to themselves
                stderr=subprocess.DEVNULL,
            )
            self._working.add(process)
            return process


def _heard(line: bytes) -> Answer | None:
    try:
        return answer(line)
    except msgspec.DecodeError:
        return None  # a library that prints


def _ending(code: int) -> str:
    if code < 0:
        return f"was ended by signal {-code} ({signal.strsignal(-code)})"
    return f"ended with code {code}"
