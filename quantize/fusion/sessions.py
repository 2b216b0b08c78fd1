"""Sessions put together from data sets of one modality each: who looks and sounds how, second by second.

No public data set here shows faces, engagement and voices of the same learners at the same time. So a session is a
Markov chain over the four engagement states, and each second shows a face, an engagement clip and now and then an
utterance whose own labels agree with the state: an engaged learner's valence is positive, that of a bored, confused or
frustrated one negative (Edu-EmotionNet's reading of learning emotions). What modalities have to do with one another is
thus made by hand, and what they show of it is real. Of engagement and valence that reading may be wrong of real
learners: ``Sessions.unrelated`` takes their agreement away again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edge.signals import ENGAGEMENT_STATES

ENGAGED = ENGAGEMENT_STATES.index("engagement")

Rows = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Course:
    """How sessions go. Durations are means, in seconds, of geometric distributions.

    Every ``state_s`` (a DAiSEE clip's length) a state is drawn anew, engagement half of the time and the other three
    alike, so that valence is as often positive as negative and turns every 20 s. ``look_s`` is how long one picture
    stands for the face: as on a real face, the errors of successive seconds are much alike. ``silence_s`` lies between
    utterances.
    """

    seconds: int = 180
    state_s: float = 10.0
    look_s: float = 5.0
    silence_s: float = 6.0


@dataclass(frozen=True)
class Pools:
    """What sessions are put together from: rows of test sets, by what they show.

    ``faces`` and ``voices`` are (negative rows, positive rows), ``clips`` one array of rows for each engagement state;
    ``voice_s`` is the length of every utterance in seconds, float64 (voices,), and ``high`` which of the four states
    are high in every clip, int64 (clips, 4).
    """

    faces: tuple[Rows, Rows]
    voices: tuple[Rows, Rows]
    clips: tuple[Rows, ...]
    voice_s: NDArray[np.float64]
    high: Rows


@dataclass(frozen=True)
class Sessions:
    """N sessions of S seconds; every array is int64 (N, S), but ``high`` (N, S, 4).

    ``positive`` says which valence it is, ``high`` which of ENGAGEMENT_STATES are high: 1, 0, or -1 where nobody knows.
    ``face`` and ``clip`` are the rows that are seen in each second, ``voice`` that of the utterance which ended in it;
    -1 where there is none.
    """

    positive: Rows
    high: Rows
    face: Rows
    clip: Rows
    voice: Rows

    @property
    def changed(self) -> Mask:
        """Where valence differs from the second before."""
        return np.diff(self.positive, axis=1, prepend=self.positive[:, :1]) != 0

    def unrelated(self) -> Sessions:
        """The same valences with the engagement of the next session: neither tells anything of the other."""
        return replace(self, clip=np.roll(self.clip, 1, axis=0), high=np.roll(self.high, 1, axis=0))


def arrange(count: int, pools: Pools, course: Course, seed: int) -> Sessions:
    """``count`` sessions drawn from ``pools``.

    Every row of a pool is used once before any is used again, so that a session's faces are nearly its own.
    """
    rng = np.random.default_rng(seed)
    deal = _Dealer(rng)
    parts = [_session(pools, course, rng, deal) for _ in range(count)]
    positive, face, clip, voice = (np.stack(columns) for columns in zip(*parts, strict=True))
    return Sessions(positive, pools.high[clip], face, clip, voice)


def bursts(sessions: int, seconds: int, share: float, burst_s: float, seed: int) -> Mask:
    """Where a modality is missing, bool (sessions, seconds): ``share`` of the time, in bursts of some ``burst_s``.

    A two-state Markov chain that begins in its stationary distribution (Gilbert 1960).
    """
    return bursts_of(np.full(sessions, share), seconds, burst_s, np.random.default_rng(seed))


def bursts_of(share: NDArray[np.float64], seconds: int, burst_s: float, rng: np.random.Generator) -> Mask:
    """The same for sessions of which each misses a ``share`` of its own, (sessions,); at 1 nothing ever comes."""
    ends = np.where(share < 1.0, 1.0 / burst_s, 0.0)
    begins = np.where(share < 1.0, np.minimum(1.0, ends * share / np.maximum(1.0 - share, 1e-6)), 1.0)
    missing = np.empty((len(share), seconds), np.bool_)
    missing[:, 0] = rng.random(len(share)) < share
    for second in range(1, seconds):
        turn = rng.random(len(share))
        missing[:, second] = np.where(missing[:, second - 1], turn >= ends, turn < begins)
    return missing


class _Dealer:
    """Deals the rows of a pool in random order, each once before any again."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._left: dict[tuple[str, int], list[int]] = {}

    def __call__(self, name: str, pools: tuple[Rows, ...], which: int) -> int:
        """A row of ``pools[which]``; ``name`` tells these pools from others."""
        left = self._left.get((name, which))
        if not left:
            left = self._left[name, which] = self._rng.permutation(pools[which]).tolist()
        return left.pop()


def _session(pools: Pools, course: Course, rng: np.random.Generator, deal: _Dealer) -> tuple[Rows, ...]:
    states = len(ENGAGEMENT_STATES)
    share = np.full(states, 0.5 / (states - 1))
    share[ENGAGED] = 0.5
    columns = [np.full(course.seconds, -1, np.int64) for _ in range(5)]
    state, positive, face, clip, voice = columns
    now = int(rng.choice(states, p=share))
    speaks_until, utters = float(rng.exponential(course.silence_s)), -1
    for second in range(course.seconds):
        if second and rng.random() < 1.0 / course.state_s:
            now = int(rng.choice(states, p=share))
        fresh = not second or now != state[second - 1]
        state[second], positive[second] = now, int(now == ENGAGED)
        looks = fresh or rng.random() < 1.0 / course.look_s
        face[second] = deal("face", pools.faces, int(positive[second])) if looks else face[second - 1]
        clip[second] = deal("clip", pools.clips, now) if fresh else clip[second - 1]
        if utters >= 0 and positive[second] != positive[second - 1]:
            # whoever changes their mind in mid-sentence starts another one
            utters, speaks_until = -1, second + float(rng.exponential(course.silence_s))
        if second < speaks_until:
            continue
        if utters >= 0:
            voice[second] = utters
            utters, speaks_until = -1, second + float(rng.exponential(course.silence_s))
        else:
            utters = deal("voice", pools.voices, int(positive[second]))
            speaks_until = second + float(pools.voice_s[utters])
    return positive, face, clip, voice
