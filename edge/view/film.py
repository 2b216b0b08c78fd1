"""A film being written: H.264 and AAC in MP4, by PyAV (the extra ``analyse``)."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from edge.capture.video_sound import readable
from edge.errors import DeviceError, UserError
from edge.signals import SAMPLE_RATE, AudioChunk, Uint8Image

TICKS = 1000
"""Of the film's clock in a second: pictures keep the times they have in the recording, be their rate what it may."""

PLANNED_FPS = 30
"""What the encoder plans by."""


class Film:
    """An MP4 for its owner alone, which is there under its name once it is whole, and not at all where it failed."""

    def __init__(self, path: Path, *, with_sound: bool) -> None:
        """Begins ``path``. Raises UserError where that is impossible."""
        if not readable():
            cure = "install the extra analyse (pip install 'affectfusion-edge[analyse]')"
            raise UserError(f"{path}: writing a film needs PyAV; {cure}")
        import av

        if path.suffix.lower() != ".mp4":
            raise UserError(f"{path}: a copy is an MP4; name it so")
        if path.exists():
            raise UserError(f"{path}: is there already; name another file, or delete it")
        self._av: Any = av
        self._path = path
        self._unfinished = path.with_name(f".{path.name}.unfinished")
        try:
            handle = os.open(self._unfinished, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        except OSError as error:
            raise UserError(f"{path}: cannot be written ({error.strerror})") from error
        self._file = os.fdopen(handle, "w+b")
        self._container = av.open(self._file, "w", format="mp4")
        self._pictures: Any = None
        self._sound: Any = None
        if with_sound:
            self._sound = self._container.add_stream("aac", rate=SAMPLE_RATE, layout="mono")
        self._last = -1

    def __enter__(self) -> Film:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self._finish()
        finally:
            self._file.close()
            self._unfinished.unlink(missing_ok=True)

    def picture(self, image: Uint8Image, time: float) -> None:
        """Adds ``image``, uint8 BGR of even height and width, all of one size; one that is not later is left out."""
        if self._pictures is None:
            self._pictures = self._begin(image)
        tick = round(time * TICKS)
        if tick <= self._last:
            return
        self._last = tick
        frame = self._av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="bgr24")
        frame.pts, frame.time_base = tick, Fraction(1, TICKS)
        self._write(self._pictures, frame)

    def sound(self, chunk: AudioChunk) -> None:
        """Adds a stretch of sound."""
        # nothing may be written before all tracks are known, and the pictures make theirs known by the first
        if self._sound is None or self._pictures is None or chunk.time < 0:
            return
        frame = self._av.AudioFrame.from_ndarray(chunk.samples[None], format="fltp", layout="mono")
        frame.sample_rate, frame.pts = SAMPLE_RATE, round(chunk.time * SAMPLE_RATE)
        frame.time_base = Fraction(1, SAMPLE_RATE)
        self._write(self._sound, frame)

    def _begin(self, image: Uint8Image) -> Any:
        stream = self._container.add_stream("libx264", rate=PLANNED_FPS, options={"crf": "21", "preset": "veryfast"})
        stream.height, stream.width = image.shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = Fraction(1, TICKS)
        return stream

    def _write(self, stream: Any, frame: Any) -> None:
        """Encodes and writes a frame; None for what the encoder still holds."""
        try:
            self._container.mux(stream.encode(frame))
        except (OSError, ValueError, self._av.error.FFmpegError) as error:
            raise DeviceError(f"{self._path}: cannot be written ({error})") from error

    def _finish(self) -> None:
        for stream in (self._pictures, self._sound):
            if stream is not None:
                self._write(stream, None)
        try:
            self._container.close()
            self._file.flush()
            os.fsync(self._file.fileno())
            self._unfinished.replace(self._path)
        except (OSError, self._av.error.FFmpegError) as error:
            raise DeviceError(f"{self._path}: cannot be written ({error})") from error
