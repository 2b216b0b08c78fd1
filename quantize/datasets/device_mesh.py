"""The device's own face mesh, for extractions: one for each process, and what names it in the cache's key."""

from __future__ import annotations

from functools import lru_cache

from edge.config import MODELS, Perception
from edge.features import face_crop
from edge.inference.store import ModelStore
from edge.perception import face_detector, litert_mesh, open_mesh, regions
from edge.perception.mesh import FaceMesh
from quantize.extraction import code


@lru_cache(maxsize=1)
def _mesh() -> FaceMesh:
    return open_mesh(Perception(), ModelStore(MODELS))


def fresh_mesh() -> FaceMesh:
    """The mesh of the process, which has forgotten the faces of the last source."""
    mesh = _mesh()
    mesh.forget()
    return mesh


def mesh_sha256() -> tuple[str, ...]:
    """The hashes of its two models."""
    store = ModelStore(MODELS)
    return tuple(store.manifest(name).sha256 for name in ("face_detector", "face_mesh"))


def mesh_code() -> str:
    """The hash of the code that finds faces and cuts them."""
    return code(face_crop, face_detector, litert_mesh, regions)
