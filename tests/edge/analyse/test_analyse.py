"""Recorded lessons, from videos to reports; on short clips of the bundled lesson."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import msgspec
import numpy as np
import pytest
import soundfile
from recorded import FPS, film, heard, pictures
from replay import replay

from edge.analyse import crew, lesson
from edge.analyse.fingerprint import fingerprint
from edge.analyse.lesson import Task
from edge.appliance import Appliance
from edge.capture.recordings import sources
from edge.cli import main
from edge.config import MODELS, Broker, Fusion, SessionSettings, Settings, Storage, parse
from edge.errors import DeviceError, UserError
from edge.inference.store import ModelStore
from edge.session import kept
from edge.session.kept import KeptSession
from edge.session.statistics import Statistics
from edge.signals import SAMPLE_RATE

DECLARED = '[deployment]\npurpose = "demonstration"\njurisdiction = "none"\nconsent = "nobody is shown or heard"\n'
SMILING, FROWNING, SECONDS = 14.0, 42.0, 5.0


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A smiling lesson with its sound beside it, a silent frowning one, and a file that is no video."""
    folder = tmp_path_factory.mktemp("recordings")
    film(folder / "smiling.mp4", pictures(SMILING, SECONDS))
    soundfile.write(folder / "smiling.wav", heard(SMILING, SECONDS), SAMPLE_RATE)
    film(folder / "frowning.mp4", pictures(FROWNING, SECONDS))
    (folder / "notes.mp4").write_text("What we did on Monday.\n" * 99)
    (folder / "classroom.toml").write_text(DECLARED)
    return folder


@pytest.fixture(scope="module")
def analysed(
    recordings: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """All three, two at once: the folder of reports, and what the command said."""
    pytest.importorskip("av", reason="PyAV is not installed (the extra analyse)")
    out = tmp_path_factory.mktemp("analysed")
    names = ["smiling.mp4", "notes.mp4", "frowning.mp4"]
    command = [sys.executable, "-m", "edge", "analyse", *names, "--config", "classroom.toml", "--out", str(out)]
    ran = subprocess.run(
        [*command, "--jobs", "2"],
        cwd=recordings,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[3])},
        check=False,
    )
    return out, ran


