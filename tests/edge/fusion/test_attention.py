from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.config import MODELS
from edge.config import Fusion as Settings
from edge.errors import UserError
from edge.fusion import room
from edge.fusion.attention import Attention
from edge.fusion.fused import Fused
from edge.fusion.kinds import open_fusion
from edge.fusion.late import Late
from edge.fusion.weighted import Weighted
from edge.inference.store import ModelStore
from edge.signals import EMOTIONS, ENGAGEMENT_STATES, Float32Array, Modality, Reading

STORE = ModelStore(MODELS)
THRESHOLDS = dict.fromkeys(ENGAGEMENT_STATES, 0.3)
SPOKEN = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")


def numbers(modality: str) -> int:
    contract = STORE.manifest({"face": "face_emotion", "speech": "speech_emotion"}.get(modality, modality)).embedding
    assert contract is not None
    return contract.shape[-1]


def reading(modality: Modality, time: float, embedding: Float32Array | None = None, **more: float) -> Reading:
    labels = {"face": EMOTIONS, "speech": SPOKEN, "engagement": ENGAGEMENT_STATES}[modality]
    shares = dict.fromkeys(labels, 1.0 / len(labels))
    return Reading(
        modality=modality,
        probabilities=shares,
        positive=None if modality == "engagement" else more.get("positive", 0.9),
        reliability=more.get("reliability", 0.9),
        start=time,
        end=time,
        track=None if modality == "speech" else int(more.get("track", 0)),
        embedding=np.zeros(numbers(modality), np.float32) if embedding is None else embedding,
    )


def second(attention: Attention, time: float, *readings: Reading) -> Fused:
    return attention.fuse(list(readings), room.pool(readings), time)


def test_nothing_is_known_before_anybody_is_seen_or_heard() -> None:
    state = second(Attention(STORE, THRESHOLDS), 0.0)
    assert (state.satisfaction, state.engagement, state.confidence, state.support) == (None, None, 0.0, 0.5)


def test_a_happy_face_is_told_from_an_unhappy_one() -> None:
    said = []
    for positive in (0.95, 0.05):
        attention = Attention(STORE, THRESHOLDS)
        for time in range(5):
            state = second(attention, time, reading("face", time, positive=positive, reliability=0.95))
        said.append(state.satisfaction)
    assert said[0] is not None
    assert said[1] is not None
    assert said[0] > said[1]


def test_only_who_was_there_has_a_weight() -> None:
    attention = Attention(STORE, THRESHOLDS)
    state = second(attention, 0.0, reading("face", 0.0), reading("engagement", 0.0))
    assert set(state.weights) == {"face", "engagement"}
    assert sum(state.weights.values()) == pytest.approx(1.0)


def test_it_is_asked_once_a_second_however_often_a_state_is_wanted() -> None:
    store = ModelStore(MODELS)
    attention = Attention(store, THRESHOLDS)
    for step in range(21):
        second(attention, step * 0.2, reading("face", step * 0.2))
    assert store.interpreters["attention"].invocations == 5


def test_what_was_seen_long_ago_is_no_longer_told() -> None:
    attention = Attention(STORE, THRESHOLDS)
    second(attention, 0.0, reading("face", 0.0), reading("engagement", 0.0))
    state = second(attention, 30.0)
    assert state.satisfaction is None
    assert state.engagement is None
    assert state.support < 0.55


def test_embeddings_of_another_models_version_are_left_out() -> None:
    attention = Attention(STORE, THRESHOLDS)
    broken = [np.zeros(3, np.float32), np.full(numbers("face"), np.nan, np.float32)]
    for time, embedding in enumerate(broken):
        state = second(attention, time, reading("face", time, embedding))
        assert state.weights == {}


@pytest.mark.parametrize("tells", [False, True])
def test_the_states_are_the_branchs_unless_the_network_has_thresholds_for_them(tells: bool, tmp_path: Path) -> None:
    shutil.copy(MODELS / "attention.tflite", tmp_path)
    manifest = json.loads((MODELS / "attention.json").read_text())
    manifest["thresholds"] = {"positive": 0.5, **(dict.fromkeys(ENGAGEMENT_STATES, 0.6) if tells else {})}
    (tmp_path / "attention.json").write_text(json.dumps(manifest))
    attention = Attention(ModelStore(tmp_path), THRESHOLDS)
    assert set(attention.thresholds.values()) == ({0.6} if tells else {0.3})
    state = second(attention, 0.0, reading("face", 0.0), reading("engagement", 0.0))
    assert state.engagement is not None
    assert (state.engagement == dict.fromkeys(ENGAGEMENT_STATES, 0.25)) != tells


def test_forgetting_forgets_the_last_seconds() -> None:
    attention, other = Attention(STORE, THRESHOLDS), Attention(STORE, THRESHOLDS)
    second(attention, 0.0, reading("face", 0.0, positive=0.05))
    attention.forget()
    assert second(attention, 1.0) == second(other, 1.0)


def test_a_room_is_one_block_whatever_the_order_of_its_faces() -> None:
    rng = np.random.default_rng(0)
    faces = [reading("face", 0.0, rng.normal(size=numbers("face")).astype(np.float32), track=t) for t in range(6)]
    one, other = (second(Attention(STORE, THRESHOLDS), 0.0, *seen) for seen in (faces, faces[::-1]))
    assert one.satisfaction == pytest.approx(other.satisfaction, abs=1e-6)


def test_a_kind_is_opened_by_its_name() -> None:
    thresholds = dict.fromkeys(ENGAGEMENT_STATES, 0.5)
    kinds = {"late": Late, "weighted": Weighted, "attention": Attention}
    for name, kind in kinds.items():
        assert isinstance(open_fusion(Settings(kind=name), STORE, thresholds), kind)  # type: ignore[arg-type]


def test_a_missing_attention_model_is_named(tmp_path: object) -> None:
    with pytest.raises(UserError, match=r"attention\.json"):
        Attention(ModelStore(tmp_path), THRESHOLDS)  # type: ignore[arg-type]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["face", "speech", "engagement"]),
            st.floats(0.0, 1.0),
            st.floats(0.0, 1.0),
            st.floats(0.0, 20.0),
            st.sampled_from([0.0, 1.0, -50.0, 1e9, float("nan"), float("inf")]),
        ),
        max_size=20,
    )
)
def test_whatever_comes_the_state_stays_sane(events: list[tuple[Modality, float, float, float, float]]) -> None:
    attention, now = Attention(STORE, THRESHOLDS), 0.0
    for modality, positive, reliability, gap, value in events:
        now += gap
        embedding = np.full(numbers(modality), value, np.float32)
        said = reading(modality, now, embedding, positive=positive, reliability=reliability)
        state = second(attention, now, said)
        assert state.satisfaction is None or 0.0 < state.satisfaction < 1.0
        assert 0.0 <= state.confidence < 1.0
        assert 0.5 <= state.support < 1.0
        assert all(0.0 < p < 1.0 for p in (state.engagement or {}).values())
        assert not state.weights or np.isclose(sum(state.weights.values()), 1.0)
