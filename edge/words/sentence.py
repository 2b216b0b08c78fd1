"""A room's newest messages as one sentence, short enough to be read at a glance or put into a prompt."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from edge.words.catalogue import Catalogue

MODALITIES = ("face", "engagement", "speech")
"""The box's own, whose absence is worth a word; those from outside count where they are there."""

TRUSTED = 0.55
"""From this reliability on a modality counts: 0.5 is an even chance, and says nothing."""

LOW_CONFIDENCE = 0.2
"""Below this the box itself raises no alert by default."""

STALE_S = 10.0
"""A state is one second old as a rule; from this age on its age is said."""

CLOCK_S = 5.0
"""How far apart the clocks of two machines may be before it is said."""

Message = dict[str, Any]
"""A decoded message that fulfils the schema."""


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest message of each topic that the sentence rests on, None where none came, and the time in s since 1970.

    ``age_s`` is that of ``affect``; None where it cannot be told.
    """

    now: float
    status: str | None = None
    affect: Message | None = None
    privacy: Message | None = None
    age_s: float | None = None

    @property
    def online(self) -> bool:
        """Whether the box says it is there, or says nothing of it."""
        return self.status != "offline"

    @property
    def closed(self) -> str | None:
        """Why nothing is captured, as the privacy topic says; None where it is."""
        state = self.privacy["state"] if self.privacy else "capturing"
        return None if state == "capturing" else state

    @property
    def reason(self) -> str | None:
        """Why there are no scores, of a box that is there; None where it gives some, or has said nothing."""
        return self.closed or (self.affect["abstain"] if self.affect else None) if self.online else None

    @property
    def scored(self) -> Message | None:
        """The state, where it has scores and nothing has closed the box since."""
        return self.affect if self.online and self.reason is None else None

    @property
    def stale(self) -> bool:
        """Whether the state is of old, or of a time unknown."""
        return self.age_s is None or self.age_s >= STALE_S


def moment(time: str) -> float | None:
    """A message's ``time`` in seconds since 1970; None for what no calendar has, such as a leap second."""
    try:
        return datetime.fromisoformat(time.replace("Z", "+00:00")).timestamp()
    except (ValueError, OverflowError):
        return None


def seconds_since(time: str, now: float) -> float | None:
    """How long ago a message's ``time`` was; None where it has yet to come, so that some clock is wrong."""
    at = moment(time)
    return None if at is None or at - now >= CLOCK_S else max(0.0, now - at)


def sentence(newest: Newest, words: Catalogue) -> str:
    """How the room is, how far to trust that, or why nothing is known."""
    if not newest.online:
        if newest.age_s is None:
            return words("sentence.offline")
        return words("sentence.offline_since", duration=words.duration(newest.age_s))
    if newest.closed is not None:
        return _closed(newest, words)
    if newest.affect is None:
        return words("sentence.nothing")
    said = _state(newest.affect, words)
    if newest.age_s is None:
        return words("sentence.clock", sentence=said)
    if newest.stale:
        return words("sentence.stale", duration=words.duration(newest.age_s), sentence=said)
    return said


def trusted(affect: Message) -> int:
    """How many modalities stand behind a state."""
    return sum(share >= TRUSTED for share in affect["reliability"].values())


def _closed(newest: Newest, words: Catalogue) -> str:
    assert newest.privacy is not None
    reason = words(f"reason.{newest.closed}")
    since = seconds_since(newest.privacy["since"], newest.now)
    if since is None:
        return words("sentence.closed", reason=reason)
    return words("sentence.closed_for", reason=reason, duration=words.duration(since))


def _state(affect: Message, words: Catalogue) -> str:
    if affect["abstain"] is not None:
        return words("sentence.no_scores", reason=words(f"reason.{affect['abstain']}"))
    engagement = affect["engagement"]
    label = "unknown" if engagement is None else engagement["label"] or "none"
    parts = [words(f"engagement.{label}")]
    if affect["confidence"] < LOW_CONFIDENCE:
        parts.append(words("sentence.low_confidence"))
    parts += [words(f"missing.{modality}") for modality in MODALITIES if modality not in affect["reliability"]]
    parts.append(words("sentence.trusted", trusted=trusted(affect), all=len({*MODALITIES, *affect["reliability"]})))
    return "; ".join(parts)
