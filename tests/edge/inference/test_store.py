import json
import shutil
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from edge.config import MODELS
from edge.errors import UserError
from edge.features.face_crop import FaceCrop
from edge.features.speech import SpeechFeatures
from edge.inference.baseline import Baseline
from edge.inference.store import ModelStore


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    for suffix in (".tflite", ".json"):
        shutil.copy(MODELS / f"face_emotion{suffix}", tmp_path)
    return ModelStore(tmp_path)


def edit(store: ModelStore, **changes: Any) -> None:
    path = store.directory / "face_emotion.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


@pytest.mark.parametrize("name", ["face_detector", "face_mesh", "face_emotion", "engagement", "speech_emotion"])
def test_every_shipped_model_is_the_one_its_manifest_describes(name: str) -> None:
    manifest, _ = ModelStore(MODELS).load(name)
    assert manifest.name == name


def test_a_missing_model_is_named(store: ModelStore) -> None:
    (store.directory / "face_emotion.tflite").unlink()
    with pytest.raises(UserError, match=r"face_emotion\.tflite: model file cannot be read \(No such file"):
        store.load("face_emotion")


def test_a_missing_manifest_is_named(store: ModelStore) -> None:
    with pytest.raises(UserError, match=r"engagement\.json: no manifest"):
        store.load("engagement")


def test_a_truncated_model_is_refused_with_both_hashes(store: ModelStore) -> None:
    path = store.directory / "face_emotion.tflite"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(
        UserError, match=r"face_emotion\.tflite: sha256 is [0-9a-f]{64}, its manifest says [0-9a-f]{64}"
    ):
        store.load("face_emotion")


def test_another_shape_than_promised_is_refused(store: ModelStore) -> None:
    edit(store, input={"name": "x", "shape": [1, 64, 64, 1], "dtype": "int8"})
    with pytest.raises(UserError, match=r"is int8\[1, 48, 48, 1\], its manifest says int8\[1, 64, 64, 1\]"):
        store.load("face_emotion")


def test_another_output_than_promised_is_refused(store: ModelStore) -> None:
    outputs = json.loads((store.directory / "face_emotion.json").read_text())["outputs"]
    edit(store, outputs=[{**outputs[0], "name": "x"}, *outputs[1:]])
    with pytest.raises(UserError, match=r"has the outputs .*, its manifest says x$"):
        store.load("face_emotion")
    edit(store, outputs=[*outputs, {**outputs[0], "name": "x"}])
    with pytest.raises(UserError, match=rf"has {len(outputs)} outputs, its manifest says {len(outputs) + 1}"):
        store.load("face_emotion")


def test_outputs_are_checked_by_name_whatever_their_order(store: ModelStore) -> None:
    logits, embedding = json.loads((store.directory / "face_emotion.json").read_text())["outputs"]
    for outputs in ([logits, embedding], [embedding, logits]):
        edit(store, outputs=outputs)
        manifest, model = store.load("face_emotion")
        assert manifest.embedding is not None and manifest.embedding.shape == (1, 256)
        assert {output.name for output in model.outputs} == {"logits", "embedding"}
    edit(store, outputs=[{**logits, "shape": [1, 256]}, {**embedding, "shape": [1, 7]}])
    with pytest.raises(UserError, match=r"logits is int8\[1, 7\], its manifest says int8\[1, 256\]"):
        store.load("face_emotion")


def test_labels_that_are_not_the_logits_are_refused(store: ModelStore) -> None:
    edit(store, labels=["happy", "sad"])
    with pytest.raises(UserError, match=r"labels are not as many as face_emotion\.tflite has logits"):
        store.load("face_emotion")


def test_a_baseline_of_another_version_of_the_model_is_refused_naming_both(store: ModelStore) -> None:
    baseline = Baseline(np.zeros(3, np.float32).tobytes(), b"", (), 1.0, 1.0, "0" * 64)
    edit(store, baseline=msgspec.to_builtins(baseline))
    with pytest.raises(UserError, match=r"is of embeddings of 3 numbers, face_emotion\.tflite gives \d+: ") as caught:
        store.load("face_emotion")
    assert "\n" not in str(caught.value)


def test_a_baseline_of_another_training_is_refused_with_both_hashes(store: ModelStore) -> None:
    baseline = json.loads((store.directory / "face_emotion.json").read_text())["baseline"]
    edit(store, baseline={**baseline, "model_sha256": "0" * 64})
    with pytest.raises(UserError, match=r"is of the model 0{64}, face_emotion\.tflite is [0-9a-f]{64}; reinstall"):
        store.load("face_emotion")


def test_a_branch_without_a_baseline_is_loaded(store: ModelStore) -> None:
    edit(store, baseline=None, reliability={})
    assert store.load("face_emotion")[0].baseline is None


def test_a_malformed_baseline_is_refused(store: ModelStore) -> None:
    edit(store, baseline={"mean": "AAAA"})
    with pytest.raises(UserError, match=r"face_emotion\.json: not a valid manifest .*baseline"):
        store.load("face_emotion")


def test_a_malformed_manifest_is_refused(store: ModelStore) -> None:
    edit(store, surprise=1)
    with pytest.raises(UserError, match=r"face_emotion\.json: not a valid manifest .*surprise"):
        store.load("face_emotion")


def test_another_preprocessing_is_refused_with_both_fingerprints(store: ModelStore) -> None:
    edit(store, preprocessing={"size": 48, "eye_y": 0.1})
    manifest, _ = store.load("face_emotion")
    with pytest.raises(UserError, match=r"preprocessing is [0-9a-f]{64} here, the model was trained with [0-9a-f]{64}"):
        store.preprocessing(manifest, FaceCrop)


def test_preprocessing_of_another_kind_is_refused(store: ModelStore) -> None:
    manifest, _ = store.load("face_emotion")
    with pytest.raises(UserError, match="preprocessing does not fit SpeechFeatures"):
        store.preprocessing(manifest, SpeechFeatures)
