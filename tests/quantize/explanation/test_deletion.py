from __future__ import annotations

import numpy as np

from edge.signals import Float32Array
from quantize.explanation import deletion

SIDE = 12


def said(pictures: Float32Array) -> np.ndarray:
    """A network that only sees the upper left corner: 1 where it is bright."""
    return (pictures[:, :4, :4, 0].mean(axis=(1, 2)) > 0.5).astype(np.int64)


def marked(count: int) -> tuple[Float32Array, Float32Array]:
    """Pictures with a bright corner, and maps of 3 x 3 places that know it; elsewhere these say next to nothing."""
    rng = np.random.default_rng(0)
    pictures = rng.normal(0, 0.3, (count, SIDE, SIDE, 1)).astype(np.float32)
    pictures[:, :4, :4] += 1
    maps = rng.uniform(0, 0.1, (count, 3, 3)).astype(np.float32)
    maps[:, 0, 0] = 1
    return pictures, maps


def test_hiding_what_matters_costs_more_than_hiding_at_random_and_that_more_than_the_least() -> None:
    pictures, maps = marked(200)
    first = deletion.controls(maps, SIDE, np.random.default_rng(1))
    left = {name: said(deletion.hidden(pictures, of, 0.1)).mean() for name, of in first.items()}
    assert said(pictures).mean() == 1.0
    assert left["most"] < 0.2 < 0.6 < left["random"] < left["least"] == 1.0


def test_maps_that_are_all_alike_cost_as_much_as_another_pictures() -> None:
    _, maps = marked(50)
    maps[:] = maps[0]
    first = deletion.controls(maps, SIDE, np.random.default_rng(1))
    np.testing.assert_array_equal(first["most"], first["another's"])


def test_no_picture_is_hidden_by_its_own_map_as_anothers() -> None:
    maps = np.arange(7, dtype=np.float32)[:, None, None] * np.ones((7, 3, 3), np.float32)
    another = deletion.controls(maps, SIDE, np.random.default_rng(2))["another's"]
    assert sorted(another[:, 0, 0]) == list(range(7))
    assert (another[:, 0, 0] != np.arange(7)).all()


def test_just_the_share_is_hidden_whatever_the_map() -> None:
    pictures = np.ones((3, 10, 10, 1), np.float32)
    for share in deletion.SHARES:
        left = deletion.hidden(pictures, np.zeros((3, 10, 10), np.float32), share)
        np.testing.assert_allclose((left == 0).mean(axis=(1, 2, 3)), share)
    assert (pictures == 1).all()
