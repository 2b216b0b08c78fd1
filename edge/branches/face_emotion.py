"""Face emotion: an aligned face crop -> seven emotions and valence (AffectFusion, face branch)."""

from __future__ import annotations

from edge.branches import recentred, softmax, trust
from edge.features.face_crop import FaceCrop
from edge.inference.answer import answer
from edge.inference.store import ModelStore
from edge.signals import Face, Qualities, Reading, Uint8Image

POSITIVE = ("happy", "neutral")
"""Emotions that count as positive; surprise is left out of valence, the rest are negative."""
LEFT_OUT = ("surprised",)


class FaceEmotionBranch:
    """A mobile CNN over one face at one moment."""

    def __init__(self, store: ModelStore) -> None:
        self.manifest, self.model = store.load("face_emotion", ("positive",))
        self.preprocessing: FaceCrop = store.preprocessing(self.manifest, FaceCrop)

    def read(self, crop: Uint8Image, face: Face, qualities: Qualities) -> Reading:
        """Seven probabilities and that of positive valence; ``preprocessing`` has cut ``crop``, uint8 (size, size).

        ``qualities`` are the face's.
        """
        said = answer(self.model(self.preprocessing.standardise(crop)[None]))
        probabilities = softmax(said.logits, self.manifest.temperature)
        by_label = dict(zip(self.manifest.labels, probabilities.tolist(), strict=True))
        counted = 1.0 - sum(by_label[label] for label in LEFT_OUT)
        share = sum(by_label[label] for label in POSITIVE) / max(counted, 1e-6)
        positive = recentred(share, self.manifest.thresholds["positive"])
        reliability, limit = trust(self.manifest, qualities, said.embedding, {"positive": share})
        return Reading("face", by_label, positive, reliability, face.time, face.time, face.track, said.embedding, limit)
