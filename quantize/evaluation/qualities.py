"""How good the device would find a picture or a track of a data set, whatever has spoilt it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.config import MODELS
from edge.inference.store import ModelStore
from edge.perception.litert_mesh import LitertFaceMesh
from edge.perception.quality.faces import compression, crop_qualities, mesh_qualities
from edge.perception.regions import Region
from edge.signals import Float32Array, Qualities, Uint8Image

ENLARGED = 192
"""Pixels across that a crop is enlarged to for the mesh: its model's own input."""

MARGIN = 1.35
"""How much wider than the crop the mesh looks at first: FER2013 crops end at the forehead and the chin."""


@lru_cache(maxsize=1)
def _mesh() -> LitertFaceMesh:
    return LitertFaceMesh(ModelStore(MODELS), 1)


def picture_qualities(crop: Uint8Image, scale: float = 1.0) -> Qualities:
    """All qualities of a face's aligned ``crop``, uint8 grey (side, side), which a camera saw ``scale`` as large."""
    enlarged = cv2.cvtColor(cv2.resize(crop, (ENLARGED, ENLARGED)), cv2.COLOR_GRAY2BGR)
    whole = Region(ENLARGED / 2, ENLARGED / 2, ENLARGED * MARGIN, 0.0)
    mesh = _mesh().look(enlarged, whole, looks=2)
    return {
        **crop_qualities(crop),
        **mesh_qualities(mesh.landmarks * np.float32(crop.shape[0] / ENLARGED * scale), mesh.presence),
        "compression": compression(crop),
    }


def track_qualities(sequences: Iterable[Float32Array], seen: float = 1.0) -> dict[str, NDArray[np.float64]]:
    """Pose and coverage, (N,) each, of N landmarks (steps, 468, 3) of which the last are what the device has now.

    A data set of landmarks tells nothing of the pictures: those qualities are left out. ``seen`` is the share of the
    steps in which there was a face.
    """
    pose = np.array([mesh_qualities(sequence[-1], 1.0)["pose"] for sequence in sequences])
    return {"pose": pose, "coverage": np.full(len(pose), seen)}
