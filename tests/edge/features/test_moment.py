from __future__ import annotations

import numpy as np
import pytest

from edge.features.moment import CLIP, Embedded, MomentFeatures


def _bytes(*values: float) -> bytes:
    return np.array(values, "<f4").tobytes()


FEATURES = MomentFeatures(
    {"face": Embedded(2, _bytes(1.0, 2.0), _bytes(0.5, 2.0)), "speech": Embedded(1, _bytes(0.0), _bytes(1.0))}, 4
)
ONE = np.ones(1, np.float32)


def face(positive: float = 0.5, reliability: float = 0.9, embedding: tuple[float, ...] = (1.0, 2.0)) -> np.ndarray:
    shares = np.array([[0.5, 0.25]], np.float32)
    return FEATURES.block("face", positive * ONE, reliability * ONE, shares, np.array([embedding], np.float32))[0]


def test_a_block_says_what_is_there_how_far_to_trust_it_and_what_it_stands_for() -> None:
    there, trust, valence, first, second, *embedding = face(positive=0.9, embedding=(1.5, -2.0)).tolist()
    assert (there, trust) == (1.0, pytest.approx(0.8))
    assert valence == pytest.approx(np.log(9))
    assert (first, second) == (pytest.approx(0.0, abs=1e-6), pytest.approx(-np.log(3)))
    assert embedding == [pytest.approx(1.0), pytest.approx(-2.0)]


def test_a_missing_modality_is_all_zeros() -> None:
    moment = FEATURES.moment({"face": face()})
    assert moment.shape == (sum(FEATURES.sizes),)
    assert not moment[FEATURES.sizes[0] :].any()
    assert not FEATURES.moment({}).any()


def test_no_number_leaves_the_range_of_int8() -> None:
    assert np.abs(face(positive=1.0, embedding=(1e9, -1e9))).max() <= CLIP


def test_only_the_first_numbers_of_an_embedding_are_looked_at() -> None:
    assert np.array_equal(face(embedding=(1.0, 2.0)), face(embedding=(1.0, 2.0, 7.0)))
    assert FEATURES.embedding("face") == 2


def test_another_standardisation_has_another_fingerprint() -> None:
    other = MomentFeatures({**FEATURES.blocks, "speech": Embedded(1, _bytes(0.0), _bytes(2.0))}, 4)
    assert other.fingerprint() != FEATURES.fingerprint()
