"""``affect-edge doctor``: is everything here that the appliance needs? One line each, with the cure."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import platform
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from edge import config, service
from edge.branches.engagement import EngagementBranch
from edge.branches.face_emotion import FaceEmotionBranch
from edge.branches.speech_emotion import SpeechEmotionBranch
from edge.capture import SourceLostError
from edge.capture.sources import open_camera, open_microphone
from edge.clock import MonotonicClock
from edge.config import Box, Broker, Settings
from edge.errors import UserError
from edge.inference.store import ModelStore
from edge.perception.face_detector import FaceDetector
from edge.privacy.consent import Consent
from edge.privacy.console import consent_in_words, mute_in_words
from edge.privacy.gate import Gate
from edge.privacy.mute import Mute
from edge.publish.connection import as_served, probe
from edge.session import scenarios
from edge.signals import Abstention
from edge.state import StateError, StateFolder

MODELS: dict[str, Callable[[ModelStore], object]] = {
    "face_detector": FaceDetector,
    "face_mesh": lambda store: store.load("face_mesh"),
    "face_emotion": FaceEmotionBranch,
    "engagement": EngagementBranch,
    "speech_emotion": SpeechEmotionBranch,
}
"""Each model with whoever loads it when the appliance runs, and refuses it for the same reasons."""

RECORDS: dict[str, tuple[str, type[msgspec.Struct]]] = {"deployment": ("consent", Consent), "mute": ("mute", Mute)}
"""What is examined by the name and the kind of the record that it rests on."""

BROKER_WITHIN_S = 4.0

WELL = ("live", "opening", "closed", "ended")
"""States of a sensor that need no cure."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing examined: ``healthy`` or not, and in ``words`` what was found or how to cure it.

    What this user may not see is neither: None.
    """

    subject: str
    healthy: bool | None
    words: str


def examine(path: Path | None) -> Iterator[Finding]:
    """Examines this device under the configuration at ``path`` (the installed one, or defaults, where None)."""
    if path is None and config.INSTALLED.exists():
        path = config.INSTALLED
    try:
        settings = config.load(path) if path else Settings()
        scenarios.configured(settings.session)
    except UserError as error:
        yield Finding("configuration", False, str(error))
        return
    yield Finding("configuration", True, str(path) if path else "none given; the defaults are examined")
    yield _python(settings)
    state = StateFolder(settings.storage.folder)
    gate = Gate(settings.deployment, state)
    hidden = {subject: _hidden(subject, state) for subject in RECORDS}
    yield hidden["deployment"] or _deployment(gate)
    yield hidden["mute"] or _mute(gate)
    yield from _panel(settings)
    yield from _models(settings)
    if settings.camera.source == settings.microphone.source == "none":
        yield Finding("sensors", False, "camera.source and microphone.source are both none: there is nothing to run on")
    # The running box holds its devices, and nobody else can open them.
    said = service.said() if path == config.INSTALLED else None
    for subject, source, attempt in (
        ("camera", settings.camera.source, _try_camera),
        ("microphone", settings.microphone.source, _try_microphone),
    ):
        if source == "none":
            yield Finding(subject, True, "switched off in the configuration")
        elif said is not None:
            yield _held(subject, said)
        elif any(hidden.values()):
            yield Finding(subject, None, "not opened, as only root sees whether it may be; run with sudo")
        else:
            yield _opened(subject, settings, gate, attempt)
    yield _broker(settings.broker if path != config.INSTALLED else as_served(settings.broker), settings.box)


def report(findings: Iterator[Finding]) -> int:
    """Prints the findings as they come; returns 1 where one of them is a problem, 0 otherwise."""
    from rich.console import Console
    from rich.text import Text

    marks = {True: ("ok", "green"), False: ("problem", "bold red"), None: ("unseen", "yellow")}
    console = Console(highlight=False, soft_wrap=True)
    problems = 0
    for finding in findings:
        mark, style = marks[finding.healthy]
        console.print(Text(f"{mark:<7}", style=style), Text(f"{finding.subject:<14} {finding.words}"))
        problems += finding.healthy is False
    return 1 if problems else 0


def _python(settings: Settings) -> Finding:
    runtime = {"litert": "ai-edge-litert", "tflite-runtime": "tflite-runtime"}[settings.models.runtime]
    try:
        version = importlib.metadata.version(runtime)
    except importlib.metadata.PackageNotFoundError:
        return Finding("runtime", False, f"{runtime} is not installed: pip install {runtime}, or change models.runtime")
    return Finding("runtime", True, f"{runtime} {version}, Python {platform.python_version()} on {platform.machine()}")


def _hidden(subject: str, state: StateFolder) -> Finding | None:
    """The finding where this user may not read a record; None where it may, or the record is worse than hidden."""
    try:
        state.read(*RECORDS[subject])
    except StateError as error:
        if isinstance(error.__cause__, PermissionError):
            return Finding(subject, None, f"{error}; run with sudo")
    return None


def _deployment(gate: Gate) -> Finding:
    if gate.closed not in (None, Abstention.MUTED):
        return Finding("deployment", False, gate.explanation)
    declared = gate.deployment
    words = f"{declared.purpose} in {declared.jurisdiction}; consent: {consent_in_words(gate)}"
    return Finding("deployment", True, words)


def _mute(gate: Gate) -> Finding:
    """A mute is somebody's will and no fault; but one that stands for a damaged record is."""
    return Finding("mute", gate.switch.state.by != "unknown", mute_in_words(gate))


