"""What a branch's model says of one input: its logits and, beside them, its embedding, told apart by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from edge.signals import Float32Array

LOGITS, EMBEDDING = "logits", "embedding"
"""Names of the outputs of a model that has both; which comes first in a file is the converter's whim."""


class Answer(NamedTuple):
    """``logits`` float32 (labels,); ``embedding`` float32 (D,), what the network made of the input before it decided.

    The embedding is None where the model has no such output. It is biometric data: in memory only, see ``Reading``.
    """

    logits: Float32Array
    embedding: Float32Array | None


def answer(outputs: Mapping[str, Float32Array]) -> Answer:
    """The answer in ``outputs``, by name float32 (1, n), as an Interpreter gives them; one alone is the logits."""
    name = logits_name(outputs)
    embedding = outputs.get(EMBEDDING) if len(outputs) > 1 else None
    return Answer(outputs[name][0], None if embedding is None else embedding[0])


def logits_name(outputs: Mapping[str, object]) -> str:
    """Which of ``outputs``, by name, are the logits. Raises KeyError where there are several, none of that name."""
    if len(outputs) == 1:
        return next(iter(outputs))
    if LOGITS not in outputs:
        raise KeyError(LOGITS)
    return LOGITS
