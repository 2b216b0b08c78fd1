"""Where a branch's training data lie among the embeddings of its int8 file."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec
import numpy as np
from sklearn.covariance import ledoit_wolf

from edge.errors import UserError
from edge.inference.answer import answer
from edge.inference.baseline import Baseline
from edge.inference.interpreter import Interpreter
from edge.signals import Float32Array

INPUTS = 8192
"""Training inputs that a baseline is made from, at most."""

COMPONENTS = 32
"""Directions whose variances are kept, at most; those across them share one."""

FAINTEST = 1e-6
"""A variance is at least this share of the largest one: units that training never woke may wake."""


def of(file: Path, inputs: Float32Array) -> Baseline:
    """The baseline of the int8 ``file`` from training ``inputs``, float32 (N, ...). Raises UserError as ``fitted``."""
    interpreter = Interpreter(file)
    shape = interpreter.input.shape
    said = [answer(interpreter(sample.reshape(shape))).embedding for sample in inputs]
    return fitted(np.stack([embedding for embedding in said if embedding is not None]), file)


def fitted(embeddings: Float32Array, file: Path) -> Baseline:
    """The baseline of ``file`` from its ``embeddings`` of training inputs, float32 (N, D).

    Their covariance is shrunk (Ledoit and Wolf 2004, "A well-conditioned estimator for large-dimensional covariance
    matrices"): some are of hundreds of numbers, and from few people. Raises UserError where they are all the same.
    """
    mean = embeddings.mean(axis=0, dtype=np.float64).astype(np.float32)
    covariance, _ = ledoit_wolf(embeddings.astype(np.float64))
    variances, directions = np.linalg.eigh(covariance)
    if not variances[-1] > 0.0:
        raise UserError(f"{file}: its embedding is the same for every training input; train again")
    leading, across = np.split(np.maximum(variances, FAINTEST * variances[-1])[::-1], [COMPONENTS])
    rest = float(across.mean() if len(across) else leading[-1])
    raw = Baseline(
        mean=mean.astype("<f4").tobytes(),
        components=directions.T[::-1][:COMPONENTS].astype("<f2").tobytes(),
        variances=tuple(float(f"{variance:.6g}") for variance in leading),
        rest=float(f"{rest:.6g}"),
        unit=1.0,
        model_sha256=hashlib.sha256(file.read_bytes()).hexdigest(),
    )
    median = float(np.median([raw.distance(embedding) for embedding in embeddings]))
    if median == 0.0:
        raise UserError(f"{file}: its embedding is the same for most training inputs; train again")
    return msgspec.structs.replace(raw, unit=median)
