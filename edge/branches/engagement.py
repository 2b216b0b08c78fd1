"""Engagement: ten seconds of a face's landmarks -> boredom, confusion, engagement, frustration (AffectFusion, LSTM)."""

from __future__ import annotations

from edge.branches import sigmoid, trust
from edge.features.landmarks import LandmarkFeatures
from edge.inference.answer import answer
from edge.inference.store import ModelStore
from edge.signals import ENGAGEMENT_STATES, Float32Array, Qualities, Reading


class EngagementBranch:
    """An LSTM over one track's landmark window."""

    def __init__(self, store: ModelStore) -> None:
        self.manifest, self.model = store.load("engagement", ENGAGEMENT_STATES)
        self.preprocessing: LandmarkFeatures = store.preprocessing(self.manifest, LandmarkFeatures)

    def read(self, window: Float32Array, end: float, qualities: Qualities, track: int) -> Reading:
        """Four independent probabilities of a high level, from float32 (75, k) features that end at ``end``.

        ``qualities`` are the face's.
        """
        said = answer(self.model(window[None]))
        probabilities = sigmoid(said.logits, self.manifest.temperature)
        by_label = dict(zip(self.manifest.labels, probabilities.tolist(), strict=True))
        span = self.preprocessing.steps / self.preprocessing.rate_hz
        reliability, limit = trust(self.manifest, qualities, said.embedding, by_label)
        return Reading("engagement", by_label, None, reliability, end - span, end, track, said.embedding, limit)
