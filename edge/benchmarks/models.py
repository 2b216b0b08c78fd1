"""What model files cost: latency, memory, size and delegation, in every runtime that is installed.

Each measurement has a process of its own. All that are to be compared take turns in short blocks, so that whatever else
the machine does weighs on all alike: ratios within one run mean something, times from two runs do not. On a machine
that is busy all the time, only ``cpu_ms`` compares long invocations with short ones: those are interrupted, these not.
"""

from __future__ import annotations

import importlib.util
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from rich.box import SIMPLE
from rich.console import Console
from rich.progress import track
from rich.table import Table

from edge.benchmarks import reports
from edge.errors import UserError
from edge.inference import graph
from edge.inference.interpreter import Interpreter, Runtime

RUNTIMES: dict[Runtime, tuple[str, str]] = {
    "litert": ("ai_edge_litert", "ai-edge-litert"),
    "tflite-runtime": ("tflite_runtime", "tflite-runtime"),
}
"""Import name and distribution of each."""

ROUNDS = 20
"""Turns in which a measurement's runs are taken."""

WARM_UP_S = 0.2


@dataclass(frozen=True)
class Subject:
    """A file to measure; files of one ``name`` are quantizations of one network."""

    name: str
    file: Path


def benchmark(files: Sequence[Path], threads: Sequence[int], runs: int, seconds: float, json_file: Path | None) -> int:
    """Measures ``files``, prints a table and writes ``json_file`` if given."""
    if json_file is not None:
        reports.check_writable(json_file)
    figures = measure([Subject(file.stem, file) for file in files], threads, runs, seconds)
    console().print(table(figures))
    if json_file is not None:
        reports.write(json_file, figures)
    return 0


def shipped(directory: Path) -> list[Path]:
    """The models in ``directory`` and, where they lie beside them, their float32 originals. Raises UserError: none."""
    found = sorted(directory.glob("*.tflite")) + sorted((directory / "float32").glob("*.tflite"))
    if not found:
        raise UserError(f"{directory}: holds no .tflite file")
    return found


def measure(subjects: Sequence[Subject], threads: Sequence[int], runs: int, seconds: float) -> dict[str, Any]:
    """Every subject in every installed runtime with every number of ``threads``.

    A measurement takes ``runs`` invocations after its warm-up, or what fits into ``seconds`` (one a turn at least).
    Returns ``{"machine": {...}, "models": {name: {kind: {"file", "bytes", "macs", "nodes", runtime: {"delegated",
    "threads": {n: {"median_ms", "p90_ms", "p99_ms", "cpu_ms", "runs", "peak_mib"}}}}}}, "ratios": ...}``; a runtime
    that cannot run a file has ``{"error": reason}`` instead. Raises UserError for a file that litert cannot load.
    """
    runtimes = [runtime for runtime, (module, _) in RUNTIMES.items() if importlib.util.find_spec(module)]
    models: dict[str, dict[str, Any]] = {}
    cells: list[tuple[Subject, dict[str, Any]]] = []
    for subject in subjects:
        described = graph.read(Interpreter(subject.file))
        kinds = models.setdefault(subject.name, {})
        if described.kind in kinds:
            other = kinds[described.kind]["file"]
            raise UserError(f"{subject.file}: {other} is the {described.kind} model {subject.name} already; rename one")
        kinds[described.kind] = {
            "file": str(subject.file),
            "bytes": subject.file.stat().st_size,
            "macs": described.macs,
            "nodes": len(described.nodes),
            **{runtime: {"threads": {}} for runtime in runtimes},
        }
        cells.append((subject, kinds[described.kind]))
    for count in dict.fromkeys(threads):
        _fill(cells, runtimes, count, runs, seconds)
    return {"machine": _machine(runtimes), "models": models, "ratios": ratios(models)}


