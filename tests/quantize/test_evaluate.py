"""``affect-quantize evaluate`` with the shipped models on data sets in miniature."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from edge.config import MODELS
from quantize.branches import BRANCHES
from quantize.cli import main
from quantize.evaluation import metrics, report

DATA = {"face_emotion": "faces", "speech_emotion": "voices", "engagement": "landmarks"}
SPLITS: dict[str, dict[str, Any]] = {
    "face_emotion": {"train": 96, "valid": 32},
    "speech_emotion": {"train": [1, 2, 3, 4], "valid": [5, 6]},
    "engagement": {"train": ["s00", "s01"]},
}
Json = dict[str, Any]


@pytest.fixture(autouse=True)
def few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Intervals are not looked at here, and 500 draws of everything take their time."""
    monkeypatch.setattr(metrics, "ROUNDS", 20)


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped models, said to be trained on part of the data sets in miniature."""
    models = tmp_path_factory.mktemp("models")
    for branch, split in SPLITS.items():
        _copy(branch, models)
        _change(models / f"{branch}.json", lambda manifest, split=split: manifest["provenance"].update(split=split))
    return models


def _copy(branch: str, models: Path) -> None:
    (models / "float32").mkdir(exist_ok=True)
    for name in (f"{branch}.json", f"{branch}.tflite", f"float32/{branch}.tflite"):
        shutil.copy(MODELS / name, models / name)


def _change(path: Path, change: Callable[[Json], object]) -> None:
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


@pytest.fixture(scope="module", params=sorted(BRANCHES))
def judged(
    request: pytest.FixtureRequest, shipped: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Json, str]:
    """A branch's name, its report and its page."""
    branch, folder = request.param, tmp_path_factory.mktemp("reports")
    data = request.getfixturevalue(DATA[branch])
    outputs = ["--json", str(folder / "report.json"), "--html", str(folder / "report.html")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(metrics, "ROUNDS", 20)
        assert main(["evaluate", branch, "--data", str(data), "--models", str(shipped), *outputs]) == 0
    return branch, _strict((folder / "report.json").read_text()), (folder / "report.html").read_text()


def _strict(text: str) -> Json:
    """JSON without NaN and Infinity, which are not JSON."""

    def refuse(constant: str) -> None:
        raise ValueError(constant)

    content: Json = json.loads(text, parse_constant=refuse)
    return content


def test_the_report_holds_what_others_rely_on(judged: tuple[str, Json, str]) -> None:
    branch, figures, _ = judged
    for kind in ("float32", "int8"):
        for name in ("balanced_accuracy", "auc", "accuracy", "macro_f1"):
            assert set(figures[kind][name]) == {"value", "low", "high"}
        assert set(figures[kind].get("auc_per_label", {})) == (
            set(BRANCHES[branch].decisions) if len(BRANCHES[branch].decisions) > 1 else set()
        )
    assert figures["n"] > 0 and 0 <= figures["agreement"] <= 1 and 0.5 <= figures["majority_accuracy"] <= 1
    assert figures["int8"]["sha256"] == hashlib.sha256((MODELS / f"{branch}.tflite").read_bytes()).hexdigest()


def test_engagement_stands_beside_a_linear_model_of_the_same_people(judged: tuple[str, Json, str]) -> None:
    branch, figures, page = judged
    if branch != "engagement":
        assert "linear_auc_per_label" not in figures and "logistic regression" not in page
        return
    reached = figures["linear_auc_per_label"]
    assert set(reached) == set(figures["int8"]["auc_per_label"])
    assert all(set(figure) == {"value", "low", "high"} for figure in reached.values())
    assert reached["boredom"]["value"] > 0.9
    words = " ".join("".join(_parsed(page).words).split())
    assert "linear model" in words and f"boredom {reached['boredom']['value']:.3f}" in words


def test_every_condition_is_judged_for_both_models(judged: tuple[str, Json, str]) -> None:
    branch, figures, _ = judged
    assert list(figures["conditions"]) == [condition.name for condition in BRANCHES[branch].conditions]
    for under in figures["conditions"].values():
        for kind in ("float32", "int8"):
            assert {"balanced_accuracy", "auc", "cost", "changed"} <= set(under[kind])
    if branch == "face_emotion":
        untouched = figures["conditions"]["occlusion_0"]["int8"]
        assert untouched["auc"] == figures["int8"]["auc"] and untouched["changed"] == 0.0
        assert figures["conditions"]["occlusion_60"]["int8"]["changed"] > 0.0


def test_groups_are_told_apart_where_the_data_set_names_them(judged: tuple[str, Json, str]) -> None:
    branch, figures, _ = judged
    if branch == "speech_emotion":
        parts = figures["groups"]["sex"]
        assert set(parts) == {"female", "male"}
        assert sum(part["n"] for part in parts.values()) == figures["n"]
        assert {"balanced_accuracy", "auc"} <= set(parts["male"]["int8"])
    else:
        assert figures["groups"] == {}


def test_what_was_trained_on_is_left_out(judged: tuple[str, Json, str]) -> None:
    branch, figures, _ = judged
    expected = {"face_emotion": (32, 32), "speech_emotion": (4 * 24, 4), "engagement": (130, 10)}
    assert (figures["n"], figures["clusters"], figures["seen"]) == (*expected[branch], False)


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def _parsed(page: str) -> _Page:
    parser = _Page()
    parser.feed(page)
    return parser


def test_the_page_asks_nobody_for_anything(judged: tuple[str, Json, str]) -> None:
    _, _, page = judged
    assert not re.search(r"https?:|@import|url\((?!#)", page)
    for tag, attributes in _parsed(page).tags:
        assert tag not in {"script", "link", "img", "iframe", "object"}
        assert "src" not in attributes and (attributes.get("href") or "#").startswith("#")


def test_the_page_has_a_table_beside_every_plot_and_no_name_twice(judged: tuple[str, Json, str]) -> None:
    tags = _parsed(judged[2]).tags
    plots = [attributes for tag, attributes in tags if tag == "svg"]
    assert plots and all(plot["role"] == "img" and plot["aria-label"] for plot in plots)
    assert sum(tag == "figure" for tag, _ in tags) == len(plots)
    for section in judged[2].split("<section>")[1:]:
        assert "<table" in section
    names = [attributes["id"] for _, attributes in tags if "id" in attributes]
    assert len(names) == len(set(names))


def test_the_page_takes_its_colours_from_light_or_dark(judged: tuple[str, Json, str]) -> None:
    page = judged[2]
    assert "prefers-color-scheme: dark" in page
    drawings = "".join(re.findall(r"<svg.*?</svg>", page, re.DOTALL))
    assert "var(--ink)" in drawings and not re.search(r"(?:fill|stroke): #", drawings)


def test_the_page_tells_the_figures_of_the_report(judged: tuple[str, Json, str]) -> None:
    _, figures, page = judged
    words = " ".join("".join(_parsed(page).words).split())
    assert f"{figures['n']} examples" in words
    assert f"{figures['int8']['balanced_accuracy']['value']:.3f}" in words
    for under in figures["conditions"].values():
        assert under["title"] in words


def test_the_page_takes_names_for_text(judged: tuple[str, Json, str]) -> None:
    _, figures, _ = judged
    hostile = "<script>alert(1)</script>$x$"
    part = {"n": 1, "clusters": 1, "majority_accuracy": 1.0} | {k: figures[k] for k in ("float32", "int8")}
    page = report.page(figures | {"groups": {hostile: {hostile: part}}})
    assert "<script" not in page and page.count("&lt;script&gt;") >= 3


def _evaluate(branch: str, data: Path, models: Path, *options: str) -> int:
    return main(["evaluate", branch, "--data", str(data), "--models", str(models), *options])


def _refusal(capsys: pytest.CaptureFixture[str], branch: str, data: Path, models: Path, *options: str) -> str:
    capsys.readouterr()
    assert _evaluate(branch, data, models, *options) == 2
    (line,) = [part for part in capsys.readouterr().err.split("\n") if part]
    return line.split("\r")[-1]  # what a progress bar wrote before was wiped


def test_quick_leaves_the_conditions_out(
    shipped: Path, faces: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "deep" / "report.json"
    assert _evaluate("face_emotion", faces, shipped, "--quick", "--json", str(path)) == 0
    assert _strict(path.read_text())["conditions"] == {}
    said = capsys.readouterr().out
    assert "balanced accuracy" in said and "hidden" not in said


@pytest.mark.parametrize("branch", ["speech_emotion", "engagement"])
def test_with_nothing_unseen_left_only_seen_answers_and_every_output_says_so(
    branch: str,
    shipped: Path,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    data, models = request.getfixturevalue(DATA[branch]), tmp_path / "models"
    shutil.copytree(shipped, models)
    people = {"speech_emotion": [*range(1, 11)], "engagement": [f"s{i:02d}" for i in range(12)]}
    everybody: Json = {"train": people[branch]}
    _change(models / f"{branch}.json", lambda manifest: manifest["provenance"].update(split=everybody))
    assert "was trained on; nothing unseen is left (evaluate --seen)" in _refusal(capsys, branch, data, models)
    outputs = ["--json", str(tmp_path / "r.json"), "--html", str(tmp_path / "r.html")]
    assert _evaluate(branch, data, models, "--quick", "--seen", *outputs) == 0
    figures = _strict((tmp_path / "r.json").read_text())
    assert figures["seen"] is True and figures["n"] == {"speech_emotion": 240, "engagement": 156}[branch]
    for text in (capsys.readouterr().out, (tmp_path / "r.html").read_text()):
        assert "may have been seen in training" in text and "flatter" in text


def test_pictures_of_one_class_have_no_auc_and_no_traceback(
    shipped: Path, faces: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with np.load(faces / "test.npz") as archive:
        happy = archive["binary_ferplus"] == 0
        np.savez(tmp_path / "test.npz", **{name: archive[name][happy] for name in archive})
    outputs = ["--json", str(tmp_path / "r.json"), "--html", str(tmp_path / "r.html")]
    assert _evaluate("face_emotion", tmp_path, shipped, *outputs) == 0
    figures = _strict((tmp_path / "r.json").read_text())
    assert figures["int8"]["auc"] == {"value": None, "low": None, "high": None}
    assert "| AUC | – |" in capsys.readouterr().out


@pytest.fixture
def models(shipped: Path, tmp_path: Path) -> Path:
    """A copy of the shipped models, to be spoilt."""
    shutil.copytree(shipped, tmp_path / "models")
    return tmp_path / "models"


def _certify_file(models: Path, content: bytes, dtype: str = "int8") -> None:
    """Puts ``content`` where the face branch's int8 file lies, with a manifest that vouches for it."""
    (models / "face_emotion.tflite").write_bytes(content)

    def vouch(manifest: Json) -> None:
        manifest["sha256"] = hashlib.sha256(content).hexdigest()
        for key in ("baseline", "reliability"):
            # of another file
            manifest.pop(key, None)
        for tensor in (manifest["input"], *manifest["outputs"]):
            tensor["dtype"] = dtype

    _change(models / "face_emotion.json", vouch)


def test_a_file_that_is_no_model_is_one_line(models: Path, faces: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _certify_file(models, b"not a model" * 100)
    said = _refusal(capsys, "face_emotion", faces, models)
    assert "face_emotion.tflite: litert cannot load this model" in said


def test_a_float_model_where_int8_is_expected_is_one_line(
    models: Path, faces: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _certify_file(models, (models / "float32" / "face_emotion.tflite").read_bytes(), "float32")
    assert "is float32 where int8 is expected" in _refusal(capsys, "face_emotion", faces, models)


def test_an_int8_model_where_float32_is_expected_is_one_line(
    models: Path, faces: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(models / "face_emotion.tflite", models / "float32" / "face_emotion.tflite")
    said = _refusal(capsys, "face_emotion", faces, models)
    assert "float32/face_emotion.tflite" in said and "is int8 where float32 is expected" in said


def test_another_branchs_float32_file_is_one_line(
    models: Path, faces: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(models / "float32" / "engagement.tflite", models / "float32" / "face_emotion.tflite")
    assert "its manifest says [1, 48, 48, 1]" in _refusal(capsys, "face_emotion", faces, models)


def test_a_missing_float32_file_is_one_line(models: Path, faces: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (models / "float32" / "face_emotion.tflite").unlink()
    assert "no such model; run `affect-quantize convert" in _refusal(capsys, "face_emotion", faces, models)


def test_labels_in_another_order_are_one_line(models: Path, faces: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _change(models / "face_emotion.json", lambda manifest: manifest["labels"].reverse())
    assert "face_emotion.tflite: gives fear, disgust" in _refusal(capsys, "face_emotion", faces, models)


def test_a_manifest_that_keeps_quiet_about_its_training_is_one_line(
    models: Path, faces: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _change(models / "face_emotion.json", lambda manifest: manifest.update(provenance={}))
    assert "does not say what was trained on" in _refusal(capsys, "face_emotion", faces, models)


@pytest.mark.parametrize("branch", sorted(BRANCHES))
def test_a_folder_that_is_not_the_data_set_is_one_line(
    branch: str, shipped: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert str(tmp_path) in _refusal(capsys, branch, tmp_path, shipped)


@pytest.mark.parametrize("option", ["--json", "--html"])
@pytest.mark.parametrize("place", ["a folder", "below a file"])
def test_an_output_that_cannot_be_written_is_told_before_the_work(
    option: str,
    place: str,
    shipped: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "file").touch()
    path = tmp_path if place == "a folder" else tmp_path / "file" / "report"
    monkeypatch.setattr("quantize.commands.evaluate.judge", lambda *_: pytest.fail("worked before it looked"))
    said = _refusal(capsys, "face_emotion", tmp_path, shipped, option, str(path))
    assert said.startswith(f"affect-quantize: {path}: ")


def test_two_outputs_in_one_file_are_one_line(
    shipped: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(tmp_path / "report")
    assert "both name" in _refusal(capsys, "face_emotion", tmp_path, shipped, "--json", path, "--html", path)


def test_recordings_without_a_voice_are_one_line(
    shipped: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "Actor_24"
    place.mkdir()
    soundfile.write(place / "03-01-01-01-01-01-24.wav", np.zeros(16_000, np.float32), 16_000)
    assert "no voice is heard in any of 1 recordings" in _refusal(capsys, "speech_emotion", tmp_path, shipped)
