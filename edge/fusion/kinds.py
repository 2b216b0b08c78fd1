"""The kinds of fusion by the name the configuration gives them."""

from __future__ import annotations

from collections.abc import Mapping

from edge.config import Fusion as Settings
from edge.fusion.attention import Attention
from edge.fusion.fused import Fusion
from edge.fusion.late import Late
from edge.fusion.weighted import Weighted
from edge.inference.store import ModelStore


def open_fusion(settings: Settings, store: ModelStore, thresholds: Mapping[str, float]) -> Fusion:
    """The fusion of the configured kind; ``thresholds`` are the engagement branch's.

    Raises UserError where the attention model is missing or cannot be trusted.
    """
    if settings.kind == "attention":
        return Attention(store, thresholds)
    return Weighted(thresholds) if settings.kind == "weighted" else Late(thresholds)
