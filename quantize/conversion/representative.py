"""The inputs that set a model's int8 ranges."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from edge.errors import UserError
from edge.signals import Float32Array

FEWEST = 100
"""100 were measured to be enough, 10 not."""

MOST = 300


def check(inputs: Float32Array, source: str) -> Float32Array:
    """At most ``MOST`` of ``inputs`` (n, ...), float32. Raises UserError: too few, or not all finite."""
    if inputs.ndim < 2 or len(inputs) < FEWEST:
        count = len(inputs) if inputs.ndim > 1 else 0
        raise UserError(f"{source}: {count} representative inputs are too few; at least {FEWEST} are needed")
    chosen = evenly(inputs, MOST).astype(np.float32)
    if not np.isfinite(chosen).all():
        raise UserError(f"{source}: holds numbers that are not finite")
    return chosen


def evenly(inputs: Float32Array, most: int) -> Float32Array:
    """At most ``most`` of ``inputs`` (n, ...), at even distances."""
    return inputs[np.linspace(0, len(inputs) - 1, min(len(inputs), most)).astype(int)]


def read(path: Path) -> Float32Array:
    """What the .npy file at ``path`` holds, checked. Raises UserError where it is not an array of numbers (n, ...)."""
    return check(numbers(path), str(path))


def numbers(path: Path) -> Float32Array:
    """All that the .npy file at ``path`` holds. Raises UserError where it is not an array of numbers (n, ...)."""
    try:
        inputs = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        reason = getattr(error, "strerror", None) or "not an .npy file"
        raise UserError(f"{path}: cannot be read ({reason})") from error
    if not isinstance(inputs, np.ndarray) or inputs.dtype.kind not in "fiu":
        raise UserError(f"{path}: must hold one array of numbers, of shape (n, ...) as the model takes them")
    return inputs.astype(np.float32, copy=False)
