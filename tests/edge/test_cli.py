"""The command line: exit codes, and one line instead of a traceback for whatever a user can get wrong."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edge import __version__
from edge.cli import main
from edge.config import MODELS
from edge.publish import schema

DECLARED = '[deployment]\npurpose = "research"\njurisdiction = "US"\nconsent = "signed forms"\n'
# nobody listens there: a broker that is away is no mistake
AWAY = "[broker]\nport = 9\n"
DRAWN = '[camera]\nsource = "drawn"\n'
SILENT = '[microphone]\nsource = "none"\n'


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "classroom.toml"


@pytest.fixture
def refused(config: Path, capfd: pytest.CaptureFixture[str]) -> Callable[[str], str]:
    """The one line with which ``run`` refuses a configuration."""

    def run(text: str) -> str:
        config.write_text(text)
        assert main(["run", "--config", str(config)]) == 2
        return complaint(capfd)

    return run


def complaint(capfd: pytest.CaptureFixture[str]) -> str:
    """What was said on stderr, the model runtime's own notices left out."""
    out, err = capfd.readouterr()
    assert out == ""
    assert "Traceback" not in err
    (line,) = [line for line in err.splitlines() if "XNNPACK" not in line]
    assert line.startswith("affect-edge run: ")
    return line.removeprefix("affect-edge run: ")


# Arguments.


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["fly"],
        ["run", "--speed", "2"],
        ["run", "--log-level", "loud"],
        ["run", "--config"],
        ["demo", "--speed", "fast"],
        ["demo", "--speed", "9"],
        ["demo", "--speed", "nan"],
        ["schema", "extra"],
        ["homeassistant"],
        ["homeassistant", "forget"],
        ["benchmark", "--faces", "0"],
        ["benchmark", "--faces", "17"],
        ["benchmark", "--faces", "one"],
        ["benchmark", "--seconds", "1"],
        ["benchmark", "--models", "--threads", "0"],
        ["benchmark", "--models", "--runs", "many"],
    ],
)
def test_arguments_that_mean_nothing_are_refused_with_the_usage(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert capsys.readouterr().err.startswith("usage: affect-edge")


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"affect-edge {__version__}\n"


@pytest.mark.parametrize(
    "command",
    [
        *(
            "run",
            "demo",
            "doctor",
            "privacy",
            "broker-config",
            "homeassistant",
            "analyse",
            "view",
            "dashboard",
            "state",
        ),
        *("schema", "benchmark"),
    ],
)
def test_every_command_explains_itself_with_examples(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main([command, "--help"])
    assert caught.value.code == 0
    assert f"examples:\n  affect-edge {command}" in capsys.readouterr().out


# The configuration.


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[camera]\nfsp = 3", "camera: Object contains unknown field `fsp`"),
        ('[camera]\nfps = "fast"', "camera.fps: Expected `float`, got `str`"),
        ("[fusion]\nperiod_s = 0.0", "fusion.period_s: Expected `float` >= 0.2"),
        ('[camera]\nsource = "webcam"', "camera.source: Invalid enum value 'webcam'"),
        ("[camera", "Expected ']'"),
    ],
)
def test_a_mistake_in_the_configuration_is_one_line_with_file_and_key(
    text: str, said: str, config: Path, refused: Callable[[str], str]
) -> None:
    assert refused(text).startswith(f"{config}: {said}")


