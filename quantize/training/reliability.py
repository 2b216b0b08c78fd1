"""What a branch's reliability is learned from, how, and how far it can be believed.

Some of the people (or pictures), every one damaged in every way the branch may meet, teach a logistic regression on
qualities, familiarity and margin when its decisions are right; the others measure it. Platt 1999, "Probabilistic
Outputs for Support Vector Machines", with weights that may not be negative.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.stats import spearmanr
from tqdm import tqdm

from edge.errors import UserError
from edge.features import Preprocessing
from edge.inference.baseline import Baseline
from edge.inference.interpreter import Interpreter
from edge.inference.reliability import ANY, CLEAREST, NO, YES, Reliability, familiarity
from edge.inference.store import Manifest
from edge.signals import Limit
from quantize.branches.base import Branch, Examples
from quantize.evaluation import metrics
from quantize.evaluation.conditions import CLEAN, Condition
from quantize.runs import FoldRun
from quantize.training import baseline
from quantize.training.asking import Ask, of_file, of_weights

PENALTY = 1e-3
"""Of the squared weights, beside the mean log loss: it only decides between inputs that say the same."""

SEED = 3

MEASURING = 2
"""Folds that measure, of four or more."""

EXAMPLES = 1000
"""Examples that are asked about, at most, under each condition."""

KNOWN = 1000
"""Training inputs that a fold's baseline is made from, at most."""


class OneAnswerError(UserError):
    """Nothing can be learned of a network that says one thing only, or of data that hold one thing only."""


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


def learn(teaching: Cases, measuring: Cases) -> Learned:
    """What the answers ``teaching`` teach, and what it is worth on ``measuring``, which are nobody's of those.

    Raises OneAnswerError where one answer is missing altogether.
    """
    teaching, measuring = even(teaching), even(measuring)
    if not len(measuring.right) or set(teaching.decided.tolist()) not in ({ANY}, {YES, NO}):
        raise OneAnswerError("reliability: all that was decided, or is true, is the same; both answers are needed")
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


@dataclass(frozen=True)
class Answerer:
    """A network that can be asked about what it did not learn from, ``split`` telling what that is."""

    ask: Ask
    preprocessing: Preprocessing
    thresholds: Mapping[str, float]
    temperature: float
    baseline: Baseline | None
    split: Mapping[str, Any]


def shipped(branch: Branch, manifest: Manifest, models: Path) -> Answerer:
    """The int8 file of ``manifest`` in ``models``."""
    ask = of_file(Interpreter(models / manifest.file))
    preprocessing = msgspec.convert(manifest.preprocessing, branch.preprocessing)
    split = manifest.provenance["split"]
    return Answerer(ask, preprocessing, manifest.thresholds, manifest.temperature, manifest.baseline, split)


def network(branch: Branch, data: Path, weights: Path, fold: FoldRun) -> Answerer:
    """The network of a ``fold`` as it was trained, in the Keras file ``weights``.

    To quantize it too would take minutes, and change one decision in fifty or fewer. Its baseline is its own.
    """
    preprocessing: Preprocessing = msgspec.convert(fold.preprocessing, branch.preprocessing)
    ask = of_weights(branch, weights)
    _, known = ask(branch.representative(data, preprocessing, fold.split, KNOWN))
    assert known is not None
    return Answerer(ask, preprocessing, fold.thresholds, fold.temperature, baseline.fitted(known, weights), fold.split)


def cases(branch: Branch, data: Path, asked: Answerer, most: int) -> Cases:
    """What ``asked`` says of up to ``most`` examples under each of the branch's hardships.

    Without a baseline there is no familiarity.
    """
    examples = branch.apart(data, asked.preprocessing, asked.split, most)
    bar = tqdm(branch.hardships, desc=f"{branch.name}, how reliable", unit="condition", leave=False)
    return joined([_under(branch, asked, examples, condition) for condition in bar])


def _under(branch: Branch, asked: Answerer, examples: Examples, condition: Condition) -> Cases:
    logits, embeddings = asked.ask(examples.under(condition))
    probability = branch.probabilities(examples.decided(logits), asked.temperature)
    thresholds = np.array([asked.thresholds[decision] for decision in branch.decisions])
    counted = examples.truth >= 0
    right = ((probability >= thresholds) == examples.truth) & counted
    qualities = examples.qualities(condition)
    if asked.baseline is not None and embeddings is not None:
        known = [familiarity(asked.baseline, embedding) for embedding in embeddings]
        clip = np.arange(len(known)) if examples.clip is None else examples.clip
        qualities = {**qualities, Limit.FAMILIARITY.value: np.bincount(clip, known) / np.bincount(clip)}
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


def apart(parts: Sequence[Cases]) -> tuple[Cases, Cases]:
    """Those that teach and those that measure: nobody's answers are in both.

    The first MEASURING of several ``parts``, which fusion is tested on as well, or every other group of a single one.
    Raises UserError where they are all one person's.
    """
    if len(parts) > 2 * MEASURING - 1:
        return joined(parts[MEASURING:]), joined(parts[:MEASURING])
    found = joined(parts)
    people = np.unique(found.groups)
    if len(people) < 2:
        raise UserError("reliability: all examples are one person's; half of the people teach it, half measure it")
    teaching = np.isin(found.groups, people[::2])
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
