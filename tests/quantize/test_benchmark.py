from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from edge.benchmarks.models import Subject
from edge.config import MODELS
from quantize import anchors, benchmark, chart
from quantize.anchors import Anchor
from quantize.cli import main
from quantize.conversion.capped import Caps

FACE = MODELS / "face_emotion.tflite"


@pytest.fixture
def refused(capfd: pytest.CaptureFixture[str]) -> Any:
    def run(*arguments: object) -> str:
        assert main(["benchmark", *map(str, arguments)]) == 2
        return capfd.readouterr().err.splitlines()[-1].removeprefix("affect-quantize: ")

    return run


@pytest.mark.parametrize(("picture", "beginning"), [("chart.svg", b"<?xml"), ("chart.png", b"\x89PNG")])
def test_any_model_is_measured_shown_drawn_and_compared(
    picture: str, beginning: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("matplotlib", reason="the chart needs matplotlib, which is not installed here")
    old, drawn = tmp_path / "old.json", tmp_path / picture
    files = [str(FACE), str(MODELS / "float32" / FACE.name)]
    assert main(["benchmark", *files, "--runs", "20", "--json", str(old), "--chart", str(drawn)]) == 0
    assert drawn.read_bytes().startswith(beginning)
    assert main(["benchmark", *files, "--runs", "20", "--compare", str(old)]) == 0
    said = capsys.readouterr().out
    assert "face_emotion: int8 over float32: " in said
    assert f"over{old}" in "".join(said.split())


def test_the_same_figures_compare_as_one() -> None:
    cell = {"bytes": 10, "litert": {"threads": {"1": {"median_ms": 2.0, "p90_ms": 3.0, "p99_ms": 4.0}}}}
    figures = {"models": {"mine": {"int8": cell}}}
    ones = {"median_ms": 1.0, "p90_ms": 1.0, "p99_ms": 1.0, "bytes": 1.0}
    assert benchmark.compare_figures(figures, figures) == [("mine", "int8", "litert", "1", ones)]
    assert benchmark.compare_figures({"models": {}}, figures) == []


def test_an_anchor_stands_beside_its_branch() -> None:
    def cell(macs: int, median: float) -> dict[str, Any]:
        return {"bytes": 1, "macs": macs, "litert": {"threads": {"1": {"cpu_ms": median}}}}

    ratios = benchmark.anchor_ratios(
        {"resnet101": {"int8": cell(700, 20.0)}, "face_emotion": {"int8": cell(7, 0.1), "float32": cell(7, 0.2)}}
    )
    assert ratios == {"resnet101 / face_emotion": {"macs": 100.0, "int8": {"litert": 200.0}}}


def test_an_anchor_is_built_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tensorflow", reason="anchors need TensorFlow, which is not installed here")
    built = anchors.files("raw_waveform_cnn", tmp_path, Caps())
    assert set(built) == {"float32", "float16", "dynamic", "int8"}
    assert all(path.read_bytes()[4:8] == b"TFL3" for path in built.values())
    monkeypatch.setitem(anchors.ANCHORS, "raw_waveform_cnn", Anchor("speech_emotion", (1,), lambda: 1 / 0))
    assert anchors.files("raw_waveform_cnn", tmp_path, Caps()) == built


def test_variants_of_another_network_than_the_shipped_one_are_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    variants = tmp_path / "face_emotion" / "variants"
    variants.mkdir(parents=True)
    (variants / "float32.tflite").write_bytes((MODELS / "float32" / FACE.name).read_bytes())
    (tmp_path / "engagement" / "variants").mkdir(parents=True)
    (tmp_path / "engagement" / "variants" / "float32.tflite").write_bytes(b"of another training")
    found = benchmark.subjects([], MODELS, tmp_path, None, Caps())
    assert Subject("face_emotion", variants / "float16.tflite") in found
    assert Subject("engagement", MODELS / "engagement.tflite") in found
    assert not [subject for subject in found if subject.name == "engagement" and "variants" in subject.file.parts]
    assert "engagement: no float16 and dynamic kinds" in capsys.readouterr().err


def test_a_chart_of_an_unknown_kind_is_refused_before_anything_is_measured(refused: Any, tmp_path: Path) -> None:
    path = tmp_path / "chart.jpg"
    assert refused(FACE, "--chart", path) == f"--chart {path}: must end in .svg or .png"


@pytest.mark.parametrize("option", ["--json", "--chart"])
def test_a_file_that_cannot_be_written_is_refused_before_anything_is_measured(
    option: str, refused: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(benchmark.models, "measure")
    (tmp_path / "full.svg").mkdir()
    assert refused(FACE, option, tmp_path / "full.svg").endswith("full.svg: is a folder; name a file")


@pytest.mark.parametrize("content", ["{", "[]", '{"models": {"x": 3}}', '{"faces": {}}'])
def test_figures_of_another_kind_cannot_be_compared(content: str, refused: Any, tmp_path: Path) -> None:
    path = tmp_path / "old.json"
    path.write_text(content)
    assert refused(FACE, "--compare", path) == f"--compare {path}: is not what --json of this command writes"


def test_a_file_that_is_no_model_is_refused(refused: Any, tmp_path: Path) -> None:
    path = tmp_path / "broken.tflite"
    path.write_bytes(b"not a model")
    assert refused(path).startswith(f"{path}: litert cannot load this model")


def test_a_missing_shipped_model_is_refused(refused: Any, tmp_path: Path) -> None:
    said = refused("--models", tmp_path)
    assert said.startswith(f"{tmp_path / 'float32' / 'face_emotion.tflite'}: no such model")


def test_every_measurement_is_a_bar() -> None:
    pytest.importorskip("matplotlib", reason="the chart needs matplotlib, which is not installed here")
    taken = {"median_ms": 1.0, "p99_ms": 2.0}
    cell = {"litert": {"threads": {"1": taken, "2": taken}}, "tflite-runtime": {"error": "does not run"}}
    figures = {"machine": {"processor": "p", "system": "s"}, "models": {"mine": {"int8": cell}}}
    drawn = chart.draw(figures, ".svg").decode()
    assert drawn.count("mine, int8, litert") == 2
