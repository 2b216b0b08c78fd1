"""The late rule with reliability and a memory: modalities add up by how often they are right, and age second by second.

Late fusion of calibrated decisions is a sum of log-odds, each modality's by its reliability (AffectFusion, late fusion;
the low-quality-video study's reliability weights). Carrying the sum over to the next second with a chance that the room
has changed is the temporal feedback of Edu-EmotionNet with one number in place of a network.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edge.fusion.evidence import CHANGE, Evidence
from edge.fusion.fresh import Fresh
from edge.fusion.fused import Fused
from edge.fusion.room import RoomReading, trust
from edge.signals import Modality, Reading


@dataclass(frozen=True, slots=True)
class Weights:
    """What a second of faces and an utterance count for, and the chance that the room changes within a second.

    One second's face is much like the last one's: it counts for less than an utterance. The defaults are those with the
    least log loss on validation sessions (``affect-quantize train-fusion`` tells them).
    """

    face: float = 0.6
    speech: float = 1.1
    change: float = CHANGE


WEIGHTS = Weights()


class Weighted:
    """A sum of log-odds that fades.

    With x the log-odds of positive valence, which fade from second to second (see ``Fading``)::

        x += w_face logit(mean of p_i) + w_speech sum of logit q_j

    where p_i are the faces' and q_j the utterances' ``calibrated`` probabilities, each reading counted once; faces are
    averaged weighted by their trust 2 r_i - 1, with r_i their reliability.
    """

    def __init__(self, thresholds: Mapping[str, float], weights: Weights = WEIGHTS) -> None:
        self.thresholds = thresholds
        self._weights = weights
        self.forget()

    def forget(self) -> None:
        """Forgets everything."""
        self._evidence = Evidence(self._weights.change)
        self._fresh = Fresh()
        self._time: float | None = None

    def fuse(self, readings: Sequence[Reading], rooms: Mapping[Modality, RoomReading], now: float) -> Fused:
        """The state at ``now``."""
        self._evidence.age(0.0 if self._time is None else max(0.0, now - self._time))
        self._time = now
        collect(self._evidence, self._fresh.take(readings), self._weights)
        return Fused(
            satisfaction=self._evidence.positive if self._evidence.known else None,
            confidence=self._evidence.confidence,
            engagement=rooms["engagement"].values if "engagement" in rooms else None,
            support=self._evidence.support,
            weights=self._evidence.weights,
        )


def collect(evidence: Evidence, fresh: Sequence[Reading], weights: Weights) -> None:
    """Adds what ``fresh`` readings say of valence to ``evidence``: the faces as one, every utterance by itself."""
    faces = [reading for reading in fresh if reading.modality == "face"]
    if faces:
        evidence.add("face", *pooled(faces), weights.face)
    for reading in fresh:
        if reading.modality == "speech":
            evidence.add("speech", calibrated(reading), max(0.5, reading.reliability), weights.speech)


def calibrated(reading: Reading) -> float:
    """The probability of positive valence that a face's or an utterance's reading stands for, 0..1.

    Its decision, and how often such decisions are right: never less than even.
    """
    right = max(0.5, reading.reliability)
    assert reading.positive is not None
    return right if reading.positive >= 0.5 else 1.0 - right


def pooled(faces: Sequence[Reading]) -> tuple[float, float]:
    """The faces' mean probability of positive valence and of being right, each weighted by its trust."""
    total = sum(trust(face.reliability) for face in faces)
    if total <= 0.0:
        return 0.5, 0.5
    weights = [trust(face.reliability) / total for face in faces]
    positive = sum(w * calibrated(face) for w, face in zip(weights, faces, strict=True))
    return positive, sum(w * max(0.5, face.reliability) for w, face in zip(weights, faces, strict=True))
