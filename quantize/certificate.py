"""The model card beside each shipped file: what it is worth and what it is not, from the manifest's own figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from edge.inference.store import Manifest
from quantize.origins import ORIGINS

ROWS = {
    "balanced_accuracy": "balanced accuracy",
    "auc": "AUC",
    "accuracy": "accuracy",
    "macro_f1": "macro F1",
}
KINDS = {"float32": "float32", "int8": "int8 (litert)", "int8_tflite_runtime": "int8 (tflite-runtime)"}


def card(manifest: Manifest) -> str:
    """The model card as Markdown."""
    origin = ORIGINS[manifest.name]
    thresholds = ", ".join(f"{name} {value:.3f}" for name, value in manifest.thresholds.items())
    sections = [
        f"# {manifest.name}",
        f"`{manifest.file}`, sha256 `{manifest.sha256}`.\n\nInput {manifest.input.dtype} {list(manifest.input.shape)}; "
        f"output {manifest.outputs[0].dtype} {list(manifest.outputs[0].shape)}, the logits of "
        f"{', '.join(manifest.labels)}.",
        f"## Data\n\n{origin.data}\n\nTerms of the data: {origin.licence}\n\n"
        f"**Terms of these weights:** {origin.weights}",
        f"## Decision\n\n{origin.decision}\n\nThresholds: {thresholds}. Temperature: {manifest.temperature:.3f}. "
        f"Skill (how far decisions beat chance on the data that set the thresholds): {manifest.skill:.3f}.",
        f"## Figures\n\n{origin.test} n = {manifest.figures['n']}, {manifest.figures['groups']} groups; 95 % bootstrap "
        f"intervals.\n\n{table(manifest.figures)}\n\n{_made(manifest)}",
        f"## How it was made\n\n{_making(manifest)}\n{_listed(origin.choices)}",
        f"## Intended use\n\n{origin.intended}",
        f"## Limits\n\n{_listed(origin.limits)}",
    ]
    return "\n\n".join(sections) + "\n"


def _made(manifest: Manifest) -> str:
    """The commands behind the figures, and whose they are where the shipped network itself could not be tested."""
    made = f"Made by `affect-quantize convert {manifest.name} --data DIR`"
    if folds := manifest.figures.get("folds"):
        return (
            f"{made} from {folds} networks trained and converted as the shipped one was, each judged on what it never "
            f"saw with a threshold from the others. The shipped network was trained on all of it: "
            f"`affect-quantize evaluate {manifest.name} --data DIR` tests it on others."
        )
    return f"{made}; `affect-quantize evaluate {manifest.name} --data DIR --json FILE` repeats them."


def _listed(items: Sequence[str]) -> str:
    return "\n".join(f"- {item}" for item in items)


def _making(manifest: Manifest) -> str:
    """Recipe, split and the figures that decisions were taken on."""
    provenance = manifest.provenance
    own = "each fold, with what the others tuned"
    whose = own if "folds" in manifest.figures else "the data that set the thresholds, never on the test"
    recipe = ", ".join(f"{name} {value}" for name, value in provenance["recipe"].items())
    split = "; ".join(f"{name}: {brief(value)}" for name, value in provenance["split"].items())
    development = "; ".join(f"{name} {brief(value)}" for name, value in provenance["development"].items())
    return f"- Recipe: {recipe}.\n- Split: {split}.\n- Figures of `affect-quantize train` on {whose}: {development}."


def brief(value: Any) -> str:
    """A figure, a list of people or a mapping of either, in a few words."""
    if isinstance(value, float):
        return f"{value:.3f}"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {brief(part)}" for name, part in value.items())
    if isinstance(value, list):
        return f"{len(value)} people ({', '.join(map(str, value))})" if len(value) <= 24 else f"{len(value)} people"
    return str(value)


def table(report: Mapping[str, Any]) -> str:
    """The report's main figures as a Markdown table: one row per figure, one column per model."""
    kinds = [kind for kind in KINDS if kind in report]
    lines = ["| figure | " + " | ".join(KINDS[kind] for kind in kinds) + " |", "|---" * (len(kinds) + 1) + "|"]

    def row(name: str, values: list[str]) -> None:
        lines.append(f"| {name} | " + " | ".join(values) + " |")

    for figure, name in ROWS.items():
        row(name, [_interval(report[kind][figure]) for kind in kinds])
    for label in report["int8"].get("auc_per_label", {}):
        row(f"AUC, {label}", [_interval(report[kind]["auc_per_label"][label]) for kind in kinds])
    if "emotions" in report["int8"]:
        row("emotions, accuracy", [_interval(report[kind]["emotions"]["accuracy"]) for kind in kinds])
        row("emotions, mean recall", [_interval(report[kind]["emotions"]["recall"]) for kind in kinds])
    row("calibration error", [f"{report[kind]['calibration_error']:.3f}" for kind in kinds])
    lines += [
        "",
        f"Guessing the commoner answer: accuracy {report['majority_accuracy']:.3f}, balanced accuracy 0.500. "
        f"int8 decides as float32 does in {report['agreement']:.1%} of cases; float32 minus int8: balanced accuracy "
        f"{_interval(report['drop']['balanced_accuracy'])}, AUC {_interval(report['drop']['auc'])}. "
        f"The two runtimes agree in {report['agreement_of_runtimes']:.1%}.",
    ]
    return "\n".join(lines)


def _interval(figure: Mapping[str, float]) -> str:
    return f"{figure['value']:.3f} [{figure['low']:.3f}, {figure['high']:.3f}]"
