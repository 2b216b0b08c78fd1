"""``affect-edge view``: what it shows, what it refuses, and that nothing of it gets anywhere else."""

from __future__ import annotations

import ast
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from recorded import FPS, SIZE, film, heard, pictures

import edge
from edge import config
from edge.capture.recordings import sources
from edge.cli import main
from edge.config import MODELS, CameraSettings, Deployment, MicrophoneSettings, Settings
from edge.errors import DeviceError
from edge.inference.store import ModelStore
from edge.pipeline import Pipeline, Sighting
from edge.privacy.gate import Gate
from edge.signals import SAMPLE_RATE, Uint8Image
from edge.state import StateFolder
from edge.view.live import Viewer

EDGE = Path(edge.__file__).parent
DECLARED = '[deployment]\npurpose = "demonstration"\njurisdiction = "none"\nconsent = "nobody is shown or heard"\n'
SECONDS = 3.0


@pytest.fixture(scope="module")
def lesson(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seconds of smiling, with sound beside them."""
    folder = tmp_path_factory.mktemp("lesson")
    soundfile.write(folder / "lesson.wav", heard(16.0, SECONDS), SAMPLE_RATE)
    (folder / "classroom.toml").write_text(DECLARED)
    return film(folder / "lesson.mp4", pictures(16.0, SECONDS))


@pytest.fixture
def refused(lesson: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """The one line with which the command refuses its arguments."""

    def run(*arguments: str | Path) -> str:
        if "--config" not in arguments and str(lesson) in map(str, arguments):
            arguments = (*arguments, "--config", lesson.with_name("classroom.toml"))
        assert main(["view", *map(str, arguments)]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        return line.removeprefix("affect-edge view: ")

    return run


def settings_of(recording: Path) -> Settings:
    camera, microphone = sources(recording, 7.5, with_sound=True)
    deployment = Deployment("demonstration", "none", "nobody is shown or heard")
    return Settings(deployment=deployment, camera=camera, microphone=microphone)


class Gallery:
    """A screen for nobody."""

    def __init__(self, closes_after: int | None = None) -> None:
        self.shown: list[Uint8Image] = []
        self._closes_after = closes_after

    @property
    def closed(self) -> bool:
        return self._closes_after is not None and len(self.shown) >= self._closes_after

    def show(self, picture: Uint8Image) -> None:
        self.shown.append(picture)

    def turn(self) -> None:
        pass


def view(settings: Settings, gallery: Gallery) -> None:
    Viewer(settings, Gate(settings.deployment, StateFolder(None)), gallery).run()


# On the screen.


def test_a_recording_is_shown_with_the_faces_boxed_until_it_ends(lesson: Path) -> None:
    view(settings_of(lesson), gallery := Gallery())
    assert gallery.shown[-1].shape == (SIZE[1] + 120, SIZE[0], 3)
    first = pictures(16.0, SECONDS)
    assert all(np.abs(shown[: SIZE[1]].astype(int) - first[0]).max() > 100 for shown in gallery.shown)


def test_it_ends_when_the_window_is_closed(lesson: Path) -> None:
    view(settings_of(lesson), gallery := Gallery(closes_after=1))
    assert len(gallery.shown) == 1


def test_a_camera_that_is_not_there_ends_it_with_the_reason() -> None:
    own = Settings(
        camera=CameraSettings(source="v4l2", device="/dev/video97"), microphone=MicrophoneSettings(source="none")
    )
    with pytest.raises(DeviceError, match="/dev/video97: no such camera"):
        view(own, Gallery())


def test_an_observer_sees_each_face_with_its_reading_and_the_loop_does_not_change(lesson: Path) -> None:
    from replay import captured

    from edge.playback import play

    settings = settings_of(lesson)
    gate = Gate(settings.deployment, StateFolder(None))
    seen: list[list[Sighting]] = []
    watched = Pipeline(settings, ModelStore(MODELS), lambda sightings: seen.append(list(sightings)))
    plain = Pipeline(settings, ModelStore(MODELS))
    states = [list(play(captured(settings), loop, gate, 1.0)) for loop in (watched, plain)]
    assert states[0] == states[1]
    assert len(seen) == SECONDS * FPS
    assert {len(sightings) for sightings in seen} == {7}
    assert all(sighting.emotion is not None for sightings in seen for sighting in sightings)


# The window itself.


def test_a_window_shows_pictures_made_to_fit_and_closes_at_a_key(display: str) -> None:
    from edge.view.window import Window

    with Window("a lesson") as window:
        window.show(np.full((1080, 1920, 3), (10, 20, 200), np.uint8))
        window.turn()
        assert (window._shown.width(), window._shown.height()) == (720, 405)
        assert window._shown.get(100, 100) == (200, 20, 10)
        assert not window.closed
        window._root.event_generate("<Escape>")
        window.turn()
        assert window.closed


def test_the_command_opens_the_window_and_ends_with_the_recording(display: str, lesson: Path) -> None:
    assert main(["view", str(lesson), "--config", str(lesson.with_name("classroom.toml"))]) == 0


def test_without_a_display_there_is_one_line(
    refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch, lesson: Path
) -> None:
    pytest.importorskip("tkinter", reason="Python has no tkinter: apt install python3-tk")
    monkeypatch.delenv("DISPLAY", raising=False)
    assert refused(lesson).startswith("there is no display here")


# The annotated copy.


def test_an_annotated_copy_has_every_picture_with_its_time_and_the_sound(lesson: Path, tmp_path: Path) -> None:
    av = pytest.importorskip("av", reason="PyAV is not installed (the extra analyse)")
    copy = tmp_path / "copy.mp4"
    config = str(lesson.with_name("classroom.toml"))
    assert main(["view", str(lesson), "--config", config, "--annotated", str(copy)]) == 0
    with av.open(str(copy)) as found:
        frames = list(found.decode(video=0))
        assert [frame.time for frame in frames] == pytest.approx(np.arange(SECONDS * FPS) / FPS, abs=2e-3)
        assert (frames[0].width, frames[0].height) == (SIZE[0], SIZE[1] + 120)
    with av.open(str(copy)) as found:
        samples = sum(block.samples for block in found.decode(audio=0))
    assert samples / SAMPLE_RATE == pytest.approx(SECONDS, abs=0.2)
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [copy]


def test_a_copy_that_fails_leaves_nothing(lesson: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("av", reason="PyAV is not installed (the extra analyse)")
    from edge.view import annotated

    def fail(*_: object) -> None:
        raise DeviceError("the disk is full")

    monkeypatch.setattr(annotated, "draw", fail)
    config = str(lesson.with_name("classroom.toml"))
    assert main(["view", str(lesson), "--config", config, "--annotated", str(tmp_path / "copy.mp4")]) == 1
    assert list(tmp_path.iterdir()) == []


# What is refused.


def test_what_a_camera_sees_is_not_copied(refused: Callable[..., str], tmp_path: Path) -> None:
    said = refused("--camera", "0", "--annotated", tmp_path / "copy.mp4")
    assert said == "--annotated: what a camera sees is not recorded; name a VIDEO"
    assert refused("--annotated", tmp_path / "copy.mp4") == said


def test_a_copy_replaces_nothing(refused: Callable[..., str], lesson: Path, tmp_path: Path) -> None:
    pytest.importorskip("av", reason="PyAV is not installed (the extra analyse)")
    assert "is there already" in refused(lesson, "--annotated", lesson)
    assert "a copy is an MP4" in refused(lesson, "--annotated", tmp_path / "copy.avi")
    assert "cannot be written" in refused(lesson, "--annotated", tmp_path / "nowhere" / "copy.mp4")


def test_an_installed_box_shows_nobody(
    refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, lesson: Path
) -> None:
    monkeypatch.setattr(config, "INSTALLED", tmp_path / "config.toml")
    for arguments in ([], ["--demo"], [lesson]):
        assert refused(*arguments).startswith("this is an installed box")


def test_a_recording_of_people_needs_a_declaration(refused: Callable[..., str], lesson: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.toml").touch()
    assert "declares purpose" in refused(lesson, "--config", tmp_path / "empty.toml")


def test_a_recording_that_is_not_there_is_named(refused: Callable[..., str], lesson: Path, tmp_path: Path) -> None:
    said = refused(tmp_path / "nix.mp4", "--config", lesson.with_name("classroom.toml"))
    assert said == f"{tmp_path / 'nix.mp4'}: no such video or folder of pictures"


# Nobody else looks on.


def callers_with_an_observer(source: str) -> bool:
    """Whether a module makes a pipeline that shows faces to somebody."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    made = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "Pipeline"]
    return any(len(call.args) > 2 or call.keywords for call in made)


def test_only_the_view_shows_faces_to_anybody() -> None:
    found = {
        path.relative_to(EDGE).parts[0] for path in EDGE.rglob("*.py") if callers_with_an_observer(path.read_text())
    }
    assert found == {"view"}
    assert callers_with_an_observer("Pipeline(settings, store, observer=print)")


def test_the_view_has_no_way_to_publish() -> None:
    program = (
        "import sys, edge.view.command, edge.view.live, edge.view.annotated, edge.view.window\n"
        "senders = {'paho', 'paho.mqtt', 'edge.appliance', 'edge.publish.mqtt', 'edge.publish.outbox'}\n"
        "sys.exit(bool(senders & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", program], cwd=EDGE.parent, check=False).returncode == 0


def test_the_running_box_shows_faces_to_nobody(tmp_path: Path) -> None:
    from edge.appliance import Appliance

    box = Appliance(Settings(camera=CameraSettings(source="drawn"), microphone=MicrophoneSettings(source="none")))
    assert box._pipeline._observer is None
    assert "edge.view" not in (EDGE / "appliance.py").read_text() + (EDGE / "daemon.py").read_text()
