"""``affect-quantize benchmark``: what to measure, beside what, and how it is shown; ``edge.benchmarks`` measures."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from edge.benchmarks import models
from edge.benchmarks.models import Subject
from edge.errors import UserError
from quantize import chart as charts
from quantize.anchors import ANCHORS
from quantize.anchors import files as anchor_files
from quantize.branches import BRANCHES
from quantize.conversion.capped import Caps
from quantize.evaluate import FLOAT32
from quantize.files import write_bytes, write_json
from quantize.runs import VARIANTS


@dataclass(frozen=True)
class Effort:
    """How thoroughly to measure: every number of ``threads``, so many ``runs``, at most so many ``seconds`` each."""

    threads: Sequence[int]
    runs: int
    seconds: float


def subjects(files: Sequence[Path], directory: Path, runs: Path, anchors: Path | None, caps: Caps) -> list[Subject]:
    """``files``, or without any the shipped branches in ``directory``; the anchors, built in ``anchors`` if given.

    The branches' float16 and dynamic kinds are those that converting left in ``runs``, where they are of the shipped
    networks. Raises UserError where a shipped branch is missing or an anchor cannot be built.
    """
    found = [Subject(file.stem, file) for file in files]
    if not files:
        for branch in BRANCHES:
            found += _shipped(branch, directory, runs / branch / VARIANTS)
    if anchors is not None:
        for name in ANCHORS:
            found += [Subject(name, file) for file in anchor_files(name, anchors, caps).values()]
    return found


def _shipped(branch: str, directory: Path, variants: Path) -> list[Subject]:
    file = f"{branch}.tflite"
    paths = [directory / FLOAT32 / file, directory / file]
    for path in paths:
        if not path.is_file():
            raise UserError(f"{path}: no such model; run `affect-quantize convert {branch}` or give --models")
    original = variants / "float32.tflite"
    if original.is_file() and original.read_bytes() == paths[0].read_bytes():
        paths[1:1] = [variants / "float16.tflite", variants / "dynamic.tflite"]
    else:
        print(f"{branch}: no float16 and dynamic kinds of the shipped network in {variants}", file=sys.stderr)
    return [Subject(branch, path) for path in paths]


def benchmark(
    subjects: Sequence[Subject],
    effort: Effort,
    *,
    json_file: Path | None = None,
    chart: Path | None = None,
    compare: Path | None = None,
) -> int:
    """Measures ``subjects`` in turns, prints what was found, and writes and compares as asked.

    ``chart`` ends in .svg or .png. Raises UserError, before anything is measured, for an unreadable ``compare``.
    """
    old = _read(compare) if compare else None
    figures = models.measure(subjects, effort.threads, effort.runs, effort.seconds)
    figures["anchors"] = anchor_ratios(figures["models"])
    if json_file is not None:
        write_json(json_file, figures)
    if chart is not None:
        write_bytes(chart, charts.draw(figures, chart.suffix))
    console = models.console()
    console.print(models.table(figures))
    _print_ratios(console, figures)
    if old is not None:
        console.print(_compared(compare_figures(old, figures), str(compare)))
    return 0


def anchor_ratios(measured: Mapping[str, Any]) -> dict[str, Any]:
    """How much more each anchor takes than the branch that it stands beside.

    ``{"anchor / branch": {"macs": ratio, kind: {runtime: ratio of median processor times}}}``: on a machine that does
    something else too, an anchor's long invocations are interrupted and a branch's short ones are not.
    """
    found: dict[str, Any] = {}
    for name, anchor in ANCHORS.items():
        theirs, ours = measured.get(name, {}), measured.get(anchor.branch, {})
        shared = [kind for kind in theirs if kind in ours]
        if shared:
            found[f"{name} / {anchor.branch}"] = {
                "macs": theirs[shared[0]]["macs"] / ours[shared[0]]["macs"],
                **{
                    kind: {
                        runtime: models.median(theirs[kind], runtime, "cpu_ms")
                        / models.median(ours[kind], runtime, "cpu_ms")
                        for runtime in models.runtimes_of(theirs[kind], ours[kind])
                    }
                    for kind in shared
                },
            }
    return found


Compared = tuple[str, str, str, str, dict[str, float]]
"""Model, kind, runtime, threads; and new over old for each figure."""


def compare_figures(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Compared]:
    """New over old for every measurement in both."""
    rows = []
    for name, kinds in new["models"].items():
        for kind, cell in kinds.items():
            before = old["models"].get(name, {}).get(kind)
            if before is None:
                continue
            for runtime in models.runtimes_of(cell, before):
                taken, was = cell[runtime]["threads"], before[runtime]["threads"]
                for threads in (threads for threads in taken if threads in was):
                    ratios = {key: taken[threads][key] / was[threads][key] for key in ("median_ms", "p90_ms", "p99_ms")}
                    rows.append((name, kind, runtime, threads, {**ratios, "bytes": cell["bytes"] / before["bytes"]}))
    return rows


def _read(path: Path) -> dict[str, Any]:
    try:
        figures = json.loads(path.read_text())
        cells = [cell for kinds in figures["models"].values() for cell in kinds.values()]
        if all("bytes" in cell for cell in cells):
            return dict(figures)
    except OSError as error:
        raise UserError(f"--compare {path}: cannot be read ({error.strerror})") from error
    except (ValueError, KeyError, TypeError, AttributeError):
        pass
    raise UserError(f"--compare {path}: is not what --json of this command writes")


def _print_ratios(console: Console, figures: Mapping[str, Any]) -> None:
    for name, kinds in figures["ratios"].items():
        for kind, found in kinds.items():
            size, *times = (f"{ratio:.2f} x in {what}" for what, ratio in found.items())
            console.print(f"{name}: {kind} over float32: {size}, latency {', '.join(times)}")
    for pair, found in figures["anchors"].items():
        latencies = "; ".join(
            f"{kind} {', '.join(f'{ratio:.0f} x in {runtime}' for runtime, ratio in of_kind.items())}"
            for kind, of_kind in found.items()
            if kind != "macs"
        )
        console.print(f"{pair}: {found['macs']:.0f} x the multiplications, processor time {latencies}")


def _compared(rows: Sequence[Compared], old: str) -> Table:
    grid = Table(title=f"over {old}", box=SIMPLE, caption="below 1: less than then. Only the same machine compares.")
    for heading in ("model", "kind", "runtime", "threads", "median", "p90", "p99", "size"):
        grid.add_column(heading, justify="left" if heading in ("model", "kind", "runtime") else "right", no_wrap=True)
    for *where, ratios in rows:
        grid.add_row(*where, *(f"{ratio:.2f}" for ratio in ratios.values()))
    return grid
