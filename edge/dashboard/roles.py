"""Who looks at a dashboard."""

from __future__ import annotations

from typing import Literal

Role = Literal["viewer", "operator"]
"""Whoever sees the rooms, and whoever may also give them commands."""

ROLES: tuple[Role, ...] = ("viewer", "operator")
