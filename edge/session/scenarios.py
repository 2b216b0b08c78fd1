"""Kinds of lessons, as data: which sustained states are worth an alert in each, and which labels are likely."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, cast, get_args

import msgspec
from msgspec import Meta

from edge.config import SessionSettings
from edge.errors import UserError
from edge.publish.payloads import AlertKind
from edge.signals import ENGAGEMENT_STATES

SHIPPED = Path(__file__).with_name("scenarios.toml")
NAME = re.compile(r"[a-z0-9_-]{1,40}")

Share = Annotated[float, Meta(ge=0.0, le=1.0)]
LogOdds = Annotated[float, Meta(ge=-3.0, le=3.0)]


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When one kind of alert begins and ends; ``scenarios.toml`` says what each value means."""

    begin: Share
    clear: Share
    after_s: Annotated[float, Meta(ge=10.0, le=3600.0)]
    confidence: Share = 0.2
    quiet_s: Annotated[float, Meta(ge=0.0, le=7200.0)] = 300.0

    def __post_init__(self) -> None:
        if self.clear >= self.begin:
            raise ValueError("clear must be below begin")


Rules = dict[AlertKind, Rule]


class Priors(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much likelier than in training each state is in this kind of lesson, in log-odds; 0 is no opinion."""

    boredom: LogOdds = 0.0
    confusion: LogOdds = 0.0
    engagement: LogOdds = 0.0
    frustration: LogOdds = 0.0

    @property
    def by_state(self) -> dict[str, float]:
        """The log-odds of those states on which there is an opinion."""
        return {state: odds for state in ENGAGEMENT_STATES if (odds := getattr(self, state))}


class Scenario(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One kind of lesson: a rule for each alert that it has, and its priors."""

    low_engagement: Rule | None = None
    high_confusion: Rule | None = None
    high_frustration: Rule | None = None
    negative_climate: Rule | None = None
    too_lively: Rule | None = None
    too_quiet: Rule | None = None
    too_talkative: Rule | None = None
    priors: Priors = Priors()

    @property
    def rules(self) -> Rules:
        """The rules by kind of alert."""
        named = {cast(AlertKind, kind): getattr(self, kind) for kind in get_args(AlertKind)}
        return {kind: rule for kind, rule in named.items() if rule is not None}


def scenarios(own: Path | None = None) -> dict[str, Scenario]:
    """The scenarios by name: those that come with the box, and those of the file ``own``, which replace and add.

    Raises UserError with the file, the key and what is wrong.
    """
    return _read(SHIPPED) | (_read(own) if own is not None else {})


def configured(settings: SessionSettings) -> dict[str, Scenario]:
    """The scenarios of a configuration. Raises UserError also where the one that it begins with is not among them."""
    found = scenarios(settings.scenarios)
    if settings.scenario not in found:
        raise UserError(f"session.scenario: none is called {settings.scenario!r}; there are {', '.join(found)}")
    return found


def chosen(settings: SessionSettings) -> Scenario:
    """The scenario that a configuration begins with. Raises UserError as ``configured`` does."""
    return configured(settings)[settings.scenario]


def _read(path: Path) -> dict[str, Scenario]:
    try:
        tables = msgspec.toml.decode(path.read_bytes(), type=dict[str, object])
    except OSError as error:
        raise UserError(f"session.scenarios: cannot read {path} ({error.strerror})") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: {error}") from error
    return {name: _scenario(path, name, table) for name, table in tables.items()}


def _scenario(path: Path, name: str, table: object) -> Scenario:
    if not NAME.fullmatch(name):
        raise UserError(f"{path}: {name!r} is no name: up to 40 of a to z, 0 to 9, - and _")
    try:
        return msgspec.convert(table, Scenario)
    except msgspec.ValidationError as error:
        message, _, where = str(error).partition(" - at `$")
        raise UserError(f"{path}: {name}{where.rstrip('`')}: {message}") from error
