"""Plays the recordings of a configuration through the inside of the loop, on a clock nobody waits for."""

from __future__ import annotations

from collections.abc import Iterator

from edge.capture.sources import open_camera, open_microphone
from edge.clock import ManualClock
from edge.config import Settings
from edge.inference.store import ModelStore
from edge.pipeline import Pipeline
from edge.playback import moments, play
from edge.privacy.gate import Gate
from edge.signals import Affect, AudioChunk, Frame
from edge.state import StateFolder


def replay(settings: Settings, store: ModelStore) -> list[Affect]:
    """What the box would publish after each period of the recordings in ``settings``: past the gate."""
    gate = Gate(settings.deployment, StateFolder(None))
    return list(play(captured(settings), Pipeline(settings, store), gate, settings.fusion.period_s))


def captured(settings: Settings) -> Iterator[Frame | AudioChunk]:
    """Pictures and sound of the recordings in ``settings``, from time 0, in the order they would arrive."""
    camera = None if settings.camera.source == "none" else open_camera(settings.camera, ManualClock())
    microphone = None if settings.microphone.source == "none" else open_microphone(settings.microphone, ManualClock())
    return moments(camera, microphone)
