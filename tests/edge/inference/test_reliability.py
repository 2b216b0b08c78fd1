from __future__ import annotations

from math import inf, nan

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.branches import trust
from edge.inference.baseline import Baseline
from edge.inference.reliability import CLEAREST, STRANGE, Reliability, familiarity, margin
from edge.inference.store import Manifest, TensorContract
from edge.signals import Limit

NAMES = [limit.value for limit in Limit]
SHARES = st.floats(0.0, 1.0)
WEIGHTS = st.dictionaries(st.sampled_from(NAMES), st.floats(0.0, 5.0), max_size=6)
LEARNED = st.builds(Reliability, st.floats(-5.0, 5.0), st.floats(0.0, 5.0), WEIGHTS, WEIGHTS)
FACE = Reliability(-1.0, 0.2, {"sharpness": 1.0, "fit": 0.5}, {"light": 0.8, "familiarity": 0.3})
BASELINE = Baseline(
    mean=np.zeros(4, "<f4").tobytes(), components=b"", variances=(), rest=1.0, unit=1.0, model_sha256="0" * 64
)


@given(LEARNED, st.dictionaries(st.sampled_from(NAMES), SHARES), st.sampled_from(NAMES), SHARES, st.floats(0.0, 9.0))
def test_better_quality_never_lowers_reliability(
    learned: Reliability, qualities: dict[str, float], name: str, better: float, clear: float
) -> None:
    worse = {**qualities, name: qualities.get(name, 1.0) * better}
    assert 0.0 < learned.read(worse, clear)[0] <= learned.read(qualities, clear)[0] + 1e-12 <= 1.0 + 1e-12


@given(LEARNED, st.dictionaries(st.sampled_from(NAMES), SHARES), SHARES, SHARES)
def test_a_clearer_decision_is_never_less_reliable(
    learned: Reliability, qualities: dict[str, float], one: float, other: float
) -> None:
    low, high = sorted((one * CLEAREST, other * CLEAREST))
    assert learned.read(qualities, low)[0] <= learned.read(qualities, high)[0] + 1e-12


@given(LEARNED, st.dictionaries(st.sampled_from(NAMES), st.floats(allow_nan=True)), st.floats(allow_nan=True))
def test_whatever_comes_in_a_probability_comes_out(
    learned: Reliability, qualities: dict[str, float], clear: float
) -> None:
    reliability, limit = learned.read(qualities, clear)
    assert 0.0 <= reliability <= 1.0
    assert limit is None or learned.weighs(limit)


def test_a_blurred_face_is_less_reliable_and_says_why() -> None:
    sharp, blurred = {"sharpness": 1.0, "fit": 0.9, "light": 1.0}, {"sharpness": 0.1, "fit": 0.9, "light": 1.0}
    assert FACE.read(blurred, 1.0)[0] < FACE.read(sharp, 1.0)[0] - 0.1
    assert FACE.read(blurred, 1.0)[1] is Limit.SHARPNESS
    assert FACE.read(sharp, 1.0)[1] is None


def test_what_limits_most_depends_on_what_would_help_most() -> None:
    assert FACE.read({"sharpness": 0.6, "fit": 0.0}, 0.0)[1] is Limit.FIT
    assert FACE.read({"sharpness": 0.0, "fit": 0.0}, 0.0)[1] is Limit.SHARPNESS
    assert FACE.read({"light": 0.0, "fit": 0.5}, 4.0)[1] is Limit.LIGHT


def test_an_unclear_decision_is_no_limit_of_the_input() -> None:
    assert FACE.read({"sharpness": 1.0, "fit": 1.0, "light": 1.0}, 0.0)[1] is None


@pytest.mark.parametrize("broken", [nan, inf, -inf])
def test_a_quality_that_is_no_number_is_as_good_as_none(broken: float) -> None:
    assert FACE.read({"sharpness": broken}, 1.0) == FACE.read({"sharpness": 0.0}, 1.0)


@pytest.mark.parametrize(
    "spoilt",
    [
        {"margin": -0.1},
        {"level": {"light": -1.0}},
        {"slope": {"light": nan}},
        {"level": {"charm": 1.0}},
    ],
)
def test_weights_that_would_reward_a_bad_input_are_refused(spoilt: dict[str, object]) -> None:
    good = msgspec.to_builtins(FACE)
    assert msgspec.convert(good, Reliability) == FACE
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({**good, **spoilt}, Reliability)


def test_familiarity_falls_from_the_median_of_training_to_nothing() -> None:
    def at(distance: float) -> float:
        return familiarity(BASELINE, np.full(4, distance**0.5, np.float32))

    assert at(0.0) == at(1.0) == 1.0
    assert at(4.0) == pytest.approx(0.5)
    assert at(STRANGE) == at(1e9) == 0.0
    assert familiarity(BASELINE, np.full(4, nan, np.float32)) == 0.0
    assert familiarity(BASELINE, np.zeros(5, np.float32)) == 0.0


def test_the_margin_is_the_distance_from_the_threshold_in_log_odds() -> None:
    assert margin({"positive": 0.7}, {"positive": 0.7}) == pytest.approx(0.0)
    assert margin({"positive": 0.5}, {"positive": 0.7}) == pytest.approx(np.log(7 / 3))
    assert margin({"a": 0.5, "b": 0.7}, {"a": 0.7, "b": 0.7}) == pytest.approx(np.log(7 / 3) / 2)
    assert margin({"positive": 1.0}, {"positive": 0.5}) == CLEAREST


def _manifest(**more: object) -> Manifest:
    tensor = TensorContract("x", (1, 4), "int8")
    return Manifest("b", "b.tflite", "0" * 64, tensor, (tensor,), thresholds={"positive": 0.5}, skill=0.8, **more)


def test_a_model_that_cannot_tell_is_as_reliable_as_its_input_times_its_skill() -> None:
    assert trust(_manifest(), {"light": 0.5, "fit": 0.5}, None, {"positive": 0.9}) == (pytest.approx(0.2), None)


def test_a_strange_input_is_less_reliable() -> None:
    model = _manifest(
        reliability={"yes": Reliability(0.0, 0.1, {"familiarity": 2.0}, {}), "no": Reliability(0.0, 0.1, {}, {})},
        baseline=BASELINE,
    )
    known, strange = np.zeros(4, np.float32), np.full(4, 50.0, np.float32)
    sure, limit = trust(model, {}, known, {"positive": 0.9})
    assert limit is None
    for embedding in (strange, None):
        doubtful, limit = trust(model, {}, embedding, {"positive": 0.9})
        assert doubtful < sure - 0.2
        assert limit is Limit.FAMILIARITY
