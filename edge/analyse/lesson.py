"""One recorded lesson: from its pictures and its sound to a session on disk."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import msgspec

from edge import files
from edge.capture import video_sound
from edge.capture.sources import open_camera, open_microphone
from edge.clock import ManualClock
from edge.config import Settings
from edge.errors import DeviceError, UserError
from edge.inference.store import ModelStore
from edge.pipeline import Pipeline
from edge.playback import Moment, moments, play
from edge.privacy.gate import Gate
from edge.session.alerts import Alarm
from edge.session.journal import Heading, Journal, Line, Recording, Remark
from edge.session.scenarios import chosen
from edge.session.session import Session, identifier
from edge.session.statistics import Statistics
from edge.signals import Frame
from edge.state import StateFolder

NO_SOUND = "analysed without sound: voices were not heard"
TOO_SLOW = "the recording has fewer than {:g} pictures a second: too few to follow a face from one to the next"


class Task(msgspec.Struct, frozen=True):
    """A recording, as the camera and the microphone of ``settings``, and the folder for its session."""

    settings: Settings
    sessions: Path
    fingerprint: str

    @property
    def recording(self) -> Path:
        """The video, or the folder of pictures."""
        assert self.settings.camera.path is not None
        return self.settings.camera.path


def analyse(task: Task, began: Callable[[float], object], reached: Callable[[float], object]) -> Path:
    """Makes a session of the recording and returns its file, which is written once the lesson is over.

    ``began`` is told how many seconds it has (0.0 where nobody knows), ``reached`` how far it is, after each state.
    Raises UserError where the recording cannot be read or may not be analysed, SourceLostError where it is gone before
    its end, DeviceError where it is too short or nothing can be written.
    """
    # several recordings share the cores, one each
    cv2.setNumThreads(1)
    settings = task.settings
    gate = Gate(settings.deployment, StateFolder(settings.storage.folder))
    _ask(gate)
    pipeline = Pipeline(
        settings, ModelStore(settings.models.directory, settings.models.runtime, settings.models.threads)
    )
    with _warnings(task.recording) as remarks:
        camera = open_camera(settings.camera, ManualClock(), pipeline.due)
        microphone = None
        if settings.microphone.source == "none":
            remarks.append(NO_SOUND)
        else:
            microphone = open_microphone(settings.microphone, ManualClock())
        duration_s: float = getattr(camera, "duration_s", 0.0)
        began(duration_s)
        clock, transcript = ManualClock(), _Transcript()
        heading = _heading(task, duration_s)
        session = Session(clock, transcript, heading, Statistics(), age=0.0)
        scenario = chosen(settings.session)
        alarm = Alarm(scenario.rules)
        seen: list[float] = []
        recording = _noting(moments(camera, microphone), seen)
        for affect in play(recording, pipeline, gate, settings.fusion.period_s, scenario.priors.by_state):
            _ask(gate)
            clock.sleep(affect.time - clock.now())
            session.add(affect)
            for alert in alarm.add(affect):
                if alert.phase != "still":
                    session.alerted(alert.kind, alert.phase)
            reached(affect.time)
    if not session.end().seconds.total:
        raise DeviceError(f"{task.recording}: is over before its first state, after {settings.fusion.period_s:g} s")
    lowest = settings.perception.lowest_rate_hz
    if len(seen) - 1 < lowest * (seen[-1] - seen[0]):
        remarks.append(TOO_SLOW.format(lowest))
    about: list[Line] = [heading, Recording(task.recording.name, task.fingerprint), *map(Remark, remarks)]
    return _kept(task.sessions / f"{heading.id}.jsonl", [*about, *transcript.lines])


class _Transcript(Journal):
    """The lines of a session in memory: on disk is a whole lesson or none."""

    def __init__(self) -> None:
        super().__init__(None, None)
        self.lines: list[Line] = []

    def append(self, line: Line) -> None:
        """Adds a line."""
        self.lines.append(line)


def _ask(gate: Gate) -> None:
    """Raises UserError where the gate is closed, be it since a moment ago."""
    if gate.closed is not None:
        raise UserError(gate.explanation)


def _heading(task: Task, duration_s: float) -> Heading:
    """When the lesson was: as the video says, or else so long before the file was last written to."""
    said = video_sound.made_at(task.recording) if task.settings.camera.source == "file" else None
    started = said if said is not None else task.recording.stat().st_mtime - duration_s
    # two recordings may well claim the same moment
    name = f"{identifier(started)}-{task.fingerprint[:6]}"
    return Heading(name, started, task.settings.box.site, task.settings.box.room)


def _noting(recording: Iterable[Moment], seen: list[float]) -> Iterator[Moment]:
    """The same, with the time of each picture noted in ``seen``."""
    for item in recording:
        if isinstance(item, Frame):
            seen.append(item.time)
        yield item


@contextmanager
def _warnings(recording: Path) -> Iterator[list[str]]:
    """What is logged as a warning meanwhile: that the recording breaks off, that a picture was left out ..."""
    found: list[str] = []

    class Collecting(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            words = record.getMessage().removeprefix(f"{recording}: ")
            found.append(words.replace(f"{recording.parent}/", ""))

    handler, logger = Collecting(logging.WARNING), logging.getLogger("edge")
    logger.addHandler(handler)
    try:
        yield found
    finally:
        logger.removeHandler(handler)


def _kept(file: Path, lines: Iterable[Line]) -> Path:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        files.replace(file, b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
    except OSError as error:
        raise DeviceError(f"{file}: cannot be written ({error.strerror})") from error
    return file
