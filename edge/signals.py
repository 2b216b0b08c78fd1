"""The nouns that flow through the house, in the order they appear.

Times named ``time``, ``start`` and ``end`` are seconds on the appliance's monotonic clock. Frame, AudioChunk, Face and
Utterance hold media or biometric data: they live in memory only and no room after ``branches`` ever sees one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Uint8Image = NDArray[np.uint8]
Float32Array = NDArray[np.float32]

SAMPLE_RATE = 16_000
"""Hz; every microphone is resampled to it at capture."""

ENGAGEMENT_STATES = ("boredom", "confusion", "engagement", "frustration")
"""The four outputs of the engagement branch, in the AffectFusion paper's order."""

EMOTIONS = ("neutral", "happy", "surprised", "sad", "angry", "disgust", "fear")
"""The seven emotions that faces and voices are summed up in (the classroom system's)."""

Outside = Literal["physiology", "behaviour", "text"]
"""Modalities that come by MQTT: from wearables, a learning management system, a text service."""

Modality = Literal["face", "engagement", "speech", Outside]

Qualities = Mapping[str, float]
"""How good an input is, by the names of ``Limit``: each 0..1, 1 where nothing is missing."""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture: ``image`` is uint8 (height, width, 3) in BGR order, upright, square pixels."""

    image: Uint8Image
    time: float


@dataclass(frozen=True, slots=True, eq=False)
class AudioChunk:
    """A stretch of sound: ``samples`` is float32 (n,) mono at 16 kHz in -1..1; ``time`` is that of its first sample."""

    samples: Float32Array
    time: float

    @property
    def end(self) -> float:
        """Time just after the last sample."""
        return self.time + len(self.samples) / SAMPLE_RATE


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """One face in one frame.

    ``landmarks`` is float32 (468, 3): the MediaPipe face mesh in pixels of the frame (z in the same unit, smaller is
    nearer). ``presence`` in 0..1 is the mesh's own certainty that a face is there. ``track`` is an index in memory that
    dies with the face; it is never published, logged or derived from identity.
    """

    landmarks: Float32Array
    presence: float
    track: int
    time: float


@dataclass(frozen=True, slots=True, eq=False)
class Utterance:
    """One voiced stretch of up to 5 s: ``samples`` is float32 (n,) mono at 16 kHz; it was heard from start to end."""

    samples: Float32Array
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Reading:
    """What one branch says about one subject over a span of time.

    ``probabilities`` maps the branch's own labels to 0..1. ``positive`` is the probability of positive valence (None
    for the engagement branch). ``reliability`` in 0..1 says how far to trust it. ``track`` is None for the room's
    voice. ``embedding`` is float32 (D,), what the branch's network made of its input before it decided, None where the
    model tells none. It is biometric data: it lives in memory until fusion is done with it, is never published, kept or
    printed, and plays no part in whether two readings are equal. ``limit`` is what most lowers the reliability, None
    where nothing does that anybody would notice.
    """

    modality: Modality
    probabilities: Mapping[str, float]
    positive: float | None
    reliability: float
    start: float
    end: float
    track: int | None = None
    embedding: Float32Array | None = field(default=None, repr=False, compare=False)
    limit: Limit | None = None


@dataclass(frozen=True, slots=True)
class Contribution:
    """What a modality from outside says of the room now, never of a person.

    ``positive`` is its probability of positive valence and ``engagement`` that of engagement, 0..1; None where it says
    nothing of them. ``reliability`` in 0..1 says how far to trust it.
    """

    modality: Outside
    positive: float | None
    engagement: float | None
    reliability: float


class Abstention(str, Enum):
    """Why the box gives no score. Abstaining is a normal output, not an error."""

    NOT_DECLARED = "not_declared"
    NO_CONSENT = "no_consent"
    PROHIBITED = "prohibited"
    MUTED = "muted"
    STARTING = "starting"
    NO_CAMERA = "no_camera"
    TOO_DARK = "too_dark"
    NO_FACES = "no_faces"
    TOO_FAR = "too_far"
    TOO_FEW_FACES = "too_few_faces"
    UNRELIABLE = "unreliable"
    OVERLOADED = "overloaded"


class Limit(str, Enum):
    """What may hold a modality's reliability back: a quality of what is seen or heard, by its name everywhere."""

    LIGHT = "light"
    CONTRAST = "contrast"
    SHARPNESS = "sharpness"
    SIZE = "size"
    POSE = "pose"
    FIT = "fit"
    COMPRESSION = "compression"
    LENGTH = "length"
    NOISE = "noise"
    CLIPPING = "clipping"
    REVERBERATION = "reverberation"
    FAMILIARITY = "familiarity"
    COVERAGE = "coverage"


@dataclass(frozen=True, slots=True)
class Engagement:
    """The room's engagement: four probabilities in 0..1 and the label that clears its own threshold, if one does."""

    boredom: float
    confusion: float
    engagement: float
    frustration: float
    label: Literal["boredom", "confusion", "engagement", "frustration"] | None


@dataclass(frozen=True, slots=True)
class Affect:
    """The room's state over the last window; the only thing fusion makes and the only estimate that may leave.

    ``valence`` in -1..1 (negative..positive) and ``satisfaction`` in 0..1 are None when unknown or abstained.
    ``confidence`` in 0..1. ``reliability`` has one entry per modality that was heard or seen; a missing modality is
    absent, not zero. ``group`` is how many faces stand behind the numbers (published as a bucket only). ``emotions`` is
    the share of each of EMOTIONS in faces and voice together, which sums to 1. ``voice`` says whether somebody was
    heard to speak; None where nothing is listened to. ``weights`` is the share 0..1 of the evidence that each modality
    stands for now, which sums to 1, and empty where nothing is known; ``limits`` names what most holds a
    modality's reliability back, where something does (of the box's own modalities only).
    """

    time: float
    window_s: float
    group: int
    reliability: Mapping[Modality, float]
    engagement: Engagement | None = None
    valence: float | None = None
    satisfaction: float | None = None
    confidence: float = 0.0
    abstain: Abstention | None = None
    emotions: Mapping[str, float] | None = None
    voice: bool | None = None
    weights: Mapping[Modality, float] = field(default_factory=dict)
    limits: Mapping[Modality, Limit] = field(default_factory=dict)
