"""The newest-frame slot and the audio ring."""

from __future__ import annotations

from threading import Thread

import numpy as np
import pytest

from edge.capture.buffers import AudioRing, NewestFrame
from edge.signals import SAMPLE_RATE, AudioChunk, Frame


def frame(time: float) -> Frame:
    return Frame(np.zeros((2, 2, 3), np.uint8), time)


def chunk(time: float, seconds: float = 0.1) -> AudioChunk:
    return AudioChunk(np.zeros(round(seconds * SAMPLE_RATE), np.float32), time)


def drain(ring: AudioRing) -> list[AudioChunk]:
    """Everything held."""
    return [chunk for _ in range(len(ring)) if (chunk := ring.take()) is not None]


def test_a_slow_reader_gets_the_newest_frame_and_the_others_are_counted() -> None:
    slot = NewestFrame()
    for time in (1.0, 2.0, 3.0):
        slot.put(frame(time))
    taken = slot.take(timeout=0.0)
    assert taken is not None
    assert taken.time == 3.0
    assert slot.dropped == 2


def test_no_frame_is_taken_twice() -> None:
    slot = NewestFrame()
    slot.put(frame(1.0))
    slot.take(timeout=0.0)
    assert slot.take(timeout=0.01) is None
    slot.put(frame(2.0))
    assert slot.dropped == 0


def test_a_waiting_reader_is_woken_by_a_frame() -> None:
    slot = NewestFrame()
    taken: list[Frame | None] = []
    reader = Thread(target=lambda: taken.append(slot.take(timeout=10.0)))
    reader.start()
    slot.put(frame(1.0))
    reader.join(timeout=5.0)
    assert [got.time for got in taken if got is not None] == [1.0]


def test_a_cleared_slot_has_forgotten_its_frame() -> None:
    slot = NewestFrame()
    slot.put(frame(1.0))
    slot.clear()
    assert slot.take(timeout=0.0) is None


def test_the_ring_gives_sound_once_and_in_order() -> None:
    ring = AudioRing(seconds=1.0)
    for time in (0.0, 0.1, 0.2):
        ring.push(chunk(time))
    assert [got.time for got in drain(ring)] == [0.0, 0.1, 0.2]
    assert drain(ring) == []
    assert ring.dropped_s == 0.0


def test_a_full_ring_drops_the_oldest_sound_and_counts_it() -> None:
    ring = AudioRing(seconds=0.5)
    for number in range(8):
        ring.push(chunk(number / 10))
    held = drain(ring)
    assert [round(got.time, 1) for got in held] == [0.3, 0.4, 0.5, 0.6, 0.7]
    assert ring.dropped_s == pytest.approx(0.3)


def test_a_reader_that_lags_gets_nothing_of_what_it_missed_and_is_with_the_present_again() -> None:
    ring = AudioRing(seconds=1.0)
    for number in range(8):
        ring.push(chunk(number / 10))
    assert ring.take(fresh_since=0.05) is not None
    assert ring.take(fresh_since=0.35) is None
    assert ring.dropped_s == pytest.approx(0.7)
    ring.push(chunk(0.8))
    taken = ring.take(fresh_since=0.35)
    assert taken is not None
    assert taken.time == 0.8


def test_a_drained_ring_takes_its_full_length_again() -> None:
    ring = AudioRing(seconds=0.5)
    for _ in range(2):
        for number in range(5):
            ring.push(chunk(number / 10))
        assert len(drain(ring)) == 5
    assert ring.dropped_s == 0.0


def test_a_cleared_ring_has_forgotten_its_sound() -> None:
    ring = AudioRing(seconds=0.5)
    ring.push(chunk(0.0))
    ring.clear()
    assert drain(ring) == []


def test_the_ring_loses_nothing_between_two_threads() -> None:
    ring = AudioRing(seconds=1000.0)

    def write() -> None:
        for number in range(2000):
            ring.push(chunk(number))

    writer = Thread(target=write)
    writer.start()
    heard: list[float] = []
    while writer.is_alive():
        heard += [got.time for got in drain(ring)]
    heard += [got.time for got in drain(ring)]
    assert heard == list(range(2000))
