"""The only two places where media waits: a slot for the newest frame and a bounded ring of sound."""

from __future__ import annotations

from collections import deque
from threading import Condition, Lock

from edge.signals import SAMPLE_RATE, AudioChunk, Frame


class NewestFrame:
    """A slot for one frame: a slow reader misses frames, it never lags behind them. Safe between threads."""

    def __init__(self) -> None:
        self._arrival = Condition()
        self._frame: Frame | None = None
        self._dropped = 0

    @property
    def dropped(self) -> int:
        """Frames that were replaced before anybody took them."""
        return self._dropped

    def put(self, frame: Frame) -> None:
        """Replaces whatever waits."""
        with self._arrival:
            self._dropped += self._frame is not None
            self._frame = frame
            self._arrival.notify()

    def take(self, timeout: float) -> Frame | None:
        """The newest frame not taken yet, waiting up to ``timeout`` seconds for one; None where none came."""
        with self._arrival:
            self._arrival.wait_for(lambda: self._frame is not None, timeout)
            frame, self._frame = self._frame, None
            return frame

    def clear(self) -> None:
        """Forgets the frame that waits."""
        with self._arrival:
            self._frame = None


class AudioRing:
    """The last ``seconds`` of sound not taken yet; the oldest chunks make room. Safe between threads."""

    def __init__(self, seconds: float) -> None:
        self._capacity = round(seconds * SAMPLE_RATE)
        self._lock = Lock()
        self._chunks: deque[AudioChunk] = deque()
        self._held = 0
        self._lost = 0

    def __len__(self) -> int:
        """Chunks held."""
        return len(self._chunks)

    @property
    def dropped_s(self) -> float:
        """Seconds of sound that were dropped before anybody took them."""
        return self._lost / SAMPLE_RATE

    def push(self, chunk: AudioChunk) -> None:
        """Appends ``chunk``; a chunk longer than the ring is itself dropped."""
        with self._lock:
            self._chunks.append(chunk)
            self._held += len(chunk.samples)
            while self._held > self._capacity:
                self._lost += len(self._pop().samples)

    def take(self, fresh_since: float = float("-inf")) -> AudioChunk | None:
        """The oldest chunk held; None where there is none.

        Where it ended before ``fresh_since`` its reader lags, and everything held is dropped: one gap, after which
        the reader is with the present again, instead of many.
        """
        with self._lock:
            if self._chunks and self._chunks[0].end < fresh_since:
                self._lost += self._held
                self._forget()
            return self._pop() if self._chunks else None

    def _pop(self) -> AudioChunk:
        chunk = self._chunks.popleft()
        self._held -= len(chunk.samples)
        return chunk

    def clear(self) -> None:
        """Forgets everything held."""
        with self._lock:
            self._forget()

    def _forget(self) -> None:
        self._chunks.clear()
        self._held = 0
