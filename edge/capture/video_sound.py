"""The sound in a video file as a microphone, in step with its pictures. PyAV reads it, from the extra ``analyse``."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np

from edge.capture import SourceLostError
from edge.capture.pacing import Pace
from edge.capture.resampling import Resampler
from edge.clock import Clock
from edge.errors import UserError
from edge.signals import SAMPLE_RATE, AudioChunk, Float32Array

log = logging.getLogger(__name__)

CHUNK_S = 0.1

JUMP_S = 0.1
"""Where the file's own times depart by more than this from the sound there was, some is missing."""

_FIRST_VIDEOS = datetime(1995, 1, 1, tzinfo=timezone.utc)

MISSING = (
    "the sound in a video needs PyAV; install the extra analyse (pip install 'affectfusion-edge[analyse]'), or put "
    "the sound beside the video as a .wav or .flac of the same name"
)


class VideoSoundMicrophone:
    """Plays the first sound track of a video; time 0 is that of its first picture."""

    def __init__(self, path: Path, clock: Clock, *, loop: bool = False) -> None:
        """Opens ``path``. Raises UserError where it holds no sound, or nothing here can read it."""
        self._path = path
        self._loop = loop
        self._pace = Pace(clock)
        self._container = _open(path)
        if not self._container.streams.audio:
            self.close()
            raise UserError(f"{path}: there is no sound in this video")
        self._round_start = self._end = 0.0
        self._chunks = self._decode()

    def read(self) -> AudioChunk | None:
        """The next 0.1 s, once it has been heard; None at the end. Raises SourceLostError where a loop gives none."""
        found = self._next()
        if found is None and self._loop:
            if self._end == self._round_start:
                raise SourceLostError(f"{self._path}: the sound in this video can no longer be read")
            self._round_start = self._end
            self._container.close()
            self._container = _open(self._path)
            self._chunks = self._decode()
            found = self._next()
        if found is None:
            return None
        position, samples = found
        time = self._pace.time_of(position)
        self._end = position + len(samples) / SAMPLE_RATE
        self._pace.wait_for(self._end)
        return AudioChunk(samples, time)

    def close(self) -> None:
        """Closes the file."""
        self._container.close()

    def _next(self) -> tuple[float, Float32Array] | None:
        return next((found for found in self._chunks if len(found[1])), None)

    def _decode(self) -> Iterator[tuple[float, Float32Array]]:
        """Positions in seconds and float32 (n,) mono samples; positions never run back, whatever the file says."""
        rate = self._container.streams.audio[0].rate
        stretch = _Stretch(self._round_start, rate)
        for position, block in self._blocks():
            if abs(position - stretch.due) > JUMP_S:
                yield stretch.give(last=True)
                stretch = _Stretch(max(position, stretch.due), rate)
            stretch.take(block)
            if stretch.waiting_s >= CHUNK_S:
                yield stretch.give()
        yield stretch.give(last=True)

    def _blocks(self) -> Iterator[tuple[float, Float32Array]]:
        """What the track holds: the position in seconds of each block of float32 (n, channels); damage is left out."""
        import av

        stream = self._container.streams.audio[0]
        to_float, damaged = av.AudioResampler(format="fltp"), False
        origin = _first_picture_s(self._container)
        packets = self._container.demux(stream)
        while True:
            try:
                decoded = next(packets).decode()
            except StopIteration:
                return
            except av.error.InvalidDataError:
                if not damaged:
                    log.warning("%s: some of its sound is damaged and left out", self._path)
                damaged = True
                continue
            except av.error.FFmpegError:
                log.warning("%s: its sound breaks off; is the file damaged?", self._path)
                return
            for coded in decoded:
                if coded.time is None:
                    continue
                for plain in to_float.resample(coded):
                    yield self._round_start + coded.time - origin, plain.to_ndarray().T


class _Stretch:
    """Sound without a gap, from ``start`` seconds on."""

    def __init__(self, start: float, rate: int) -> None:
        self._resampler = Resampler(rate)
        self._start = start
        self._rate = rate
        self._waiting: list[Float32Array] = []
        self._taken = self._given = 0

    @property
    def due(self) -> float:
        """Where the next block belongs."""
        return self._start + self._taken / self._rate

    @property
    def waiting_s(self) -> float:
        """Seconds taken and not given yet."""
        return sum(map(len, self._waiting)) / self._rate

    def take(self, block: Float32Array) -> None:
        """Takes float32 (n, channels)."""
        self._waiting.append(block)
        self._taken += len(block)

    def give(self, *, last: bool = False) -> tuple[float, Float32Array]:
        """What waits, resampled, with its position; it may be empty while the filter fills."""
        position = self._start + self._given / SAMPLE_RATE
        blocks, self._waiting = self._waiting or [np.zeros((0, 1), np.float32)], []
        samples = self._resampler.feed(np.concatenate(blocks), last=last)
        self._given += len(samples)
        return position, samples


def readable() -> bool:
    """Whether there is what it takes to read the sound in a video."""
    try:
        import av  # noqa: F401
    except ImportError:
        return False
    return True


def has_sound(path: Path) -> bool:
    """Whether the video holds sound that can be read."""
    try:
        container = _open(path)
    except UserError:
        return False
    try:
        return bool(container.streams.audio)
    finally:
        container.close()


def made_at(path: Path) -> float | None:
    """When the video says it was begun, in seconds since 1970; None where it does not, or nothing here can read it."""
    try:
        container = _open(path)
    except UserError:
        return None
    try:
        said = datetime.fromisoformat(container.metadata.get("creation_time", "").replace("Z", "+00:00"))
    except ValueError:
        return None
    finally:
        container.close()
    # a camera whose clock was never set says 1904 or 1970
    return said.timestamp() if datetime.now(timezone.utc) > said.astimezone() > _FIRST_VIDEOS else None


def _open(path: Path) -> Any:
    """The file as a container of PyAV's."""
    try:
        import av
    except ImportError as error:
        raise UserError(f"{path}: {MISSING}") from error
    try:
        return av.open(str(path))
    except (OSError, av.error.FFmpegError) as error:
        raise UserError(f"{path}: not a video whose sound can be read; is the file complete?") from error


def _first_picture_s(container: Any) -> float:
    """When the first picture is shown, on the container's own scale; when the sound begins, where there is none."""
    stream = (container.streams.video or container.streams.audio)[0]
    return float(stream.start_time * stream.time_base) if stream.start_time is not None else 0.0
