"""The baseline: where training's embeddings lie, and that others are farther."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from edge.errors import UserError
from edge.signals import Float32Array
from quantize.training import baseline


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mine.tflite"
    path.write_bytes(b"a model")
    return path


def drawn(count: int, size: int, seed: int = 0) -> Float32Array:
    """Numbers that vary together: a few directions far, the rest little; the last one never."""
    rng = np.random.default_rng(seed)
    mixed = rng.normal(size=(count, 5)) @ np.random.default_rng(9).normal(size=(5, size)) * 3.0
    mixed += rng.normal(0, 0.3, (count, size)) + 1.0
    mixed[:, -1] = 0.0
    return mixed.astype(np.float32)


@pytest.mark.parametrize("size", [20, 80])
def test_half_of_training_is_nearer_than_one_and_most_of_all_others_like_it(size: int, file: Path) -> None:
    known = drawn(1000, size)
    found = baseline.fitted(known, file)
    assert np.median([found.distance(one) for one in known]) == pytest.approx(1.0, abs=1e-6)
    assert np.median([found.distance(one) for one in drawn(500, size, seed=1)]) == pytest.approx(1.0, abs=0.15)
    assert found.model_sha256 == hashlib.sha256(b"a model").hexdigest()


@pytest.mark.parametrize("size", [20, 80])
def test_what_lies_across_all_that_training_did_is_far(size: int, file: Path) -> None:
    found = baseline.fitted(drawn(1000, size), file)
    across = np.zeros(size, np.float32)
    across[-1] = 5.0
    strange = [found.distance(one + across) for one in drawn(100, size, seed=2)]
    assert min(strange) > 3.0


def test_a_shift_counts_more_where_training_varied_little(file: Path) -> None:
    known = np.random.default_rng(0).normal(0, [5.0, 0.5, 0.5], (2000, 3)).astype(np.float32)
    found = baseline.fitted(known, file)
    centre = known.mean(axis=0)
    far, near = centre + np.float32([0, 3, 0]), centre + np.float32([3, 0, 0])
    assert found.distance(far) > 50 * found.distance(near)


@pytest.mark.parametrize("same", [100, 60])
def test_embeddings_that_tell_nothing_apart_are_one_line(same: int, file: Path) -> None:
    known = np.zeros((100, 6), np.float32)
    known[same:, 0] = np.tile([1.0, -1.0], 50)[: 100 - same]
    with pytest.raises(UserError, match=r"mine\.tflite: its embedding is the same for (every|most) training"):
        baseline.fitted(known, file)
