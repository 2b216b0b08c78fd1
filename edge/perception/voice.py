"""Sound -> utterances: voice activity cuts the stream into voiced stretches of up to 5 s."""

from __future__ import annotations

from collections import deque

import numpy as np
import webrtcvad

from edge.signals import SAMPLE_RATE, AudioChunk, Float32Array, Utterance

WINDOW_S = 0.03
WINDOW = int(SAMPLE_RATE * WINDOW_S)
"""Samples per voice-activity decision (30 ms, the longest webrtcvad takes)."""

ABOVE_NOISE = 2.8
"""A voiced window's level over the noise floor (9 dB)."""

NOISE_RISE = 10 ** (3 * WINDOW_S / 20)
"""How fast the estimated noise floor follows a louder room (3 dB a second); it follows a quieter one at once."""

GAP_S = 0.5
"""Sound that is missing for longer than this starts everything afresh."""

QUIETEST = 1e-4
"""No microphone's noise floor is below this (-80 dBFS)."""


class VoiceSegmenter:
    """Collects chunks and gives out utterances.

    An utterance begins when most of the last ``onset_s`` was voiced, ends after ``hangover_s`` of silence or at
    ``longest_s``, and is dropped if it held less than ``shortest_s`` of voice. Voiced is what stands out of the
    room's noise floor and webrtcvad takes for speech; the level is set by that floor, so a quiet microphone hears as
    well as a loud one and a steady fan is no speaker. The first ``onset_s`` only measures the floor.
    """

    def __init__(
        self,
        *,
        aggressiveness: int = 2,
        onset_s: float = 0.15,
        hangover_s: float = 0.6,
        shortest_s: float = 0.5,
        longest_s: float = 5.0,
    ) -> None:
        self._detector = webrtcvad.Vad(aggressiveness)
        self._onset = max(1, round(onset_s / WINDOW_S))
        self._hangover = max(1, round(hangover_s / WINDOW_S))
        self._shortest = round(shortest_s / WINDOW_S)
        self._longest = round(longest_s / WINDOW_S)
        self._rest_time = 0.0
        self.reset()

    def reset(self) -> None:
        """Forgets everything heard so far (after a gap, a mute or a lost microphone)."""
        self._rest: Float32Array = np.zeros(0, np.float32)
        self._lead: deque[tuple[Float32Array, bool]] = deque(maxlen=self._onset)
        self._windows: list[Float32Array] = []
        self._voiced = 0
        self._silent = 0
        self._start = 0.0
        self._measured = 0
        self._floor = 1.0
        self._due: float | None = None

    def hear(self, chunk: AudioChunk) -> list[Utterance]:
        """Takes the next chunk; returns the utterances that ended in it (usually none). A gap in time starts afresh."""
        if self._due is not None and abs(chunk.time - self._due) > GAP_S:
            self.reset()
        self._due = chunk.end
        if not len(self._rest):
            self._rest_time = chunk.time
        samples = np.concatenate([self._rest, chunk.samples])
        utterances = []
        whole = len(samples) // WINDOW * WINDOW
        for window in samples[:whole].reshape(-1, WINDOW):
            if (done := self._advance(window)) is not None:
                utterances.append(done)
            self._rest_time += WINDOW_S
        self._rest = samples[whole:]
        return utterances

    def flush(self) -> Utterance | None:
        """Ends the utterance in progress, if there is one worth keeping."""
        return self._finish()

    def _advance(self, window: Float32Array) -> Utterance | None:
        voiced = self._is_voiced(window)
        if not self._windows:
            self._lead.append((window, voiced))
            if len(self._lead) == self._onset and 2 * sum(v for _, v in self._lead) > self._onset:
                self._windows = [w for w, _ in self._lead]
                self._voiced = sum(v for _, v in self._lead)
                self._silent = 0
                self._start = self._rest_time - (len(self._windows) - 1) * WINDOW_S
                self._lead.clear()
            return None
        self._windows.append(window)
        self._voiced += voiced
        self._silent = 0 if voiced else self._silent + 1
        if self._silent >= self._hangover or len(self._windows) >= self._longest:
            return self._finish()
        return None

    def _finish(self) -> Utterance | None:
        windows, voiced, silent = self._windows, self._voiced, self._silent
        self._windows, self._voiced, self._silent = [], 0, 0
        if voiced < self._shortest:
            return None
        samples = np.concatenate(windows[: len(windows) - silent])
        return Utterance(samples, self._start, self._start + len(samples) / SAMPLE_RATE)

    def _is_voiced(self, window: Float32Array) -> bool:
        level = float(np.sqrt(np.mean(window * window)))
        self._floor = max(QUIETEST, min(level, self._floor * NOISE_RISE))
        self._measured += 1
        if self._measured < self._onset or level < ABOVE_NOISE * self._floor:
            return False
        # webrtcvad takes anything above about -35 dBFS for speech, nothing below -45: keep noise down there
        pcm = np.clip(window * min(32.0, 0.01 / self._floor), -1.0, 1.0)
        return bool(self._detector.is_speech((pcm * 32767).astype("<i2").tobytes(), SAMPLE_RATE))


def utterances_of(samples: Float32Array) -> list[Utterance]:
    """Every utterance in a whole recording, float32 (n,) mono at 16 kHz: what the device would have heard."""
    segmenter = VoiceSegmenter()
    heard = segmenter.hear(AudioChunk(samples, 0.0))
    last = segmenter.flush()
    return [*heard, last] if last is not None else heard
