"""From a measure in its own unit to a quality."""

from __future__ import annotations


def ramp(value: float, zero: float, one: float) -> float:
    """0 at ``zero`` and beyond, 1 at ``one`` and beyond, linear between; ``one`` may be the lower of the two."""
    return min(1.0, max(0.0, (value - zero) / (one - zero)))
