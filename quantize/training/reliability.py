"""What a branch's reliability is learned from, how, and how far it can be believed.

Half of the people (or pictures), every one damaged in every way the branch may meet, teaches a logistic regression on
qualities, familiarity and margin when its decisions are right; the other half measures it. Platt 1999, "Probabilistic
Outputs for Support Vector Machines", with weights that may not be negative.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.stats import spearmanr
from tqdm import tqdm

from edge.errors import UserError
from edge.inference.answer import answer
from edge.inference.baseline import Baseline
from edge.inference.interpreter import Interpreter
from edge.inference.reliability import ANY, CLEAREST, NO, YES, Reliability, familiarity
from edge.inference.store import Manifest
from edge.signals import Float32Array, Limit
from quantize.branches.base import Branch, Examples
from quantize.evaluation import metrics
from quantize.evaluation.conditions import CLEAN, Condition

PENALTY = 1e-3
"""Of the squared weights, beside the mean log loss: it only decides between inputs that say the same."""

SEED = 3

EXAMPLES = 1000
"""Examples that are asked about, at most, under each condition."""

FAMILIARITY = Limit.FAMILIARITY.value


@dataclass(frozen=True)
class Cases:
    """N answers of a branch to what it did not learn from.

    ``qualities`` by name, each (N,) in 0..1, with familiarity; ``margin`` (N,) from 0; ``decided`` (N,) what was, as
    ``edge.inference.reliability.side`` says; ``right`` (N,) the share 0..1 of the decisions that are right; ``groups``
    (N,), who belong together; ``under`` (N,) names what spoilt each.
    """

    qualities: dict[str, NDArray[np.float64]]
    margin: NDArray[np.float64]
    decided: NDArray[np.str_]
    right: NDArray[np.float64]
    groups: NDArray[Any]
    under: NDArray[np.str_]

    def only(self, rows: NDArray[Any]) -> Cases:
        """Some of them."""
        qualities = {name: values[rows] for name, values in self.qualities.items()}
        parts = (self.margin, self.decided, self.right, self.groups, self.under)
        return Cases(qualities, *(part[rows] for part in parts))


@dataclass(frozen=True)
class Learned:
    """A reliability, and how far to believe it: see ``figures``."""

    reliability: dict[str, Reliability]
    figures: dict[str, dict[str, float]]


def learn(found: Cases) -> Learned:
    """Half of ``found`` teaches, the other half measures. Raises UserError where they are all one person's."""
    if len(np.unique(found.groups)) < 2:
        raise UserError("reliability: all examples are one person's; half of the people teach it, half measure it")
    teaching, measuring = (even(half) for half in halves(found))
    if not len(measuring.right) or set(teaching.decided.tolist()) not in ({ANY}, {YES, NO}):
        raise UserError("reliability: all that was decided, or is true, is the same; both answers are needed")
    learned = {str(side): fit(teaching.only(teaching.decided == side)) for side in np.unique(teaching.decided)}
    return Learned(learned, figures(learned, measuring))


def joined(parts: Sequence[Cases]) -> Cases:
    """All of several."""
    return Cases(
        {name: np.concatenate([part.qualities[name] for part in parts]) for name in parts[0].qualities},
        *(
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("margin", "decided", "right", "groups", "under")
        ),
    )


def cases(branch: Branch, manifest: Manifest, models: Path, examples: Examples) -> Cases:
    """The answers of the int8 file of ``manifest`` in ``models`` to ``examples``, under each of the branch's hardships.

    Without a baseline in the manifest there is no familiarity.
    """
    interpreter = Interpreter(models / manifest.file)
    title = f"{branch.name}, how reliable"
    bar = tqdm(branch.hardships, desc=title, unit="condition", leave=False)
    return joined([_under(branch, manifest, interpreter, examples, condition) for condition in bar])


def _under(
    branch: Branch, manifest: Manifest, interpreter: Interpreter, examples: Examples, condition: Condition
) -> Cases:
    inputs = examples.under(condition)
    said = [answer(interpreter(sample.reshape(interpreter.input.shape))) for sample in inputs]
    probability = branch.probabilities(examples.decided(np.stack([one.logits for one in said])), manifest.temperature)
    thresholds = np.array([manifest.thresholds[decision] for decision in branch.decisions])
    counted = examples.truth >= 0
    right = ((probability >= thresholds) == examples.truth) & counted
    qualities = examples.qualities(condition)
    if manifest.baseline is not None:
        known = [_known(manifest.baseline, one.embedding) for one in said]
        clip = np.arange(len(known)) if examples.clip is None else examples.clip
        qualities = {**qualities, FAMILIARITY: np.bincount(clip, known) / np.bincount(clip)}
    away = np.abs(_logit(probability) - _logit(thresholds)).mean(axis=1)
    single = np.where(probability[:, 0] >= thresholds[0], YES, NO)
    found = Cases(
        qualities,
        np.minimum(away, CLEAREST),
        single if len(thresholds) == 1 else np.full(len(away), ANY),
        right.sum(axis=1) / np.maximum(counted.sum(axis=1), 1),
        examples.groups,
        np.full(len(right), condition.name),
    )
    return found.only(counted.any(axis=1))


