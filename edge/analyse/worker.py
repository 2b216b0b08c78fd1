"""One lesson in a process of its own, so that a decoder that crashes takes no other down: run by ``edge.analyse.crew``.

``python -m edge.analyse.worker`` reads a Task as JSON from stdin and answers with lines of JSON: how long the recording
is, how far it has come, and at last its session's file or what was wrong.
"""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from edge.analyse.lesson import Task, analyse
from edge.capture import SourceLostError
from edge.errors import DeviceError, UserError


class Began(msgspec.Struct, tag="began", frozen=True):
    """The recording can be read; it declares so many ``seconds``, 0.0 where it does not say."""

    seconds: float


class Reached(msgspec.Struct, tag="reached", frozen=True):
    """So many ``seconds`` of it have been worked on."""

    seconds: float


class Done(msgspec.Struct, tag="done", frozen=True):
    """Its session is in ``file``."""

    file: Path


class Failed(msgspec.Struct, tag="failed", frozen=True):
    """There is no session; ``words`` say why."""

    words: str


Answer = Began | Reached | Done | Failed


def encode(value: msgspec.Struct) -> bytes:
    """A task or an answer, in one line."""
    return msgspec.json.encode(value, enc_hook=str) + b"\n"


def task(line: bytes) -> Task:
    """What ``encode`` made of a task."""
    return msgspec.json.decode(line, type=Task, dec_hook=lambda kind, value: kind(value))


def answer(line: bytes) -> Answer:
    """What ``encode`` made of an answer. Raises msgspec.DecodeError for anything else."""
    return msgspec.json.decode(line, type=Answer, dec_hook=lambda kind, value: kind(value))


def main() -> int:
    """Works on one task; returns the exit code."""
    try:
        file = analyse(
            task(sys.stdin.buffer.read()),
            began=lambda seconds: _say(Began(seconds)),
            reached=lambda seconds: _say(Reached(seconds)),
        )
    except (UserError, DeviceError, SourceLostError) as error:
        _say(Failed(str(error)))
        return 1
    except KeyboardInterrupt:
        return 130
    _say(Done(file))
    return 0


def _say(said: Answer) -> None:
    sys.stdout.buffer.write(encode(said))
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    sys.exit(main())
