"""DAiSEE as face-mesh landmarks: ``daisee_landmarks.npz`` in one folder, stills or 75-step clips.

Gupta et al. 2016, arXiv 1609.01885. Fields: ``landmarks`` (N, 468 or 478, 3) for one still a clip, or
(N, 75, 468 or 478, 3) for clips at 7.5 Hz; ``found`` (N,); ``subject`` (N,); ``split`` (N,) Train, Validation or Test;
``labels`` (N, 4) from 0 to 3 in the data set's own order, Boredom, Engagement, Confusion, Frustration; and, where
pixels are not square, ``aspect``: what y must be multiplied by.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.errors import UserError
from edge.features.landmarks import POINTS
from edge.signals import ENGAGEMENT_STATES, Float32Array
from quantize.datasets import read_npz, whole
from quantize.datasets.layouts import Layout

FILE = "daisee_landmarks.npz"
FIELDS = ("landmarks", "found", "subject", "split", "labels")
STATES = ("boredom", "engagement", "confusion", "frustration")
OFFICIAL = ("Train", "Validation", "Test")
HIGH = 2
"""A level of 2 or 3 is high."""

STILL_ASPECT = 0.955
"""The stills were squeezed into 90 x 120 crops: in frontal faces, forehead to chin is 1.78 times the distance of the
outer eye corners, against 1.70 for the same mesh on frontal FER2013 pictures."""


@dataclass(frozen=True)
class Clips:
    """N clips of some subjects.

    ``landmarks`` is float32 (N, steps, 468, 3) in square pixels, one step for stills; ``levels`` int64 (N, 4), 0..3, in
    the order of ENGAGEMENT_STATES; ``subjects`` (N,).
    """

    landmarks: Float32Array
    levels: NDArray[np.int64]
    subjects: NDArray[np.str_]

    def only(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> Clips:
        """The clips at ``rows``."""
        return Clips(self.landmarks[rows], self.levels[rows], self.subjects[rows])


def load(folder: Path, split: str | None = None) -> Clips:
    """The clips of ``split``, or of all splits whatever they are called, in which a face was found.

    Raises UserError naming what is wrong with the file.
    """
    path = folder / FILE
    content = read_npz(path, FIELDS)
    landmarks, labels = content["landmarks"], content["labels"]
    if landmarks.ndim == 3:
        landmarks = landmarks[:, None]
    if landmarks.ndim != 4 or landmarks.shape[2] < POINTS or landmarks.shape[3] != 3:
        raise UserError(f"{path}: landmarks are {list(landmarks.shape)}, not (N, 468, 3) or (N, steps, 468, 3)")
    if landmarks.dtype.kind not in "iuf":
        raise UserError(f"{path}: landmarks are {landmarks.dtype}, not numbers")
    if labels.shape != (len(landmarks), 4) or not whole(labels, 0, 3):
        raise UserError(f"{path}: labels are not (N, 4) with levels from 0 to 3")
    if content["found"].ndim != 1 or not whole(content["found"], 0, 1):
        raise UserError(f"{path}: found is not (N,) of 0 and 1")
    rows = content["found"].astype(bool)
    if not rows.any():
        raise UserError(f"{path}: no clip in which a face was found")
    if split is not None:
        rows &= content["split"] == split
        if not rows.any():
            raise UserError(f"{path}: no clip of the split {split!r}")
    square = landmarks[rows][:, :, :POINTS].astype(np.float32)
    finite = np.isfinite(square).all(axis=(1, 2, 3))
    if not finite.all():
        row = np.flatnonzero(rows)[~finite][0]
        raise UserError(f"{path}: row {row}, whose face was found, has landmarks that are not finite")
    square[..., 1] *= float(content.get("aspect", STILL_ASPECT if landmarks.shape[1] == 1 else 1.0))
    order = [STATES.index(state) for state in ENGAGEMENT_STATES]
    return Clips(square, labels[rows][:, order].astype(np.int64), content["subject"][rows])


def _splits(folder: Path) -> tuple[str, ...]:
    there = read_npz(folder / FILE, FIELDS)["split"]
    found = set(there.tolist())
    return (*(split for split in OFFICIAL if split in found), *sorted(found.difference(OFFICIAL)))


LAYOUT = Layout(
    name="DAiSEE as face-mesh landmarks",
    files=(FILE,),
    page="https://people.iith.ac.in/vineethnb/resources/daisee/index.html (the clips they come from)",
    terms="on application, for research only",
    recognises=lambda folder: (folder / FILE).is_file(),
    splits=_splits,
    load=load,
)
