"""Readings that were not there a moment ago: whoever adds readings up must count each once."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

from edge.signals import Modality, Reading


class Fresh:
    """Remembers which readings it has given out, as long as they are shown to it."""

    def __init__(self) -> None:
        self._given: dict[tuple[Modality, int | None], float] = {}

    def take(self, readings: Sequence[Reading]) -> list[Reading]:
        """Of ``readings`` those not given before: of every track the newest, and every utterance."""
        fresh: dict[tuple[Modality, int | None, float], Reading] = {}
        newest: dict[tuple[Modality, int | None], float] = {}
        for reading in readings:
            key = (reading.modality, reading.track)
            before = self._given.get(key, -inf)
            newest[key] = max(reading.end, before, newest.get(key, -inf))
            if reading.end > before:
                # utterances have no track, and every one of them counts
                fresh[(*key, reading.end if reading.track is None else 0.0)] = reading
        self._given = newest
        return list(fresh.values())
