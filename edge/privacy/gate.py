"""The gate: decides whether anything may be captured at all, and what of an Affect may pass."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from typing import cast

from edge.config import Deployment
from edge.privacy.closure import Closure
from edge.privacy.consent import ConsentRecord
from edge.privacy.mute import MuteSwitch
from edge.publish.payloads import PrivacyPayload, PrivacyState, timestamp
from edge.signals import Abstention, Affect
from edge.state import StateFolder


class Gate:
    """Consent, mute and the minimum group; the only door between what is captured and what leaves.

    While ``closed`` gives a reason, capture must be shut, not just publishing. Consent and mute live in ``state``,
    where the console changes them: every look at the gate sees what is there now. ``wall_clock`` gives seconds since
    1970.
    """

    def __init__(self, deployment: Deployment, state: StateFolder, wall_clock: Callable[[], float] = time.time) -> None:
        self.consent = ConsentRecord(deployment, state)
        """Whether there is consent."""
        self.switch = MuteSwitch(state, wall_clock)
        """What mutes and unmutes."""
        self._wall_clock = wall_clock
        self._state = ""
        self._since = 0.0

    @property
    def deployment(self) -> Deployment:
        """What is declared, in the configuration and by a grant at the console."""
        return self.consent.deployment

    @property
    def closed(self) -> Abstention | None:
        """Why nothing may be captured now; None when capture is allowed."""
        closure = self._closure()
        return closure.reason if closure else None

    @property
    def explanation(self) -> str:
        """``closed`` in words; empty when capture is allowed."""
        closure = self._closure()
        return closure.words if closure else ""

    def notice(self) -> PrivacyPayload:
        """The message for the ``privacy`` topic, as of now. Of the consent itself it says no more than its end.

        A mute, a revocation and the end of a consent began when they were decided, be it before a restart; any other
        state when the gate was first seen in it.
        """
        now = self._wall_clock()
        closure, declared, mute, given = self._closure(), self.deployment, self.switch.state, self.consent.given
        state = closure.reason.value if closure else "capturing"
        if state != self._state:
            self._state, self._since = state, now
        return PrivacyPayload(
            state=cast(PrivacyState, state),
            reason=closure.words if closure else f"declared: {declared.purpose}",
            since=timestamp(self._since if closure is None or closure.since is None else closure.since),
            muted_by=mute.by if mute.on else None,
            consent_until=str(given.until) if given and given.until else None,
            minimum_group=declared.minimum_group,
            purpose=declared.purpose,
            jurisdiction=declared.jurisdiction,
            mode=declared.mode,
        )

    def admit(self, affect: Affect) -> Affect:
        """What may leave of ``affect``: all of it, or only why it may not.

        Refused for what closes the gate, and below the minimum group, where numbers would speak of single persons: then
        neither scores nor what they rest on pass, only the reason and the (bucketed) group size.
        """
        reason, declared = self.closed, self.deployment
        of_a_group = declared.mode == "room"
        if reason is None and affect.abstain is None and of_a_group and affect.group < declared.minimum_group:
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
            voice=None,
            weights={},
            limits={},
        )

    def _closure(self) -> Closure | None:
        return self.consent.closure(self._wall_clock()) or self.switch.closure
