"""The plots and pictures of an explanation, in the colours of the page around them."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import matplotlib
import numpy as np
from matplotlib.figure import Figure

from edge.signals import Float32Array
from quantize.evaluation.report.plots import COLOURS, INK, SOFT, STYLE, svg
from quantize.explanation import deletion

FIRST, SECOND, THIRD = COLOURS.values()
LOOKS = dict(zip(deletion.CONTROLS, ((SECOND, "s"), (FIRST, "o"), (THIRD, "D"), (SOFT, "^")), strict=True))
PIXELS = 192
"""The side of a picture in the page."""

SPREAD = 2.5
"""So many standard deviations a feature is drawn away from its mean."""


def costs(accuracy: float, parts: Sequence[Mapping[str, Any]]) -> str:
    """The accuracy over the share that is hidden, a line for each of the deletion test's controls."""
    shares = [0.0, *(100 * part["share"] for part in parts)]
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(6.4, 3.8), layout="constrained")
        axes = figure.add_subplot()
        for name, (colour, marker) in LOOKS.items():
            axes.plot(shares, [accuracy, *(part[name]["accuracy"] for part in parts)], marker, linestyle="-",
                      color=colour, label=name)  # fmt: skip
        axes.set(xlabel="hidden, % of the picture", ylabel="accuracy", ylim=(0, 1), xticks=shares)
        figure.legend(loc="outside upper left", ncols=len(LOOKS))
        return svg(figure, "accuracy over the share that is hidden")


def bars(rows: Mapping[str, Mapping[str, float | None]], described: str, axis: str) -> str:
    """One bar for each row, a share, with its interval; ``axis`` says of what."""
    value, low, high = (np.array([row[part] for row in rows.values()], np.float64) for part in ("value", "low", "high"))
    places = np.arange(len(rows))
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(6.4, 0.8 + 0.34 * len(rows)), layout="constrained")
        axes = figure.add_subplot()
        axes.barh(places, 100 * value, color=FIRST, alpha=0.7, height=0.6)
        axes.hlines(places, 100 * low, 100 * high, color=INK, linewidth=1.4)
        axes.set_yticks(places, list(rows), color=INK)
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.set_xlabel(axis)
        axes.grid(axis="y", visible=False)
        return svg(figure, described)


def moves(mean: Float32Array, drawn: Mapping[str, Float32Array]) -> str:
    """The average face, (468, 3), as dots, and where each move, (468, 3), takes it, side by side by title."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(1.0 + 2.4 * len(drawn), 3.4), layout="constrained")
        for place, (title, move) in enumerate(drawn.items()):
            axes = figure.add_subplot(1, len(drawn), place + 1)
            away = mean + SPREAD * move
            axes.plot(mean[:, 0], -mean[:, 1], ".", color=SOFT, markersize=1.6)
            axes.plot(away[:, 0], -away[:, 1], ".", color=SECOND, markersize=1.6)
            axes.set(title=title, aspect="equal", xticks=[], yticks=[])
            axes.grid(visible=False)
            axes.spines[:].set_visible(False)
        return svg(figure, f"the average face, moved by features: {', '.join(drawn)}")


def picture(grey: Float32Array, heat: Float32Array | None = None) -> str:
    """``grey``, float32 (side, side) of any range, as a PNG in a data URI; the hotter ``heat``, >= 0, the more of it.

    Each picture is spread to all of black and white, and each heat to its own maximum.
    """
    low, high = float(grey.min()), float(grey.max())
    levels = ((grey - low) / max(high - low, 1e-6) * 255).astype(np.uint8)
    image = cv2.cvtColor(_larger(levels), cv2.COLOR_GRAY2BGR)
    if heat is not None:
        share = np.clip(_larger((heat / max(float(heat.max()), 1e-6)).astype(np.float32)), 0, 1)
        colours = cv2.applyColorMap((255 * share).astype(np.uint8), cv2.COLORMAP_INFERNO)
        opaque = 0.65 * share[..., None]
        image = ((1 - opaque) * image + opaque * colours).astype(np.uint8)
    return "data:image/png;base64," + base64.b64encode(cv2.imencode(".png", image)[1].tobytes()).decode()


def _larger(image: Any) -> Any:
    return cv2.resize(image, (PIXELS, PIXELS), interpolation=cv2.INTER_CUBIC)
