"""How right a kind of fusion was, second by second and over all: the columns of the report."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import f1_score

from quantize.evaluation import metrics
from quantize.fusion.comparison import SEED, Course
from quantize.fusion.material import Part
from quantize.fusion.sessions import Mask


def figures(said: Course, part: Part, threshold: float) -> dict[str, float]:
    """What ``said`` is worth on ``part``; it is silent where its support is below ``threshold``.

    All but the last four are of every second, spoken or silent; a probability of exactly 0.5 is half right.
    ``reaction_s`` is the median of the seconds from a change of valence until it is told, of those told before the
    next change (``missed`` is the share of the others).
    """
    truth, probability = part.sessions.positive, said.positive
    right, decided = credit(said, part), (probability > 0.5).astype(np.int64)
    spoken = said.support >= threshold
    reactions, missed = _reactions(part, probability)
    return {
        "accuracy": float(right.mean()),
        "macro_f1": float(f1_score(truth.ravel(), decided.ravel(), average="macro")),
        "brier": float(np.mean((probability - truth) ** 2)),
        "calibration_error": metrics.calibration_error(truth.ravel(), probability.ravel()),
        "states_auc": states_auc(said, part),
        "coverage": float(spoken.mean()),
        "selective_accuracy": float(right[spoken].mean()) if spoken.any() else float("nan"),
        "flips_per_minute": float(60.0 * np.mean(np.diff(decided, axis=1) != 0)),
        "reaction_s": float(np.median(reactions)) if len(reactions) else float("nan"),
        "missed": missed,
    }


def credit(said: Course, part: Part) -> NDArray[np.float64]:
    """How right every second is, float64 (N, S): 1, 0, or a half where nothing is said."""
    right = (said.positive > 0.5) == (part.sessions.positive == 1)
    return np.where(said.positive == 0.5, 0.5, right.astype(np.float64))


def perfect(part: Part, share: float) -> float:
    """How right somebody would be who never errs about a face, and holds on to what it last showed while it is gone.

    It is gone for ``share`` of the time: what gaps alone cost, however good the eyes.
    """
    there, truth = part.there("face", share, SEED), part.sessions.positive
    last = np.maximum.accumulate(np.where(there, np.arange(truth.shape[1]), -1), axis=1)
    held = np.take_along_axis(truth, np.maximum(last, 0), axis=1)
    return float(np.where(last < 0, 0.5, held == truth).mean())


def interval(values: NDArray[np.float64], rounds: int = 1000, seed: int = 1) -> tuple[float, float, float]:
    """The mean of ``values`` (sessions,), and its 95 % interval over draws of whole sessions."""
    drawn = np.random.default_rng(seed).integers(0, len(values), (rounds, len(values)))
    low, high = np.percentile(values[drawn].mean(axis=1), [2.5, 97.5])
    return float(values.mean()), float(low), float(high)


def selective(said: Sequence[Course], part: Part) -> list[dict[str, float]]:
    """Accuracy against coverage, the seconds with the most support first: at every twentieth of them.

    ``said`` are of all cases alike; ``support`` is the least of those that are covered.
    """
    support = np.concatenate([one.support.ravel() for one in said])
    right = np.concatenate([credit(one, part).ravel() for one in said])
    order = np.argsort(-support, kind="stable")
    found = []
    for twentieth in range(1, 21):
        kept = order[: len(order) * twentieth // 20]
        found.append(
            {
                "coverage": len(kept) / len(order),
                "accuracy": float(right[kept].mean()),
                "support": float(support[kept[-1]]),
            }
        )
    return found


def _reactions(part: Part, probability: NDArray[np.float64]) -> tuple[list[int], float]:
    found, missed, changes = [], 0, 0
    changed: Mask = part.sessions.changed
    seconds = changed.shape[1]
    for row in range(len(changed)):
        begins = np.flatnonzero(changed[row]).tolist()
        for begin, end in pairwise([*begins, seconds]):
            told = np.flatnonzero((probability[row, begin:end] > 0.5) == (part.sessions.positive[row, begin] == 1))
            changes += 1
            if len(told):
                found.append(int(told[0]))
            else:
                missed += 1
    return found, missed / max(changes, 1)


def states_auc(said: Course, part: Part) -> float:
    """Mean over the four engagement states, of the seconds in which something is known of them."""
    high, found = part.sessions.high, []
    for state in range(high.shape[2]):
        known = np.isfinite(said.states[..., state]) & (high[..., state] >= 0)
        truth, probability = high[known, state], said.states[known, state].astype(np.float32)
        if len(np.unique(truth)) == 2:
            found.append(metrics.auc(truth, probability))
    return float(np.mean(found)) if found else float("nan")


def paired(one: Course, other: Course, part: Part) -> tuple[float, float, float]:
    """By how much ``one`` is right more often than ``other``, with the 95 % interval over sessions."""
    difference: NDArray[np.float64] = credit(one, part).mean(axis=1) - credit(other, part).mean(axis=1)
    return interval(difference)
