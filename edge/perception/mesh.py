"""The face-mesh seam: pictures in, landmarks of every face out, whichever implementation finds them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from edge.signals import Float32Array, Frame


@dataclass(frozen=True, slots=True, eq=False)
class Mesh:
    """One face: ``landmarks`` float32 (468, 3) in pixels of the frame, ``presence`` in 0..1."""

    landmarks: Float32Array
    presence: float


class FaceMesh(Protocol):
    """Finds faces; may remember where they were in the last frame to find them faster."""

    def find(self, frame: Frame) -> list[Mesh]:
        """Every face in the frame, at most the configured number, in no particular order."""
        ...

    def forget(self) -> None:
        """Forgets where faces were (after a gap, a mute or another camera)."""
        ...