def test_a_missing_configuration_is_named(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    missing = tmp_path / "nowhere.toml"
    assert main(["run", "--config", str(missing)]) == 2
    assert complaint(capfd) == f"{missing}: cannot read the configuration (No such file or directory)"


def test_a_folder_is_no_configuration(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--config", str(tmp_path)]) == 2
    assert str(tmp_path) in complaint(capfd)


def test_both_sources_none_leaves_nothing_to_run_on(refused: Callable[[str], str]) -> None:
    said = refused(DECLARED + '[camera]\nsource = "none"\n' + SILENT + AWAY)
    assert said == "camera.source and microphone.source are both none: there is nothing to run on"


def test_a_password_file_that_is_not_there_is_named(refused: Callable[[str], str], tmp_path: Path) -> None:
    said = refused(DECLARED + DRAWN + SILENT + '[broker]\nusername = "box"\npassword_file = "secret"\n')
    assert said == f"broker.password_file: cannot read {tmp_path / 'secret'} (No such file or directory)"


def test_a_button_without_its_library_is_refused(
    refused: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "gpiozero", None)
    said = refused(DECLARED + DRAWN + SILENT + AWAY + "[privacy]\nbutton_pin = 17\n")
    assert said.startswith("privacy.button_pin: ")
    assert "install the extra gpio" in said


# Recordings.


@pytest.mark.parametrize("content", [None, b"", b"RIFF", b"not a recording at all" * 500])
@pytest.mark.parametrize("kind", ["camera", "microphone"])
def test_a_recording_that_cannot_be_played_is_refused_by_name(
    kind: str, content: bytes | None, refused: Callable[[str], str], tmp_path: Path
) -> None:
    path = tmp_path / {"camera": "lesson.mp4", "microphone": "lesson.wav"}[kind]
    if content is not None:
        path.write_bytes(content)
    other = {"camera": SILENT, "microphone": '[camera]\nsource = "none"\n'}[kind]
    said = refused(DECLARED + AWAY + other + f'[{kind}]\nsource = "file"\npath = "{path.name}"\n')
    assert str(path) in said


def test_a_folder_without_pictures_is_refused_by_name(refused: Callable[[str], str], tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    said = refused(DECLARED + AWAY + SILENT + '[camera]\nsource = "images"\npath = "empty"\n')
    assert said.startswith(str(tmp_path / "empty"))


# Models.


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A copy of the shipped models that may be damaged."""
    folder = tmp_path / "models"
    folder.mkdir()
    for path in (*MODELS.glob("*.tflite"), *MODELS.glob("*.json")):
        shutil.copy(path, folder)
    return folder


WITH_MODELS = DECLARED + DRAWN + SILENT + AWAY + '[models]\ndirectory = "models"\n'
NAMES = ["face_detector", "face_mesh", "face_emotion", "engagement", "speech_emotion"]


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_model_is_named(name: str, models: Path, refused: Callable[[str], str]) -> None:
    (models / f"{name}.tflite").unlink()
    said = refused(WITH_MODELS)
    assert said.startswith(f"{models / name}.tflite: model file cannot be read")


@pytest.mark.parametrize("name", NAMES)
def test_a_truncated_model_is_refused_with_both_hashes(name: str, models: Path, refused: Callable[[str], str]) -> None:
    path = models / f"{name}.tflite"
    promised = json.loads(path.with_suffix(".json").read_text())["sha256"]
    path.write_bytes(path.read_bytes()[:5000])
    said = refused(WITH_MODELS)
    assert said.startswith(f"{path}: sha256 is ")
    assert f"its manifest says {promised}" in said


def test_one_altered_byte_is_enough(models: Path, refused: Callable[[str], str]) -> None:
    path = models / "engagement.tflite"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert refused(WITH_MODELS).startswith(f"{path}: sha256 is ")


def edit(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_another_shape_than_promised_is_refused(models: Path, refused: Callable[[str], str]) -> None:
    edit(models / "face_emotion.json", input={"name": "x", "shape": [1, 96, 96, 1], "dtype": "int8"})
    said = refused(WITH_MODELS)
    assert said.startswith(f"{models / 'face_emotion.tflite'}: ")
    assert "its manifest says int8[1, 96, 96, 1]" in said


def test_a_model_trained_on_another_preprocessing_is_refused(models: Path, refused: Callable[[str], str]) -> None:
    edit(models / "speech_emotion.json", preprocessing_sha256="0" * 64)
    said = refused(WITH_MODELS)
    assert said.startswith(f"{models / 'speech_emotion.json'}: preprocessing is ")
    assert "0" * 64 in said


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b'{"name": "face_mesh"}'])
def test_a_damaged_manifest_is_refused_by_name(content: bytes, models: Path, refused: Callable[[str], str]) -> None:
    path = models / "face_mesh.json"
    path.write_bytes(content)
    assert refused(WITH_MODELS).startswith(f"{path}: not a valid manifest")


def test_an_empty_model_directory_is_refused(refused: Callable[[str], str], tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    assert refused(WITH_MODELS).startswith(f"{tmp_path / 'models'}/")


# Other commands.


def test_schema_prints_the_shipped_schema(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads(Path(schema.__file__).with_name("schema.json").read_text())
    assert {"affect", "session", "health", "privacy", "command", "status"} <= set(printed["$defs"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--camera", "nowhere.mp4"], "--camera nowhere.mp4: neither a device such as /dev/video0 nor a video file"),
        (["--microphone", "nowhere.wav"], "--microphone nowhere.wav: no such sound file"),
    ],
)
def test_a_demo_of_a_file_that_is_not_there_is_refused(
    arguments: list[str], said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("amqtt", reason="the embedded broker of the demo needs amqtt")
    assert main(["demo", *arguments]) == 2
    assert capfd.readouterr().err.splitlines()[-1] == f"affect-edge demo: {said}"


@pytest.mark.parametrize("where", [".", "nowhere/loop.json"])
def test_a_benchmark_that_could_not_be_written_is_refused_before_it_is_measured(
    where: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / where
    assert main(["benchmark", "--json", str(path)]) == 2
    assert capfd.readouterr().err.startswith(f"affect-edge benchmark: --json {path}: ")
