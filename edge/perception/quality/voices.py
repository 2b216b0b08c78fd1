"""How well a voice can be heard: how much of it, noise, clipping and reverberation.

All are taken relative to the utterance's own level, which depends on the microphone.
"""

from __future__ import annotations

import numpy as np

from edge.perception.quality.ramps import ramp
from edge.signals import SAMPLE_RATE, Float32Array, Qualities

FRAME_S = 0.01
FRAME = int(SAMPLE_RATE * FRAME_S)
"""Samples per level (10 ms): short enough to see a syllable end."""

FALL_S = 0.05
"""Over how long the end of a syllable is watched."""

SPOKEN_DB = 20.0
"""What is further below the loud parts than this is a pause."""

TOP = 0.99
"""Samples within 1 % of the largest are at the top; speech that is not clipped has next to none there."""

FAINT = 1e-3
"""Peaks under 33 steps of 16 bits: how many samples share the top says nothing."""


def voice_qualities(samples: Float32Array) -> Qualities:
    """All qualities of an utterance, float32 (n,) mono at 16 kHz.

    Levels at 1 are what nineteen in twenty RAVDESS utterances reach.
    """
    frames = len(samples) // FRAME
    if not frames:
        return {"length": 0.0, "noise": 0.0, "clipping": 0.0, "reverberation": 0.0}
    power = np.square(samples[: frames * FRAME].reshape(frames, FRAME)).mean(axis=1)
    # a microphone's own noise is above -100 dB: exact silence between words is no better than that
    levels = 10.0 * np.log10(power + 1e-10)
    ordered = np.sort(levels)
    loud, quiet = float(ordered[int(0.9 * frames)]), float(ordered[int(0.05 * frames)])
    spoken = float(np.mean(levels > loud - SPOKEN_DB)) * frames * FRAME_S
    return {
        # a syllable takes 0.3 s; so much speech is in all but the shortest sentences
        "length": ramp(spoken, 0.3, 1.2),
        # within 5 dB of the noise words can no longer be told, let alone their tone
        "noise": ramp(loud - quiet, 5.0, 20.0),
        # a twentieth of all samples cut off is heard as distortion by anybody
        "clipping": ramp(_clipped(samples), 0.05, 0.0005),
        # 10 dB in 50 ms is a room that dies away by 60 dB in 0.3 s (furnished), 5 dB one of 0.6 s (a bare classroom)
        "reverberation": ramp(_fall(levels, loud), 5.0, 10.0),
    }


def _clipped(samples: Float32Array) -> float:
    """The share of samples at the top, whatever gain came after the clipping."""
    sizes = np.abs(samples)
    top = float(sizes.max())
    return float(np.mean(sizes >= TOP * top)) if top > FAINT else 0.0


def _fall(levels: Float32Array, loud: float) -> float:
    """Decibels that the fastest twentieth of the falls from loud parts reach in FALL_S: a room sets their limit."""
    steps = round(FALL_S / FRAME_S)
    falls = (levels[:-steps] - levels[steps:])[levels[:-steps] > loud - 15.0]
    return float(np.sort(falls)[int(0.95 * len(falls))]) if len(falls) else 0.0
