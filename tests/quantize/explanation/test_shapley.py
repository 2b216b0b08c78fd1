from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from numpy.typing import NDArray

from quantize.explanation import shapley

POINT = np.array([1.0, -2.0, 3.0, 0.5])


def game(coalitions: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Four features that interact, two answers; what is left out is zero."""
    a, b, c, d = (POINT * coalitions).T
    return np.stack([a * b + c, np.maximum(b, c) * (1 + d) - a], axis=1)


def by_hand() -> NDArray[np.float64]:
    """The definition: the mean gain of each feature over all orders in which they can come in."""
    values = np.zeros((4, 2))
    orders = list(permutations(range(4)))
    for order in orders:
        kept = np.zeros((1, 4), bool)
        for part in order:
            before = game(kept)
            kept[0, part] = True
            values[part] += (game(kept) - before)[0] / len(orders)
    return values


def test_exact_values_are_those_of_the_definition() -> None:
    np.testing.assert_allclose(shapley.exact(game, 4), by_hand(), atol=1e-12)


def test_sampled_values_come_to_the_exact_ones() -> None:
    found = shapley.sampled(game, 4, 4000, np.random.default_rng(0))
    assert np.abs(found.values - by_hand()).max() < 0.05
    assert (np.abs(found.values - by_hand()) <= 5 * found.error + 1e-9).all()


@pytest.mark.parametrize("count", [2, 6])
def test_however_few_are_drawn_the_values_add_up_to_the_whole(count: int) -> None:
    nothing, whole = game(np.array([[False] * 4, [True] * 4]))
    found = shapley.sampled(game, 4, count, np.random.default_rng(1))
    np.testing.assert_allclose(found.values.sum(axis=0), whole - nothing, atol=1e-12)
    np.testing.assert_allclose(shapley.exact(game, 4).sum(axis=0), whole - nothing, atol=1e-12)


def test_a_feature_that_does_nothing_has_no_value() -> None:
    values = shapley.exact(lambda kept: game(kept)[:, :1], 4)
    assert values[3, 0] == pytest.approx(0.0)


def test_the_same_seed_draws_the_same() -> None:
    first, again = (shapley.sampled(game, 4, 4, np.random.default_rng(3)).values for _ in range(2))
    np.testing.assert_array_equal(first, again)


def test_an_odd_number_of_permutations_is_refused() -> None:
    with pytest.raises(ValueError, match="even"):
        shapley.sampled(game, 4, 3, np.random.default_rng(0))


def test_occlusion_misses_what_two_parts_say_alike() -> None:
    def either(kept: NDArray[np.bool_]) -> NDArray[np.float64]:
        return kept[:, :2].any(axis=1, keepdims=True).astype(np.float64)

    np.testing.assert_allclose(shapley.occlusion(either, 3), 0.0)
    np.testing.assert_allclose(shapley.exact(either, 3)[:, 0], [0.5, 0.5, 0.0], atol=1e-12)
