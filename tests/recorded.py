"""Short recordings cut out of the bundled lesson."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import soundfile

from edge.demo.lesson import SOUND, VIDEO
from edge.signals import SAMPLE_RATE, Float32Array, Uint8Image

FPS = 5
SIZE = (960, 540)


def pictures(start: float, seconds: float, fps: float = FPS, size: tuple[int, int] = SIZE) -> list[Uint8Image]:
    """Pictures of the lesson from ``start`` seconds on."""
    video = cv2.VideoCapture(str(VIDEO))
    video.set(cv2.CAP_PROP_POS_MSEC, start * 1000)
    every = video.get(cv2.CAP_PROP_FPS) / fps
    found = []
    for number in range(round(seconds * video.get(cv2.CAP_PROP_FPS))):
        _, image = video.read()
        if number % every < 1:
            found.append(cv2.resize(image, size, interpolation=cv2.INTER_AREA))
    video.release()
    return found


def heard(start: float, seconds: float) -> Float32Array:
    """The lesson's sound from ``start`` seconds on."""
    first = round(start * SAMPLE_RATE)
    samples, _ = soundfile.read(SOUND, start=first, stop=first + round(seconds * SAMPLE_RATE), dtype="float32")
    return samples


def film(path: Path, images: list[Uint8Image], fps: float = FPS) -> Path:
    """A video without sound."""
    height, width = images[0].shape[:2]
    codec = {".avi": "MJPG", ".mp4": "mp4v"}[path.suffix]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), fps, (width, height))
    assert writer.isOpened()
    for image in images:
        writer.write(image)
    writer.release()
    return path


def film_with_sound(
    path: Path,
    images: list[Uint8Image],
    samples: Float32Array,
    *,
    codec: str = "aac",
    begins: float = 0.0,
    times: list[float] | None = None,
    made: str = "",
) -> Path:
    """A video whose sound begins so many seconds after its pictures, which are shown at ``times``. Needs PyAV."""
    import av

    with av.open(str(path), "w") as out:
        if made:
            out.metadata["creation_time"] = made
        video = out.add_stream("mpeg4", rate=FPS)
        video.height, video.width = images[0].shape[:2]
        video.pix_fmt, video.bit_rate = "yuv420p", 4_000_000
        video.codec_context.time_base = Fraction(1, 1000)
        sound = out.add_stream(codec, rate=SAMPLE_RATE, layout="mono")
        plan: list[tuple[Any, Any]] = []
        for number, image in enumerate(images):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="bgr24")
            frame.pts, frame.time_base = round(1000 * (times[number] if times else number / FPS)), Fraction(1, 1000)
            plan.append((video, frame))
        kind = sound.codec_context.format.name
        for first in range(0, len(samples) - 1023, 1024):
            block = samples[None, first : first + 1024]
            block = block if kind.startswith("flt") else (block * 32767).astype(np.int16)
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block), format=kind, layout="mono")
            frame.sample_rate = SAMPLE_RATE
            frame.pts, frame.time_base = first + round(begins * SAMPLE_RATE), Fraction(1, SAMPLE_RATE)
            plan.append((sound, frame))
        for stream, frame in sorted(plan, key=lambda item: item[1].time):
            out.mux(stream.encode(frame))
        for stream in (video, sound):
            out.mux(stream.encode(None))
    return path
