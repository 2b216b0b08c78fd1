"""The model card beside each shipped file: what it is worth and what it is not, from the manifest's own figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from edge.inference.store import Manifest
from edge.signals import Limit
from quantize.certificates.origins import ORIGINS
from quantize.evaluation import tables

SHIPPED = "default"
"""The recipe that ``ORIGINS`` speaks of."""


def card(manifest: Manifest) -> str:
    """The model card as Markdown."""
    origin = ORIGINS[manifest.name]
    figures = manifest.figures
    thresholds = ", ".join(f"{name} {value:.3f}" for name, value in manifest.thresholds.items())
    recipe = manifest.provenance["recipe"]["name"]
    other = recipe != SHIPPED
    sections = [
        f"# {manifest.name}",
        *([f"**Made by recipe `{recipe}`. Choices and limits below are those of the shipped network.**"] * other),
        f"`{manifest.file}`, sha256 `{manifest.sha256}`.\n\nInput {manifest.input.dtype} {list(manifest.input.shape)}; "
        f"output {manifest.outputs[0].dtype} {list(manifest.outputs[0].shape)}, the logits of "
        f"{', '.join(manifest.labels)}{_embedding(manifest)}. Preprocessing "
        f"`{manifest.preprocessing_sha256}`: a device that would compute anything else refuses the file.",
        f"## Data\n\n{origin.data}\n\nTerms of the data: {origin.licence}\n\n"
        f"**Terms of these weights:** {origin.weights}",
        f"## Decision\n\n{origin.decision}\n\nThresholds: {thresholds}. Temperature: {manifest.temperature:.3f}. "
        f"Skill (how far decisions beat chance on the data that set the thresholds): {manifest.skill:.3f}.",
        f"## Figures\n\n{'Judged on what its split kept.' if other else origin.test} "
        f"n = {figures['n']}, {figures['clusters']} groups; 95 % bootstrap intervals.\n\n"
        f"{tables.whole(figures)}\n\n{_made(manifest)}",
        *_reliability(manifest),
        *_speed(manifest),
        f"## How it was made\n\n{_making(manifest)}\n{_listed(origin.choices)}",
        f"## Intended use\n\n{origin.intended}",
        f"## Limits\n\n{_listed(origin.limits)}",
    ]
    return "\n\n".join(sections) + "\n"


def _reliability(manifest: Manifest) -> list[str]:
    """A section where the model tells how reliable its readings are, none otherwise."""
    learned = manifest.reliability
    if not learned:
        return []
    weighed = [limit.value for limit in Limit if any(one.weighs(limit) for one in learned.values())]
    decided = "its decision is right" if len(manifest.thresholds) == 1 else "one of its decisions is right"
    return [
        f"## Reliability\n\nWith every reading comes the probability that {decided}, from how clear the answer is "
        f"and {', '.join(weighed) if weighed else 'nothing else'}. People (or pictures) that the network did "
        "not learn from, as they are and damaged in every way tried, taught it; others measured it. "
        "Rank correlation is Spearman's of reliability with being right, beside what somebody would reach who knew.\n\n"
        f"{tables.reliability(manifest.provenance['reliability'])}\n\n"
        f"Made by `affect-quantize convert {manifest.name} --data DIR`, or alone by "
        f"`affect-quantize reliability {manifest.name} --data DIR`."
    ]


def _embedding(manifest: Manifest) -> str:
    """What is said of the second output, nothing where there is none."""
    if manifest.embedding is None:
        return ""
    given = manifest.embedding
    return f"; and {given.dtype} {list(given.shape)}, the embedding, which no device keeps or tells"


def _speed(manifest: Manifest) -> list[str]:
    """A section where a benchmark was given, none otherwise."""
    rows = manifest.figures["latency"]
    if not rows:
        return []
    machines = ", ".join(sorted({row["machine"] for row in rows}))
    where = (
        f"Made by `affect-quantize benchmark` on a workstation ({machines}), not on a device: the ratios are "
        "indications, the times say nothing of a Raspberry Pi."
    )
    parts = [where, tables.ratios(manifest.figures.get("ratios", {})), tables.latency(rows)]
    return ["## Speed", *filter(None, parts)]


def _made(manifest: Manifest) -> str:
    """The commands behind the figures, and whose they are where the shipped network itself could not be tested."""
    if folds := manifest.figures.get("folds", 0):
        return (
            f"Made by `affect-quantize convert {manifest.name} --data DIR` from {folds} networks trained and converted "
            "as the shipped one was, each judged on what it never saw with a threshold from the others. The shipped "
            f"network was trained on all of it; `affect-quantize evaluate {manifest.name} --data DIR` tests it on "
            "others."
        )
    return (
        f"Made by `affect-quantize certify {manifest.name} --data DIR`; "
        f"`affect-quantize evaluate {manifest.name} --data DIR --html FILE` shows them with plots."
    )


def _listed(items: Sequence[str]) -> str:
    return "\n".join(f"- {item}" for item in items)


def _making(manifest: Manifest) -> str:
    """Recipe, split and the figures that decisions were taken on."""
    provenance = manifest.provenance
    own = "each fold, with what the others tuned"
    whose = own if manifest.figures.get("folds") else "the data that set the thresholds, never on the test"
    recipe = ", ".join(f"{name} {value}" for name, value in provenance["recipe"].items())
    split = "; ".join(f"{name}: {brief(value)}" for name, value in provenance["split"].items())
    development = "; ".join(f"{name} {brief(value)}" for name, value in provenance["development"].items())
    versions = ", ".join(f"{package} {version}" for package, version in provenance["versions"].items())
    return (
        f"- Versions: {versions}.\n- Recipe: {recipe}.\n- Split: {split}.\n"
        f"- Figures of `affect-quantize train` on {whose}: {development}."
    )


def brief(value: Any) -> str:
    """A figure, a list of people or a mapping of either, in a few words."""
    if isinstance(value, float):
        return f"{value:.3f}"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {brief(part)}" for name, part in value.items())
    if isinstance(value, list):
        return f"{len(value)} people ({', '.join(map(str, value))})" if len(value) <= 24 else f"{len(value)} people"
    return str(value)
