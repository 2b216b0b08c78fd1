"""The temperature under which the device's probabilities mean what they say."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge.branches import softmax
from edge.signals import Float32Array


def temperature(logits: Float32Array, classes: NDArray[np.int64]) -> float:
    """The temperature in 0.3..3 under which ``classes`` (-1: left out) are likeliest (Guo et al. 2017)."""
    rows = np.flatnonzero(classes >= 0)
    grid = np.exp(np.linspace(np.log(0.3), np.log(3.0), 70))
    costs = [-np.log(softmax(logits[rows], float(t))[np.arange(len(rows)), classes[rows]] + 1e-12).mean() for t in grid]
    return float(grid[int(np.argmin(costs))])
