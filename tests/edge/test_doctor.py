"""The doctor: one line for each thing, with the cure where something is wrong."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import soundfile
from services import Mosquitto, free_port

from edge import config as configuration
from edge.cli import main
from edge.config import MODELS
from edge.demo.lesson import SOUND, VIDEO
from edge.doctor import Finding, examine

DECLARED = '[deployment]\npurpose = "research"\njurisdiction = "US"\nconsent = "signed forms"\n'
SUBJECTS = [
    "configuration",
    "runtime",
    "deployment",
    "mute",
    "face_detector",
    "face_mesh",
    "face_emotion",
    "engagement",
    "speech_emotion",
    "camera",
    "microphone",
    "broker",
]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "classroom.toml"


def recordings(picture: Path = VIDEO, sound: Path = SOUND) -> str:
    return (
        f'[camera]\nsource = "file"\npath = {json.dumps(str(picture))}\n'
        f'[microphone]\nsource = "file"\npath = {json.dumps(str(sound))}\n'
    )


def findings(config: Path) -> dict[str, Finding]:
    return {finding.subject: finding for finding in examine(config)}


def unhealthy(config: Path) -> dict[str, str]:
    return {subject: finding.words for subject, finding in findings(config).items() if finding.healthy is False}


def test_a_healthy_device_has_a_line_for_each_thing(
    mosquitto: Mosquitto, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config.write_text(DECLARED + recordings() + f'[broker]\nhost = "127.0.0.1"\nport = {mosquitto.port}\n')
    assert main(["doctor", "--config", str(config)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines] == [["ok", subject] for subject in SUBJECTS]
    assert f"127.0.0.1:{mosquitto.port} answers and accepts this box" in lines[-1]
    assert "pictures of 1280x720" in lines[-3]


def test_one_problem_makes_the_exit_code_1(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    port = free_port()
    config.write_text(DECLARED + recordings() + f'[broker]\nhost = "127.0.0.1"\nport = {port}\n')
    assert main(["doctor", "--config", str(config)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines] == SUBJECTS
    (problem,) = [line for line in lines if line.startswith("problem")]
    assert problem.split()[1] == "broker"
    assert f"127.0.0.1:{port}: no broker listens there; start it" in problem


def test_a_mistake_in_the_configuration_is_the_only_finding(config: Path) -> None:
    config.write_text("[camera]\nfsp = 3\n")
    (finding,) = examine(config)
    assert not finding.healthy
    assert finding.words.startswith(f"{config}: camera: Object contains unknown field `fsp`")


def test_without_a_configuration_the_defaults_are_examined() -> None:
    configuration, runtime, *_ = examine(None)
    assert configuration.healthy
    assert runtime.words.startswith("ai-edge-litert ")


def test_a_wrong_password_is_named(make_mosquitto: Callable[..., Mosquitto], config: Path) -> None:
    broker = make_mosquitto("box", "right")
    broker.start()
    (config.parent / "password").write_text("wrong\n")
    config.write_text(
        f'{DECLARED}{recordings()}[broker]\nhost = "127.0.0.1"\nport = {broker.port}\n'
        'username = "box"\npassword_file = "password"\n'
    )
    assert list(unhealthy(config)) == ["broker"]
    assert "refused the user name or password; check broker.username" in unhealthy(config)["broker"]


def test_a_password_file_that_is_not_there_is_named(config: Path) -> None:
    config.write_text(DECLARED + recordings() + '[broker]\nusername = "box"\npassword_file = "nowhere"\n')
    assert unhealthy(config)["broker"].startswith("broker.password_file: cannot read ")


def test_an_undeclared_deployment_is_a_problem_that_says_what_is_missing(config: Path) -> None:
    config.write_text('[deployment]\npurpose = "research"\n' + recordings())
    assert unhealthy(config)["deployment"].endswith("declares jurisdiction, consent")


def test_consent_and_mute_are_told_as_they_are_kept(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config.write_text('[deployment]\npurpose = "research"\n[storage]\ndirectory = "state"\n' + recordings())
    console = ["--config", str(config)]
    assert main(["privacy", "grant", "--consent", "forms of 7b", "--jurisdiction", "US", *console]) == 0
    found = findings(config)
    assert found["deployment"].healthy
    assert found["deployment"].words.startswith("research in US; consent: granted ")
    assert found["deployment"].words.endswith(": forms of 7b")
    assert found["mute"] == Finding("mute", True, "off")
    assert main(["privacy", "revoke", *console]) == 0
    assert unhealthy(config)["deployment"].startswith("consent was revoked")


def test_a_button_without_its_library_is_a_problem(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config.write_text(DECLARED + recordings())
    assert "button, light" not in findings(config)
    config.write_text(DECLARED + recordings() + "[privacy]\nled_pin = 22\n")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert unhealthy(config)["button, light"] == "gpiozero and lgpio missing: install the extra gpio"


def test_a_damaged_record_of_mute_is_a_problem(config: Path) -> None:
    (config.parent / "state").mkdir()
    (config.parent / "state/mute.json").write_bytes(b"")
    config.write_text(DECLARED + '[storage]\ndirectory = "state"\n' + recordings())
    assert unhealthy(config)["mute"].startswith("on, by unknown, since ")


@pytest.mark.parametrize(("declared", "why"), [("", "not declared"), (DECLARED, "muted")])
def test_the_doctor_opens_no_device_that_the_box_may_not_open(declared: str, why: str, config: Path) -> None:
    config.write_text(declared + '[storage]\ndirectory = "state"\n' + recordings(Path("nowhere"), Path("nowhere")))
    assert main(["privacy", "mute", "--config", str(config)]) == 0
    found = findings(config)
    for device in ("camera", "microphone"):
        assert found[device] == Finding(device, True, f"not opened: {why}")


def test_devices_that_are_not_there_are_named(config: Path) -> None:
    config.write_text(DECLARED + '[camera]\ndevice = "/dev/video99"\n[microphone]\ndevice = "nobody\'s"\n')
    found = unhealthy(config)
    assert found["camera"] == "/dev/video99: no such camera; is it plugged in?"
    assert "microphone" in found["microphone"] or "PyAudio" in found["microphone"]


def test_a_source_that_is_switched_off_is_no_problem(config: Path) -> None:
    config.write_text(DECLARED + '[camera]\nsource = "none"\n[microphone]\nsource = "none"\n')
    found = findings(config)
    assert found["camera"].healthy
    assert found["microphone"].words == "switched off in the configuration"


def test_recordings_that_cannot_be_played_are_named(config: Path) -> None:
    (config.parent / "lesson.mp4").write_bytes(b"no video")
    config.write_text(DECLARED + recordings(config.parent / "lesson.mp4", config.parent / "lesson.wav"))
    found = unhealthy(config)
    assert found["camera"].startswith(str(config.parent / "lesson.mp4"))
    assert found["microphone"] == f"{config.parent / 'lesson.wav'}: no such sound file"


def test_a_microphone_that_gives_exact_silence_is_remarked_on(config: Path) -> None:
    soundfile.write(config.parent / "silence.wav", np.zeros(16_000, np.float32), 16_000)
    config.write_text(DECLARED + recordings(sound=config.parent / "silence.wav"))
    assert "exactly silent" in findings(config)["microphone"].words


def test_each_damaged_model_is_a_line_of_its_own(config: Path) -> None:
    models = config.parent / "models"
    models.mkdir()
    for path in (*MODELS.glob("*.tflite"), *MODELS.glob("*.json")):
        shutil.copy(path, models)
    (models / "face_mesh.tflite").write_bytes(b"damaged")
    (models / "engagement.json").unlink()
    config.write_text(DECLARED + recordings() + '[models]\ndirectory = "models"\n')
    found = unhealthy(config)
    assert {"face_mesh", "engagement"} <= set(found)
    assert not {"face_detector", "face_emotion", "speech_emotion"} & set(found)
    assert found["face_mesh"].startswith(f"{models / 'face_mesh.tflite'}: sha256 is ")
    assert found["engagement"].endswith("reinstall the models")


def test_a_model_for_another_preprocessing_is_found_before_the_appliance_meets_it(config: Path) -> None:
    models = config.parent / "models"
    models.mkdir()
    for path in (*MODELS.glob("*.tflite"), *MODELS.glob("*.json")):
        shutil.copy(path, models)
    manifest = json.loads((models / "speech_emotion.json").read_text())
    (models / "speech_emotion.json").write_text(json.dumps(manifest | {"preprocessing_sha256": "0" * 64}))
    config.write_text(DECLARED + recordings() + '[models]\ndirectory = "models"\n')
    assert "the model was trained with " + "0" * 64 in unhealthy(config)["speech_emotion"]


def test_no_finding_is_longer_than_its_line(config: Path) -> None:
    config.write_text("[models]\ndirectory = 'nowhere'\n")
    assert all("\n" not in finding.words for finding in examine(config))


# A box that is installed.


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The configuration of an installed box; others may look into its folder, but not at its state and credentials."""
    with tempfile.TemporaryDirectory() as made:
        root = Path(made)
        root.chmod(0o755)
        for folder, name in (("etc", "CREDENTIALS"), ("state", "STATE")):
            (root / folder).mkdir(mode=0o700)
            monkeypatch.setattr(configuration, name, root / folder)
        monkeypatch.setattr(configuration, "INSTALLED", root / "config.toml")
        yield root / "config.toml"


