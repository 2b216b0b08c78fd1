from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest

from edge.config import MODELS
from edge.inference.store import ModelStore
from quantize.branches import BRANCHES
from quantize.certificates.origins import ORIGINS
from quantize.cli import main
from quantize.evaluation import metrics

BRANCH = "face_emotion"
FILES = (f"{BRANCH}.json", f"{BRANCH}.md")
Json = dict[str, Any]


@pytest.fixture(scope="module")
def report(faces: Path, tmp_path_factory: pytest.TempPathFactory) -> Json:
    """What ``evaluate --json`` writes of the shipped face branch on pictures in miniature."""
    path = tmp_path_factory.mktemp("report") / "report.json"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(metrics, "ROUNDS", 20)
        assert main(["evaluate", BRANCH, "--data", str(faces), "--models", str(MODELS), "--json", str(path)]) == 0
    content: Json = json.loads(path.read_text())
    return content


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """The shipped face branch, without its certificate's figures and its card."""
    folder = tmp_path / "models"
    (folder / "float32").mkdir(parents=True)
    for name in (f"{BRANCH}.tflite", f"float32/{BRANCH}.tflite"):
        shutil.copy(MODELS / name, folder / name)
    manifest = json.loads((MODELS / f"{BRANCH}.json").read_text()) | {"figures": {}}
    (folder / f"{BRANCH}.json").write_text(json.dumps(manifest))
    return folder


def _written(folder: Path, content: Any) -> str:
    path = folder / "given.json"
    path.write_text(json.dumps(content))
    return str(path)


def _refusal(capsys: pytest.CaptureFixture[str], models: Path, *options: str) -> str:
    before = (models / f"{BRANCH}.json").read_bytes()
    capsys.readouterr()
    assert main(["certify", BRANCH, "--models", str(models), *options]) == 2
    assert (models / f"{BRANCH}.json").read_bytes() == before
    assert not (models / f"{BRANCH}.md").exists()
    (line,) = capsys.readouterr().err.splitlines()
    return str(line)


def test_a_report_becomes_certificate_and_card_and_the_device_takes_them(report: Json, models: Path) -> None:
    assert main(["certify", BRANCH, "--models", str(models), "--report", _written(models, report)]) == 0
    store = ModelStore(models)
    manifest, _ = store.load(BRANCH, BRANCHES[BRANCH].decisions)
    store.preprocessing(manifest, BRANCHES[BRANCH].preprocessing)
    for kind in ("float32", "int8"):
        assert manifest.figures[kind]["auc"] == report[kind]["auc"]
    card = (models / f"{BRANCH}.md").read_text()
    assert f"{report['int8']['balanced_accuracy']['value']:.3f}" in card
    assert "60 % of it hidden" in card and manifest.sha256 in card and str(manifest.preprocessing_sha256) in card
    assert "## Speed" not in card
    assert "Made by recipe" not in card


def test_the_card_of_another_recipe_claims_nothing_of_the_shipped_one(report: Json, models: Path) -> None:
    shipped = json.loads((models / f"{BRANCH}.json").read_text())
    shipped["provenance"]["recipe"]["name"] = "once"
    (models / f"{BRANCH}.json").write_text(json.dumps(shipped))
    assert main(["certify", BRANCH, "--models", str(models), "--report", _written(models, report)]) == 0
    card = (models / f"{BRANCH}.md").read_text()
    assert "Made by recipe `once`" in card
    assert ORIGINS[BRANCH].test not in card


def test_data_do_as_well_as_a_report_of_them(
    report: Json, models: Path, faces: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics, "ROUNDS", 20)
    assert main(["certify", BRANCH, "--models", str(models), "--report", _written(models, report)]) == 0
    from_report = [(models / name).read_bytes() for name in FILES]
    assert main(["certify", BRANCH, "--models", str(models), "--data", str(faces)]) == 0
    assert [(models / name).read_bytes() for name in FILES] == from_report


def _benchmark(report: Json) -> Json:
    timing = {"median_ms": 0.123, "p90_ms": 0.2, "p99_ms": 0.3, "runs": 1000, "peak_mib": 20.0}
    cell = {"litert": {"delegated": 9, "threads": {"1": timing}}, "tflite-runtime": {"error": "does not run"}}
    return {
        "machine": {"processor": "a workstation", "cores": 2},
        "models": {
            BRANCH: {"int8": {"bytes": report["int8"]["bytes"], **cell}, "float16": {"bytes": 1, **cell}},
            "another": {"int8": {"bytes": 1, **cell}},
        },
        "ratios": {BRANCH: {"int8": {"bytes": 0.26, "litert": 0.41}, "float16": {"bytes": 0.5}}},
        "anchors": {
            f"resnet101 / {BRANCH}": {"macs": 118.2, "int8": {"litert": 95.5}},
            "raw_waveform_cnn / another": {"macs": 7.0},
        },
    }


