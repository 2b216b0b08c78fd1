"""Edu-EmotionNet on the device: a small int8 network that attends over the last seconds of all modalities."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from edge.features.moment import CLIP, MomentFeatures, Own
from edge.fusion.evidence import Evidence
from edge.fusion.fresh import Fresh
from edge.fusion.fused import Fused, shares, sigmoid
from edge.fusion.room import RoomReading, trust
from edge.fusion.weighted import WEIGHTS, calibrated, collect
from edge.inference.answer import LOGITS
from edge.inference.store import ModelStore
from edge.signals import ENGAGEMENT_STATES, Float32Array, Modality, Reading

NAME, POSITIVE = "attention", "positive"

LABELS = (POSITIVE, *ENGAGEMENT_STATES)
"""What the network tells: positive valence and the four engagement states, as independent logits."""

IMPORTANCE = "weights"
"""The network's other output, beside its logits."""

STEP_S = 1.0
"""The network has learned from seconds; what comes in between waits for the next one."""

SLACK_S = 0.1


class Attention:
    """Keeps the last seconds of all modalities, and what it said of each, and asks the network once a second.

    Where many faces are seen, their blocks are averaged, each weighted by its trust. ``support`` and
    ``confidence`` are those of the same evidence summed up (``Weighted``): a network does not know what it does not.
    The engagement states are the network's where its manifest has thresholds for them, as it was better at them on
    validation than the branch that it hears them from; else they are the branch's, as they come, with its thresholds.
    """

    def __init__(self, store: ModelStore, thresholds: Mapping[str, float]) -> None:
        self.manifest, self._model = store.load(NAME, (POSITIVE,))
        self._features: MomentFeatures = store.preprocessing(self.manifest, MomentFeatures)
        self._tells_states = set(LABELS) <= set(self.manifest.thresholds)
        known = self.manifest.thresholds if self._tells_states else thresholds
        self.thresholds = {state: known[state] for state in ENGAGEMENT_STATES}
        self.forget()

    def forget(self) -> None:
        """Forgets everything."""
        steps = self._features.steps
        empty = self._features.moment({})
        self._seconds = deque([empty] * steps, steps)
        self._said = deque([np.zeros(len(LABELS), np.float32)] * steps, steps)
        self._waiting: list[Reading] = []
        self._fresh = Fresh()
        self._evidence = Evidence()
        self._known = dict.fromkeys(self._features.blocks, steps)
        self._newest = Fused(None, 0.0, None, 0.5)
        self._time: float | None = None

    def fuse(self, readings: Sequence[Reading], rooms: Mapping[Modality, RoomReading], now: float) -> Fused:
        """The state at ``now``: that of the last whole second."""
        self._waiting += self._fresh.take(readings)
        passed = STEP_S if self._time is None else now - self._time
        if passed < STEP_S - SLACK_S:
            return self._newest
        self._time = now
        # seconds that nobody asked about are empty; more of them than the network sees change nothing
        for _ in range(min(round(passed / STEP_S), self._features.steps) - 1):
            self._step([])
        self._evidence.age(passed)
        collect(self._evidence, self._waiting, WEIGHTS)
        self._newest = self._step(self._waiting)
        if not self._tells_states:
            states = rooms["engagement"].values if "engagement" in rooms else None
            self._newest = replace(self._newest, engagement=states)
        self._waiting = []
        return self._newest

    def _step(self, readings: Sequence[Reading]) -> Fused:
        """One second in which ``readings`` came."""
        blocks = {name: block for name in self._features.blocks if (block := self._block(name, readings)) is not None}
        self._seconds.append(self._features.moment(blocks))
        self._known = {name: 0 if name in blocks else since + 1 for name, since in self._known.items()}
        window = np.concatenate([np.stack(self._seconds), np.stack(self._said)], axis=1)
        outputs = self._model(window[None])
        logits = np.clip(outputs[LOGITS][0], -CLIP, CLIP)
        self._said.append(logits)
        calibrated_logits = (logits / np.float32(self.manifest.temperature)).tolist()
        probabilities = {label: sigmoid(value) for label, value in zip(LABELS, calibrated_logits, strict=True)}
        seen = {name for name, since in self._known.items() if since < self._features.steps}
        weights = dict(zip(self._features.blocks, outputs[IMPORTANCE][0].tolist(), strict=True))
        satisfaction = probabilities[POSITIVE] if seen else None
        return Fused(
            satisfaction=satisfaction,
            confidence=self._evidence.confidence if seen else 0.0,
            engagement={state: probabilities[state] for state in ENGAGEMENT_STATES} if "engagement" in seen else None,
            support=self._evidence.support,
            weights=shares({name: max(0.0, weight) for name, weight in weights.items() if name in seen}),
        )

    def _block(self, name: Own, readings: Sequence[Reading]) -> Float32Array | None:
        """The block of one modality; None where it is missing, or its embeddings are not those of its model."""
        size = self._features.embedding(name)
        own = [r for r in readings if r.modality == name and r.embedding is not None and usable(r.embedding, size)]
        if not own:
            return None
        said = np.array([list(reading.probabilities.values()) for reading in own], np.float32)
        positive = None if name == "engagement" else np.array([calibrated(r) for r in own], np.float32)
        right = np.array([max(0.5, reading.reliability) for reading in own], np.float32)
        embeddings = np.stack([np.asarray(r.embedding)[:size] for r in own])
        blocks = self._features.block(name, positive, right, said, embeddings)
        weights = np.array([trust(reading.reliability) + 1e-3 for reading in own], np.float32)
        return np.asarray(weights @ blocks / weights.sum(), np.float32)


def usable(embedding: Float32Array, size: int) -> bool:
    """Whether ``embedding`` has at least ``size`` numbers, all of them finite."""
    return embedding.ndim == 1 and len(embedding) >= size and bool(np.isfinite(embedding).all())
