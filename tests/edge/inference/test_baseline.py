from typing import Any

import msgspec
import numpy as np
import pytest

from edge.inference.baseline import Baseline

MEAN = np.array([1.0, -2.0, 0.5], np.float32)
PARTS: dict[str, Any] = {
    "mean": MEAN.tobytes(),
    "components": np.array([[0.0, 1.0, 0.0]], np.float16).tobytes(),
    "variances": (4.0,),
    "rest": 0.25,
    "unit": 2.0,
    "model_sha256": "0" * 64,
}
BASELINE = Baseline(**PARTS)


def test_the_distance_is_the_squared_mahalanobis_distance_in_units_of_the_training_median() -> None:
    covariance = np.diag([0.25, 4.0, 0.25])
    for embedding in np.random.default_rng(0).normal(0, 3, (20, 3)).astype(np.float32):
        away = embedding - MEAN
        squared = away @ np.linalg.inv(covariance) @ away
        assert BASELINE.distance(embedding) == pytest.approx(squared / 3 / 2.0, rel=1e-6)
    assert BASELINE.distance(MEAN) == 0.0


@pytest.mark.parametrize(
    "embedding",
    [
        np.zeros(2, np.float32),
        np.zeros(4, np.float32),
        np.zeros((1, 3), np.float32),
        np.zeros(0, np.float32),
        np.array([0, np.nan, 0], np.float32),
        np.array([0, np.inf, 0], np.float32),
    ],
)
def test_what_is_no_embedding_of_this_model_is_infinitely_far(embedding: Any) -> None:
    assert BASELINE.distance(embedding) == float("inf")


def test_the_largest_numbers_there_are_raise_nothing() -> None:
    assert BASELINE.distance(np.full(3, np.finfo(np.float32).max, np.float32)) > 1e70


def test_a_baseline_survives_its_manifest() -> None:
    assert msgspec.json.decode(msgspec.json.encode(BASELINE), type=Baseline) == BASELINE


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"mean": b""}, "mean has 0 bytes"),
        ({"mean": b"12345"}, "mean has 5 bytes"),
        ({"components": b"12"}, "components have 2 bytes, not 6"),
        ({"variances": (4.0, 1.0)}, "components have 6 bytes, not 12"),
        ({"variances": (0.0,)}, "must be positive"),
        ({"rest": -1.0}, "must be positive"),
        ({"unit": float("nan")}, "must be positive"),
    ],
)
def test_parts_that_do_not_fit_are_refused(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Baseline(**{**PARTS, **change})
