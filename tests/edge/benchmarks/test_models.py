"""Measuring model files: what the figures are called, and what is refused."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

from edge.benchmarks.models import Subject, measure, table
from edge.cli import main
from edge.config import MODELS
from edge.errors import UserError
from edge.inference import graph
from edge.inference.interpreter import Interpreter

FACE = MODELS / "face_emotion.tflite"


def test_every_runtime_and_number_of_threads_is_measured(tmp_path: Path) -> None:
    path = tmp_path / "models.json"
    float32 = MODELS / "float32" / FACE.name
    files = [str(FACE), str(float32)]
    assert main(["benchmark", "--models", *files, "--threads", "1", "2", "--runs", "20", "--json", str(path)]) == 0
    figures = json.loads(path.read_text())
    kinds = figures["models"]["face_emotion"]
    assert set(kinds) == {"int8", "float32"}
    runtimes = {"litert"} | ({"tflite-runtime"} if importlib.util.find_spec("tflite_runtime") else set())
    assert set(figures["machine"]["runtimes"]) == runtimes
    for kind, file in (("int8", FACE), ("float32", float32)):
        cell = kinds[kind]
        assert cell["bytes"] == file.stat().st_size
        assert cell["macs"] > 10_000_000
        for runtime in runtimes:
            assert cell[runtime]["delegated"] <= cell["nodes"]
            assert set(cell[runtime]["threads"]) == {"1", "2"}
            for taken in cell[runtime]["threads"].values():
                assert 0 < taken["median_ms"] <= taken["p90_ms"] <= taken["p99_ms"]
                assert taken["runs"] >= 20
                assert taken["peak_mib"] > 10
    # all but the mirroring, which moves data
    assert kinds["int8"]["litert"]["delegated"] == kinds["int8"]["nodes"] - 1
    ratios = figures["ratios"]["face_emotion"]["int8"]
    assert ratios["bytes"] == kinds["int8"]["bytes"] / kinds["float32"]["bytes"]
    assert set(ratios) == {"bytes", *runtimes}
    assert table(figures).row_count == 4 * len(runtimes)


def test_a_measurement_takes_no_longer_than_it_may() -> None:
    figures = measure([Subject("face", FACE)], [1], runs=1_000_000, seconds=0.5)
    taken = figures["models"]["face"]["int8"]["litert"]["threads"]["1"]
    assert 20 <= taken["runs"] < 1_000_000


def test_a_file_that_is_no_model_is_refused_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "broken.tflite"
    path.write_bytes(b"not a model")
    assert main(["benchmark", "--models", str(path)]) == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith(f"affect-edge benchmark: {path}: litert cannot load this model")


def test_two_files_for_one_place_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is the int8 model face already; rename one"):
        measure([Subject("face", FACE), Subject("face", FACE)], [1], 1, 1.0)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    from edge.benchmarks.models import shipped

    with pytest.raises(UserError, match=r"holds no \.tflite file"):
        shipped(tmp_path)


@pytest.mark.parametrize("name", ["face_emotion", "speech_emotion"])
def test_multiplications_are_the_same_however_a_network_is_quantized(name: str) -> None:
    int8, float32 = (graph.read(Interpreter(MODELS / folder / f"{name}.tflite")) for folder in ("", "float32"))
    assert (int8.kind, float32.kind) == ("int8", "float32")
    assert int8.macs == float32.macs > 0


def test_what_is_not_delegated_is_told_apart() -> None:
    found = graph.read(Interpreter(MODELS / "engagement.tflite"))
    assert {node.op for node in found.nodes if not node.delegated} <= {"UNPACK", "MUL"}
    assert found.delegated > 0
    if importlib.util.find_spec("tflite_runtime"):
        # the older runtime leaves int8 to its own kernels
        assert not graph.delegated(Interpreter(MODELS / "engagement.tflite", "tflite-runtime"))
