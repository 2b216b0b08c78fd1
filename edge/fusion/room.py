"""Many subjects become one room: reliability-weighted means over the readings that still count."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from edge.signals import EMOTIONS, ENGAGEMENT_STATES, Limit, Modality, Reading

SPOKEN = {"calm": "neutral", "fearful": "fear"}
"""What the voice calls otherwise than the face does."""


@dataclass(frozen=True, slots=True)
class RoomReading:
    """What one modality says about the room: ``values`` are weighted means 0..1, ``reliability`` the subjects' mean."""

    values: Mapping[str, float]
    reliability: float


def current(readings: Iterable[Reading], now: float, window_s: float) -> list[Reading]:
    """The readings that still count: ended within ``window_s``, or within their own length for long utterances."""
    return [r for r in readings if now - r.end <= max(window_s, r.end - r.start)]


def pool(readings: Iterable[Reading]) -> dict[Modality, RoomReading]:
    """One RoomReading per modality present.

    A subject's readings are averaged first, so that a face seen often does not outvote one seen seldom; then subjects
    are averaged, each weighted by its reliability. ``positive`` and the emotions are the values for face and speech.
    """
    subjects: dict[Modality, dict[int | None, list[Reading]]] = defaultdict(lambda: defaultdict(list))
    for reading in readings:
        subjects[reading.modality][reading.track].append(reading)
    return {
        modality: _mean([_mean([_single(r) for r in group]) for group in by_track.values()])
        for modality, by_track in subjects.items()
    }


def trust(reliability: float) -> float:
    """How far above an even chance something is right, 0..1."""
    return max(0.0, 2.0 * reliability - 1.0)


def limits(readings: Iterable[Reading]) -> dict[Modality, Limit]:
    """What holds most of a modality's readings back, where something does in at least half of them."""
    found: dict[Modality, Counter[Limit | None]] = defaultdict(Counter)
    for reading in readings:
        found[reading.modality][reading.limit] += 1
    worst = {modality: max(counts, key=lambda limit: (counts[limit], str(limit))) for modality, counts in found.items()}
    return {m: limit for m, limit in worst.items() if limit is not None and 2 * found[m][limit] >= found[m].total()}


def emotions(rooms: Mapping[Modality, RoomReading]) -> dict[str, float] | None:
    """The share of each emotion in faces and voice together, by reliability; None where neither can be trusted."""
    heard = [rooms[name] for name in ("face", "speech") if name in rooms and rooms[name].reliability > 0]
    total = sum(reading.reliability for reading in heard)
    if total <= 0:
        return None
    return {name: sum(r.reliability / total * r.values[name] for r in heard) for name in EMOTIONS}


def _single(reading: Reading) -> RoomReading:
    if reading.modality == "engagement":
        return RoomReading({state: reading.probabilities[state] for state in ENGAGEMENT_STATES}, reading.reliability)
    assert reading.positive is not None
    values = {"positive": reading.positive} | dict.fromkeys(EMOTIONS, 0.0)
    for label, probability in reading.probabilities.items():
        values[SPOKEN.get(label, label)] += probability
    return RoomReading(values, reading.reliability)


def _mean(parts: list[RoomReading]) -> RoomReading:
    total = sum(part.reliability for part in parts)
    # readings none of which can be trusted are averaged evenly: their reliability of 0 says what they are worth
    weights = [part.reliability / total if total > 0 else 1 / len(parts) for part in parts]
    names = parts[0].values
    values = {name: sum(w * part.values[name] for w, part in zip(weights, parts, strict=True)) for name in names}
    return RoomReading(values, total / len(parts))
