"""The gate: decides whether anything may be captured at all, and what of an Affect may pass."""

from __future__ import annotations

import dataclasses
from typing import cast

from edge.config import Deployment
from edge.publish.payloads import PrivacyPayload, PrivacyState, timestamp
from edge.signals import Abstention, Affect

_EU = frozenset(
    (
        *("EU", "AT", "BE", "BG", "HR", "CY", "CZ", "DK", "EE", "EL", "FI", "FR", "DE", "GR", "HU"),
        *("IE", "IT", "LV", "LT", "LU", "MT", "NL", "PL", "PT", "RO", "SK", "SI", "ES", "SE"),
    )
)
"""The Union and its members, as codes of countries; Greece has two."""

_REASONS = {
    Abstention.NOT_DECLARED: "nothing is captured until [deployment] in the configuration declares {missing}",
    Abstention.PROHIBITED: (
        "the EU prohibits inferring emotions in education, except for medical or safety reasons (AI Act, Art. 5(1)(f))"
    ),
    Abstention.MUTED: "muted; camera and microphone are closed",
}


class Gate:
    """Consent, mute and the minimum group.

    Raises nothing and remembers only whether it is muted. While ``closed`` gives a reason, capture must be shut, not
    just publishing.
    """

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment
        self.muted = False

    @property
    def closed(self) -> Abstention | None:
        """Why nothing may be captured now; None when capture is allowed."""
        if self._missing():
            return Abstention.NOT_DECLARED
        if self.deployment.purpose == "education" and self._country in _EU:
            return Abstention.PROHIBITED
        return Abstention.MUTED if self.muted else None

    @property
    def explanation(self) -> str:
        """``closed`` in words; empty when capture is allowed."""
        reason = self.closed
        return _REASONS[reason].format(missing=", ".join(self._missing())) if reason else ""

    def notice(self, wall_time: float) -> PrivacyPayload:
        """The message for the ``privacy`` topic; ``wall_time``, seconds since 1970, is when this state began."""
        declared = self.deployment
        return PrivacyPayload(
            state=cast(PrivacyState, self.closed.value) if self.closed else "capturing",
            reason=self.explanation or f"declared: {declared.purpose}",
            since=timestamp(wall_time),
            minimum_group=declared.minimum_group,
            purpose=declared.purpose,
            jurisdiction=declared.jurisdiction,
            mode=declared.mode,
        )

    def admit(self, affect: Affect) -> Affect:
        """What may leave of ``affect``: all of it, or only why it may not.

        Refused for what closes the gate, and below the minimum group, where numbers would speak of single persons: then
        neither scores nor reliabilities pass, only the reason and the (bucketed) group size.
        """
        reason = self.closed
        of_a_group = self.deployment.mode == "room"
        if reason is None and affect.abstain is None and of_a_group and affect.group < self.deployment.minimum_group:
            reason = Abstention.TOO_FEW_FACES
        if reason is None and affect.abstain is None:
            return affect
        return dataclasses.replace(
            affect,
            abstain=reason or affect.abstain,
            reliability={},
            engagement=None,
            valence=None,
            satisfaction=None,
            confidence=0.0,
            emotions=None,
        )

    @property
    def _country(self) -> str:
        return self.deployment.jurisdiction.partition("-")[0].upper()

    def _missing(self) -> list[str]:
        declared = self.deployment
        return [name for name in ("purpose", "jurisdiction", "consent") if not getattr(declared, name).strip()]
