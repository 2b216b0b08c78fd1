"""Signals -> what is in them: faces, tracks, landmark windows, utterances, and how good picture and sound are."""

from __future__ import annotations

from edge.config import Perception
from edge.inference.store import ModelStore
from edge.perception.mesh import FaceMesh


def open_mesh(settings: Perception, store: ModelStore) -> FaceMesh:
    """The configured face mesh. Raises UserError where the mediapipe package is asked for and not installed."""
    if settings.mesh == "mediapipe":
        from edge.perception.mediapipe_mesh import MediapipeFaceMesh

        return MediapipeFaceMesh(settings.faces)
    from edge.perception.litert_mesh import LitertFaceMesh

    return LitertFaceMesh(store, settings.faces)
