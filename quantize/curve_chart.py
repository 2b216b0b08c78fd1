"""The learning curve as a picture: figures with intervals over how much was learned from, ceilings dashed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from quantize.chart import saved
from quantize.curve import NAMES

COLOURS = {"auc": "#2e8b57", "auc_within": "#81a1c1", "balanced_accuracy": "#d08770", "emotion_accuracy": "#4c566a"}


def draw(report: Mapping[str, Any], suffix: str) -> bytes:
    """The picture of what ``quantize.curve.curve`` returned, as an SVG or PNG file (``suffix``)."""
    from matplotlib.figure import Figure

    points = report["points"]
    counts = [point["count"] for point in points]
    picture = Figure(figsize=(7, 4.5), layout="constrained")
    axes = picture.add_subplot()
    for name in (name for name in NAMES if name in points[0]):
        axes.plot(counts, [p[name]["value"] for p in points], marker="o", color=COLOURS[name], label=NAMES[name])
        axes.vlines(
            counts, [p[name]["low"] for p in points], [p[name]["high"] for p in points], color=COLOURS[name], alpha=0.4
        )
        for ceiling in (c for c in report["ceilings"] if name in c["figures"]):
            axes.axhline(ceiling["figures"][name], color=COLOURS[name], linestyle="--", linewidth=0.8)
            axes.annotate(
                ceiling["who"], (0.02, ceiling["figures"][name]), xycoords=("axes fraction", "data"), fontsize=6
            )
    axes.set_xlabel(f"{points[0]['unit']} learned from")
    axes.set_title(f"{report['branch']}, {report['recipe']['name']}; bars: 95 % bootstrap intervals", fontsize=9)
    axes.legend(fontsize=7)
    return saved(picture, suffix)