def _panel(settings: Settings) -> Iterator[Finding]:
    """Whether the libraries are there; the pins themselves may be in the hands of a box that runs."""
    if settings.privacy.button_pin is None and settings.privacy.led_pin is None:
        return
    missing = [name for name in ("gpiozero", "lgpio") if importlib.util.find_spec(name) is None]
    words = f"{' and '.join(missing)} missing: install the extra gpio" if missing else "gpiozero and lgpio are there"
    yield Finding("button, light", not missing, words)


def _models(settings: Settings) -> Iterator[Finding]:
    store = ModelStore(settings.models.directory, settings.models.runtime, settings.models.threads)
    for name, load in MODELS.items():
        try:
            load(store)
        except UserError as error:
            yield Finding(name, False, str(error))
        else:
            manifest = store.loaded[name]
            yield Finding(name, True, f"{manifest.file}, sha256 {manifest.sha256[:12]}")


def _held(subject: str, said: str) -> Finding:
    state = service.sensors(said).get(subject)
    if state is None:
        return Finding(subject, None, f"in the hands of the running box, which says: {said or 'nothing yet'}")
    cure = "" if state in WELL else "; why is in journalctl -u affectfusion"
    return Finding(subject, state in WELL, f"{state}, says the running box{cure}")


def _opened(subject: str, settings: Settings, gate: Gate, attempt: Callable[[Settings], str]) -> Finding:
    if gate.closed:
        return Finding(subject, True, f"not opened: {gate.closed.value.replace('_', ' ')}")
    try:
        return Finding(subject, True, attempt(settings))
    except (SourceLostError, UserError) as error:
        return Finding(subject, False, str(error))


def _try_camera(settings: Settings) -> str:
    camera = open_camera(settings.camera, MonotonicClock())
    try:
        frame = camera.read()
    finally:
        camera.close()
    if frame is None:
        raise SourceLostError(f"{settings.camera.source}: opened, but gives no picture")
    height, width = frame.image.shape[:2]
    return f"{settings.camera.source}: pictures of {width}x{height}"


def _try_microphone(settings: Settings) -> str:
    microphone = open_microphone(settings.microphone, MonotonicClock())
    try:
        chunk = microphone.read()
    finally:
        microphone.close()
    if chunk is None:
        raise SourceLostError(f"{settings.microphone.source}: opened, but gives no sound")
    silent = "; all of it exactly silent: is it muted in hardware?" if not chunk.samples.any() else ""
    return f"{settings.microphone.source}: sound arrives{silent}"


def _broker(broker: Broker, box: Box) -> Finding:
    try:
        problem = probe(broker, box, BROKER_WITHIN_S)
    except UserError as error:
        if isinstance(error.__cause__, PermissionError):
            return Finding("broker", None, f"{error}; run with sudo")
        return Finding("broker", False, str(error))
    return Finding("broker", problem is None, problem or f"{broker.where} answers and accepts this box")
