"""How well the labels can be told at all: what they say of each other, where a data set holds more than one answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.signals import Float32Array
from quantize.evaluation import metrics


@dataclass(frozen=True)
class Ceiling:
    """Somebody who knows more than the network, and the ``figures`` that they reach, by name."""

    who: str
    figures: Mapping[str, float]


def second_panel(
    votes: Float32Array, emotion: NDArray[np.int64], score: Float32Array, truth: NDArray[np.int64], people: int = 10
) -> list[Ceiling]:
    """As many ``people`` again, each voting as one of the first did: what they make of the first panel's labels.

    ``votes`` are shares float32 (N, labels); ``emotion`` int64 (N,) the most voted (-1: none); ``truth`` int64 (N,) the
    decision (-1: none), told from the mean of ``score`` (labels,) over the votes that have one, NaN for none. They
    are drawn from the first panel's own votes, so they agree with it a little too well. Without any disagreement among
    the votes, as where a picture has one label, there is no telling.
    """
    if not ((votes > 0) & (votes < 1)).any():
        return []
    rng = np.random.default_rng(1)
    exact = votes.astype(np.float64) / votes.sum(axis=1, keepdims=True, dtype=np.float64)
    again = rng.multinomial(people, exact)
    counted = ~np.isnan(score)
    weight = again[:, counted].sum(axis=1)
    positive = (again[:, counted] @ score[counted] / np.maximum(weight, 1)).astype(np.float32)
    rows = truth >= 0
    figures = {
        "balanced_accuracy": metrics.balanced_accuracy(truth[rows], (positive[rows] > 0.5).astype(np.int64)),
        "auc": metrics.auc(truth[rows], positive[rows]),
        "emotion_accuracy": metrics.class_accuracy(emotion, again.astype(np.float32)),
    }
    return [Ceiling(f"a second panel of {people}, drawn from each picture's own votes", figures)]


def other_clips(levels: NDArray[np.int64], subjects: NDArray[np.str_], high: int) -> list[Ceiling]:
    """Those who know how the same person's other clips were rated: the two next to each, or all.

    ``levels`` int64 (N, states) in the order of the clips, ``subjects`` (N,); from ``high`` on a level is high. The
    figures are mean AUCs over the states; clips of people with no other clip do not count.
    """
    neighbours, others = (np.full(levels.shape, np.nan) for _ in range(2))
    for subject in np.unique(subjects):
        rows = np.flatnonzero(subjects == subject)
        own = levels[rows].astype(np.float64)
        if len(rows) < 2:
            continue
        others[rows] = (own.sum(axis=0) - own) / (len(rows) - 1)
        sums, counts = np.zeros_like(own), np.zeros((len(rows), 1))
        sums[1:] += own[:-1]
        sums[:-1] += own[1:]
        counts[1:] += 1
        counts[:-1] += 1
        neighbours[rows] = sums / counts
    told = {"the same person's neighbouring clips": neighbours, "all of the same person's other clips": others}
    return [
        Ceiling(f"guessing from the levels of {who}", {"auc": _mean_auc(levels >= high, score)})
        for who, score in told.items()
    ]


def _mean_auc(high: NDArray[np.bool_], score: NDArray[np.float64]) -> float:
    rows = ~np.isnan(score[:, 0])
    answers = high[rows].astype(np.int64)
    areas = [metrics.auc(answers[:, state], score[rows, state].astype(np.float32)) for state in range(high.shape[1])]
    return float(np.mean(areas))
