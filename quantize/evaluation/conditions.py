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
    """``name`` is its key in a report, ``title`` what a reader is told; ``damage`` spoils one raw example.

    ``scale`` is how large a camera would have seen the face, as a share of how it was; ``seen`` for which share of the
    time.
    """

    name: str
    title: str
    damage: Callable[[Any, np.random.Generator], Any]
    scale: float = 1.0
    seen: float = 1.0

    def __call__(self, raw: NDArray[Any], example: int) -> NDArray[Any]:
        """``raw``, the ``example``-th of its set, as this condition leaves it: same shape and type."""
        damaged: NDArray[Any] = self.damage(raw, np.random.default_rng([SEED, example]))
        return damaged


def leave(raw: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
    """``raw`` as it is."""
    return raw


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


def scale_down(face: Uint8Image, rng: np.random.Generator, by: int) -> Uint8Image:
    """``face`` seen with a ``by``-th of its pixels across."""
    return shrink(face, rng, max(1, face.shape[0] // by))


def darken(face: Uint8Image, rng: np.random.Generator) -> Uint8Image:
    """``face`` in an eighth of the light, with the shot and read noise of a sensor that fills at 1,000 electrons."""
    electrons = rng.poisson(face / 255.0 * 1000 / 8) + rng.normal(0, 3.0, face.shape)
    return np.clip(np.rint(electrons / 1000 * 255), 0, 255).astype(np.uint8)


def backlight(face: Uint8Image, rng: np.random.Generator) -> Uint8Image:
    """``face`` before a window: white around its oval, within it a fifth of its contrast under glare and noise."""
    side = np.linspace(-1, 1, face.shape[0])
    # full white from the corners in, none within the oval that holds brows, cheeks and chin
    around = np.clip((np.hypot(side[:, None], side[None, :] * 1.2) - 0.9) / 0.3, 0, 1)
    within = 40 + 0.2 * face + rng.normal(0, 2.0, face.shape)
    return np.clip(np.rint(within + around * (255 - within)), 0, 255).astype(np.uint8)


def compress(face: Uint8Image, rng: np.random.Generator, quality: int) -> Uint8Image:
    """``face`` after JPEG compression at ``quality``, 1 to 100."""
    return pictures.compress(face, quality)


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


def babble(samples: Float32Array, rng: np.random.Generator, snr_db: float) -> Float32Array:
    """``samples`` among six voices at ``snr_db`` of mean power.

    They are made of the utterance itself, which needs no other data: played backwards, so that they say nothing, each
    at a pitch and tempo of its own and from another moment on.
    """
    moments = np.arange(len(samples))
    crowd = np.zeros(len(samples))
    for _ in range(6):
        other = np.interp(moments * np.exp(rng.uniform(-0.2, 0.2)) % len(samples), moments, samples[::-1])
        crowd += np.roll(other, int(rng.integers(len(samples))))
    power = float(np.mean(samples**2)) / max(float(np.mean(crowd**2)), 1e-20)
    return (samples + crowd * np.sqrt(power * 10 ** (-snr_db / 10))).astype(np.float32)


def clip(samples: Float32Array, rng: np.random.Generator, share: float) -> Float32Array:
    """``samples`` of which the loudest ``share`` is cut off flat, as an overdriven microphone does at any gain."""
    ceiling = float(np.quantile(np.abs(samples), 1 - share))
    return np.clip(samples, -ceiling, ceiling)


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


CLEAN = Condition("clean", "as it is", leave)
PICTURES = (
    *(Condition(f"occlusion_{p}", f"{p} % of it hidden", partial(occlude, share=p / 100)) for p in (0, 20, 40, 60)),
    Condition("blur", "out of focus", blur),
    Condition("low_resolution", "16 x 16 pixels", partial(shrink, pixels=16), 1 / 3),
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
    *(
        Condition(f"missing_{p}", f"{p} % of frames missing", partial(lose, share=p / 100), seen=1 - p / 100)
        for p in (20, 50)
    ),
)

FURTHER_PICTURES = (
    *(Condition(f"resolution_{k}", f"1/{k} of the pixels across", partial(scale_down, by=k), 1 / k) for k in (2, 4, 8)),
    *(Condition(f"jpeg_{q}", f"JPEG at quality {q}", partial(compress, quality=q)) for q in (10, 30, 50, 70, 90)),
    Condition("backlight", "a window behind", backlight),
)
FURTHER_SOUNDS = (
    *(Condition(f"babble_{db}", f"voices at {db} dB SNR", partial(babble, snr_db=float(db))) for db in (10, 5, 0)),
    *(Condition(f"clipping_{p}", f"{p} % of it clipped", partial(clip, share=p / 100)) for p in (5, 20)),
)
"""What a reading's reliability and the fusion are measured under beside the above, which the cards' figures are of."""
