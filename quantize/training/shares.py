"""Some of many: a share of those who can be learned from, or so many at even distances."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def chosen(members: NDArray[Any], share: float, seed: int) -> NDArray[np.bool_]:
    """Whether each of ``members`` (N,), people or pictures, is in the ``share``, 0..1, of them that ``seed`` draws.

    A larger share holds every smaller one; at least two are drawn.
    """
    names = np.unique(members)
    drawn = np.random.default_rng(seed).permutation(names)[: max(2, round(share * len(names)))]
    return np.isin(members, drawn)


def spaced(rows: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """Up to ``most`` of ``rows`` (N,), at even distances."""
    return rows if len(rows) <= most else rows[np.linspace(0, len(rows) - 1, most).round().astype(np.int64)]
