"""The test of a model that was trained on everything: each fold's network judges what it never saw, all taken together.

The folds' networks are made as the shipped one is and go through the same conversion, so float32 and int8 are told
apart on every example of the data set, and no example is answered by a network that knew its group.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from quantize.branches.base import Examples
from quantize.evaluate import Judged


def joined(parts: Sequence[Examples]) -> Examples:
    """The examples of all folds, one after the other."""
    classes = [part.classes for part in parts if part.classes is not None]
    return Examples(
        inputs=np.concatenate([part.inputs for part in parts]),
        truth=np.concatenate([part.truth for part in parts]),
        classes=np.concatenate(classes) if classes else None,
        groups=np.concatenate([part.groups for part in parts]),
    )


def pooled(folds: Sequence[dict[str, Judged]]) -> dict[str, Judged]:
    """The answers of all folds in the same order, by kind."""
    return {
        kind: Judged(
            logits=np.concatenate([fold[kind].logits for fold in folds]),
            probability=np.concatenate([fold[kind].probability for fold in folds]),
            decision=np.concatenate([fold[kind].decision for fold in folds]),
        )
        for kind in folds[0]
    }
