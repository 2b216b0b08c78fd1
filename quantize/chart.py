"""The benchmark as a picture: one bar per model, kind and runtime, on a logarithmic axis of milliseconds."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge.benchmarks.models import RUNTIMES
from edge.errors import UserError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SUFFIXES = (".svg", ".png")
COLOURS = {"float32": "#4c566a", "float16": "#81a1c1", "dynamic": "#d08770", "int8": "#2e8b57"}


def check(path: Path) -> None:
    """Raises UserError where ``path`` does not say which kind of picture."""
    if path.suffix not in SUFFIXES:
        raise UserError(f"--chart {path}: must end in {' or '.join(SUFFIXES)}")


def draw(figures: Mapping[str, Any], suffix: str) -> bytes:
    """The picture of what ``edge.benchmarks.models.measure`` returned, as an SVG or PNG file (``suffix``)."""
    from matplotlib.figure import Figure

    bars = _bars(figures)
    picture = Figure(figsize=(9, 1.2 + 0.24 * len(bars)), layout="constrained")
    axes = picture.add_subplot()
    for row, (_, kind, median, p99) in enumerate(bars):
        axes.barh(row, median, color=COLOURS[kind], height=0.8)
        axes.plot([median, p99], [row, row], color="black", linewidth=0.8)
        axes.annotate(f" {median:.3g} ms", (max(median, p99), row), va="center", fontsize=7)
    axes.set_yticks(range(len(bars)), [label for label, *_ in bars], fontsize=7)
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.margins(x=0.15)
    axes.set_xlabel("median latency, ms (line: to the 99th percentile)")
    axes.set_title(f"{figures['machine']['processor']}, {figures['machine']['system']}", fontsize=8)
    return saved(picture, suffix)


def saved(picture: Figure, suffix: str) -> bytes:
    """``picture`` as an SVG or PNG file (``suffix``)."""
    file = io.BytesIO()
    picture.savefig(file, format=suffix[1:], dpi=150)
    return file.getvalue()


def _bars(figures: Mapping[str, Any]) -> list[tuple[str, str, float, float]]:
    """Label, kind, median and 99th percentile of every measurement."""
    return [
        (
            f"{name}, {kind}, {runtime}, {threads} thread{'s' if threads != '1' else ''}",
            kind,
            t["median_ms"],
            t["p99_ms"],
        )
        for name, kinds in figures["models"].items()
        for kind, cell in kinds.items()
        for runtime in RUNTIMES
        for threads, t in cell.get(runtime, {}).get("threads", {}).items()
    ]