@pytest.fixture
def systemctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Lets the service be active or not, and say something of itself."""
    programs = tmp_path / "programs"
    programs.mkdir()
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")

    def answers(active: bool, status: str = "") -> None:
        program = programs / "systemctl"
        program.write_text(
            '#!/bin/sh\ncase "$*" in\n'
            f'"is-active --quiet affectfusion.service") exit {0 if active else 3} ;;\n'
            f"\"show -p StatusText --value affectfusion.service\") echo '{status}' ;;\n"
            "*) exit 1 ;;\nesac\n"
        )
        program.chmod(0o755)

    answers(False)
    return answers


@contextmanager
def stranger() -> Iterator[None]:
    """Looks with the eyes of a user without rights."""
    if os.geteuid() != 0:
        pytest.skip("only root can look with the eyes of another user")
    os.setegid(65534)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


NO_DEVICES = '[camera]\ndevice = "/dev/video99"\n[microphone]\ndevice = "nobody\'s"\n'


def test_the_password_of_an_installed_box_is_the_one_that_its_service_gets(
    make_mosquitto: Callable[..., Mosquitto], installed: Path, systemctl: Callable[..., None]
) -> None:
    broker = make_mosquitto("device", "given")
    broker.start()
    installed.write_text(f'{DECLARED}[broker]\nhost = "127.0.0.1"\nport = {broker.port}\nusername = "device"\n')
    (configuration.CREDENTIALS / "mqtt-password").write_text("given\n")
    assert findings(installed)["broker"].healthy
    (configuration.CREDENTIALS / "mqtt-password").write_text("another\n")
    assert "refused the user name or password" in unhealthy(installed)["broker"]


def test_what_a_running_box_holds_is_not_opened_but_told_as_the_box_tells_it(
    installed: Path, systemctl: Callable[..., None]
) -> None:
    installed.write_text(DECLARED + NO_DEVICES)
    assert {"camera", "microphone"} <= set(unhealthy(installed))
    systemctl(True, "camera live, microphone silent; giving scores; broker away")
    found = findings(installed)
    assert found["camera"] == Finding("camera", True, "live, says the running box")
    assert not found["microphone"].healthy
    assert found["microphone"].words.startswith("silent, says the running box")
    systemctl(True)
    assert findings(installed)["camera"].healthy is None


def test_a_running_box_says_nothing_about_another_configuration(config: Path, systemctl: Callable[..., None]) -> None:
    config.write_text(DECLARED + NO_DEVICES)
    systemctl(True, "camera live, microphone live; giving scores")
    assert {"camera", "microphone"} <= set(unhealthy(config))


def test_what_only_root_may_see_is_no_fault(
    installed: Path, systemctl: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    installed.write_text('[broker]\nusername = "device"\n')
    with stranger():
        assert main(["doctor"]) == 0
    lines = capsys.readouterr().out.splitlines()
    unseen = [line.split()[1] for line in lines if line.startswith("unseen") and line.endswith("run with sudo")]
    assert unseen == ["deployment", "mute", "camera", "microphone", "broker"]


def test_a_socket_that_is_not_for_this_user_is_no_fault(installed: Path, systemctl: Callable[..., None]) -> None:
    place = installed.parent / "s"
    installed.write_text(f'[broker]\nsocket = "{place}"\n')
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(place))
        place.chmod(0o660)
        listening.listen()
        with stranger():
            finding = findings(installed)["broker"]
    assert finding.healthy is None
    assert finding.words == f"{place}: this user may not connect to it; it must be in the socket's group; run with sudo"
