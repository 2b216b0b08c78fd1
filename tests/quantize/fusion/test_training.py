"""The attention model's training on made-up answers: what it is fed, that it learns, and that its int8 form runs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge.fusion.attention import LABELS
from edge.inference.interpreter import Interpreter
from edge.inference.store import ModelStore
from edge.signals import EMOTIONS, ENGAGEMENT_STATES
from quantize.fusion import training
from quantize.fusion.answers import Answers, Told
from quantize.fusion.comparison import Course, Kind
from quantize.fusion.material import OWN, Part, pools
from quantize.fusion.parts import Parts
from quantize.fusion.sessions import Course as Lesson
from quantize.fusion.sessions import arrange
from quantize.fusion.training import ABLATIONS, DEFAULT, Windows

pytest.importorskip("tensorflow", reason="the workstation's extra [quantize] is not installed")

COUNT, NUMBERS = 200, 40
LABELS_OF = {"face": EMOTIONS, "speech": ("calm", "angry"), "engagement": ENGAGEMENT_STATES}
FIGURES = ("log_loss", "states_auc", "branch_states_auc")
SMALL = replace(DEFAULT, epochs=1, windows=96, batch=16, length=6, steps=3, width=8)


@pytest.fixture(scope="module")
def part() -> Part:
    """Faces and voices whose embedding says which valence they have; of engagement nothing is known."""
    rng, answers, told = np.random.default_rng(0), {}, {}
    for name in OWN:
        columns = 4 if name == "engagement" else 1
        truth = (rng.random((COUNT, columns)) < 0.5).astype(np.int64)
        happy = truth[:, 0] == (0 if name == "speech" else 1)
        embedding = rng.normal(0, 0.3, (2, COUNT, NUMBERS)) + np.where(happy, 1.0, -1.0)[:, None]
        shape = 2, COUNT, len(LABELS_OF[name])
        answers[name] = Answers(
            conditions=np.array(["clean", "dark"]),
            names=np.array(["light"]),
            logits=np.zeros(shape, np.float32),
            embedding=embedding.astype(np.float16),
            qualities=np.ones((2, COUNT, 1), np.float32),
            truth=truth,
            groups=np.arange(COUNT),
            fold=np.zeros(COUNT, np.int64),
        )
        even = np.full(shape[:2], 0.5, np.float32)
        told[name] = Told(even, even, even + 0.3, np.full(shape, 0.5, np.float32))
    return Part(LABELS_OF, answers, told, arrange(8, pools(answers), Lesson(seconds=60), seed=1))


def test_a_window_holds_what_was_there_and_what_is_true(part: Part) -> None:
    features = training.features_of(part.answers, SMALL.steps)
    seconds, true = Windows(part, features, SMALL).draw(32, np.random.default_rng(0))
    assert seconds.shape == (32, SMALL.length + SMALL.steps - 1, sum(features.sizes))
    assert true.shape == (32, SMALL.length, len(LABELS))
    face = seconds[..., : features.sizes[0]]
    there = face[..., 0] == 1.0
    assert 0.3 < there.mean() < 0.9
    assert not face[~there].any()
    shown, truth = face[:, SMALL.steps - 1 :, -1], true[..., 0]
    seen = there[:, SMALL.steps - 1 :]
    assert np.corrcoef(shown[seen], truth[seen])[0, 1] > 0.8


def test_of_engagement_only_the_means_are_looked_at(part: Part) -> None:
    features = training.features_of(part.answers, SMALL.steps)
    assert features.embedding("engagement") == NUMBERS - training.HIDDEN
    assert features.embedding("face") == NUMBERS


@pytest.mark.parametrize("name", ["full", *ABLATIONS])
def test_each_network_tells_all_labels_and_weighs_all_modalities(name: str, part: Part) -> None:
    parts = {"cross": name != "-CMAA", "importance": name != "-MIE", "feedback": name != "-TFL"}
    features = training.features_of(part.answers, SMALL.steps)
    network = training.network(features.sizes, replace(SMALL, **parts), batch=1)
    said = network(np.zeros((1, SMALL.steps, sum(features.sizes) + len(LABELS)), np.float32))
    assert said["logits"].shape == (1, len(LABELS))
    assert float(np.sum(said["weights"])) == pytest.approx(1.0)
    if name == "-MIE":
        assert np.allclose(said["weights"], 1 / 3)


def test_a_trained_network_goes_to_the_device_as_int8(
    part: Part, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from quantize import train_fusion

    monkeypatch.setattr(train_fusion, "DEFAULT", SMALL)
    monkeypatch.setattr(
        train_fusion, "_tuned", lambda valid, place: (1.0, dict.fromkeys(LABELS, 0.5), dict.fromkeys(FIGURES, 0.5))
    )
    manifest = train_fusion.train(Parts(part, part, part), tmp_path / "run", tmp_path / "models", ablations=False)
    loaded, interpreter = ModelStore(tmp_path / "models").load("attention", LABELS)
    assert loaded == manifest
    assert {tensor.name for tensor in interpreter.outputs} == {"logits", "weights"}
    assert Path(tmp_path / "models" / manifest.file).stat().st_size < train_fusion.LARGEST
    assert Interpreter(tmp_path / "models" / manifest.file, "tflite-runtime").input.dtype == "int8"
    card = (tmp_path / "models" / "attention.md").read_text()
    assert "Nobody was seen and heard at the same time" in card and "told by the network" in card


@pytest.mark.parametrize("better", ["attention", "branch"])
def test_the_states_are_told_by_whoever_told_them_better_on_validation(
    better: str, part: Part, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from quantize import train_fusion

    def course(kind: Kind, sessions: object) -> Course:
        high = part.sessions.high
        states = np.where(high == 1, 0.8, 0.3) if kind.name == better else np.full(high.shape, 0.5)
        positive = np.where(part.sessions.positive == 1, 0.7, 0.3)
        return Course(positive, np.full(positive.shape, 0.9), states)

    monkeypatch.setattr(train_fusion.comparison, "course", course)
    monkeypatch.setattr(train_fusion.comparison, "played", lambda *_: [])
    monkeypatch.setattr(train_fusion, "Attention", lambda *_: None)
    temperature, thresholds, figures = train_fusion._tuned(part, tmp_path)
    assert temperature == pytest.approx(0.5), "all are right: nothing is too certain"
    assert (figures["states_auc"], figures["branch_states_auc"]) == (
        (1.0, 0.5) if better == "attention" else (0.5, 1.0)
    )
    assert set(thresholds) == (set(LABELS) if better == "attention" else {"positive"})
    assert all(0.3 < thresholds[name] < 0.95 for name in thresholds)
