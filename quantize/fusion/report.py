"""The robustness report for people: in the terminal, as Markdown, and as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from quantize.chart import saved
from quantize.evaluation import neutral

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = {
    "face only": "#b0b6bd",
    "voice only": "#d0d4d8",
    "static average": "#8fa3b5",
    "late rule": "#d08770",
    "late + reliability": "#c9a227",
    "weighted": "#2e8b57",
    "attention": "#2563a8",
}

FIGURES = {
    "accuracy": "accuracy",
    "macro_f1": "macro-F1",
    "brier": "Brier",
    "calibration_error": "ECE",
    "states_auc": "states' AUC",
    "coverage": "coverage",
    "selective_accuracy": "right when speaking",
    "flips_per_minute": "flips a minute",
    "reaction_s": "reaction, s",
}

ARRANGED = """\
Written by `affect-quantize robustness --data ROOT --report FILE.md`. The sessions are put together from data sets of \
one modality each ([how](../models_tflite/attention.md#what-it-was-taught-on)), of people and pictures that no part of \
the box has learned from; every kind is the code that runs on the device.

![Accuracy against what is missing, what is hidden, and how often the box speaks](robustness.png)"""

PAIRED = """\
Written by `affect-quantize robustness --paired DIR --report FILE.md`. The sessions are those of the learners of `{}`, \
filmed with sound, from whom no part of the box has learned; every kind is the code that runs on the device."""


def markdown(report: Mapping[str, Any]) -> str:
    """The whole report as tables."""
    cases = report["cases"]
    names = list(cases["clean"]["kinds"])
    sections = [
        "# Fusion under damage",
        PAIRED.format(report["paired"]) if "paired" in report else ARRANGED,
        f"{report['sessions']} sessions of {report['seconds']} s. Accuracy of valence, second by second; a second "
        "in which nothing is known is half right.",
        _table(
            ["damage", *names],
            [[case["title"], *(_strongest(case["kinds"], name) for name in names)] for case in cases.values()],
        ),
        "The same sessions as recorded:",
        _table(
            ["", *FIGURES.values()],
            [[name, *(_number(cases["clean"]["kinds"][name][figure]) for figure in FIGURES)] for name in names],
        ),
        "Mean over all damaged cases:",
        _table(
            ["", *FIGURES.values()],
            [[name, *(_number(_mean(cases, name, figure)) for figure in FIGURES)] for name in names],
        ),
        *_gains(cases),
        *_targets(report),
        *_unrelated(report),
        *_lasting(report),
        *_first_minute(report),
    ]
    return "\n\n".join(sections) + "\n"


def _targets(report: Mapping[str, Any]) -> list[str]:
    names = _weighing(report)
    rows = [[title, wanted] for title, wanted, *_ in targets(report, names[0])]
    for name in names:
        for row, (*_, found, met) in zip(rows, targets(report, name), strict=True):
            row += [found, "yes" if met else "no"]
    head = ["", "aim", *(column for name in names for column in (name, "met"))]
    return ["What was aimed at:", _table(head, rows)]


def _weighing(report: Mapping[str, Any]) -> list[str]:
    """The kinds that weigh by reliability and remember, as far as they were compared."""
    return [name for name in ("weighted", "attention") if name in report["cases"]["clean"]["kinds"]]


def targets(report: Mapping[str, Any], name: str) -> list[tuple[str, str, str, bool]]:
    """What was aimed at, what was measured of the kind ``name``, and whether that is enough."""
    cases = report["cases"]

    def accuracy(case: str, kind: str = name) -> float:
        return float(cases[case]["kinds"][kind]["accuracy"])

    lost = 100 * (accuracy("clean") - accuracy("all_missing_60"))
    kept = accuracy("occlusion_60") / accuracy("clean")
    alone = accuracy("occlusion_60", "face only") / accuracy("clean", "face only")
    error = _mean(cases, name, "calibration_error")
    damaged = {key: case for key, case in cases.items() if key != "clean"}
    single, average = (
        sum(case["gain"][name][other]["low"] > 0 for case in damaged.values())
        for other in ("best single", "static average")
    )
    reaction = cases["clean"]["kinds"][name]["reaction_s"]
    correlation = {key: found["rank_correlation"] for key, found in report["reliability"].items()}
    return [
        ("all modalities missing 60 % of the time", "<= 3 points lost", f"{lost:.1f} points", lost <= 3.0),
        ("60 % of the face hidden", ">= 95 % of clean kept", f"{kept:.1%} (face only {alone:.1%})", kept >= 0.95),
        (
            "better than the best single modality",
            f"all {len(damaged)} damaged cases",
            f"{single} with their whole interval",
            single == len(damaged),
        ),
        (
            "better than the static average",
            f"all {len(damaged)} damaged cases",
            f"{average} with their whole interval",
            average == len(damaged),
        ),
        ("expected calibration error, damaged", "<= .05", f"{error:.3f}", error <= 0.05),
        *(
            (f"reliability of {key} with being right, rank correlation", ">= .4", f"{value:.2f}", value >= 0.4)
            for key, value in correlation.items()
        ),
        ("a change of valence shows within", "3 s", f"{reaction:.0f} s (median)", reaction <= 3),
    ]


def _gains(cases: Mapping[str, Any]) -> list[str]:
    names = list(cases["clean"]["gain"])
    head = ["damage", *(f"{name} over {other}" for name in names for other in ("best single", "static average"))]
    rows = [
        [
            case["title"],
            *(_points(case["gain"][name][other]) for name in names for other in ("best single", "static average")),
        ]
        for case in cases.values()
    ]
    return ["Points of accuracy gained, in pairs, with 95 % intervals over sessions:", _table(head, rows)]


def _unrelated(report: Mapping[str, Any]) -> list[str]:
    found = report.get("unrelated")
    if not found:
        return []
    text = (
        "That engagement and valence agree is made by hand in these sessions. Accuracy without damage, and with every "
        "session's engagement taken from another: what would be lost was learned from that agreement, not from a face."
    )
    kinds = report["cases"]["clean"]["kinds"]
    rows = [[name, _number(kinds[name]["accuracy"]), _number(accuracy)] for name, accuracy in found.items()]
    return [text, _table(["", "engagement and valence agree", "have nothing to do with one another"], rows)]


def _lasting(report: Mapping[str, Any]) -> list[str]:
    found = report.get("lasting")
    if not found:
        return []
    names = list(next(iter(found.values())))
    rows = [
        [f"{seconds} s", *(f"{of[n]['clean']:.3f} -> {of[n]['missing']:.3f}" for n in names)]
        for seconds, of in found.items()
    ]
    text = (
        "All modalities missing 60 % of the time in bursts of 5 s, by how long valence lasts on average; beside them "
        "what gaps alone cost somebody who is never wrong about a face and holds on to what it last showed:"
    )
    return [text, _table(["valence lasts", *names], rows)]


def _first_minute(report: Mapping[str, Any]) -> list[str]:
    if "first_minute" not in report:
        return []
    return [
        "Engagement read relative to what the room's faces look like in their first minute, before and after, by where "
        "the camera hangs and how many people sit in the room (DAiSEE Validation):",
        neutral.table(report["first_minute"]),
    ]


def text(report: Mapping[str, Any]) -> str:
    """What to take home, in a few lines."""
    cases = report["cases"]
    lines = ["right in this share of the seconds, as recorded and on average over all damaged cases:"]
    for kind in cases["clean"]["kinds"]:
        clean, damaged = cases["clean"]["kinds"][kind]["accuracy"], _mean(cases, kind, "accuracy")
        lines.append(f"  {kind:20} {clean:.3f}  {damaged:.3f}")
    for name in _weighing(report):
        lines.append(f"{name}:")
        for title, wanted, found, met in targets(report, name):
            lines.append(f"  {'met   ' if met else 'missed'} {title}: {found} (aim: {wanted})")
    return "\n".join(lines)


def chart(report: Mapping[str, Any], suffix: str) -> bytes:
    """Accuracy against what is missing and what is hidden, and against coverage, as an SVG or PNG file."""
    from matplotlib.figure import Figure

    picture = Figure(figsize=(12, 3.9), layout="constrained")
    missing, hidden, covered = picture.subplots(1, 3)
    cases = report["cases"]
    shares = (0, 20, 40, 60, 80)
    _lines(
        missing, cases, {p: f"all_missing_{p}" if p else "clean" for p in shares}, "% of the time missing, in bursts"
    )
    _lines(hidden, cases, {p: f"occlusion_{p}" if p else "clean" for p in (0, 20, 40, 60)}, "% of the face hidden")
    for name, curve in report["selective"].items():
        coverage, right = ([part[key] for part in curve] for key in ("coverage", "accuracy"))
        covered.plot(coverage, right, color=COLOURS[name], label=name)
    covered.set_xlabel("share of seconds it speaks in, all cases")
    for axes in (missing, hidden, covered):
        axes.set_ylabel("accuracy")
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    missing.legend(fontsize=7, frameon=False, loc="lower left")
    return saved(picture, suffix)


def _lines(axes: Axes, cases: Mapping[str, Any], points: Mapping[int, str], label: str) -> None:
    for name, colour in COLOURS.items():
        if name not in cases["clean"]["kinds"]:
            continue
        found = [cases[case]["kinds"][name] for case in points.values()]
        axes.plot(list(points), [one["accuracy"] for one in found], color=colour, marker="o", markersize=3, label=name)
        low, high = ([one[key] for one in found] for key in ("low", "high"))
        axes.fill_between(list(points), low, high, color=colour, alpha=0.12, linewidth=0)
    axes.set_xlabel(label)


def _mean(cases: Mapping[str, Any], name: str, figure: str) -> float:
    values = [case["kinds"][name][figure] for key, case in cases.items() if key != "clean"]
    known = [value for value in values if value == value]
    return sum(known) / len(known) if known else float("nan")


def _strongest(kinds: Mapping[str, Any], name: str) -> str:
    """The accuracy of ``name``, bold where nothing is better."""
    best = max(kind["accuracy"] for kind in kinds.values())
    value = f"{kinds[name]['accuracy']:.3f}"
    return f"**{value}**" if value == f"{best:.3f}" else value


def _points(gain: Mapping[str, float]) -> str:
    return f"{100 * gain['value']:+.1f} [{100 * gain['low']:+.1f}, {100 * gain['high']:+.1f}]"


def _number(value: float) -> str:
    return "-" if value != value else f"{value:.3f}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
