"""Running statistics of a session: what was felt, for how long, when, and how much of it the box could tell."""

from __future__ import annotations

from functools import reduce

import msgspec

from edge.publish.payloads import (
    AbstainedSeconds,
    Activity,
    EmotionShares,
    Half,
    Halves,
    LabelShares,
    SessionPayload,
    SessionSeconds,
    timestamp,
)
from edge.session.tally import Tally
from edge.signals import Affect

MINUTE_S = 60.0
"""The grain of the timeline: halves, activities and reports are made of such parts."""

LONGEST_MINUTES = 24 * 60
"""Parts kept at most; a session that was never ended fills its last one for ever."""


class Part(msgspec.Struct):
    """About a minute of a session: ``start`` in seconds after its beginning, and the ``activity`` marked then."""

    start: float
    tally: Tally
    activity: str = ""


class Statistics:
    """Adds up the room's states; a state every second for a day makes no more than 1,440 parts.

    Times are seconds after the session's start. Each state speaks for the time since the one before it, but never for
    more than its own window: a longer gap was observed by nobody and lowers the coverage.
    """

    def __init__(self, finished: list[Part] | None = None) -> None:
        """``finished`` parts are those of a session that is taken up again."""
        self.finished = list(finished or [])
        self._last = 0.0
        activity = ""
        if self.finished:
            newest = self.finished[-1]
            self._last, activity = newest.start + newest.tally.elapsed, newest.activity
        self.current = Part(self._last, Tally(), activity)

    def add(self, affect: Affect, now: float) -> Part | None:
        """Counts the room's next state at ``now``; returns the part that it completes, if it does.

        One that is not later than the last counts for nothing.
        """
        elapsed = now - self._last
        if elapsed <= 0:
            return None
        self._last = now
        self.current.tally.add(affect, elapsed)
        full = self.current.tally.elapsed >= MINUTE_S and len(self.finished) < LONGEST_MINUTES - 1
        return self._finish(self.current.activity) if full else None

    def mark(self, activity: str) -> Part | None:
        """From now on the room is at ``activity``, "" for none in particular; returns the part this ends, if one."""
        if activity == self.current.activity or len(self.finished) >= LONGEST_MINUTES - 1:
            return None
        return self._finish(activity)

    def take_up(self, part: Part) -> None:
        """Goes on with a part that was begun before a restart."""
        self.current = part
        self._last = part.start + part.tally.elapsed

    @property
    def seconds(self) -> float:
        """From the session's start to its last state."""
        return self._last

    @property
    def parts(self) -> list[Part]:
        """All of the session so far, in order."""
        return [*self.finished, self.current]

    def _finish(self, activity: str) -> Part | None:
        done = self.current
        self.current = Part(self._last, Tally(), activity)
        if done.tally.elapsed == 0:
            return None
        self.finished.append(done)
        return done


def summary(parts: list[Part], identifier: str, started: float, ended: float | None = None) -> SessionPayload:
    """The message for the ``session`` topic, final once the session has ``ended``; both in seconds since 1970."""
    first, second = halves(parts)
    whole = first.followed_by(second)
    labels, emotions = whole.label_shares(), whole.emotion_shares()
    return SessionPayload(
        id=identifier,
        started=timestamp(started),
        ended=None if ended is None else timestamp(ended),
        final=ended is not None,
        seconds=SessionSeconds(total=whole.elapsed, scored=whole.scored, abstained=AbstainedSeconds(**whole.abstained)),
        engagement=LabelShares(**labels) if labels else None,
        valence=whole.valence.mean,
        satisfaction=whole.satisfaction.mean,
        coverage=whole.coverage,
        emotions=EmotionShares(**emotions) if emotions else None,
        transitions=sum(whole.transitions.values()),
        longest_low_s=whole.low.longest,
        halves=Halves(first=_half(first), second=_half(second)),
        activities={name: _activity(tally) for name, tally in activities(parts).items()},
    )


def together(parts: list[Part]) -> Tally:
    """All parts as one stretch."""
    return reduce(Tally.followed_by, (part.tally for part in parts), Tally())


def halves(parts: list[Part]) -> tuple[Tally, Tally]:
    """The first and the second half, to the nearest part."""
    middle = sum(part.tally.elapsed for part in parts) / 2
    first = [part for part in parts if part.start - parts[0].start + part.tally.elapsed / 2 < middle]
    return together(first), together(parts[len(first) :])


def activities(parts: list[Part]) -> dict[str, Tally]:
    """Each marked activity's stretches, one after the other; time without a mark is in none."""
    names = dict.fromkeys(part.activity for part in parts if part.activity)
    return {name: together([part for part in parts if part.activity == name]) for name in names}


def _half(tally: Tally) -> Half:
    return Half(engaged=tally.engaged, satisfaction=tally.satisfaction.mean, coverage=tally.coverage)


def _activity(tally: Tally) -> Activity:
    return Activity(seconds=tally.elapsed, **msgspec.structs.asdict(_half(tally)))
