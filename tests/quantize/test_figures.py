from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from quantize.branches import BRANCHES
from quantize.evaluation import figures
from quantize.evaluation.figures import Answers

SPEECH = BRANCHES["speech_emotion"]


def _answers(right: float, seed: int = 0, count: int = 400) -> Answers:
    """Answers on valence of which the share ``right`` is right, from twenty people, half of them women."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 2, (count, 1))
    said = np.where(rng.random((count, 1)) < right, truth, 1 - truth)
    probability = (0.2 + 0.6 * said + 0.1 * rng.random((count, 1))).astype(np.float32)
    people = np.arange(count) % 20
    sex = np.where(people % 2 == 0, "female", "male")
    logits = rng.normal(size=(count, 8)).astype(np.float32)
    return Answers(truth, None, people, logits, probability, said, {"sex": sex})


def test_a_worse_model_costs_what_the_figures_differ_by() -> None:
    good = _answers(0.9)
    worse = replace(good, decision=np.where(np.arange(400)[:, None] % 4 == 0, 0, good.decision))
    lost = figures.drop(good, worse)["balanced_accuracy"]
    values = [figures.headline(SPEECH, answers)["balanced_accuracy"]["value"] for answers in (good, worse)]
    assert lost["value"] == pytest.approx(values[0] - values[1]) and lost["low"] > 0


def test_the_same_answers_cost_nothing_and_do_not_drift() -> None:
    answers = _answers(0.8)
    assert figures.drop(answers, answers)["auc"] == {"value": 0.0, "low": 0.0, "high": 0.0}
    drift = figures.drift(SPEECH, answers, answers)["negative"]
    assert drift["largest"] == 0.0 and sum(drift["histogram"]["counts"]) == 400


def test_drift_is_signed_from_float32_to_int8() -> None:
    answers = _answers(0.8)
    moved = figures.drift(SPEECH, answers, replace(answers, probability=answers.probability + np.float32(0.05)))
    assert moved["negative"]["mean"] == pytest.approx(0.05, abs=1e-4)
    assert moved["negative"]["mean_absolute"] == pytest.approx(0.05, abs=1e-4)


def test_a_group_is_judged_by_its_own_examples_alone() -> None:
    answers = _answers(0.9)
    women = answers.cohorts["sex"] == "female"
    answers = replace(answers, decision=np.where(women[:, None], answers.decision, 1 - answers.decision))
    report = figures.cohorts(SPEECH, {"int8": answers})["sex"]
    assert report["female"]["n"] == report["male"]["n"] == 200
    assert report["female"]["clusters"] == 10
    assert report["female"]["int8"]["accuracy"]["value"] == pytest.approx(
        float(np.mean(answers.truth[women] == answers.decision[women]))
    )
    assert report["female"]["int8"]["accuracy"]["low"] > 0.8 > 0.2 > report["male"]["int8"]["accuracy"]["high"]


def test_answers_of_folds_count_as_one_models() -> None:
    answers = _answers(0.8)
    halves = [answers.only(np.arange(0, 150)), answers.only(np.arange(150, 400))]
    whole = figures.joined(halves)
    assert figures.headline(SPEECH, whole) == figures.headline(SPEECH, answers)
    assert whole.cohorts["sex"].tolist() == answers.cohorts["sex"].tolist()


def test_what_cannot_be_told_is_nothing_and_not_a_number() -> None:
    one_class = replace(_answers(0.8), truth=np.ones((400, 1), np.int64))
    report = figures.headline(SPEECH, one_class)
    assert report["auc"] == {"value": None, "low": None, "high": None}
    assert report["accuracy"]["value"] is not None
    uncounted = replace(one_class, truth=np.full((400, 1), -1))
    assert figures.headline(SPEECH, uncounted)["accuracy"]["value"] is None
    assert figures.majority(uncounted.truth) is None


def test_one_person_has_no_interval() -> None:
    alone = replace(_answers(0.8), groups=np.zeros(400, np.int64))
    figure = figures.headline(SPEECH, alone)["accuracy"]
    assert figure["value"] is not None and figure["low"] is figure["high"] is None


def test_details_count_each_class_and_each_bin_once() -> None:
    answers = _answers(0.8)
    report = figures.details(SPEECH, answers)
    (curve,) = report["reliability"].values()
    assert sum(part["n"] for part in curve) == 400
    assert sum(map(sum, report["confusion"]["negative"])) == 400
    assert report["per_class"]["negative"]["n"] == int(answers.truth.sum())
    assert report["per_class"]["negative"]["recall"] == pytest.approx(0.8, abs=0.06)
