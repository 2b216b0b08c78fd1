"""A sound file as a microphone."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import cast

import numpy as np
import soundfile

from edge.capture import SourceLostError
from edge.capture.pacing import Pace
from edge.capture.resampling import Resampler
from edge.clock import Clock
from edge.errors import UserError
from edge.signals import SAMPLE_RATE, AudioChunk, Float32Array

log = logging.getLogger(__name__)

CHUNK_S = 0.1
LOWEST_RATE, HIGHEST_RATE = 4_000, 768_000
"""Hz; a file that declares another rate is not sound of a room."""


class SoundFileMicrophone:
    """Plays a WAV, FLAC or any other file libsndfile reads, at any rate, depth and number of channels."""

    def __init__(self, path: Path, clock: Clock, *, loop: bool = False) -> None:
        """Opens ``path``. Raises UserError where there is no sound to be read from it."""
        self._path = path
        self._loop = loop
        self._pace = Pace(clock)
        self._taken = 0
        self._given = 0
        self._rewound = False
        self._ended = False
        self._sound = _open(path)
        self._resampler = Resampler(self._sound.samplerate)

    def read(self) -> AudioChunk | None:
        """The next 0.1 s, once it has been heard; None at the end."""
        samples = self._next_samples()
        while samples is not None and not len(samples):
            samples = self._next_samples()
        if samples is None:
            return None
        start = self._given / SAMPLE_RATE
        self._given += len(samples)
        time = self._pace.time_of(start)
        self._pace.wait_for(self._given / SAMPLE_RATE)
        return AudioChunk(samples, time)

    def close(self) -> None:
        """Closes the file."""
        self._sound.close()

    def _next_samples(self) -> Float32Array | None:
        """Resampled sound, which may be empty while the filter fills; None after the last."""
        if self._ended:
            return None
        block = _read(self._sound, round(self._sound.samplerate * CHUNK_S))
        self._taken += len(block)
        if not len(block):
            if self._taken == 0:
                raise SourceLostError(f"{self._path}: can no longer be read; is its drive still there?")
            if self._taken < self._sound.frames and not self._rewound:
                log.warning("%s: breaks off in the middle; is the file damaged?", self._path)
            self._ended = not self._loop
            self._rewound = True
            self._sound.seek(0)
            self._taken = 0
        return self._resampler.feed(block, last=self._ended)


def _open(path: Path) -> soundfile.SoundFile:
    if not path.is_file():
        raise UserError(f"{path}: no such sound file")
    if path.stat().st_size == 0:
        raise UserError(f"{path}: this sound file is empty")
    try:
        sound = soundfile.SoundFile(path)
    except soundfile.LibsndfileError as error:
        raise UserError(f"{path}: not a sound file that can be read ({error.error_string})") from error
    if not LOWEST_RATE <= sound.samplerate <= HIGHEST_RATE:
        raise UserError(f"{path}: declares {sound.samplerate} samples a second; is the file damaged?")
    if not len(_read(sound, 1)):
        raise UserError(f"{path}: there is no sound in this file; is it damaged?")
    sound.seek(0)
    return sound


def _read(sound: soundfile.SoundFile, frames: int) -> Float32Array:
    """Up to ``frames`` of float32 (n, channels); damage reads like the end."""
    try:
        return cast(Float32Array, sound.read(frames, dtype="float32", always_2d=True))
    except soundfile.LibsndfileError:
        return np.zeros((0, sound.channels), np.float32)
