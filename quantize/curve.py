"""The learning curve: what more people or pictures are worth, beside how well the labels can be told at all.

Everything is trained and asked inside the training and validation parts; no test is touched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from quantize.branches.base import Branch, Outcome, Recipe
from quantize.certificates import provenance
from quantize.evaluation import figures, metrics, tables
from quantize.evaluation.figures import Answers
from quantize.files import write_json
from quantize.training.checkpoints import Checkpoints
from quantize.training.tuning import tune

CURVE = "curve.json"
"""The report, in the run folder."""

PEOPLE = ("actors", "subjects")
"""The units of a curve that are people."""

NAMES = {
    "auc": "AUC",
    "auc_within": "AUC within people",
    "balanced_accuracy": "balanced accuracy",
    "emotion_accuracy": "emotions, accuracy",
}
"""The columns of the table, as far as a branch has them."""


def curve(
    branch: Branch, data: Path, recipe: Recipe, shares: Sequence[float], folder: Path, fresh: bool = False
) -> dict[str, Any]:
    """Trains on each of ``shares``, 0..1, of those who are trained on; writes a report to ``folder`` and returns it.

    Goes on where it was interrupted in ``folder``, unless ``fresh``, as ``train`` does. Raises UserError as that.
    """
    checkpoints = Checkpoints(folder, branch, data, recipe, "curve")
    if fresh:
        checkpoints.discard()
    checkpoints.check()
    points = []
    for share in sorted(shares):
        outcome = branch.fit_share(data, recipe, share, checkpoints.within(f"share-{round(100 * share)}"))
        points.append({"share": share, **_point(branch, outcome)})
    report = {
        "branch": branch.name,
        "recipe": asdict(recipe),
        "points": points,
        "ceilings": [asdict(ceiling) for ceiling in branch.ceilings(data)],
        "versions": provenance.versions(),
    }
    write_json(folder / CURVE, report)
    checkpoints.discard()
    return report


def _point(branch: Branch, outcome: Outcome) -> dict[str, Any]:
    """The figures of one share. Thresholds are tuned on the very answers that they decide: a little kind."""
    examples, logits = outcome.examples, outcome.logits
    tuned = tune(branch, logits, examples)
    probability = branch.probabilities(logits, tuned.temperature)
    thresholds = np.array([tuned.thresholds[name] for name in branch.decisions])
    answers = Answers(
        truth=examples.truth,
        classes=examples.classes,
        groups=examples.groups,
        logits=logits,
        probability=probability,
        decision=(probability >= thresholds).astype(np.int64),
        cohorts={},
    )
    point = {"count": outcome.count, "unit": outcome.unit, "n": len(logits), **figures.headline(branch, answers)}
    if outcome.unit in PEOPLE:
        point["auc_within"] = figures.headline(branch, _within(answers))["auc"]
    if (classes := examples.classes) is not None:
        point["emotion_accuracy"] = metrics.bootstrap(
            lambda rows: metrics.class_accuracy(classes[rows], logits[rows]), examples.groups
        )
    return point


def _within(answers: Answers) -> Answers:
    """The answers with each person's mean taken away: what is left tells nothing of who somebody is."""
    _, who = np.unique(answers.groups, return_inverse=True)
    members = np.bincount(who)[:, None]
    sums = np.zeros((len(members), answers.probability.shape[1]))
    np.add.at(sums, who, answers.probability)
    return replace(answers, probability=(answers.probability - (sums / members)[who]).astype(np.float32))


def table(report: Mapping[str, Any]) -> str:
    """The curve and its ceilings as Markdown."""
    points, ceilings = report["points"], report["ceilings"]
    shown = [name for name in NAMES if name in points[0]]
    rows = [[f"{p['count']} {p['unit']}", *(tables.interval(p[name]) for name in shown)] for p in points]
    rows += [[c["who"], *(tables.number(c["figures"].get(name)) for name in shown)] for c in ceilings]
    text = tables.markdown(["learned from", *(NAMES[name] for name in shown)], rows)
    return (
        text
        if ceilings
        else f"{text}\n\nThe data set gives each example one label: how well it can be told, it does not say."
    )
