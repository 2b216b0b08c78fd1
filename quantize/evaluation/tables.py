"""A report's figures as Markdown tables, for the terminal and the model cards."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

ROWS = {
    "balanced_accuracy": "balanced accuracy",
    "auc": "AUC",
    "accuracy": "accuracy",
    "macro_f1": "macro F1",
}
KINDS = {"float32": "float32", "int8": "int8 (litert)", "int8_tflite_runtime": "int8 (tflite-runtime)"}

FLOOR = "A logistic regression on the mean and spread of the same features, learned from the same people,"
FLATTERED = "These examples may have been seen in training (--seen): the figures flatter and say nothing of new people."


def whole(report: Mapping[str, Any]) -> str:
    """Everything a reader of the terminal or the card is told, in paragraphs."""
    parts = [FLATTERED] if report["seen"] else []
    parts += [headline(report), summary(report), *floor(report), classes(report)]
    if report["conditions"]:
        parts.append(conditions(report))
    parts += [cohort(label, report) for label in report["groups"]]
    return "\n\n".join(parts)


def headline(report: Mapping[str, Any]) -> str:
    """One row per figure, one column per model."""
    kinds = [kind for kind in KINDS if kind in report]
    rows = [[name, *(interval(report[kind][figure]) for kind in kinds)] for figure, name in ROWS.items()]
    for label in report["int8"].get("auc_per_label", {}):
        rows.append([f"AUC, {label}", *(interval(report[kind]["auc_per_label"][label]) for kind in kinds)])
    if "emotions" in report["int8"]:
        for figure, name in (("accuracy", "emotions, accuracy"), ("recall", "emotions, mean recall")):
            rows.append([name, *(interval(report[kind]["emotions"][figure]) for kind in kinds)])
    rows.append(["calibration error", *(number(report[kind]["calibration_error"]) for kind in kinds)])
    return markdown(["figure", *(KINDS[kind] for kind in kinds)], rows)


def summary(report: Mapping[str, Any]) -> str:
    """What guessing scores, and what became of float32 on the way to int8, in sentences."""
    drift = ", ".join(
        f"{moved['mean_absolute']:.4f} ({decision}; at most {moved['largest']:.3f})"
        for decision, moved in report["drift"].items()
    )
    return (
        f"Guessing the commoner answer: accuracy {number(report['majority_accuracy'])}, balanced accuracy 0.500. "
        f"int8 decides as float32 does in {report['agreement']:.1%} of cases; float32 minus int8: balanced accuracy "
        f"{interval(report['drop']['balanced_accuracy'])}, AUC {interval(report['drop']['auc'])}. On average "
        f"probabilities move by {drift}. "
        + (
            f"The two runtimes agree in {report['agreement_of_runtimes']:.1%}."
            if "int8_tflite_runtime" in report
            else "tflite-runtime cannot run here and was left out."
        )
    )


def floor(report: Mapping[str, Any]) -> list[str]:
    """What a linear model reaches, in a sentence; nothing where it was not asked."""
    if "linear_auc_per_label" not in report:
        return []
    reached = report["linear_auc_per_label"]
    below = [
        name for name, figure in reached.items() if _value(report["int8"]["auc_per_label"][name]) <= _value(figure)
    ]
    stands = f"int8 is not above it in {', '.join(below)}." if below else "int8 is above it in each."
    told = ", ".join(f"{name} {interval(figure)}" for name, figure in reached.items())
    return [f"{FLOOR} reaches an AUC of {told}; {stands}"]


def _value(figure: Mapping[str, float | None]) -> float:
    return 0.0 if figure["value"] is None else figure["value"]


def classes(report: Mapping[str, Any]) -> str:
    """Precision and recall of every class, of the int8 file."""
    found = {**report["int8"]["per_class"], **report["int8"].get("emotions", {}).get("per_class", {})}
    rows = [[name, number(c["precision"]), number(c["recall"]), str(c["n"])] for name, c in found.items()]
    return markdown(["class (int8)", "precision", "recall", "n"], rows)


def conditions(report: Mapping[str, Any]) -> str:
    """Balanced accuracy and AUC under every condition, and what it costs the int8 file."""
    rows = [
        [
            under["title"],
            interval(under["float32"]["balanced_accuracy"]),
            interval(under["int8"]["balanced_accuracy"]),
            interval(under["int8"]["auc"]),
            interval(under["int8"]["cost"]["balanced_accuracy"]),
            f"{under['int8']['changed']:.1%}",
        ]
        for under in report["conditions"].values()
    ]
    head = ["condition", "balanced accuracy, float32", "int8", "AUC, int8", "cost of it, int8", "decisions changed"]
    return markdown(head, rows)


def cohort(label: str, report: Mapping[str, Any]) -> str:
    """The main figures of the int8 file in each part of the examples."""
    parts = report["groups"][label]
    rows = [
        [value, str(part["n"]), str(part["clusters"]), *(interval(part["int8"][figure]) for figure in ROWS)]
        for value, part in parts.items()
    ]
    return markdown([f"{label} (int8)", "n", "groups", *ROWS.values()], rows)


def reliability(found: Mapping[str, Mapping[str, float]]) -> str:
    """How far the reliability of readings can be believed, by what became of the input."""
    rows = [
        [
            spoilt,
            str(part["n"]),
            *(number(part[figure]) for figure in ("right", "said", "calibration_error")),
            f"{number(part['rank_correlation'])} ({number(part['best_correlation'])})",
        ]
        for spoilt, part in found.items()
    ]
    head = ["input", "n", "right", "mean reliability", "calibration error", "rank correlation (at best)"]
    return markdown(head, rows)


def latency(rows: Iterable[Mapping[str, Any]]) -> str:
    """How long the files took, where a benchmark was given."""
    cells = [
        [row["machine"], row["kind"], row["runtime"], str(row["threads"])]
        + [f"{row[figure]:.3f}" for figure in ("median_ms", "p90_ms", "p99_ms")]
        + [str(row.get("runs") or "–")]
        for row in rows
    ]
    return markdown(["machine", "kind", "runtime", "threads", "median, ms", "p90", "p99", "runs"], cells)


def ratios(found: Mapping[str, Any]) -> str:
    """What a benchmark says of int8 over float32, and of the paper's networks over this one, as a list."""
    lines = []
    if over := found.get("int8"):
        times = ", ".join(f"{ratio:.2f} x in {runtime}" for runtime, ratio in over.items() if runtime != "bytes")
        lines.append(f"- int8 over float32: {over['bytes']:.2f} x the bytes, median latency {times}.")
    for name, ratio in found.get("anchors", {}).items():
        times = "; ".join(
            f"{kind} {', '.join(f'{times:.0f} x in {runtime}' for runtime, times in by_runtime.items())}"
            for kind, by_runtime in ratio.items()
            if kind != "macs"
        )
        lines.append(
            f"- The paper's {name} over this network: {ratio['macs']:.0f} x the multiplications, "
            f"processor time {times}."
        )
    return "\n".join(lines)


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def interval(figure: Mapping[str, float | None]) -> str:
    """A figure with its interval, or as much of it as is defined."""
    if figure["low"] is None or figure["high"] is None:
        return number(figure["value"])
    return f"{number(figure['value'])} [{number(figure['low'])}, {number(figure['high'])}]"


def number(value: float | None) -> str:
    """Three decimals, or a dash where there is nothing to say; never a negative zero."""
    return "–" if value is None else f"{round(value, 3) + 0.0:.3f}"