def _known(baseline: Baseline, embedding: Float32Array | None) -> float:
    return 0.0 if embedding is None else familiarity(baseline, embedding)


def halves(found: Cases) -> tuple[Cases, Cases]:
    """Those that teach and those that measure: nobody's answers are in both."""
    people = np.unique(found.groups)
    teachers = np.random.default_rng(SEED).permutation(people)[: len(people) // 2]
    teaching = np.isin(found.groups, teachers)
    return found.only(teaching), found.only(~teaching)


def even(found: Cases) -> Cases:
    """Of single decisions, as many where yes is true as where no is: how common each is in a data set proves nothing.

    Cases of the commoner one are left out at random.
    """
    if ANY in found.decided:
        return found
    true = (found.decided == YES) == (found.right >= 0.5)
    rarer, commoner = sorted((np.flatnonzero(true), np.flatnonzero(~true)), key=len)
    kept = np.random.default_rng(SEED).permutation(commoner)[: len(rarer)]
    return found.only(np.sort(np.concatenate([rarer, kept])))


def fit(found: Cases) -> Reliability:
    """The regression that makes ``found`` likeliest; every condition weighs the same, as each holds all examples."""
    names = list(found.qualities)
    values = np.stack([found.qualities[name] for name in names], axis=1)
    margin = np.clip(found.margin, 0.0, CLEAREST)[:, None]
    columns = np.concatenate([np.ones_like(margin), margin, values, values * margin], axis=1)

    def cost(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        evidence = columns @ weights
        loss = np.logaddexp(0.0, evidence) - found.right * evidence
        slope = columns.T @ (1.0 / (1.0 + np.exp(-evidence)) - found.right) / len(evidence)
        shrunk = np.concatenate([[0.0], weights[1:]])
        return float(loss.mean() + PENALTY * shrunk @ shrunk), slope + 2 * PENALTY * shrunk

    bounds = [(None, None)] + [(0.0, None)] * (columns.shape[1] - 1)
    weights = minimize(cost, np.zeros(columns.shape[1]), jac=True, bounds=bounds, method="L-BFGS-B").x.round(4)
    level, slope = np.split(weights[2:], 2)
    return Reliability(
        bias=float(weights[0]),
        margin=float(weights[1]),
        level={name: float(value) for name, value in zip(names, level, strict=True) if value > 0},
        slope={name: float(value) for name, value in zip(names, slope, strict=True) if value > 0},
    )


def said(reliability: Mapping[str, Reliability], found: Cases) -> NDArray[np.float64]:
    """What ``reliability`` says of each of ``found``, (N,)."""
    rows = range(len(found.margin))
    each = [{name: float(values[row]) for name, values in found.qualities.items()} for row in rows]
    sides = found.decided.tolist()
    return np.array([reliability[sides[row]].read(each[row], float(found.margin[row]))[0] for row in rows])


def figures(reliability: Mapping[str, Reliability], found: Cases) -> dict[str, dict[str, float]]:
    """How far to believe it: on ``found`` as it was (clean), and under all hardships, of which that is one (damaged).

    ``right`` is the share of right decisions and ``said`` the mean reliability; ``calibration_error`` is the expected
    one; ``rank_correlation`` is Spearman's of reliability and being right; ``best_correlation`` the most that anybody
    could reach, who knew what is right: right and wrong are two ranks only.
    """
    parts = {"clean": found.only(found.under == CLEAN.name), "damaged": found}
    return {name: _figures(said(reliability, part), part.right) for name, part in parts.items()}


def _figures(probability: NDArray[np.float64], right: NDArray[np.float64]) -> dict[str, float]:
    best = right + 1e-9 * np.random.default_rng(SEED).random(len(right))
    return {
        "n": len(right),
        "right": float(right.mean()),
        "said": float(probability.mean()),
        "calibration_error": metrics.calibration_error(right, probability),
        "rank_correlation": _correlation(probability, right),
        "best_correlation": _correlation(best, right),
    }


def _correlation(probability: NDArray[np.float64], right: NDArray[np.float64]) -> float:
    if len(np.unique(probability)) < 2 or len(np.unique(right)) < 2:
        return 0.0
    return float(spearmanr(probability, right).statistic)


def _logit(p: NDArray[Any]) -> NDArray[np.float64]:
    p = np.clip(p.astype(np.float64), 1e-6, 1 - 1e-6)
    return np.asarray(np.log(p / (1 - p)))
