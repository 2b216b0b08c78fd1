"""``affect-edge doctor``: is everything here that the appliance needs? One line each, with the cure."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import platform
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from edge import config
from edge.branches.engagement import EngagementBranch
from edge.branches.face_emotion import FaceEmotionBranch
from edge.branches.speech_emotion import SpeechEmotionBranch
from edge.capture import SourceLostError
from edge.capture.sources import open_camera, open_microphone
from edge.clock import MonotonicClock
from edge.config import Settings
from edge.errors import UserError
from edge.inference.store import ModelStore
from edge.perception.face_detector import FaceDetector
from edge.privacy.console import consent_in_words, mute_in_words
from edge.privacy.gate import Gate
from edge.publish.connection import probe
from edge.signals import Abstention
from edge.state import StateFolder

MODELS: dict[str, Callable[[ModelStore], object]] = {
    "face_detector": FaceDetector,
    "face_mesh": lambda store: store.load("face_mesh"),
    "face_emotion": FaceEmotionBranch,
    "engagement": EngagementBranch,
    "speech_emotion": SpeechEmotionBranch,
}
"""Each model with whoever loads it when the appliance runs, and refuses it for the same reasons."""

BROKER_WITHIN_S = 4.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing examined: ``healthy`` or not, and in ``words`` what was found or how to cure it."""

    subject: str
    healthy: bool
    words: str


def examine(path: Path | None) -> Iterator[Finding]:
    """Examines this device under the configuration at ``path`` (the installed one, or defaults, where None)."""
    if path is None and config.INSTALLED.exists():
        path = config.INSTALLED
    try:
        settings = config.load(path) if path else Settings()
    except UserError as error:
        yield Finding("configuration", False, str(error))
        return
    yield Finding("configuration", True, str(path) if path else "none given; the defaults are examined")
    yield _python(settings)
    gate = Gate(settings.deployment, StateFolder(settings.storage.folder))
    yield _deployment(gate)
    yield _mute(gate)
    yield from _panel(settings)
    yield from _models(settings)
    if settings.camera.source == settings.microphone.source == "none":
        yield Finding("sensors", False, "camera.source and microphone.source are both none: there is nothing to run on")
    yield _sensor("camera", settings.camera.source, gate, lambda: _try_camera(settings))
    yield _sensor("microphone", settings.microphone.source, gate, lambda: _try_microphone(settings))
    yield _broker(settings)


def report(findings: Iterator[Finding]) -> int:
    """Prints the findings as they come; returns 0 when all are healthy, 1 otherwise."""
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=True)
    healthy = True
    for finding in findings:
        mark = Text("ok     ", style="green") if finding.healthy else Text("problem", style="bold red")
        console.print(mark, Text(f"{finding.subject:<14} {finding.words}"))
        healthy &= finding.healthy
    return 0 if healthy else 1


def _python(settings: Settings) -> Finding:
    runtime = {"litert": "ai-edge-litert", "tflite-runtime": "tflite-runtime"}[settings.models.runtime]
    try:
        version = importlib.metadata.version(runtime)
    except importlib.metadata.PackageNotFoundError:
        return Finding("runtime", False, f"{runtime} is not installed: pip install {runtime}, or change models.runtime")
    return Finding("runtime", True, f"{runtime} {version}, Python {platform.python_version()} on {platform.machine()}")


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


def _sensor(subject: str, source: str, gate: Gate, attempt: Callable[[], str]) -> Finding:
    if source == "none":
        return Finding(subject, True, "switched off in the configuration")
    if gate.closed:
        return Finding(subject, True, f"not opened: {gate.closed.value.replace('_', ' ')}")
    try:
        return Finding(subject, True, attempt())
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


def _broker(settings: Settings) -> Finding:
    try:
        problem = probe(settings.broker, settings.box, BROKER_WITHIN_S)
    except UserError as error:
        return Finding("broker", False, str(error))
    return Finding("broker", problem is None, problem or f"{settings.broker.where} answers and accepts this box")
