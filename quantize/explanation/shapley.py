"""Shapley values: an answer shared out among the parts of its input, so that nothing is lost or counted twice.

Shapley 1953; for models' inputs, sampled over permutations: Štrumbelj & Kononenko 2014, "Explaining prediction models
and individual predictions with feature contributions".
"""

from __future__ import annotations

from collections.abc import Callable
from math import factorial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Float64Array = NDArray[np.float64]

Game = Callable[[NDArray[np.bool_]], Float64Array]
"""The answers, (n, outputs), where of the input only the parts in each coalition, bool (n, parts), are as they are."""


class Sampled(NamedTuple):
    """``values`` (parts, outputs), and the standard ``error`` of each, as far as the draws differ."""

    values: Float64Array
    error: Float64Array


def exact(game: Game, parts: int) -> Float64Array:
    """The Shapley values, (parts, outputs), from the answers to all 2^parts coalitions: for few parts."""
    coalitions = (np.arange(2**parts)[:, None] >> np.arange(parts)) % 2 == 1
    answers = game(coalitions)
    sizes = coalitions.sum(axis=1)
    weights = np.array([factorial(size) * factorial(parts - size - 1) for size in range(parts)]) / factorial(parts)
    values = []
    for part in range(parts):
        without = np.flatnonzero(~coalitions[:, part])
        gain = answers[without + 2**part] - answers[without]
        values.append(weights[sizes[without]] @ gain)
    return np.stack(values)


def sampled(game: Game, parts: int, permutations: int, rng: np.random.Generator) -> Sampled:
    """The Shapley values estimated from ``permutations``, an even number: each is also walked backwards.

    Such pairs cancel much of what the order does (antithetic sampling: Mitchell et al. 2022). Along a permutation the
    gains add up to the whole, so the values do too, however few there are. Raises ValueError for an odd number.
    """
    if permutations < 2 or permutations % 2:
        raise ValueError("permutations must be an even number")
    nothing, whole = game(np.array([[False] * parts, [True] * parts]))
    pairs = []
    for _ in range(permutations // 2):
        order = rng.permutation(parts)
        pairs.append((_walk(game, order, nothing, whole) + _walk(game, order[::-1], nothing, whole)) / 2)
    values = np.stack(pairs)
    spread = values.std(axis=0, ddof=1) if len(pairs) > 1 else np.full(values.shape[1:], np.nan)
    return Sampled(values.mean(axis=0), spread / np.sqrt(len(pairs)))


def occlusion(game: Game, parts: int) -> Float64Array:
    """What each part alone adds to all the others, (parts, outputs): parts that say the same hide each other."""
    answers = game(np.concatenate([np.ones((1, parts), bool), ~np.eye(parts, dtype=bool)]))
    return answers[0] - answers[1:]


def _walk(game: Game, order: NDArray[np.int64], nothing: Float64Array, whole: Float64Array) -> Float64Array:
    """What each part adds, (parts, outputs), as they come in one after the other."""
    parts = len(order)
    coalitions = np.zeros((parts - 1, parts), bool)
    coalitions[:, order] = np.tri(parts - 1, parts, dtype=bool)
    gains = np.diff(np.concatenate([nothing[None], game(coalitions), whole[None]]), axis=0)
    values = np.empty_like(gains)
    values[order] = gains
    return values
