"""What the world does to pictures, sound and landmarks: each condition a branch is judged under, and nothing random.

A condition is applied to the raw picture, utterance or landmark sequence, before the branch's own preprocessing. What
it draws depends on the example alone: the same example meets the same noise at every level and in every run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.features.landmarks import OUTER_EYE_CORNERS
from edge.signals import Float32Array, Uint8Image
from quantize.augment import pictures, sounds

SEED = 7


@dataclass(frozen=True)
class Condition:
    """``name`` is its key in a report, ``title`` what a reader is told; ``damage`` spoils one raw example."""

    name: str
    title: str
    damage: Callable[[Any, np.random.Generator], Any]

    def __call__(self, raw: NDArray[Any], example: int) -> NDArray[Any]:
        """``raw``, the ``example``-th of its set, as this condition leaves it: same shape and type."""
        damaged: NDArray[Any] = self.damage(raw, np.random.default_rng([SEED, example]))
        return damaged


def occlude(face: Uint8Image, rng: np.random.Generator, share: float) -> Uint8Image:
    """``face`` with a rectangle of ``share`` of its area hidden; nothing is hidden at 0."""
    return pictures.hide(face, share, rng) if share else face


def blur(face: Uint8Image, rng: np.random.Generator) -> Uint8Image:
    """``face`` out of focus: a Gaussian as wide as a thirty-second of its side (1.5 pixels of 48)."""
    return np.asarray(cv2.GaussianBlur(face, (0, 0), face.shape[0] / 32), np.uint8)


def shrink(face: Uint8Image, rng: np.random.Generator, pixels: int) -> Uint8Image:
    """``face`` seen from so far that only ``pixels`` x ``pixels`` of it were left."""
    small = cv2.resize(face, (pixels, pixels), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, face.shape[1::-1], interpolation=cv2.INTER_LINEAR), np.uint8)


def darken(face: Uint8Image, rng: np.random.Generator) -> Uint8Image:
    """``face`` in an eighth of the light, with the shot and read noise of a sensor that fills at 1,000 electrons."""
    electrons = rng.poisson(face / 255.0 * 1000 / 8) + rng.normal(0, 3.0, face.shape)
    return np.clip(np.rint(electrons / 1000 * 255), 0, 255).astype(np.uint8)


def add_noise(samples: Float32Array, rng: np.random.Generator, snr_db: float) -> Float32Array:
    """``samples`` in coloured noise at ``snr_db``; the utterance is cut as it was in quiet."""
    return sounds.add_noise(samples, snr_db, rng)


def reverberate(samples: Float32Array, rng: np.random.Generator) -> Float32Array:
    """``samples`` from across a room that dies away in half a second."""
    return sounds.reverberate(samples, 0.5, 0.7, rng)


def amplify(samples: Float32Array, rng: np.random.Generator, decibels: float) -> Float32Array:
    """``samples`` at another gain, in the 16 bits that a microphone gives: clipped at full scale, rounded."""
    steps = np.rint(samples * 10 ** (decibels / 20) * 32768)
    return (np.clip(steps, -32768, 32767) / 32768).astype(np.float32)


def tremble(sequence: Float32Array, rng: np.random.Generator, share: float) -> Float32Array:
    """Landmarks (steps, 468, 3), each off by white noise of ``share`` of the distance between the eye corners."""
    left, right = OUTER_EYE_CORNERS
    size = np.linalg.norm(sequence[:, left] - sequence[:, right], axis=-1)[:, None, None]
    return sequence + size * share * rng.standard_normal(sequence.shape, np.float32)


def lose(sequence: Float32Array, rng: np.random.Generator, share: float) -> Float32Array:
    """Landmarks (steps, 468, 3) of which ``share`` of the steps were not seen.

    The last seen is held, as the device does, and the first seen stands for what came before it.
    """
    steps = len(sequence)
    seen = np.sort(rng.permutation(steps)[: max(1, round(steps * (1 - share)))])
    return sequence[seen[np.maximum(np.searchsorted(seen, np.arange(steps), side="right") - 1, 0)]]


PICTURES = (
    *(Condition(f"occlusion_{p}", f"{p} % of it hidden", partial(occlude, share=p / 100)) for p in (0, 20, 40, 60)),
    Condition("blur", "out of focus", blur),
    Condition("low_resolution", "16 x 16 pixels", partial(shrink, pixels=16)),
    Condition("dark", "an eighth of the light", darken),
)
SOUNDS = (
    *(Condition(f"snr_{db}", f"noise at {db} dB SNR", partial(add_noise, snr_db=float(db))) for db in (20, 10, 5, 0)),
    Condition("reverberation", "across the room", reverberate),
    Condition("gain_minus_12", "12 dB quieter", partial(amplify, decibels=-12.0)),
    Condition("gain_plus_12", "12 dB louder", partial(amplify, decibels=12.0)),
)
LANDMARKS = (
    *(Condition(f"jitter_{p}", f"landmarks off by {p} %", partial(tremble, share=p / 100)) for p in (1, 3)),
    *(Condition(f"missing_{p}", f"{p} % of frames missing", partial(lose, share=p / 100)) for p in (20, 50)),
)
