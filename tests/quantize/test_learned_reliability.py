from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edge.errors import UserError
from edge.inference.reliability import CLEAREST
from quantize.evaluation.conditions import CLEAN
from quantize.training.reliability import Cases, apart, figures, fit, learn, said

RNG = np.random.default_rng(0)


def world(count: int = 4000, *, people: int = 200, light: float = 2.0, clear: float = 0.8) -> Cases:
    """Answers that are right with sigmoid(-1 + ``light`` x light + ``clear`` x margin); noise matters to none."""
    rng = np.random.default_rng(count)
    qualities = {name: rng.random(count) for name in ("light", "noise")}
    margin = np.minimum(rng.exponential(1.0, count), CLEAREST)
    chance = 1 / (1 + np.exp(-(-1 + light * qualities["light"] + clear * margin)))
    under = np.where(np.arange(count) // people % 2, "dark", CLEAN.name)
    right = (rng.random(count) < chance).astype(np.float64)
    return Cases(qualities, margin, np.full(count, "any"), right, np.arange(count) % people, under)


def test_reliability_is_right_as_often_as_it_says() -> None:
    learned = learn(*apart([world(16_000)]))
    for found in learned.figures.values():
        assert found["calibration_error"] < 0.035
        assert found["said"] == pytest.approx(found["right"], abs=0.02)


def test_reliability_ranks_right_answers_before_wrong_ones() -> None:
    found = learn(*apart([world()])).figures["damaged"]
    assert 0.2 < found["rank_correlation"] < found["best_correlation"] < 1.0


def test_what_makes_answers_right_is_weighed_and_what_does_not_hardly() -> None:
    learned = fit(world(8000))
    assert learned.level.get("light", 0.0) + learned.slope.get("light", 0.0) > 1.0
    assert learned.level.get("noise", 0.0) + learned.slope.get("noise", 0.0) < 0.2


def test_a_quality_that_goes_with_wrong_answers_is_dropped_and_never_turned_round() -> None:
    learned = fit(world(8000, light=-2.0))
    assert learned.level.get("light", 0.0) + learned.slope.get("light", 0.0) < 0.05


def test_nobody_both_teaches_and_measures() -> None:
    teaching, measuring = apart([world()])
    assert set(teaching.groups).isdisjoint(measuring.groups)
    assert len(teaching.groups) == pytest.approx(len(measuring.groups), rel=0.05)


def test_one_persons_answers_teach_nothing() -> None:
    with pytest.raises(UserError, match="one person"):
        learn(*apart([world(100, people=1)]))


def test_the_device_says_what_the_regression_learned() -> None:
    found = world(50)
    learned = fit(world())
    light, noise = found.qualities["light"], found.qualities["noise"]
    evidence = learned.bias + learned.margin * found.margin
    for name, values in (("light", light), ("noise", noise)):
        evidence += (learned.level.get(name, 0.0) + learned.slope.get(name, 0.0) * found.margin) * values
    np.testing.assert_allclose(said({"any": learned}, found), 1 / (1 + np.exp(-evidence)), atol=1e-9)


def test_answers_that_are_all_right_have_no_rank() -> None:
    found = world(200)
    perfect = Cases(found.qualities, found.margin, found.decided, np.ones(200), found.groups, found.under)
    assert figures({"any": fit(perfect)}, perfect)["damaged"]["rank_correlation"] == 0.0


def test_an_answer_that_spoilt_inputs_favour_is_the_less_reliable_one() -> None:
    found = world(8000)
    dark = found.qualities["light"] < 0.5
    true = RNG.random(8000) < 0.7
    # in the dark it always says yes
    yes = np.where(dark, True, true)
    decided, right = np.where(yes, "yes", "no"), (yes == true).astype(np.float64)
    learned = learn(*apart([replace(found, decided=decided, right=right)])).reliability
    assert learned["yes"].read({"light": 0.1}, 1.0)[0] < 0.65 < 0.9 < learned["yes"].read({"light": 0.9}, 1.0)[0]
    assert learned["no"].read({"light": 0.9}, 1.0)[0] > 0.9


def test_what_is_common_in_a_data_set_is_not_taken_for_what_is_reliable() -> None:
    found = world(40000)
    decided = np.where(RNG.random(40000) < 0.9, "yes", "no")
    # nine in ten are yes, and nobody looks: balanced, either answer is right half of the time
    right = ((RNG.random(40000) < 0.9) == (decided == "yes")).astype(np.float64)
    learned = learn(*apart([replace(found, decided=decided, right=right)])).reliability
    assert all(0.4 < learned[side].read({}, 1.0)[0] < 0.6 for side in ("yes", "no"))
