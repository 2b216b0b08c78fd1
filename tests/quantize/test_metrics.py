from __future__ import annotations

import numpy as np
import pytest

from edge.branches import softmax
from quantize.evaluation import metrics
from quantize.training import calibration

TRUTH = np.array([0, 0, 0, 1])


def test_balanced_accuracy_does_not_reward_the_majority() -> None:
    assert metrics.accuracy(TRUTH, np.zeros(4, np.int64)) == 0.75
    assert metrics.balanced_accuracy(TRUTH, np.zeros(4, np.int64)) == 0.5


def test_macro_f1_of_a_hand_counted_case() -> None:
    assert metrics.macro_f1(TRUTH, np.array([0, 0, 1, 1])) == pytest.approx((0.8 + 2 / 3) / 2)


def test_auc_is_the_share_of_pairs_in_order_and_ties_count_half() -> None:
    probability = np.array([0.1, 0.4, 0.4, 0.35, 0.4], np.float32)
    truth = np.array([0, 0, 1, 1, 0])
    pairs = [(p > n) + 0.5 * (p == n) for p in probability[truth == 1] for n in probability[truth == 0]]
    assert metrics.auc(truth, probability) == pytest.approx(np.mean(pairs))


def test_auc_of_one_class_is_not_a_number() -> None:
    assert np.isnan(metrics.auc(np.zeros(3, np.int64), np.zeros(3, np.float32)))


def test_the_best_threshold_separates() -> None:
    probability = np.array([0.1, 0.2, 0.3, 0.4], np.float32)
    assert 0.3 < metrics.best_threshold(TRUTH, probability) < 0.4


def test_certain_and_right_is_calibrated_and_certain_and_wrong_is_not() -> None:
    assert metrics.calibration_error(TRUTH, TRUTH.astype(np.float32)) == 0.0
    assert metrics.calibration_error(TRUTH, 1 - TRUTH.astype(np.float32)) == 1.0


def test_intervals_widen_when_rows_belong_together() -> None:
    values = np.repeat(np.random.default_rng(0).normal(size=20), 50)
    alone = metrics.bootstrap(lambda rows: float(values[rows].mean()), np.arange(1_000))
    together = metrics.bootstrap(lambda rows: float(values[rows].mean()), np.repeat(np.arange(20), 50))
    assert alone["value"] == together["value"] == pytest.approx(values.mean())
    assert together["high"] - together["low"] > 3 * (alone["high"] - alone["low"])


def test_confusion_counts_truth_in_rows_and_skips_what_has_none() -> None:
    counts = metrics.confusion(np.array([0, 0, 1, -1]), np.array([0, 1, 1, 0]), 2)
    assert counts.tolist() == [[1, 1], [0, 1]]
    assert metrics.per_class(counts, ("no", "yes")) == {
        "no": {"precision": 1.0, "recall": 0.5, "n": 2},
        "yes": {"precision": 0.5, "recall": 1.0, "n": 1},
    }


def test_temperature_softens_the_overconfident() -> None:
    rng = np.random.default_rng(0)
    classes = rng.integers(0, 3, 2_000)
    logits = (8.0 * np.eye(3)[np.where(rng.random(2_000) < 0.3, rng.integers(0, 3, 2_000), classes)]).astype(np.float32)
    assert calibration.temperature(logits, classes) > 1.5
    np.testing.assert_allclose(softmax(logits, 2.0).sum(axis=1), 1.0, rtol=1e-6)
