"""What is counted of a stretch of time; two stretches that follow each other add up to one."""

from __future__ import annotations

import msgspec

from edge.signals import ENGAGEMENT_STATES, Affect

BINS = 10
"""Bars of a histogram over the range of a score."""

DISCONTENT = 0.4
"""Satisfaction below it is low."""


class Scores(msgspec.Struct):
    """How one score was spread over time: its mean and a histogram over ``low`` to ``high``, weighted by seconds."""

    low: float
    high: float
    seconds: list[float] = msgspec.field(default_factory=lambda: [0.0] * BINS)
    total: float = 0.0

    def add(self, value: float | None, seconds: float) -> None:
        """Counts ``value`` for ``seconds``; None, an unknown one, not at all."""
        if value is None:
            return
        place = int((value - self.low) / (self.high - self.low) * BINS)
        self.seconds[min(max(place, 0), BINS - 1)] += seconds
        self.total += value * seconds

    @property
    def mean(self) -> float | None:
        """The mean over the time it was known; None where it never was."""
        known = sum(self.seconds)
        return self.total / known if known > 0 else None

    def followed_by(self, later: Scores) -> Scores:
        """Both stretches as one."""
        seconds = [a + b for a, b in zip(self.seconds, later.seconds, strict=True)]
        return Scores(self.low, self.high, seconds, self.total + later.total)


class Stretch(msgspec.Struct):
    """The longest unbroken time in a state, in a form that survives being cut: ``first`` and ``last`` touch the ends.

    Seconds in which the state is unknown neither break a stretch nor lengthen it.
    """

    first: float = 0.0
    last: float = 0.0
    longest: float = 0.0
    unbroken: bool = True

    def add(self, inside: bool, seconds: float) -> None:
        """Counts ``seconds`` inside the state, or a break."""
        if not inside:
            self.unbroken, self.last = False, 0.0
            return
        self.last += seconds
        self.longest = max(self.longest, self.last)
        if self.unbroken:
            self.first += seconds

    def followed_by(self, later: Stretch) -> Stretch:
        """Both stretches as one."""
        return Stretch(
            first=self.first + later.first if self.unbroken else self.first,
            last=self.last + later.last if later.unbroken else later.last,
            longest=max(self.longest, later.longest, self.last + later.first),
            unbroken=self.unbroken and later.unbroken,
        )


class Tally(msgspec.Struct):
    """The room's states over a stretch of time, added up. Seconds, but for ``transitions``, a number of changes."""

    elapsed: float = 0.0
    scored: float = 0.0
    abstained: dict[str, float] = {}
    labels: dict[str, float] = {}
    emotions: dict[str, float] = {}
    transitions: dict[str, int] = {}
    valence: Scores = msgspec.field(default_factory=lambda: Scores(-1.0, 1.0))
    satisfaction: Scores = msgspec.field(default_factory=lambda: Scores(0.0, 1.0))
    low: Stretch = msgspec.field(default_factory=Stretch)
    first_label: str | None = None
    last_label: str | None = None

    def add(self, affect: Affect, elapsed: float) -> None:
        """Counts a state that came ``elapsed`` seconds after the one before; it speaks for its window at most."""
        self.elapsed += elapsed
        seconds = min(elapsed, affect.window_s)
        if affect.abstain is not None:
            _count(self.abstained, affect.abstain.value, seconds)
            return
        self.scored += seconds
        self.valence.add(affect.valence, seconds)
        self.satisfaction.add(affect.satisfaction, seconds)
        for emotion, share in (affect.emotions or {}).items():
            _count(self.emotions, emotion, share * seconds)
        low = low_state(affect)
        if low is not None:
            self.low.add(low, seconds)
        if affect.engagement is not None:
            self._count_label(affect.engagement.label or "none", seconds)

    def followed_by(self, later: Tally) -> Tally:
        """Both stretches as one, as if every state had been added to it."""
        both = Tally(
            elapsed=self.elapsed + later.elapsed,
            scored=self.scored + later.scored,
            abstained=_added(self.abstained, later.abstained),
            labels=_added(self.labels, later.labels),
            emotions=_added(self.emotions, later.emotions),
            transitions={name: int(count) for name, count in _added(self.transitions, later.transitions).items()},
            valence=self.valence.followed_by(later.valence),
            satisfaction=self.satisfaction.followed_by(later.satisfaction),
            low=self.low.followed_by(later.low),
            first_label=self.first_label or later.first_label,
            last_label=later.last_label or self.last_label,
        )
        both._count_transition(self.last_label, later.first_label)
        return both

    @property
    def coverage(self) -> float:
        """The share of the time for which there are scores, 0..1."""
        return self.scored / self.elapsed if self.elapsed > 0 else 0.0

    def label_shares(self) -> dict[str, float] | None:
        """The share of each label, and of "none", in the time with known engagement; None where there was none."""
        return _shares(self.labels, (*ENGAGEMENT_STATES, "none"))

    @property
    def engaged(self) -> float | None:
        """The share of the label engagement in the time with known engagement; None where there was none."""
        labels = self.label_shares()
        return labels["engagement"] if labels else None

    def emotion_shares(self) -> dict[str, float] | None:
        """The share of each emotion; None where none was ever seen or heard."""
        return _shares(self.emotions, tuple(self.emotions))

    def _count_label(self, label: str, seconds: float) -> None:
        self._count_transition(self.last_label, label)
        self.first_label, self.last_label = self.first_label or label, label
        _count(self.labels, label, seconds)

    def _count_transition(self, before: str | None, after: str | None) -> None:
        if before is not None and after is not None and before != after:
            name = f"{before}>{after}"
            self.transitions[name] = self.transitions.get(name, 0) + 1


def low_state(affect: Affect) -> bool | None:
    """Whether the room is bored, frustrated or discontented; None where that is not known."""
    if affect.abstain is not None or (affect.engagement is None and affect.satisfaction is None):
        return None
    weary = affect.engagement is not None and affect.engagement.label in ("boredom", "frustration")
    return weary or (affect.satisfaction is not None and affect.satisfaction < DISCONTENT)


def _count(seconds_of: dict[str, float], name: str, seconds: float) -> None:
    seconds_of[name] = seconds_of.get(name, 0.0) + seconds


def _added(a: dict[str, float] | dict[str, int], b: dict[str, float] | dict[str, int]) -> dict[str, float]:
    return {name: a.get(name, 0) + b.get(name, 0) for name in {**a, **b}}


def _shares(seconds_of: dict[str, float], names: tuple[str, ...]) -> dict[str, float] | None:
    total = sum(seconds_of.values())
    return {name: seconds_of.get(name, 0.0) / total for name in names} if total > 0 else None