def test_latency_comes_from_the_benchmark_of_this_very_file_and_stays(report: Json, models: Path) -> None:
    given = ["certify", BRANCH, "--models", str(models), "--report", _written(models, report)]
    (models / "benchmark.json").write_text(json.dumps(_benchmark(report)))
    assert main([*given, "--benchmark", str(models / "benchmark.json")]) == 0
    (row,) = ModelStore(models).manifest(BRANCH).figures["latency"]
    assert (row["kind"], row["machine"], row["median_ms"]) == ("int8", "a workstation", 0.123)
    card = (models / f"{BRANCH}.md").read_text()
    assert "| a workstation | int8 | litert | 1 | 0.123 | 0.200 | 0.300 | 1000 |" in card
    assert "on a workstation (a workstation), not on a device" in card
    assert "int8 over float32: 0.26 x the bytes, median latency 0.41 x in litert." in card
    assert (
        "The paper's resnet101 over this network: 118 x the multiplications, processor time int8 96 x in litert."
        in card
    )
    assert "raw_waveform_cnn" not in card
    assert main(given) == 0
    assert ModelStore(models).manifest(BRANCH).figures["latency"] == [row]


def test_a_benchmark_alone_leaves_the_figures_as_they_are(report: Json, models: Path) -> None:
    certify = ["certify", BRANCH, "--models", str(models)]
    assert main([*certify, "--report", _written(models, report)]) == 0
    before = ModelStore(models).manifest(BRANCH).figures
    (models / "benchmark.json").write_text(json.dumps(_benchmark(report)))
    assert main([*certify, "--benchmark", str(models / "benchmark.json")]) == 0
    after = ModelStore(models).manifest(BRANCH).figures
    assert len(after["latency"]) == 1 and after["ratios"]["int8"] == {"bytes": 0.26, "litert": 0.41}
    assert after | {"latency": [], "ratios": {}} == before


def test_no_figures_at_all_are_one_line(models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "has no figures of this program's; give --data or --report" in _refusal(capsys, models)


def test_a_benchmark_of_other_files_is_one_line(report: Json, models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    benchmark = _benchmark(report)
    options = ["--report", _written(models, report), "--benchmark", str(models / "benchmark.json")]
    for change, reason in (({"bytes": 1}, "of another int8 file"), ({"sha256": "0"}, "of another int8 file")):
        cells = benchmark["models"][BRANCH]
        changed = {**benchmark, "models": {BRANCH: {**cells, "int8": {**cells["int8"], **change}}}}
        (models / "benchmark.json").write_text(json.dumps(changed))
        assert reason in _refusal(capsys, models, *options)
    del benchmark["models"][BRANCH]["int8"]
    (models / "benchmark.json").write_text(json.dumps(benchmark))
    assert "the benchmark has no time of its int8 file" in _refusal(capsys, models, *options)


@pytest.mark.parametrize("content", ["{", "[]", '{"machine": "x"}'])
def test_a_file_that_is_no_benchmark_is_one_line(
    content: str, report: Json, models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (models / "benchmark.json").write_text(content)
    options = ["--report", _written(models, report), "--benchmark", str(models / "benchmark.json")]
    assert "benchmark.json: not a benchmark" in _refusal(capsys, models, *options)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"seen": True}, "of data seen in training, which certifies nothing"),
        ({"thresholds": {"positive": 0.5}}, "is of another thresholds"),
        ({"preprocessing_sha256": "0"}, "is of another preprocessing"),
        ({"branch": "engagement"}, "is a report of 'engagement', not of 'face_emotion'"),
        ({"conditions": None}, "not a whole report"),
        ({"int8": {}}, "not a whole report"),
    ],
)
def test_a_report_that_does_not_fit_is_one_line(
    change: Json, reason: str, report: Json, models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changed = {name: value for name, value in (report | change).items() if value is not None}
    assert reason in _refusal(capsys, models, "--report", _written(models, changed))


def test_a_report_of_another_file_is_one_line(report: Json, models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = report | {"int8": report["int8"] | {"sha256": "0" * 64}}
    assert "is of another file" in _refusal(capsys, models, "--report", _written(models, other))


@pytest.mark.parametrize("content", ["{", "[]", "3", '{"float32": 1}'])
def test_a_file_that_is_no_report_is_one_line(
    content: str, models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "given.json").write_text(content)
    said = _refusal(capsys, models, "--report", str(tmp_path / "given.json"))
    assert "given.json: not a" in said and "report of `affect-quantize evaluate`" in said


def test_a_missing_report_is_one_line(models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "none.json: no such file; `affect-quantize evaluate" in _refusal(capsys, models, "--report", "none.json")


def test_an_altered_model_is_not_certified(report: Json, models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with (models / f"{BRANCH}.tflite").open("ab") as file:
        file.write(b"\0")
    assert "its manifest says" in _refusal(capsys, models, "--report", _written(models, report))


def test_the_certificate_is_json_without_curves(report: Json, models: Path) -> None:
    assert main(["certify", BRANCH, "--models", str(models), "--report", _written(models, report)]) == 0
    figures = msgspec.json.decode((models / f"{BRANCH}.json").read_bytes())["figures"]
    assert "reliability" not in figures["int8"] and "histogram" not in figures["drift"]["positive"]
    assert figures["int8"]["confusion"] == report["int8"]["confusion"]
