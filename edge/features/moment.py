"""What the attention model sees of a second: for each modality what it says, how far to trust it, and its embedding."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import ClassVar, Literal

import msgspec
import numpy as np

from edge.features import Preprocessing
from edge.signals import Float32Array

Own = Literal["face", "speech", "engagement"]
"""The modalities that the box senses itself."""

CLIP = 4.0
"""Standardised numbers and log-odds are held within this: beyond, int8 would have to give up what is between."""

HEAD = 3
"""Numbers before a block's probabilities: that there is something, how far to trust it, which valence it stands for."""


class Embedded(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a branch's embedding (D,) is standardised: ``centre`` and ``spread``, float32 (D,) as little-endian bytes.

    Only its first D numbers are looked at; ``labels`` is how many probabilities the branch gives.
    """

    labels: int
    centre: bytes
    spread: bytes

    @property
    def size(self) -> int:
        """How long the modality's block is."""
        return HEAD + self.labels + len(self.centre) // 4


class MomentFeatures(Preprocessing, frozen=True):
    """Blocks of the modalities, in the order of ``blocks``; the model sees ``steps`` successive seconds of them."""

    version: ClassVar[int] = 1

    blocks: dict[Own, Embedded]
    steps: int = 5

    @property
    def sizes(self) -> tuple[int, ...]:
        """How long each modality's block is."""
        return tuple(block.size for block in self.blocks.values())

    def embedding(self, modality: Own) -> int:
        """How many of its embedding's numbers are looked at."""
        return len(self.blocks[modality].centre) // 4

    def block(
        self,
        modality: Own,
        positive: Float32Array | None,
        reliability: Float32Array,
        probabilities: Float32Array,
        embedding: Float32Array,
    ) -> Float32Array:
        """float32 (N, block) of N readings: ``probabilities`` (N, labels), ``embedding`` (N, D or more).

        ``positive`` (N,) is the calibrated probability of positive valence; None of a branch without one.
        """
        centre, spread = _arrays(self.blocks[modality])
        valence = np.zeros_like(reliability) if positive is None else _log_odds(positive)
        head = np.stack([np.ones_like(reliability), 2.0 * reliability - 1.0, valence], axis=1)
        shown = np.clip((embedding[:, : len(centre)] - centre) / spread, -CLIP, CLIP)
        return np.concatenate([head, _log_odds(probabilities), shown], axis=1).astype(np.float32)

    def moment(self, blocks: Mapping[Own, Float32Array]) -> Float32Array:
        """One second, float32 (sum of sizes,): a modality without a block is all zeros."""
        empty = {name: np.zeros(shape.size, np.float32) for name, shape in self.blocks.items()}
        return np.concatenate([blocks.get(name, zeros) for name, zeros in empty.items()])


def _log_odds(p: Float32Array) -> Float32Array:
    p = np.clip(p, 1e-4, 1.0 - 1e-4)
    return np.asarray(np.clip(np.log(p / (1.0 - p)), -CLIP, CLIP), np.float32)


@lru_cache(maxsize=8)
def _arrays(block: Embedded) -> tuple[Float32Array, Float32Array]:
    return np.frombuffer(block.centre, "<f4"), np.frombuffer(block.spread, "<f4")
