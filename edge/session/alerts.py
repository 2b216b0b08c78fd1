"""The classroom alarm: says when a state of the room lasts, and when it is over."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import exp

from edge.publish.payloads import AlertKind, AlertPhase
from edge.session.scenarios import Rule, Rules
from edge.session.tally import DISCONTENT
from edge.signals import Affect

STILL_S = 300.0
"""Between two reminders that an alert goes on."""

UNOBSERVED_S = 120.0
"""Without a state sure enough for this long, nothing is known any more: an alert ends, and watching begins anew."""

LIVELY = ("happy", "surprised", "angry")


@dataclass(frozen=True, slots=True)
class Alert:
    """One message of the alarm; ``since`` is on the states' clock, ``share`` that of recent time in the condition."""

    kind: AlertKind
    phase: AlertPhase
    since: float
    share: float


class Alarm:
    """Watches the room's states, which are a group's and never one person's, by the rules of a scenario.

    The share of recent time in a condition is an exponential mean over watched time, with the rule's ``after_s`` as its
    time constant. It starts at zero, so that nothing begins before about that time has been watched, and no flicker of
    a label ever adds up to an alert.
    """

    def __init__(self, rules: Rules) -> None:
        self._watches = [_Watch(kind, rule) for kind, rule in rules.items()]

    def add(self, affect: Affect) -> list[Alert]:
        """Takes the room's next state and returns what there is to say about it, mostly nothing."""
        return [alert for watch in self._watches if (alert := watch.add(affect)) is not None]


@dataclass(slots=True)
class _Watch:
    kind: AlertKind
    rule: Rule
    began: float | None = None
    _share: float = 0.0
    _rising_since: float | None = None
    _said: float = field(default=float("-inf"))
    _quiet_until: float = field(default=float("-inf"))
    _last: float | None = None

    def add(self, affect: Affect) -> Alert | None:
        now = affect.time
        present = None
        if affect.abstain is None and affect.confidence >= self.rule.confidence:
            present = CONDITIONS[self.kind](affect)
        if present is None:
            return self._unobserved(now)
        seconds = min(now - self._last, affect.window_s) if self._last is not None else 0.0
        self._last = now
        weight = 1 - exp(-max(seconds, 0.0) / self.rule.after_s)
        self._share += weight * (present - self._share)
        return self._judged(now)

    def _judged(self, now: float) -> Alert | None:
        if self._share <= self.rule.clear:
            self._rising_since = None
            return self._over("cleared", now) if self.began is not None else None
        if self._rising_since is None:
            self._rising_since = now
        if self.began is not None:
            return self._say("still", now) if now - self._said >= STILL_S else None
        if self._share < self.rule.begin or now < self._quiet_until:
            return None
        self.began = self._rising_since
        return self._say("began", now)

    def _unobserved(self, now: float) -> Alert | None:
        if self._last is None or now - self._last < UNOBSERVED_S:
            return None
        self._share, self._rising_since, self._last = 0.0, None, None
        return self._over("unobserved", now) if self.began is not None else None

    def _over(self, phase: AlertPhase, now: float) -> Alert:
        alert = self._say(phase, now)
        self.began, self._quiet_until = None, now + self.rule.quiet_s
        return alert

    def _say(self, phase: AlertPhase, now: float) -> Alert:
        assert self.began is not None
        self._said = now
        return Alert(self.kind, phase, self.began, self._share)


def _labelled(label: str) -> Callable[[Affect], bool | None]:
    return lambda affect: None if affect.engagement is None else affect.engagement.label == label


def _discontented(affect: Affect) -> bool | None:
    return None if affect.satisfaction is None else affect.satisfaction < DISCONTENT


def _lively(affect: Affect) -> bool | None:
    return None if affect.emotions is None else sum(affect.emotions[name] for name in LIVELY) > 0.5


CONDITIONS: Mapping[AlertKind, Callable[[Affect], bool | None]] = {
    "low_engagement": _labelled("boredom"),
    "high_confusion": _labelled("confusion"),
    "high_frustration": _labelled("frustration"),
    "negative_climate": _discontented,
    "too_lively": _lively,
    "too_quiet": lambda affect: None if affect.voice is None else not affect.voice,
    "too_talkative": lambda affect: affect.voice,
}
"""Whether a state is in the condition; None where that is not known."""
