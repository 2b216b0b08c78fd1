"""Plays recordings through the inside of the loop as fast as they can be worked on, on a clock nobody waits for."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import merge

from edge.capture import Item, Source
from edge.capture.sources import open_camera, open_microphone
from edge.clock import ManualClock
from edge.config import Settings
from edge.inference.store import ModelStore
from edge.pipeline import Pipeline
from edge.privacy.gate import Gate
from edge.signals import Affect, AudioChunk, Frame
from edge.state import StateFolder


def replay(settings: Settings, store: ModelStore) -> list[Affect]:
    """What the box would publish after each period of the recordings in ``settings``: past the gate."""
    loop, gate = Pipeline(settings, store), Gate(settings.deployment, StateFolder(None))
    states: list[Affect] = []
    for item in captured(settings):
        while _moment(item) >= (due := (len(states) + 1) * settings.fusion.period_s):
            states.append(gate.admit(loop.assess(due)))
        if isinstance(item, Frame):
            loop.see(item)
        else:
            loop.hear(item)
    return states


def captured(settings: Settings) -> Iterator[Frame | AudioChunk]:
    """Pictures and sound of the recordings in ``settings``, from time 0, in the order they would arrive."""
    sources: list[Iterator[Frame | AudioChunk]] = []
    if settings.camera.source != "none":
        sources.append(_items(open_camera(settings.camera, ManualClock())))
    if settings.microphone.source != "none":
        sources.append(_items(open_microphone(settings.microphone, ManualClock())))
    return merge(*sources, key=_moment)


def _items(source: Source[Item]) -> Iterator[Item]:
    while (item := source.read()) is not None:
        yield item
    source.close()


def _moment(item: Frame | AudioChunk) -> float:
    """When the item is there: a stretch of sound only once it has been heard."""
    return item.time if isinstance(item, Frame) else item.end
