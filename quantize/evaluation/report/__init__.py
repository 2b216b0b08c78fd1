"""A report as one HTML page: no request to anywhere, readable in light and in dark, a table beside every plot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2

from quantize.evaluate import COMPARED
from quantize.evaluation.figures import HEADLINES
from quantize.evaluation.report import plots
from quantize.evaluation.tables import FLATTERED, KINDS, ROWS, floor, interval, number

TEMPLATE = Path(__file__).with_name("page.html")
STYLE = Path(__file__).with_name("style.css")


@dataclass(frozen=True)
class Section:
    """A heading, what it means, and the same figures as a plot (SVG) and as a table; ``head`` names its columns."""

    title: str
    text: str
    plot: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Confusion:
    """A confusion matrix of one model: per true class its name, and each count with its share of the row in percent."""

    title: str
    kind: str
    names: Sequence[str]
    rows: Sequence[tuple[str, Sequence[tuple[int, float]]]]


def page(report: Mapping[str, Any]) -> str:
    """The page of a report that ``evaluate`` made."""
    kinds = [kind for kind in KINDS if kind in report]
    sections = [_main(report, kinds), *_labels(report, kinds), _calibration(report), _drift(report)]
    if report["conditions"]:
        sections.append(_conditions(report))
    sections += [_cohort(label, parts) for label, parts in report["groups"].items()]
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        style=STYLE.read_text(encoding="utf-8"),
        report=report,
        kinds=[KINDS[kind] for kind in kinds],
        warning=FLATTERED if report["seen"] else "",
        tiles=_tiles(report),
        sections=sections,
        confusions=_confusions(report),
        classes=_classes(report),
    )


def _tiles(report: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """The few figures to take home: name, value, and what to hold it against."""
    int8, drop, majority = report["int8"], report["drop"]["balanced_accuracy"], number(report["majority_accuracy"])
    megabytes = [report[kind]["bytes"] / 1e6 for kind in ("int8", "float32")]
    return [
        ("balanced accuracy, int8", interval(int8["balanced_accuracy"]), "guessing scores 0.500"),
        ("AUC, int8", interval(int8["auc"]), "guessing scores 0.500"),
        (
            "accuracy, int8",
            interval(int8["accuracy"]),
            f"the commoner answer scores {majority}",
        ),
        ("lost from float32", interval(drop), "of balanced accuracy, in pairs"),
        ("int8 decides as float32", f"{report['agreement']:.1%}", f"of {report['n']} examples"),
        ("size", f"{megabytes[0]:.2f}\N{NO-BREAK SPACE}MB", f"float32 has {megabytes[1]:.2f} MB"),
    ]


def _main(report: Mapping[str, Any], kinds: Sequence[str]) -> Section:
    figures = {name: {kind: report[kind][figure] for kind in kinds} for figure, name in ROWS.items()}
    rows = [[name, *(interval(of_kind[kind]) for kind in kinds)] for name, of_kind in figures.items()]
    rows.append(["calibration error", *(number(report[kind]["calibration_error"]) for kind in kinds)])
    if "emotions" in report["int8"]:
        for figure, name in (("accuracy", "emotions, accuracy"), ("recall", "emotions, mean recall")):
            rows.append([name, *(interval(report[kind]["emotions"][figure]) for kind in kinds)])
    return Section(
        "Before and after quantization",
        "Lines are 95 % intervals. They are of the same draws for every model: the loss above has an interval of its "
        "own, far narrower than these.",
        plots.intervals(figures),
        ["figure", *(KINDS[kind] for kind in kinds)],
        rows,
    )


def _labels(report: Mapping[str, Any], kinds: Sequence[str]) -> list[Section]:
    """A section where there are several decisions."""
    if "auc_per_label" not in report["int8"]:
        return []
    labels = {name: {kind: report[kind]["auc_per_label"][name] for kind in kinds} for name in report["drift"]}
    rows = [[name, *(interval(of_kind[kind]) for kind in kinds)] for name, of_kind in labels.items()]
    head = ["AUC", *(KINDS[kind] for kind in kinds)]
    text = " ".join(["The AUC of each; guessing scores 0.5.", *floor(report)])
    if "linear_auc_per_label" in report:
        head.append("linear model")
        rows = [[*row, interval(report["linear_auc_per_label"][row[0]])] for row in rows]
    return [Section("Label by label", text, plots.intervals(labels, 0.5), head, rows)]


def _calibration(report: Mapping[str, Any]) -> Section:
    curves = {kind: report[kind]["reliability"] for kind in COMPARED}
    rows = [
        [f"{decision}, {kind}", number(part["said"]), number(part["true"]), str(part["n"])]
        for decision in report["drift"]
        for kind in COMPARED
        for part in curves[kind][decision]
    ]
    return Section(
        "Does it mean what it says?",
        "Of all examples given some probability, as large a share should be true: points on the diagonal. Larger "
        "points hold more examples.",
        plots.reliability(curves),
        ["decision", "said", "true", "n"],
        rows,
    )


def _drift(report: Mapping[str, Any]) -> Section:
    names = {"mean": "mean", "mean_absolute": "mean size", "percentile_95": "95 % below", "largest": "largest"}
    rows = [[decision, *(f"{moved[name]:.4f}" for name in names)] for decision, moved in report["drift"].items()]
    return Section(
        "How far probabilities move",
        "The probability that int8 gives minus that of float32, example by example.",
        plots.drift({decision: moved["histogram"] for decision, moved in report["drift"].items()}),
        ["decision", *names.values()],
        rows,
    )


def _conditions(report: Mapping[str, Any]) -> Section:
    plotted, rows = {}, []
    plain = {**report, "title": "as it is"}
    for under in (plain, *report["conditions"].values()):
        plotted[under["title"]] = {kind: under[kind]["balanced_accuracy"] for kind in COMPARED}
        figures = [interval(under[kind]["balanced_accuracy"]) for kind in COMPARED]
        costs = ["", ""]
        if under is not plain:
            costs = [interval(under["int8"]["cost"]["balanced_accuracy"]), f"{under['int8']['changed']:.1%}"]
        rows.append([under["title"], *figures, interval(under["int8"]["auc"]), *costs])
    return Section(
        "Under worse conditions",
        "The same examples, spoilt before they reach the branch; balanced accuracy in the plot. The cost, and how many "
        "decisions change, are those of int8 against int8 on the examples as they are.",
        plots.intervals(plotted, 0.5),
        ["condition", *(f"balanced accuracy, {kind}" for kind in COMPARED), "AUC, int8", "cost", "changed"],
        rows,
    )


def _cohort(label: str, parts: Mapping[str, Any]) -> Section:
    rows = [
        [f"{value}, {kind}", str(part["n"]), str(part["clusters"]), *(interval(part[kind][f]) for f in HEADLINES)]
        for value, part in parts.items()
        for kind in COMPARED
    ]
    return Section(
        f"By {label}",
        "Balanced accuracy in the plot. Few people in a part make wide and rough intervals.",
        plots.intervals(
            {value: {kind: part[kind]["balanced_accuracy"] for kind in COMPARED} for value, part in parts.items()},
            0.5,
        ),
        [label, "n", "groups", *(ROWS[figure] for figure in HEADLINES)],
        rows,
    )


def _confusions(report: Mapping[str, Any]) -> list[Confusion]:
    found = []
    for kind in COMPARED:
        matrices = {name: ((f"not {name}", name), counts) for name, counts in report[kind]["confusion"].items()}
        if "emotions" in report[kind]:
            emotions = report[kind]["emotions"]
            matrices["emotions"] = (tuple(emotions["per_class"]), emotions["confusion"])
        for title, (names, counts) in matrices.items():
            cells = [[(count, 100 * count / max(sum(row), 1)) for count in row] for row in counts]
            found.append(Confusion(title, kind, names, list(zip(names, cells, strict=True))))
    order = list(report["drift"])  # the decisions, then the emotions; float32 beside int8
    return sorted(found, key=lambda matrix: order.index(matrix.title) if matrix.title in order else len(order))


def _classes(report: Mapping[str, Any]) -> list[list[str]]:
    """Rows of precision and recall, float32 beside int8, of every class."""
    models = [report[kind]["per_class"] | report[kind].get("emotions", {}).get("per_class", {}) for kind in COMPARED]
    return [
        [name, str(of_int8["n"])]
        + [number(model[name][figure]) for figure in ("precision", "recall") for model in models]
        for name, of_int8 in models[1].items()
    ]
