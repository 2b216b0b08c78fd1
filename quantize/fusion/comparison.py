"""Kinds of fusion on the same sessions: each is the code that runs on the device, second by second."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edge.features.moment import Own
from edge.fusion import room
from edge.fusion.fused import Fused, Fusion
from edge.fusion.room import RoomReading
from edge.signals import ENGAGEMENT_STATES, Modality, Reading
from quantize.fusion.material import OWN, UTTERANCE_S, Damage, Part

WINDOW_S = 3.0
"""How long a reading counts, as ``[fusion] window_s`` has it by default."""

TRACK = 0

EVEN = dict.fromkeys(ENGAGEMENT_STATES, 0.5)
"""Thresholds of the engagement states where no label is asked for."""

SEED = 5
"""Fixes when modalities are missing."""

Maker = Callable[[], Fusion]


@dataclass(frozen=True)
class Kind:
    """One of what is compared: ``make`` makes it anew for every session.

    ``seen`` are the modalities that it is given; without ``reliable`` every reading counts as perfectly reliable.
    """

    name: str
    make: Maker
    seen: tuple[Modality, ...] = OWN
    reliable: bool = True


@dataclass(frozen=True)
class Course:
    """What a kind said of N sessions of S seconds.

    ``positive`` float64 (N, S) is the probability of positive valence, 0.5 where nothing is known, ``support`` as in
    ``Fused``, ``states`` (N, S, 4) the engagement probabilities, NaN where nothing is known.
    """

    positive: NDArray[np.float64]
    support: NDArray[np.float64]
    states: NDArray[np.float64]


class Mean:
    """The static average: the mean of the modalities' probabilities of positive valence, whatever they are worth."""

    thresholds: Mapping[str, float] = EVEN

    def fuse(self, readings: Sequence[Reading], rooms: Mapping[Modality, RoomReading], now: float) -> Fused:
        """The state at ``now``."""
        said = [rooms[name].values["positive"] for name in ("face", "speech") if name in rooms]
        mean = sum(said) / len(said) if said else None
        engagement = rooms["engagement"].values if "engagement" in rooms else None
        return Fused(mean, 0.0 if mean is None else max(mean, 1.0 - mean), engagement, 0.5)

    def forget(self) -> None:
        """Nothing is remembered."""


def played(part: Part, damage: Damage, seed: int = SEED) -> list[list[list[Reading]]]:
    """The readings of each session and second, as the device would have them."""
    sessions, seconds = part.sessions.positive.shape
    there = {name: part.there(name, damage.missing.get(name, 0.0), seed) for name in OWN}
    return [
        [
            [_reading(part, name, damage, session, second) for name in OWN if there[name][session, second]]
            for second in range(seconds)
        ]
        for session in range(sessions)
    ]


def _reading(part: Part, name: Own, damage: Damage, session: int, second: int) -> Reading:
    answers, told = part.answers[name], part.told[name]
    at = answers.index(damage.condition(name)), int(part.rows(name)[session, second])
    labels = ENGAGEMENT_STATES if name == "engagement" else part.labels[name]
    return Reading(
        modality=name,
        probabilities=dict(zip(labels, told.probabilities[at].tolist(), strict=True)),
        positive=None if name == "engagement" else float(told.said[at]),
        reliability=float(told.reliability[at]),
        start=second - UTTERANCE_S if name == "speech" else float(second),
        end=float(second),
        track=None if name == "speech" else TRACK,
        embedding=answers.embedding[at].astype(np.float32),
    )


def course(kind: Kind, sessions: Sequence[Sequence[Sequence[Reading]]]) -> Course:
    """What ``kind`` says of ``sessions``, each a list of seconds of readings."""
    shape = len(sessions), len(sessions[0])
    positive, support = np.full(shape, 0.5), np.full(shape, 0.5)
    states = np.full((*shape, len(ENGAGEMENT_STATES)), np.nan)
    for number, session in enumerate(sessions):
        fusion, recent = kind.make(), list[Reading]()
        for second, readings in enumerate(session):
            own = [reading for reading in readings if reading.modality in kind.seen]
            recent += own if kind.reliable else [replace(reading, reliability=1.0) for reading in own]
            recent = room.current(recent, second, WINDOW_S - 0.5)
            fused = fusion.fuse(recent, room.pool(recent), float(second))
            support[number, second] = fused.support
            if fused.satisfaction is not None:
                positive[number, second] = fused.satisfaction
            if fused.engagement is not None:
                states[number, second] = [fused.engagement[state] for state in ENGAGEMENT_STATES]
    return Course(positive, support, states)
