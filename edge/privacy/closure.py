"""Why the gate is closed."""

from __future__ import annotations

from dataclasses import dataclass

from edge.signals import Abstention


@dataclass(frozen=True, slots=True)
class Closure:
    """One reason why nothing may be captured.

    ``words`` are for people and for publishing: they hold nothing that the operator wrote. ``since`` is when it began,
    in seconds since 1970; None where nobody can tell.
    """

    reason: Abstention
    words: str
    since: float | None = None
