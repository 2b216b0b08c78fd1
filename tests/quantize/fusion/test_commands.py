from __future__ import annotations

from pathlib import Path

import pytest

from edge.config import MODELS
from quantize.cli import main
from quantize.fusion.parts import FOLDERS


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for folder in FOLDERS.values():
        (tmp_path / "data" / folder).mkdir(parents=True)
    return tmp_path / "data"


@pytest.mark.parametrize("command", ["train-fusion", "robustness"])
def test_a_data_set_that_is_not_there_is_named(
    command: str, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (data / "ravdess").rmdir()
    assert main([command, "--data", str(data), "--models", str(MODELS), "--cache", str(tmp_path)]) == 2
    assert "ravdess: no such folder; the data set of speech_emotion" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["train-fusion", "robustness"])
def test_a_branch_that_was_not_trained_here_is_told_before_the_work(
    command: str, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--data", str(data), "--runs", str(tmp_path / "runs"), "--models", str(MODELS)]
    assert main([command, *arguments, "--cache", str(tmp_path)]) == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert len(said) == 1
    assert "speech_emotion/config.json: no such file; run `affect-quantize train speech_emotion` first" in said[0]


def test_a_chart_is_a_picture(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["robustness", "--data", str(data), "--chart", "chart.txt"]) == 2
    assert "--chart chart.txt: must end in .svg or .png" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "option"), [("train-fusion", "--sessions"), ("train-fusion", "--epochs"), ("robustness", "--sessions")]
)
@pytest.mark.parametrize("number", ["0", "-1"])
def test_a_trial_takes_at_least_one(
    command: str, option: str, number: str, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main([command, "--data", str(data), option, number])
    assert end.value.code == 2
    assert f"argument {option}: must be at least 1" in capsys.readouterr().err
