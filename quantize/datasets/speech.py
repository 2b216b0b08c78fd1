"""Whatever data set of acted speech a folder holds: the speech branch's one way to its data."""

from __future__ import annotations

import logging
from collections.abc import Collection
from pathlib import Path

import numpy as np
import soundfile

from edge.errors import UserError
from edge.perception import voice
from edge.perception.voice import utterances_of
from edge.signals import Float32Array
from quantize.datasets import cremad, ravdess, tolerance
from quantize.datasets.layouts import choose
from quantize.datasets.ravdess import Recording
from quantize.extraction import Arrays, Extraction, UnreadableError, code, extract

log = logging.getLogger(__name__)

LAYOUTS = (ravdess.LAYOUT, cremad.LAYOUT)

POINTER = b"version https://git-lfs"
"""How a file begins that stands for one that was not fetched."""


class LongestUtterance(Extraction, frozen=True):
    """Turns a sound file into the ``samples`` float32 (n,) of its longest utterance, mono at 16 kHz; none: (0,)."""

    code_sha256: str

    def __call__(self, source: Path) -> Arrays:
        """See Extraction."""
        try:
            cut = utterances_of(ravdess.samples_of(source))
        except (soundfile.LibsndfileError, OSError) as error:
            pointer = source.is_file() and source.read_bytes().startswith(POINTER)
            reason = (
                "a Git LFS pointer; fetch the sounds with `git lfs pull`" if pointer else "not a readable sound file"
            )
            raise UnreadableError(reason) from error
        return {"samples": max((utterance.samples for utterance in cut), key=len, default=np.zeros(0, np.float32))}


def recordings(folder: Path) -> list[Recording]:
    """Every recording in ``folder``, emotions in RAVDESS's terms.

    Raises UserError that lists all that was looked for where there is none, and whatever its loader finds wrong.
    """
    return choose(folder, LAYOUTS).load(folder)


def utterances(folder: Path, used: Collection[int] = ()) -> tuple[list[Recording], list[Float32Array]]:
    """Each recording's longest utterance, cut as the device cuts it; without copies and recordings with no voice.

    Without those of the actors ``used``, too. Raises UserError where nothing is left, and where more than 1 % of the
    files cannot be read.
    """
    found = [recording for recording in recordings(folder) if recording.actor not in used]
    if not found:
        raise UserError(f"{folder}: every actor here was trained on; nothing unseen is left (evaluate --seen)")
    arrays, flaws = extract(LongestUtterance(code(voice)), folder, [recording.path for recording in found])
    tolerance.settle(folder, flaws, len(found), "recordings")
    voiced = [i for i, array in enumerate(arrays) if array is not None and len(array["samples"])]
    if mute := len(found) - len(flaws) - len(voiced):
        log.warning("%s: %d of %d recordings left out, no voice in them", folder, mute, len(found))
    samples = [array["samples"] for array in arrays if array is not None and len(array["samples"])]
    if not samples:
        raise UserError(f"{folder}: no voice is heard in any of {len(found)} recordings")
    kept = ravdess.without_copies(samples)
    return [found[voiced[i]] for i in kept], [samples[i] for i in kept]
