"""Consent: what ``[deployment]`` declares, and what was granted or revoked at the console."""

from __future__ import annotations

import datetime
import logging
from typing import Annotated

import msgspec
from msgspec import Meta

from edge.clock import WallTime
from edge.config import Deployment, Purpose
from edge.privacy.closure import Closure
from edge.signals import Abstention
from edge.state import Kept, StateError, StateFolder

log = logging.getLogger(__name__)

_GRANT = "affect-edge privacy grant"

_EU = frozenset(
    (
        *("EU", "AT", "BE", "BG", "HR", "CY", "CZ", "DK", "EE", "EL", "FI", "FR", "DE", "GR", "HU"),
        *("IE", "IT", "LV", "LT", "LU", "MT", "NL", "PL", "PT", "RO", "SK", "SI", "ES", "SE"),
    )
)
"""The Union and its members, as codes of countries; Greece has two."""


class Consent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The last word on consent at the console: a grant for one purpose in one place, or its revocation.

    ``words`` say who consented and where that is written down. They are kept in the state folder and shown at the
    console, and nowhere else; a revocation leaves none of them.
    """

    granted: bool
    at: WallTime
    """When that was."""
    words: Annotated[str, Meta(max_length=1000)] = ""
    purpose: Purpose = ""
    jurisdiction: str = ""
    until: datetime.date | None = None
    """The last day on which it holds, by the box's own calendar."""

    def __post_init__(self) -> None:
        # [deployment] would refuse the same
        Deployment(self.purpose, self.jurisdiction)
        if self.granted and not (self.words.strip() and self.purpose and self.jurisdiction):
            raise ValueError("a grant names purpose, jurisdiction and who consented")


class ConsentRecord:
    """Decides whether there is consent, from ``[deployment]`` and the last word at the console.

    - The file's purpose and jurisdiction stand; a grant supplies those it leaves empty and may contradict neither. One
      that was for something else no longer holds once the file is changed.
    - Consent is the console's last word where there is one, and else the file's. A revocation, or a grant that has
      ended, therefore closes the box whatever the file says, until a new grant.
    - A record that cannot be read is no consent.
    """

    def __init__(self, deployment: Deployment, state: StateFolder) -> None:
        self._file = deployment
        self._kept = Kept(state, "consent", Consent)
        self._damaged = False

    @property
    def given(self) -> Consent | None:
        """The last word at the console; None where there is none, or it cannot be read."""
        try:
            if self._kept.refresh():
                self._damaged = False
        except StateError as error:
            log.warning("%s; nothing is captured until consent is granted anew", error)
            self._damaged = True
        return self._kept.value

    @property
    def deployment(self) -> Deployment:
        """What is declared: the file, with what a grant adds."""
        given = self.given
        if given is None and not self._damaged:
            return self._file
        if given is None or not given.granted or contradiction(given.purpose, given.jurisdiction, self._file):
            return msgspec.structs.replace(self._file, consent="")
        return msgspec.structs.replace(
            self._file,
            purpose=self._file.purpose or given.purpose,
            jurisdiction=self._file.jurisdiction or given.jurisdiction,
            consent=given.words,
        )

    def closure(self, now: float) -> Closure | None:
        """Why there is no consent at ``now``, in seconds since 1970; None where there is."""
        given = self.given
        if self._damaged:
            return Closure(Abstention.NO_CONSENT, f"the record of consent cannot be read; grant it anew ({_GRANT})")
        if given is not None:
            lapsed = _revoked(given) or _elsewhere(given, self._file) or _out_of_time(given, now)
            if lapsed is not None:
                return lapsed
        return _undeclared(self.deployment) or prohibited(self.deployment)


def prohibited(deployment: Deployment) -> Closure | None:
    """Why the law prohibits what is declared; None where it does not."""
    country = deployment.jurisdiction.partition("-")[0].upper()
    if deployment.purpose != "education" or country not in _EU:
        return None
    return Closure(
        Abstention.PROHIBITED,
        "the EU prohibits inferring emotions in education, except for medical or safety reasons (AI Act, Art. 5(1)(f))",
    )


def contradiction(purpose: str, jurisdiction: str, deployment: Deployment) -> str:
    """The name of what ``deployment`` declares otherwise; empty where it says the same, or nothing."""
    if deployment.purpose not in ("", purpose):
        return "purpose"
    if deployment.jurisdiction and deployment.jurisdiction.upper() != jurisdiction.upper():
        return "jurisdiction"
    return ""


def _revoked(given: Consent) -> Closure | None:
    if given.granted:
        return None
    words = f"consent was revoked; nothing is captured until it is granted anew ({_GRANT})"
    return Closure(Abstention.NO_CONSENT, words, given.at)


def _elsewhere(given: Consent, file: Deployment) -> Closure | None:
    name = contradiction(given.purpose, given.jurisdiction, file)
    if not name:
        return None
    words = f"consent was granted for another {name} than the configuration now declares; grant it anew ({_GRANT})"
    return Closure(Abstention.NO_CONSENT, words)


def _out_of_time(given: Consent, now: float) -> Closure | None:
    """An end is only worth something by a clock that is right: a Pi without network may wake up in the past."""
    if given.until is None:
        return None
    today, first = datetime.date.fromtimestamp(now), datetime.date.fromtimestamp(given.at)
    if today > given.until:
        midnight = datetime.datetime.combine(given.until + datetime.timedelta(days=1), datetime.time.min)
        words = f"consent ended with {given.until}; nothing is captured until it is granted anew ({_GRANT})"
        return Closure(Abstention.NO_CONSENT, words, midnight.timestamp())
    if today < first:
        words = f"the clock says {today}, before consent was granted: set it, as the consent has an end"
        return Closure(Abstention.NO_CONSENT, words)
    return None


def _undeclared(deployment: Deployment) -> Closure | None:
    missing = [name for name in ("purpose", "jurisdiction", "consent") if not getattr(deployment, name).strip()]
    if not missing:
        return None
    words = f"nothing is captured until [deployment] in the configuration, or {_GRANT}, declares {', '.join(missing)}"
    return Closure(Abstention.NOT_DECLARED, words)