@pytest.fixture
def refused(recordings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """The one line with which the command refuses its arguments."""

    def run(*arguments: str | Path, config: str = DECLARED) -> str:
        (tmp_path / "own.toml").write_text(config)
        named = [str(recordings / one) if str(one).endswith(".mp4") else str(one) for one in arguments]
        assert main(["analyse", *named, "--config", str(tmp_path / "own.toml"), "--out", str(tmp_path / "out")]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        return line.removeprefix("affect-edge analyse: ")

    return run


def task(recording: Path, folder: Path, **changes: Any) -> Task:
    camera, microphone = sources(recording, 7.5, with_sound=recording.with_suffix(".wav").exists())
    settings = msgspec.structs.replace(parse(DECLARED.encode()), camera=camera, microphone=microphone, **changes)
    return Task(settings, folder / "sessions", fingerprint(settings))


def session_of(recording: Path, folder: Path, **changes: Any) -> KeptSession:
    """What an analysis in this process makes of a recording."""
    return kept.read(lesson.analyse(task(recording, folder, **changes), lambda _: None, lambda _: None))


# From videos to reports.


def test_each_lesson_has_a_page_a_table_and_json_and_the_index_leads_to_it(
    analysed: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    out, ran = analysed
    reports = {f"{name}.{kind}" for name in ("smiling", "frowning") for kind in ("html", "csv", "json")}
    assert {path.name for path in out.iterdir()} == {*reports, "index.html", "sessions"}
    assert {Path(line).name for line in ran.stdout.splitlines()} == {*reports, "index.html"}
    assert set(re.findall(r'href="([^"]+)"', (out / "index.html").read_text())) == {"smiling.html", "frowning.html"}
    smiling, frowning = (json.loads((out / f"{name}.json").read_text())[0] for name in ("smiling", "frowning"))
    assert smiling["summary"]["valence"] > frowning["summary"]["valence"] + 0.5
    assert smiling["recording"] == "smiling.mp4"
    assert smiling["summary"]["final"]


def test_one_that_is_no_video_fails_by_name_and_the_others_go_on(
    analysed: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    _, ran = analysed
    assert ran.returncode == 1
    (line,) = [line for line in ran.stderr.splitlines() if "notes" in line]
    assert line.endswith("notes.mp4: not a video that can be read; is the file complete?")
    assert "Traceback" not in ran.stderr
    assert len([line for line in ran.stderr.splitlines() if "times as fast as lived" in line]) == 2


def test_the_report_of_a_lesson_without_sound_says_so(
    analysed: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    out, ran = analysed
    assert lesson.NO_SOUND in (out / "frowning.html").read_text()
    assert json.loads((out / "frowning.json").read_text())[0]["remarks"] == [lesson.NO_SOUND]
    assert f"frowning.mp4: {lesson.NO_SOUND}" in ran.stderr
    assert lesson.NO_SOUND not in (out / "smiling.html").read_text()


# The same statistics whatever happens on the way.


def test_one_alone_gives_the_same_json_as_two_at_once(
    analysed: tuple[Path, subprocess.CompletedProcess[str]], recordings: Path, tmp_path: Path
) -> None:
    arguments = ["--config", str(recordings / "classroom.toml"), "--out", str(tmp_path), "--jobs", "1"]
    assert main(["analyse", str(recordings / "smiling.mp4"), *arguments]) == 0
    for name in ("smiling.json", "smiling.csv", "smiling.html"):
        assert (tmp_path / name).read_bytes() == (analysed[0] / name).read_bytes()


def test_its_states_are_those_of_the_loop_on_the_same_clip(recordings: Path, tmp_path: Path) -> None:
    session = session_of(recordings / "smiling.mp4", tmp_path)
    statistics = Statistics()
    for state in replay(task(recordings / "smiling.mp4", tmp_path).settings, ModelStore(MODELS)):
        statistics.add(state, state.time)
    assert session.parts == statistics.parts


def test_it_agrees_with_what_the_running_box_makes_of_the_clip(recordings: Path, tmp_path: Path) -> None:
    """The box works in real time, and looks at other pictures of the clip each time."""
    recorded = session_of(recordings / "smiling.mp4", tmp_path).whole
    live: Settings = msgspec.structs.replace(
        task(recordings / "smiling.mp4", tmp_path).settings,
        storage=Storage(tmp_path / "box"),
        broker=Broker(port=9),
        # a busy machine makes the box late, not silent
        fusion=Fusion(longest_lag_s=10.0),
    )
    Appliance(live).run()
    (file,) = kept.kept(tmp_path / "box" / "sessions")
    lived = kept.read(file).whole
    assert lived.scored > 0
    assert lived.satisfaction.mean == pytest.approx(recorded.satisfaction.mean, abs=0.1)
    assert lived.valence.mean == pytest.approx(recorded.valence.mean, abs=0.15)


def test_a_finished_lesson_is_not_done_again(
    analysed: tuple[Path, subprocess.CompletedProcess[str]],
    recordings: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(crew, "work", lambda *_: pytest.fail("was done again"))
    arguments = ["--config", str(recordings / "classroom.toml"), "--out", str(analysed[0])]
    assert main(["analyse", str(recordings / "smiling.mp4"), *arguments]) == 0
    assert "smiling.mp4: is analysed already" in capsys.readouterr().err


def test_other_settings_or_another_file_are_another_analysis(recordings: Path, tmp_path: Path) -> None:
    video = tmp_path / "lesson.mp4"
    video.write_bytes((recordings / "frowning.mp4").read_bytes())
    first = task(video, tmp_path).fingerprint
    assert task(video, tmp_path).fingerprint == first
    assert task(video, tmp_path, fusion=Fusion(window_s=5.0)).fingerprint != first
    own = tmp_path / "scenarios.toml"
    own.write_text("[lecture]\npriors = { boredom = 0.7 }\n")
    assert task(video, tmp_path, session=SessionSettings(scenarios=own)).fingerprint != first
    video.write_bytes(video.read_bytes() + b"\0")
    assert task(video, tmp_path).fingerprint != first


def test_an_interrupted_lesson_leaves_nothing(recordings: Path, tmp_path: Path) -> None:
    def interrupt(seconds: float) -> None:
        if seconds >= 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        lesson.analyse(task(recordings / "frowning.mp4", tmp_path), lambda _: None, interrupt)
    assert list(tmp_path.rglob("*.jsonl")) == []


def test_a_lesson_whose_recording_changed_is_replaced(recordings: Path, tmp_path: Path) -> None:
    video, config = tmp_path / "monday.mp4", str(recordings / "classroom.toml")
    for source in ("smiling.mp4", "frowning.mp4"):
        video.write_bytes((recordings / source).read_bytes())
        assert main(["analyse", str(video), "--config", config, "--out", str(tmp_path), "--no-sound"]) == 0
    assert len(list((tmp_path / "sessions").iterdir())) == 1
    assert json.loads((tmp_path / "monday.json").read_text())[0]["summary"]["valence"] < 0.5


# What a recording may be like.


def test_a_video_that_breaks_off_is_reported_as_far_as_it_goes(recordings: Path, tmp_path: Path) -> None:
    video = film(tmp_path / "lesson.avi", pictures(SMILING, SECONDS))
    video.write_bytes(video.read_bytes()[: video.stat().st_size * 3 // 5])
    session = session_of(video, tmp_path)
    assert 1.0 <= session.whole.elapsed < SECONDS - 1
    (remark,) = [words for words in session.remarks if "breaks off" in words]
    assert remark.startswith("breaks off after ")


def test_a_lesson_without_anybody_in_view_has_no_scores_and_says_why(tmp_path: Path) -> None:
    session = session_of(film(tmp_path / "empty.mp4", pictures(81.0, 3.0)), tmp_path)
    assert session.whole.scored == 0
    assert set(session.whole.abstained) == {"no_faces"}


def test_fewer_people_than_the_minimum_group_are_not_scored(recordings: Path, tmp_path: Path) -> None:
    crowd = parse((DECLARED + "minimum_group = 8\n").encode()).deployment
    session = session_of(recordings / "frowning.mp4", tmp_path, deployment=crowd)
    assert session.whole.scored == 0
    assert set(session.whole.abstained) == {"too_few_faces"}


def test_a_picture_a_second_is_too_slow_and_the_report_says_so(tmp_path: Path) -> None:
    slow = film(tmp_path / "slow.avi", pictures(SMILING, 6.0, fps=1), fps=1)
    assert any("too few to follow a face" in remark for remark in session_of(slow, tmp_path).remarks)


def test_a_folder_of_pictures_is_a_recording(tmp_path: Path) -> None:
    folder = tmp_path / "lesson"
    folder.mkdir()
    for number, image in enumerate(pictures(SMILING, 2.0)):
        cv2.imwrite(str(folder / f"{number:03d}.jpg"), image)
    times = "\n".join(str(number / FPS) for number in range(2 * FPS))
    (folder / "timestamps.txt").write_text(times)
    session = session_of(folder, tmp_path)
    assert session.whole.scored > 0
    assert session.recording is not None
    assert session.recording.file == "lesson"


def test_a_large_picture_is_read_like_a_small_one(tmp_path: Path) -> None:
    large = film(tmp_path / "large.avi", pictures(SMILING, 2.0, fps=4, size=(3840, 2160)), fps=4)
    assert session_of(large, tmp_path).whole.scored > 0


def test_what_is_over_at_once_has_no_report(tmp_path: Path) -> None:
    blink = film(tmp_path / "blink.mp4", [np.zeros((48, 64, 3), np.uint8)] * 2)
    with pytest.raises(DeviceError, match="is over before its first state"):
        session_of(blink, tmp_path)
    assert list(tmp_path.rglob("*.jsonl")) == []


# What is refused.


def test_a_recording_of_people_needs_a_declaration_like_the_box(refused: Callable[..., str]) -> None:
    assert "declares purpose, jurisdiction, consent" in refused("smiling.mp4", config="")


def test_what_the_law_prohibits_is_not_analysed(refused: Callable[..., str], recordings: Path, tmp_path: Path) -> None:
    school = DECLARED.replace("demonstration", "education").replace('"none"', '"DE"')
    assert "AI Act" in refused("smiling.mp4", config=school)
    prohibited = msgspec.structs.replace(task(recordings / "frowning.mp4", tmp_path), settings=parse(school.encode()))
    with pytest.raises(UserError, match="AI Act"):
        lesson.analyse(prohibited, lambda _: None, lambda _: None)


def test_one_learners_scores_are_not_written_down(refused: Callable[..., str]) -> None:
    assert "one learner's" in refused("smiling.mp4", config=DECLARED + 'mode = "self"\nminimum_group = 1\n')


def test_a_recording_that_is_not_there_is_named(refused: Callable[..., str], tmp_path: Path) -> None:
    assert refused(tmp_path / "nowhere") == f"{tmp_path / 'nowhere'}: no such video or folder of pictures"


def test_two_reports_may_not_have_one_name(refused: Callable[..., str], tmp_path: Path) -> None:
    assert "would have the name of that of" in refused("smiling.mp4", tmp_path / "smiling.mkv")


def test_a_room_that_cannot_be_a_topic_is_refused(refused: Callable[..., str]) -> None:
    assert "--site and --room are" in refused("smiling.mp4", "--room", "7 b")


def test_a_kind_of_lesson_that_is_not_there_is_refused(refused: Callable[..., str]) -> None:
    assert "session.scenario: none is called 'party'" in refused("smiling.mp4", "--scenario", "party")


def test_the_sound_in_a_video_needs_its_reader(refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    assert "install the extra analyse" in (said := refused("frowning.mp4"))
    assert said.endswith("or leave it out with --no-sound")
