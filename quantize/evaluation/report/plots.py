"""The plots of a report, as SVG that takes its colours from the page around it."""

from __future__ import annotations

import html
import io
import re
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np

matplotlib.use("svg")

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullFormatter

from quantize.evaluation.tables import KINDS

INK, SOFT, LINE = "#000001", "#000002", "#000003"
COLOURS = {"float32": "#000004", "int8": "#000005", "int8_tflite_runtime": "#000006"}
MARKERS = {"float32": "o", "int8": "s", "int8_tflite_runtime": "D"}
VARIABLES = {INK: "ink", SOFT: "soft", LINE: "line", **{colour: kind for kind, colour in COLOURS.items()}}
"""Stand-ins that become the page's CSS variables, so that one drawing serves light and dark."""

STYLE: dict[str, Any] = {
    "svg.fonttype": "none",
    "text.parse_math": False,
    "font.size": 10,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": LINE,
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": LINE,
    "grid.linewidth": 0.6,
    "xtick.color": LINE,
    "ytick.color": LINE,
    "xtick.labelcolor": SOFT,
    "ytick.labelcolor": SOFT,
    "legend.frameon": False,
    "legend.labelcolor": INK,
}

Interval = Mapping[str, float | None]


def intervals(rows: Mapping[str, Mapping[str, Interval]], reference: float | None = None) -> str:
    """One line of the plot per row, in it a point with its interval for every model; ``reference`` is dashed."""
    kinds = list(next(iter(rows.values())))
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(6.4, 0.9 + 0.42 * len(rows)), layout="constrained")
        axes = figure.add_subplot()
        for place, kind in enumerate(kinds):
            offset = (place - (len(kinds) - 1) / 2) * 0.2
            heights = np.arange(len(rows)) + offset
            value, low, high = (
                np.array([values[kind][part] for values in rows.values()], np.float64)  # None becomes NaN: not drawn
                for part in ("value", "low", "high")
            )
            axes.plot(value, heights, MARKERS[kind], color=COLOURS[kind], markersize=5, label=KINDS[kind])
            axes.hlines(heights, low, high, color=COLOURS[kind], linewidth=1.6)
        if reference is not None:
            axes.axvline(reference, color=SOFT, linewidth=1, linestyle=(0, (4, 3)))
        axes.set_yticks(range(len(rows)), list(rows), color=INK)
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.grid(axis="y", visible=False)
        figure.legend(loc="outside upper left", ncols=len(kinds), handletextpad=0.2, columnspacing=1.2)
        return svg(figure, f"{', '.join(rows)}: points with intervals of {' and '.join(KINDS[kind] for kind in kinds)}")


def reliability(curves: Mapping[str, Mapping[str, Sequence[Mapping[str, float]]]]) -> str:
    """A small plot per decision of the share that was true over the probability that was said, of every model."""
    decisions = list(next(iter(curves.values())))
    with matplotlib.rc_context(STYLE):
        figure, all_axes = _small(decisions, height=3.4)
        for decision, axes in zip(decisions, all_axes, strict=True):
            axes.plot([0, 1], [0, 1], color=SOFT, linewidth=1, linestyle=(0, (4, 3)))
            for kind, of_kind in curves.items():
                curve = of_kind[decision]
                said, true = [part["said"] for part in curve], [part["true"] for part in curve]
                most = max((part["n"] for part in curve), default=1)
                axes.plot(said, true, color=COLOURS[kind], linewidth=1, alpha=0.6)
                sizes = [8 + 60 * part["n"] / most for part in curve]
                look: dict[str, Any] = {"color": COLOURS[kind], "marker": MARKERS[kind], "label": KINDS[kind]}
                axes.scatter(said, true, sizes, alpha=0.8, linewidths=0, **look)
            axes.set(xlim=(0, 1), ylim=(0, 1), title=decision, xlabel="said", ylabel="true", aspect="equal")
        handles, labels = all_axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper left", ncols=len(labels))
        return svg(figure, f"reliability of {', '.join(decisions)}")


def drift(histograms: Mapping[str, Mapping[str, Sequence[float]]]) -> str:
    """A small histogram per decision, its counts on a logarithmic scale."""
    with matplotlib.rc_context(STYLE):
        figure, all_axes = _small(list(histograms), height=2.4)
        for (decision, histogram), axes in zip(histograms.items(), all_axes, strict=True):
            axes.stairs(histogram["counts"], histogram["edges"], fill=True, color=COLOURS["int8"], alpha=0.8)
            axes.set_yscale("log")
            axes.yaxis.set_major_formatter("{x:g}")
            axes.yaxis.set_minor_formatter(NullFormatter())
            axes.set_ylim(bottom=0.5)
            axes.xaxis.set_major_locator(MaxNLocator(4, symmetric=True))
            axes.set(title=decision, xlabel="int8 minus float32", ylabel="examples")
        return svg(figure, f"histogram of the change in probability of {', '.join(histograms)}")


def _small(names: Sequence[str], height: float) -> tuple[Figure, list[Axes]]:
    """A figure of one plot for each of ``names``, two in a row."""
    columns = min(len(names), 2)
    rows = -(-len(names) // columns)
    figure = Figure(figsize=(6.4, height * rows + 0.4), layout="constrained")
    return figure, [figure.add_subplot(rows, columns, place + 1) for place in range(len(names))]


def svg(figure: Figure, described: str) -> str:
    """The figure as an ``svg`` element that fills its place, with names of its own, described to screen readers."""
    buffer = io.StringIO()
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    with matplotlib.rc_context({"svg.hashsalt": described}):
        figure.savefig(buffer, format="svg", transparent=True, metadata=nothing)
    drawing = buffer.getvalue()
    drawing = drawing[drawing.index("<svg") :]
    label = html.escape(described)
    view = re.search(r'viewBox="[^"]*"', drawing)
    drawing = f'<svg role="img" aria-label="{label}" {view.group() if view else ""}>' + drawing.split(">", 1)[1]
    name = f"p{zlib.crc32(described.encode()):x}-"
    for reference in (' id="', "url(#", 'href="#'):
        drawing = drawing.replace(reference, reference + name)
    drawing = drawing.replace("xlink:href", "href")
    for colour, variable in VARIABLES.items():
        drawing = drawing.replace(colour, f"var(--{variable.replace('_', '-')})")
    return drawing
