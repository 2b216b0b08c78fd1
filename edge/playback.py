"""The loop on recordings: no threads, and nobody waits, as time comes from the recordings themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from heapq import merge

from edge.capture import Item, Source
from edge.fusion.late import NO_PRIORS
from edge.pipeline import Pipeline
from edge.privacy.gate import Gate
from edge.signals import Affect, AudioChunk, Frame

Moment = Frame | AudioChunk


def moments(camera: Source[Frame] | None, microphone: Source[AudioChunk] | None) -> Iterator[Moment]:
    """Pictures and sound of open recordings, each on a clock of its own, in the order they would arrive; closes them.

    The next picture is read only when the one before has been dealt with.
    """
    sources: list[Iterator[Moment]] = []
    if camera is not None:
        sources.append(_items(camera))
    if microphone is not None:
        sources.append(_items(microphone))
    return merge(*sources, key=_when)


def play(
    recording: Iterable[Moment],
    pipeline: Pipeline,
    gate: Gate,
    period_s: float,
    priors: Mapping[str, float] = NO_PRIORS,
) -> Iterator[Affect]:
    """The state after each ``period_s`` of what begins at time 0: what the box would publish, past the gate.

    ``priors`` are the lesson's, as in ``late.engagement``.
    """
    turn = 1
    for item in recording:
        while _when(item) >= (due := turn * period_s):
            yield gate.admit(pipeline.assess(due, priors))
            turn += 1
        if isinstance(item, Frame):
            pipeline.see(item)
        else:
            pipeline.hear(item)


def _items(source: Source[Item]) -> Iterator[Item]:
    try:
        while (item := source.read()) is not None:
            yield item
    finally:
        source.close()


def _when(item: Moment) -> float:
    """When the item is there: a stretch of sound only once it has been heard."""
    return item.time if isinstance(item, Frame) else item.end
