from math import exp
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.fusion import late
from edge.signals import ENGAGEMENT_STATES

SHARES = st.floats(0.0, 1.0)
Pairs = list[tuple[float, float]]
FIFTIES = dict.fromkeys(ENGAGEMENT_STATES, 0.5)


def states(**given: float) -> dict[str, float]:
    return {**dict.fromkeys(ENGAGEMENT_STATES, 0.1), **given}


def test_face_alone_is_taken_as_it_is() -> None:
    assert late.satisfaction((0.7, 0.9), None) == (0.7, 0.9)


def test_nothing_gives_nothing() -> None:
    assert late.satisfaction(None, None) == (None, 0.0)


def test_voice_alone_is_less_certain_than_a_face() -> None:
    value, confidence = late.satisfaction(None, (0.8, 1.0))
    assert value == 0.8
    assert confidence == late.SPEECH_WEIGHT


@given(SHARES, SHARES, SHARES, SHARES)
def test_speech_moves_satisfaction_in_its_own_direction(p: float, r: float, q: float, s: float) -> None:
    alone, _ = late.satisfaction((p, r), None)
    moved, _ = late.satisfaction((p, r), (q, s))
    assert alone is not None and moved is not None
    # the ends of the scale are held at 0.01 and 0.99, so that no single modality is ever beyond doubt
    alone = min(max(alone, 0.01), 0.99)
    assert (moved - alone) * (q - 0.5) >= -1e-9


@given(SHARES, SHARES, SHARES, SHARES)
def test_agreement_raises_confidence_and_conflict_lowers_it(p: float, r: float, q: float, s: float) -> None:
    _, confidence = late.satisfaction((p, r), (q, s))
    assert 0.0 <= confidence <= 1.0
    if (p - 0.5) * (q - 0.5) >= 0:
        assert confidence >= r - 1e-12
    else:
        assert confidence <= r + 1e-12


@given(SHARES, SHARES, SHARES)
def test_speech_nobody_can_trust_changes_nothing(p: float, r: float, q: float) -> None:
    value, confidence = late.satisfaction((p, r), (q, 0.0))
    assert value is not None
    assert abs(value - min(max(p, 0.01), 0.99)) < 1e-9
    assert confidence == r


def test_the_label_is_the_state_furthest_over_its_own_threshold() -> None:
    probabilities = states(engagement=0.9, boredom=0.4)
    assert late.engagement(probabilities, FIFTIES).label == "engagement"
    # boredom is rare: at its own threshold of 0.05, a probability of 0.4 says more than an engagement of 0.9 over 0.8
    assert late.engagement(probabilities, {**FIFTIES, "engagement": 0.8, "boredom": 0.05}).label == "boredom"


def test_a_prior_moves_probability_and_label_and_no_other_state() -> None:
    probabilities = states(engagement=0.6, boredom=0.55)
    assert late.engagement(probabilities, FIFTIES).label == "engagement"
    moved = late.engagement(probabilities, FIFTIES, {"boredom": 0.7})
    assert moved.label == "boredom"
    assert moved.boredom / (1 - moved.boredom) == pytest.approx(2.01 * 0.55 / 0.45, abs=0.01)
    assert (moved.confusion, moved.engagement, moved.frustration) == (0.1, 0.6, 0.1)


@given(st.fixed_dictionaries(dict.fromkeys(ENGAGEMENT_STATES, SHARES)), st.sampled_from(ENGAGEMENT_STATES), SHARES)
def test_a_prior_does_to_the_label_what_a_moved_threshold_does(
    probabilities: dict[str, float], state: str, prior: float
) -> None:
    moved = {**FIFTIES, state: 1 / (1 + exp(prior))}
    clear = {name: min(max(p, 0.05), 0.95) for name, p in probabilities.items()}
    by_prior, by_threshold = late.engagement(clear, FIFTIES, {state: prior}), late.engagement(clear, moved)
    distances = sorted(clear[name] - moved[name] for name in ENGAGEMENT_STATES)
    assert by_prior.label == by_threshold.label or distances[-1] - distances[-2] < 1e-3 or abs(distances[-1]) < 1e-9


def test_no_state_over_its_threshold_gives_no_label() -> None:
    assert late.engagement(states(), FIFTIES).label is None


@given(st.fixed_dictionaries(dict.fromkeys(ENGAGEMENT_STATES, SHARES)))
def test_a_label_always_reaches_its_threshold(probabilities: dict[str, float]) -> None:
    label = late.engagement(probabilities, FIFTIES).label
    assert (label is None) == all(p < 0.5 for p in probabilities.values())
    assert label is None or probabilities[label] >= 0.5


# Modalities from outside.


PAIRS = st.lists(st.tuples(SHARES, SHARES), min_size=1, max_size=3)


@given(SHARES, SHARES)
def test_without_anything_from_outside_everything_stays_to_the_last_bit(p: float, c: float) -> None:
    assert late.moved((p, c), []) == (p, c)
    assert late.moved((p, c), [(0.9, 0.0)]) == (p, c)
    assert late.engaged(states(engagement=p), []) == states(engagement=p)


def test_nothing_from_outside_makes_a_score_where_the_box_has_none() -> None:
    assert late.moved((None, 0.0), [(0.9, 1.0), (0.9, 1.0)]) == (None, 0.0)


@given(SHARES, SHARES, SHARES, SHARES)
def test_one_modality_from_outside_does_what_speech_does(p: float, r: float, q: float, s: float) -> None:
    clear = min(max(p, 0.01), 0.99)
    assert late.moved((clear, r), [(q, s)]) == pytest.approx(late.satisfaction((clear, r), (q, s)), abs=1e-9)


@given(SHARES, SHARES, PAIRS, st.randoms())
def test_the_order_of_modalities_from_outside_means_nothing(p: float, c: float, pairs: Pairs, random: Random) -> None:
    shuffled = random.sample(pairs, len(pairs))
    assert late.moved((p, c), pairs) == pytest.approx(late.moved((p, c), shuffled), abs=1e-9)


@given(SHARES, SHARES, PAIRS)
def test_all_from_outside_together_weigh_no_more_than_one_utterance(p: float, c: float, pairs: Pairs) -> None:
    moved, confidence = late.moved((p, c), pairs)
    highest, _ = late.moved((p, c), [(1.0, 1.0)])
    lowest, _ = late.moved((p, c), [(0.0, 1.0)])
    assert moved is not None and highest is not None and lowest is not None
    assert lowest - 1e-9 <= moved <= highest + 1e-9 or abs(moved - p) < 0.0101
    assert 0.0 <= confidence <= 1.0


def test_modalities_that_contradict_each_other_move_nothing_and_cost_confidence() -> None:
    moved, confidence = late.moved((0.8, 0.7), [(0.9, 1.0), (0.1, 1.0)])
    assert moved == pytest.approx(0.8)
    assert confidence < 0.7


def test_engagement_from_outside_moves_that_state_and_no_other() -> None:
    moved = late.engaged(states(engagement=0.5), [(0.9, 1.0)])
    assert moved["engagement"] == pytest.approx(0.75)
    assert {**moved, "engagement": 0.5} == states(engagement=0.5)
