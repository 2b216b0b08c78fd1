"""The command ``affect-edge analyse``."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

import msgspec

from edge import config
from edge.config import Box, Settings
from edge.errors import UserError
from edge.privacy.gate import Gate
from edge.session import kept
from edge.session.kept import KeptSession
from edge.session.scenarios import chosen
from edge.state import StateFolder

EXAMPLES = """\
  affect-edge analyse monday.mp4 --config classroom.toml
  affect-edge analyse recordings/*.mp4 --out term/ --jobs 4 --config classroom.toml
  affect-edge analyse exam.mkv --scenario exam --site north --room r12 --config classroom.toml

A recording is a video or a folder of pictures; its sound is a .wav or .flac of the same name beside it, or
else in the video. A lesson that is finished in DIR is not analysed again; one that was interrupted begins
again. [deployment] in the configuration must declare purpose, jurisdiction and consent, as for the box:
a recording of people is no less theirs."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("recordings", nargs="+", type=Path, metavar="VIDEO", help="a video, or a folder of pictures")
    parser.add_argument(
        "--out", type=Path, default=Path("analysis"), metavar="DIR", help="for the reports (default: %(default)s)"
    )
    parser.add_argument("--jobs", type=int, metavar="N", help="recordings at once (default: one for each core)")
    parser.add_argument("--scenario", metavar="NAME", help="the kind of lesson, instead of the box's")
    parser.add_argument("--site", help="where it was, instead of [box] site")
    parser.add_argument("--room", help="likewise")
    parser.add_argument("--no-sound", action="store_true", help="look only, without listening")
    parser.add_argument(
        "--config", type=Path, default=config.INSTALLED, help="the configuration (default: %(default)s)"
    )


def act(options: argparse.Namespace) -> int:
    """Analyses what is not analysed yet, and writes the reports; returns 1 where a recording failed.

    Raises UserError for the user's mistakes, DeviceError where nothing can be written.
    """
    # the loop, its models and jinja2 are loaded for the analysis only, not by every command
    from edge.analyse.crew import cores, work
    from edge.analyse.fingerprint import fingerprint
    from edge.analyse.lesson import Task
    from edge.analyse.screen import open_screen
    from edge.capture.recordings import sources
    from edge.session.report.files import write_analysed

    settings = _settings(options)
    jobs = cores() if options.jobs is None else options.jobs
    if jobs < 1:
        raise UserError(f"--jobs {jobs}: at least one is needed")
    _told_apart(options.recordings)
    sessions: Path = options.out / "sessions"
    tasks = []
    for path in options.recordings:
        camera, microphone = sources(path.absolute(), settings.camera.fps, with_sound=not options.no_sound)
        own = msgspec.structs.replace(settings, camera=camera, microphone=microphone)
        tasks.append(Task(own, sessions.absolute(), fingerprint(own)))
    _make(sessions)
    before = _analysed(sessions)
    known = {found.recording.fingerprint for found in before.values() if found.recording}
    due = [task for task in tasks if task.fingerprint not in known]
    with open_screen() as screen:
        for task in tasks:
            if task not in due:
                screen.note(f"{task.recording.name}: is analysed already")
        made = work(due, min(jobs, cores()), screen) if due else {}
        for recording, file in made.items():
            _replace_older(before, recording, file)
            for remark in kept.read(file).remarks:
                screen.note(f"{recording.name}: {remark}")
    if made or len(due) < len(tasks):
        for written in write_analysed(sessions, options.out):
            print(written)
    return 0 if len(made) == len(due) else 1


def _settings(options: argparse.Namespace) -> Settings:
    """The configuration with what the arguments change of it. Raises UserError where nothing may be analysed."""
    settings = config.load(options.config)
    gate = Gate(settings.deployment, StateFolder(settings.storage.folder))
    if gate.closed is not None:
        raise UserError(f"{options.config}: {gate.explanation}")
    if gate.deployment.mode == "self":
        raise UserError(f'{options.config}: in mode = "self" the scores are one learner\'s, and none are written down')
    try:
        box = msgspec.convert(
            {"site": options.site or settings.box.site, "room": options.room or settings.box.room}, Box
        )
    except msgspec.ValidationError as error:
        raise UserError(f"--site and --room are up to 40 letters, digits, - and _ ({error})") from error
    session = msgspec.structs.replace(settings.session, scenario=options.scenario or settings.session.scenario)
    chosen(session)
    return msgspec.structs.replace(settings, box=box, session=session)


def _told_apart(recordings: Sequence[Path]) -> None:
    """Raises UserError where two reports would get the same name."""
    found: dict[str, Path] = {"index": Path("index.html")}
    for path in recordings:
        other = found.setdefault(path.stem, path)
        if other is not path:
            raise UserError(
                f"{path}: its report would have the name of that of {other}; rename it or use another --out"
            )


def _make(folder: Path) -> None:
    """Raises UserError where nothing could be written at the end of hours of work."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{folder}: cannot be made ({error.strerror}); name another folder with --out") from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UserError(f"{folder}: is not yours to write to; name another folder with --out")


def _analysed(sessions: Path) -> dict[Path, KeptSession]:
    """The recorded lessons that are finished, by their files."""
    found = {file: kept.read(file) for file in kept.kept(sessions)}
    return {file: session for file, session in found.items() if session.recording and session.ended}


def _replace_older(before: dict[Path, KeptSession], recording: Path, file: Path) -> None:
    """Deletes what earlier analyses made of a recording of this name, before it or the settings changed."""
    for older, session in before.items():
        if session.recording and Path(session.recording.file).stem == recording.stem and older != file:
            older.unlink(missing_ok=True)
