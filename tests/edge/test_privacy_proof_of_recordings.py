"""An analysis writes its statistics and reports, a view nothing but the copy asked for; neither speaks to anybody."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import msgspec
import pytest
import soundfile
from recorded import film, heard, pictures
from services import wait_until
from watched import Watched, audited_strangers, files_opened, files_written, strangers, why_no_strace

from edge.session.journal import Line
from edge.signals import SAMPLE_RATE

pytestmark = pytest.mark.system

needs_strace = pytest.mark.skipif(bool(why_no_strace()), reason=why_no_strace())

DECLARED = '[deployment]\npurpose = "demonstration"\njurisdiction = "none"\nconsent = "nobody is shown or heard"\n'
SECONDS = 3.0
PATIENCE_S = 120.0
NO_PORT = 0

NAMED = re.compile(r'^(\w+)\((?:AT_FDCWD, )?"(?P<path>[^"]+)"(?:, "(?P<to>[^"]+)")?')
"""What a call that changes something changes, as strace writes it."""


@pytest.fixture(scope="module")
def lesson(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lesson")
    soundfile.write(folder / "lesson.wav", heard(16.0, SECONDS), SAMPLE_RATE)
    (folder / "classroom.toml").write_text(DECLARED)
    return film(folder / "lesson.mp4", pictures(16.0, SECONDS))


def watch(arguments: list[str], lesson: Path, folder: Path, display: str = "") -> Watched:
    """Runs a command on the lesson to its end."""
    command = ["-m", "edge", *arguments, "--config", str(lesson.with_name("classroom.toml"))]
    program = Watched(command, folder, display)
    ended = wait_until(lambda: program.process.poll() is not None, PATIENCE_S)
    if not ended:
        program.process.kill()
    assert ended, program.log.decode()
    assert program.wait() == 0, program.log.decode()
    return program


@pytest.fixture(scope="module")
def analysis(lesson: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Watched, Path]:
    folder = tmp_path_factory.mktemp("analysis")
    out = folder / "out"
    return watch(["analyse", str(lesson), "--out", str(out)], lesson, folder / "watched"), out


@pytest.fixture(scope="module")
def copy(lesson: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Watched, Path]:
    pytest.importorskip("av", reason="PyAV is not installed (the extra analyse)")
    folder = tmp_path_factory.mktemp("copy")
    made = folder / "copy.mp4"
    return watch(["view", str(lesson), "--annotated", str(made)], lesson, folder / "watched"), made


@pytest.fixture(scope="module")
def window(lesson: Path, blind_display: str, tmp_path_factory: pytest.TempPathFactory) -> Watched:
    return watch(["view", str(lesson)], lesson, tmp_path_factory.mktemp("window") / "watched", blind_display)


def changed(calls: str) -> set[str]:
    """Every path that a call made, wrote to, renamed or deleted; a call that names none stands for itself."""
    found: set[str] = set()
    for call in files_written(calls):
        match = NAMED.match(call)
        found |= {call} if match is None else {path for path in match.group("path", "to") if path}
    return found


@needs_strace
def test_an_analysis_writes_its_reports_and_session_and_nothing_else(analysis: tuple[Watched, Path]) -> None:
    program, out = analysis
    started = {path for path in changed(program.calls) if path == sys.executable}
    # the worker is watched as well, and says so where the command does
    written = {Path(path) for path in changed(program.calls) - started} - {program.audit}
    assert started == {sys.executable}
    assert all(path == out or out in path.parents for path in written)
    assert {path.relative_to(out).parts[0] for path in written if path != out} == {
        "sessions",
        *(name for kind in ("html", "csv", "json") for name in (f"lesson.{kind}", f".lesson.{kind}.new")),
        *("index.html", ".index.html.new"),
    }
    assert list(program.home.iterdir()) == []


def test_what_an_analysis_leaves_is_statistics(analysis: tuple[Watched, Path]) -> None:
    _, out = analysis
    assert {path.name for path in out.iterdir()} == {
        *("sessions", "index.html", "lesson.html", "lesson.csv", "lesson.json"),
    }
    (session,) = (out / "sessions").iterdir()
    lines = [msgspec.json.decode(line, type=Line) for line in session.read_bytes().splitlines()]
    assert [type(line).__name__ for line in lines] == ["Heading", "Recording", "Minute", "Ending"]
    # a picture, a sound or a list of landmarks would not fit
    assert session.stat().st_size < 3_000


@needs_strace
def test_an_analysis_speaks_to_nobody(analysis: tuple[Watched, Path], lesson: Path) -> None:
    program, _ = analysis
    assert str(lesson) in files_opened(program.calls)
    assert strangers(program.calls, NO_PORT) == []


def test_python_sees_nobody_spoken_to(analysis: tuple[Watched, Path], copy: tuple[Watched, Path]) -> None:
    for program, _ in (analysis, copy):
        assert program.audited
        assert [line for line in audited_strangers(program.audited) if line.startswith("socket.")] == []


@needs_strace
def test_a_view_writes_the_copy_asked_for_and_nothing_else(copy: tuple[Watched, Path]) -> None:
    program, made = copy
    assert changed(program.calls) == {str(made), str(made.with_name(".copy.mp4.unfinished"))}
    assert strangers(program.calls, NO_PORT) == []
    assert list(program.home.iterdir()) == []


@needs_strace
def test_a_window_writes_nothing_and_speaks_to_its_display_only(window: Watched, lesson: Path) -> None:
    assert str(lesson) in files_opened(window.calls)
    assert files_written(window.calls) == []
    assert [call for call in strangers(window.calls, NO_PORT) if "/tmp/.X11-unix/" not in call] == []
    assert list(window.home.iterdir()) == []


def test_neither_prints_a_score(copy: tuple[Watched, Path], window: Watched, analysis: tuple[Watched, Path]) -> None:
    made = copy[1]
    assert copy[0].log.decode().splitlines()[-1] == str(made)
    said = b"\n".join(program.log for program in (copy[0], window, analysis[0])).decode()
    assert re.findall(r"[+-]?0\.\d\d", said) == []
