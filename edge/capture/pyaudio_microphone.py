"""A microphone through PyAudio (PortAudio). Untested on hardware."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from edge.capture import SourceLostError
from edge.capture.quiet import quiet_sound_libraries
from edge.capture.resampling import Resampler
from edge.clock import Clock
from edge.errors import UserError
from edge.signals import SAMPLE_RATE, AudioChunk, Float32Array

CHUNK_S = 0.1
PCM16 = 8
"""PortAudio's paInt16, known here so that pyaudio is imported only where there is a microphone."""

SOUND_S, FIRST_SOUND_S = 0.8, 3.0
"""How long to wait for sound; PortAudio itself would wait for ever where a stream stops."""

POLL_S = 0.02

DRIFT_S = 0.25
"""Times are counted in samples; this far from the clock, sound was missed and the count starts anew."""


class PyAudioMicrophone:
    """A microphone at 16 kHz mono, or resampled from its own rate where it does not offer that."""

    def __init__(self, device: str, clock: Clock) -> None:
        """Opens the microphone whose name contains ``device``, or the system's default where that is empty.

        Raises UserError where PyAudio is not installed, SourceLostError where no such microphone answers.
        """
        self._clock = clock
        self._next_time = -math.inf
        self._patience = FIRST_SOUND_S
        self._audio = _start_portaudio()
        try:
            self._name, self._stream, rate, self._channels = _open(self._audio, device)
        except SourceLostError:
            self._audio.terminate()
            raise
        self._block = round(rate * CHUNK_S)
        self._resampler = Resampler(rate)

    def read(self) -> AudioChunk | None:
        """The next 0.1 s. Raises SourceLostError where the microphone delivers none."""
        samples = self._listen()
        while not len(samples):
            samples = self._listen()
        seconds = len(samples) / SAMPLE_RATE
        began = self._clock.now() - seconds
        if abs(began - self._next_time) <= DRIFT_S:
            began = self._next_time
        self._next_time = began + seconds
        return AudioChunk(samples, began)

    def close(self) -> None:
        """Releases the device."""
        self._audio.terminate()

    def _listen(self) -> Float32Array:
        """Resampled sound, which may be empty while the filter fills."""
        try:
            self._wait_for_sound()
            pcm = self._stream.read(self._block, exception_on_overflow=False)
        except OSError as error:
            raise SourceLostError(f"microphone {self._name!r}: stopped; is it still plugged in? ({error})") from error
        samples = np.frombuffer(pcm, "<i2").reshape(-1, self._channels).astype(np.float32) / np.float32(32768)
        return self._resampler.feed(samples)

    def _wait_for_sound(self) -> None:
        """Returns once a block can be read at once. Raises SourceLostError where none comes."""
        due = self._clock.now() + self._patience
        while self._stream.get_read_available() < self._block:
            if self._clock.now() > due:
                raise SourceLostError(f"microphone {self._name!r}: delivers no sound; unplug it and plug it in again")
            self._clock.sleep(POLL_S)
        self._patience = SOUND_S


def _start_portaudio() -> Any:
    """A new PortAudio, which looks for sound cards only when it starts."""
    try:
        import pyaudio
    except ImportError as error:
        raise UserError(
            'microphone.source = "pyaudio": PyAudio is not installed; run '
            f"`sudo apt install portaudio19-dev` and `pip install pyaudio` ({error})"
        ) from error
    quiet_sound_libraries()
    return pyaudio.PyAudio()


def _open(audio: Any, device: str) -> tuple[str, Any, int, int]:
    """The microphone's name, its open stream of 16-bit samples, their rate in Hz and the channels."""
    found = _find(audio, device)
    rate, channels = SAMPLE_RATE, 1
    if not _offers(audio, found, rate, channels):
        rate, channels = round(found["defaultSampleRate"]), min(found["maxInputChannels"], 2)
    try:
        stream = audio.open(
            rate,
            channels,
            PCM16,
            input=True,
            input_device_index=found["index"],
            frames_per_buffer=round(rate * CHUNK_S),
        )
    except OSError as error:
        raise SourceLostError(
            f"microphone {found['name']!r}: cannot be opened; is another program using it? ({error})"
        ) from error
    return found["name"], stream, rate, channels


def _find(audio: Any, device: str) -> dict[str, Any]:
    cards = [dict(audio.get_device_info_by_index(index)) for index in range(audio.get_device_count())]
    microphones = [card for card in cards if card["maxInputChannels"] > 0]
    if not microphones:
        raise SourceLostError("no microphone found; is it plugged in, and is the user in the group audio?")
    if device:
        for info in microphones:
            if device.lower() in info["name"].lower():
                return info
        names = ", ".join(repr(info["name"]) for info in microphones)
        raise SourceLostError(f"no microphone is called {device!r}; is it plugged in? There are {names}")
    try:
        return dict(audio.get_default_input_device_info())
    except OSError:
        return microphones[0]


def _offers(audio: Any, found: dict[str, Any], rate: int, channels: int) -> bool:
    try:
        return bool(
            audio.is_format_supported(rate, input_device=found["index"], input_channels=channels, input_format=PCM16)
        )
    except ValueError:
        return False
