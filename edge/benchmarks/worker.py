"""One model in a process of its own, so that its memory is its own: run by ``edge.benchmarks.models``.

``python -m edge.benchmarks.worker FILE RUNTIME THREADS`` loads the model and says what it found; then answers every
line ``RUNS SECONDS`` on stdin with the milliseconds of up to that many invocations, begun within that time, and its
peak memory. Each answer is one line of JSON.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any, cast

import numpy as np

from edge.errors import UserError
from edge.health.monitor import resident_mib
from edge.inference import graph
from edge.inference.interpreter import Interpreter, Runtime


def main(arguments: list[str]) -> int:
    """Answers until stdin ends."""
    file, runtime, threads = arguments
    try:
        interpreter = Interpreter(Path(file), cast(Runtime, runtime), int(threads))
    except UserError as error:
        _say({"error": str(error)})
        return error.exit_code
    interpreter(np.random.default_rng(0).normal(size=interpreter.input.shape).astype(np.float32))
    _say({"delegated": len(graph.delegated(interpreter))})
    for line in sys.stdin:
        runs, seconds = line.split()
        times_ms, cpu_ms = _times_ms(interpreter, int(runs), float(seconds))
        _say({"times_ms": times_ms, "cpu_ms": cpu_ms, "peak_mib": resident_mib("VmHWM")})
    return 0


def _times_ms(interpreter: Interpreter, runs: int, seconds: float) -> tuple[list[float], list[float]]:
    """How long each invocation took, and how much of all processors."""
    times: list[float] = []
    cpu: list[float] = []
    end = time.perf_counter() + seconds
    while len(times) < runs and (not times or time.perf_counter() < end):
        spent, began = time.process_time(), time.perf_counter()
        interpreter.invoke()
        times.append((time.perf_counter() - began) * 1e3)
        cpu.append((time.process_time() - spent) * 1e3)
    return times, cpu


def _say(answer: dict[str, Any]) -> None:
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