def _fill(
    cells: Sequence[tuple[Subject, dict[str, Any]]],
    runtimes: Iterable[Runtime],
    threads: int,
    runs: int,
    seconds: float,
) -> None:
    """Measures all ``cells`` with so many ``threads``, in turns, and enters what was found."""
    with ExitStack() as stack:
        measurements: list[tuple[_Worker, dict[str, Any]]] = []
        for subject, cell in cells:
            for runtime in runtimes:
                try:
                    worker = stack.enter_context(_Worker(subject.file, runtime, threads))
                except _CannotRunError as error:
                    cell[runtime] = {"error": str(error)}
                    continue
                cell[runtime]["delegated"] = worker.delegated
                measurements.append((worker, cell[runtime]["threads"]))
        progress = Console(stderr=True)
        for worker, _ in track(measurements, f"warming up, {threads} threads", console=progress, transient=True):
            worker.run(runs, WARM_UP_S)
        for _ in track(range(ROUNDS), f"measuring, {threads} threads", console=progress, transient=True):
            for worker, _ in measurements:
                worker.take_turn(-(-runs // ROUNDS), seconds / ROUNDS)
        for worker, figures in measurements:
            figures[str(threads)] = worker.figures()


class _CannotRunError(Exception):
    """A runtime refused a file, or died of it."""


class _Worker:
    """One file in one runtime, in a process of its own."""

    def __init__(self, file: Path, runtime: Runtime, threads: int) -> None:
        command = [sys.executable, "-m", "edge.benchmarks.worker", str(file), runtime, str(threads)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self._file = file
        self._times_ms: list[float] = []
        self._cpu_ms: list[float] = []
        self._peak_mib = 0.0
        try:
            self.delegated: int = self._answer()["delegated"]
        except BaseException:
            self.__exit__()
            raise

    def __enter__(self) -> _Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def take_turn(self, runs: int, seconds: float) -> None:
        """Takes one block of measured invocations."""
        answer = self.run(runs, seconds)
        self._times_ms += answer["times_ms"]
        self._cpu_ms += answer["cpu_ms"]

    def figures(self) -> dict[str, Any]:
        """What the turns showed."""
        median, p90, p99 = np.percentile(self._times_ms, [50, 90, 99]).tolist()
        return {
            "median_ms": median,
            "p90_ms": p90,
            "p99_ms": p99,
            "cpu_ms": float(np.median(self._cpu_ms)),
            "runs": len(self._times_ms),
            "peak_mib": self._peak_mib,
        }

    def run(self, runs: int, seconds: float) -> dict[str, Any]:
        """What up to ``runs`` invocations took, begun within ``seconds``; at least one."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # the missing answer says it
            print(runs, seconds, file=self._process.stdin, flush=True)
        try:
            answer = self._answer()
        except _CannotRunError as error:
            raise UserError(f"{self._file}: the process that measured it {error}") from error
        self._peak_mib = answer["peak_mib"]
        return answer

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        answer: dict[str, Any] = json.loads(line) if line else {"error": f"died with status {self._process.wait()}"}
        if "error" in answer:
            raise _CannotRunError(answer["error"])
        return answer


def ratios(models: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Each quantization over its float32: ``{name: {kind: {"bytes": ratio, runtime: ratio of the medians}}}``."""
    found: dict[str, Any] = {}
    for name, kinds in models.items():
        if "float32" not in kinds:
            continue
        base = kinds["float32"]
        found[name] = {
            kind: {
                "bytes": cell["bytes"] / base["bytes"],
                **{runtime: median(cell, runtime) / median(base, runtime) for runtime in runtimes_of(cell, base)},
            }
            for kind, cell in kinds.items()
            if kind != "float32"
        }
    return {name: kinds for name, kinds in found.items() if kinds}


def runtimes_of(*cells: Mapping[str, Any]) -> list[str]:
    """The runtimes in which every one of ``cells`` was measured."""
    return [runtime for runtime in RUNTIMES if all(cell.get(runtime, {}).get("threads") for cell in cells)]


def median(cell: Mapping[str, Any], runtime: str, figure: str = "median_ms") -> float:
    """The median latency in ms, or another ``figure``, with the first number of threads that was asked for."""
    found: float = next(iter(cell[runtime]["threads"].values()))[figure]
    return found


def console() -> Console:
    """Wide enough for ``table`` where the output is no terminal."""
    found = Console()
    return found if found.is_terminal else Console(width=130)


def table(figures: Mapping[str, Any]) -> Table:
    """One row per measurement."""
    grid = Table(title="models", box=SIMPLE, caption="ms per invocation; memory is the whole process's peak")
    for heading in ("model", "kind", "KiB", "M MAC", "runtime", "delegated", "threads"):
        grid.add_column(heading, justify="left" if heading in ("model", "kind", "runtime") else "right", no_wrap=True)
    for heading in ("median", "p90", "p99", "MiB", "runs"):
        grid.add_column(heading, justify="right", no_wrap=True)
    for name, kinds in figures["models"].items():
        for kind, cell in kinds.items():
            what = [name, kind, f"{cell['bytes'] / 1024:.0f}", f"{cell['macs'] / 1e6:.1f}"]
            for runtime in RUNTIMES:
                if "error" in cell.get(runtime, {}):
                    grid.add_row(*what, runtime, "does not run", *[""] * 6)
                    continue
                for threads, taken in cell.get(runtime, {"threads": {}})["threads"].items():
                    times = [f"{taken[key]:.3f}" for key in ("median_ms", "p90_ms", "p99_ms")]
                    delegated = f"{cell[runtime]['delegated']}/{cell['nodes']}"
                    rest = [f"{taken['peak_mib']:.0f}", str(taken["runs"])]
                    grid.add_row(*what, runtime, delegated, threads, *times, *rest)
        grid.add_section()
    return grid


def _machine(runtimes: Iterable[Runtime]) -> dict[str, Any]:
    return {
        "system": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "runtimes": {runtime: version(RUNTIMES[runtime][1]) for runtime in runtimes},
    }


def _processor() -> str:
    """The board's or the processor's name as Linux knows it."""
    board, processors = Path("/proc/device-tree/model"), Path("/proc/cpuinfo")
    if board.exists():
        return board.read_text().strip("\0\n")
    lines = processors.read_text().splitlines() if processors.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
