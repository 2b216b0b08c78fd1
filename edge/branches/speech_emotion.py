"""Speech emotion: one voiced utterance -> eight emotions and valence (AffectFusion)."""

from __future__ import annotations

from edge.branches import recentred, softmax, trust
from edge.features.speech import SpeechFeatures
from edge.inference.answer import answer
from edge.inference.store import ModelStore
from edge.signals import Qualities, Reading, Utterance

NEGATIVE = ("sad", "angry", "fearful", "disgust")
"""Emotions that count as negative (class 1 of the paper); all others are positive."""


class SpeechEmotionBranch:
    """A network over one utterance as a whole. Whose voice it is, it neither asks nor keeps."""

    def __init__(self, store: ModelStore) -> None:
        self.manifest, self.model = store.load("speech_emotion", ("negative",))
        self.preprocessing: SpeechFeatures = store.preprocessing(self.manifest, SpeechFeatures)

    def read(self, utterance: Utterance, qualities: Qualities) -> Reading:
        """Eight probabilities and that of positive valence; ``qualities`` are the voice's."""
        features = self.preprocessing(utterance.samples)
        said = answer(self.model(features.reshape(self.model.input.shape)))
        probabilities = softmax(said.logits, self.manifest.temperature)
        by_label = dict(zip(self.manifest.labels, probabilities.tolist(), strict=True))
        negative = sum(by_label[label] for label in NEGATIVE)
        positive = 1.0 - recentred(negative, self.manifest.thresholds["negative"])
        reliability, limit = trust(self.manifest, qualities, said.embedding, {"negative": negative})
        return Reading(
            "speech", by_label, positive, reliability, utterance.start, utterance.end, None, said.embedding, limit
        )
