"""``affect-quantize explain`` on data sets in miniature."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from edge.config import MODELS
from edge.features.face_crop import FaceCrop
from quantize.branches import BRANCHES
from quantize.cli import main
from quantize.evaluation import metrics
from quantize.explanation import deletion
from quantize.explanation.regions import REGIONS
from quantize.runs import Run

needs_tensorflow = pytest.mark.skipif(
    importlib.util.find_spec("tensorflow") is None, reason="Grad-CAM needs TensorFlow, which is not installed here"
)


@pytest.fixture(autouse=True)
def few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "ROUNDS", 20)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped engagement model, said to be trained on two of the people in miniature."""
    folder = tmp_path_factory.mktemp("models")
    shutil.copy(MODELS / "engagement.tflite", folder)
    manifest = json.loads((MODELS / "engagement.json").read_text())
    manifest["provenance"]["split"] = {"train": ["s00", "s01"]}
    (folder / "engagement.json").write_text(json.dumps(manifest))
    return folder


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of a face network that tells by brightness: happy where it is bright, sad where it is dark."""
    tf = pytest.importorskip("tensorflow")
    from quantize.models.face_emotion import with_mirror

    inputs = tf.keras.layers.Input((None, None, 1))
    split = tf.keras.layers.Conv2D(2, 3, padding="same", activation="relu", name="split")
    x = tf.keras.layers.AveragePooling2D(16)(split(inputs))
    weighed = tf.keras.layers.Conv2D(2, 3, padding="same", activation="relu", name="place")(x)
    pooled = tf.keras.layers.GlobalAveragePooling2D()(weighed)
    network = tf.keras.Model(inputs, tf.keras.layers.Dense(7, name="logits")(pooled))
    # bright below speaks for one channel, bright above for the other
    ramp = np.array([-1.0, 0.0, 1.0])[:, None, None, None] * np.ones((1, 3, 1, 1))
    split.set_weights([np.concatenate([ramp, -ramp], axis=3), np.zeros(2)])
    network.get_layer("place").set_weights([np.eye(2)[None, None] * np.ones((3, 3, 1, 1)), np.zeros(2)])
    head = np.zeros((2, 7))
    head[0, 1] = head[1, 3] = 5.0
    network.get_layer("logits").set_weights([head, np.full(7, -0.1)])
    folder = tmp_path_factory.mktemp("run")
    with_mirror(network, 48, batch=1).save(folder / "model.keras")
    crop = FaceCrop()
    made = Run(
        branch="face_emotion",
        recipe={},
        preprocessing=msgspec.to_builtins(crop),
        preprocessing_sha256=crop.fingerprint(),
        thresholds={"positive": 0.5},
        temperature=1.0,
        split={"train": 112, "valid": 32},
        development={},
        versions={},
    )
    (folder / "config.json").write_bytes(msgspec.json.encode(made))
    return folder


def _explain(data: Path, folder: Path, arguments: list[str]) -> tuple[dict[str, Any], str]:
    """The report and the page."""
    outputs = ["--json", str(folder / "report.json"), "--html", str(folder / "page.html")]
    assert main(["explain", *arguments, "--data", str(data), *outputs]) == 0
    return json.loads((folder / "report.json").read_text()), (folder / "page.html").read_text()


def _states(data: Path, models: Path, folder: Path) -> tuple[dict[str, Any], str]:
    effort = ["--clips", "6", "--permutations", "2"]
    return _explain(data, folder, ["engagement", "--models", str(models), *effort])


def test_what_moves_the_states_is_shared_out_whole(
    landmarks: Path, models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report, page = _states(landmarks, models, tmp_path)
    assert report["n"] == 6 and report["missed"] < 1e-6
    assert list(report["states"]) == list(BRANCHES["engagement"].decisions)
    for state, found in report["states"].items():
        assert {region["name"] for region in found["regions"]} == set(REGIONS)
        assert sum(region["share"]["value"] for region in found["regions"]) == pytest.approx(1.0)
        assert sum(feature["share"] for feature in found["features"]) == pytest.approx(1.0)
        assert len({feature["feature"] for feature in found["features"]}) == 45
        assert f"{state}: parts of the face" in page
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 4
    assert all(
        re.match(rf"{state} (rises with|depends, in no one direction, on) .+%\)\.", line)
        for state, line in zip(report["states"], said, strict=True)
    )
    _check_page(page)


def test_the_same_seed_says_the_same(landmarks: Path, models: Path, tmp_path: Path) -> None:
    first, again = (_states(landmarks, models, tmp_path) for _ in range(2))
    assert first == again


@needs_tensorflow
def test_faces_are_explained_by_maps_averages_and_the_deletion_test(
    faces: Path, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report, page = _explain(faces, tmp_path, ["face_emotion", "--run", str(run), "--count", "6"])
    assert (report["n"], report["accuracy"], report["map"]) == (32, 1.0, [3, 3])
    assert [part["share"] for part in report["deletion"]] == list(deletion.SHARES)
    assert all(set(deletion.CONTROLS) <= set(part) for part in report["deletion"])
    assert {name for name, of in report["emotions"].items() if of["n"]} == {"happy", "sad"}
    assert sum(report["emotions"]["sad"]["thirds"].values()) == pytest.approx(1.0)
    said = capsys.readouterr().out
    assert "sad is looked for at " in said and "places" in said
    assert page.count("<figcaption>") == 2 + 6
    assert "Crops of the public data set in fer2013plus" in page
    _check_page(page)


@needs_tensorflow
def test_only_pictures_of_the_emotion_that_is_asked_for_are_shown(faces: Path, run: Path, tmp_path: Path) -> None:
    _, page = _explain(faces, tmp_path, ["face_emotion", "--run", str(run), "--count", "5", "--emotion", "sad"])
    captions = re.findall(r"<figcaption>(.*?)</figcaption>", page)
    assert sum(caption.startswith("sad: taken for it") for caption in captions) == 5


@needs_tensorflow
def test_an_emotion_that_nobody_shows_is_one_line(
    faces: Path, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.html"
    asked = ["face_emotion", "--run", str(run), "--emotion", "fear", "--html", str(page)]
    assert main(["explain", *asked, "--data", str(faces)]) == 2
    last = capsys.readouterr().err.splitlines()[-1]  # the bar that it clears stands before it
    assert last.endswith("--emotion fear: no picture here is it or was taken for it")
    assert not page.exists()


@needs_tensorflow
def test_a_missing_run_is_one_line(faces: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = _refusal(["explain", "face_emotion", "--run", str(tmp_path), "--data", str(faces)], capsys)
    assert "config.json: no such file" in said


def test_without_tensorflow_faces_are_one_line(
    faces: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert "needs TensorFlow" in _refusal(["explain", "face_emotion", "--data", str(faces)], capsys)


def test_missing_data_and_files_that_cannot_be_written_are_one_line(
    landmarks: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["explain", "engagement", "--data"]
    assert _refusal([*asked, str(tmp_path / "none")], capsys).endswith("none: no such folder")
    (tmp_path / "file").touch()
    said = _refusal([*asked, str(landmarks), "--html", str(tmp_path / "file" / "page.html")], capsys)
    assert "cannot be written" in said
    same = str(tmp_path / "page")
    assert "both name" in _refusal([*asked, str(landmarks), "--html", same, "--json", same], capsys)


def test_data_without_the_people_of_training_are_one_line(landmarks: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = _refusal(["explain", "engagement", "--data", str(landmarks), "--models", str(MODELS)], capsys)
    assert "holds nobody whom the model was trained on" in said


def test_an_odd_number_of_permutations_is_refused_with_the_usage(landmarks: Path) -> None:
    with pytest.raises(SystemExit) as left:
        main(["explain", "engagement", "--data", str(landmarks), "--permutations", "3"])
    assert left.value.code == 2


def _refusal(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert main(arguments) == 2
    errors = capsys.readouterr().err.splitlines()
    assert len(errors) == 1
    return errors[0]


class _Page(HTMLParser):
    """Checks that every element is closed in turn, and keeps tags with their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in {"meta", "img"}:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def _check_page(page: str) -> None:
    """The page is well-formed, asks nobody for anything, and describes what it draws."""
    parser = _Page()
    parser.feed(page)
    assert not parser.open
    assert not re.search(r"https?:|@import|url\((?!#)", page)
    for tag, attributes in parser.tags:
        assert tag not in {"script", "link", "iframe", "object"}
        assert (attributes.get("src") or "data:image/png;base64,").startswith("data:image/png;base64,")
        assert tag != "img" or attributes["alt"]
        assert tag != "svg" or attributes["aria-label"]
    names = [attributes["id"] for _, attributes in parser.tags if "id" in attributes]
    assert names and len(names) == len(set(names))
