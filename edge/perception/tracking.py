"""Tracking without identity: which face of this frame is which face of the last one, by place alone."""

from __future__ import annotations

from math import hypot

from edge.features.landmarks import NOSE_TIP, OUTER_EYE_CORNERS
from edge.perception.mesh import Mesh
from edge.signals import Face, Float32Array

REACH = 1.0
"""How far a face may move between two looks at 7.5 a second, in eye distances."""

LOOK_S = 1 / 7.5

DRIFT = 4.0
"""How much further a face may be found for every second it was out of sight for longer than that."""


class Tracker:
    """Numbers faces. A track that is not seen for ``forward_fill_s`` ends, and its number is never used again."""

    def __init__(self, forward_fill_s: float) -> None:
        self._forward_fill_s = forward_fill_s
        self._last: dict[int, Face] = {}
        self._next = 0

    def follow(self, meshes: list[Mesh], time: float) -> list[Face]:
        """The faces of one frame, each with its track: the nearest pairs of old and new faces are joined first."""
        self.expire(time)
        joined = self._joined(meshes, time)
        faces = []
        for index, mesh in enumerate(meshes):
            track = joined.get(index, self._next)
            self._next += track == self._next
            faces.append(Face(mesh.landmarks, mesh.presence, track, time))
        self._last.update((face.track, face) for face in faces)
        return faces

    def _joined(self, meshes: list[Mesh], time: float) -> dict[int, int]:
        """The track of each mesh that continues one, by the mesh's index."""
        new = [_place(mesh.landmarks) for mesh in meshes]
        pairs = []
        for track, face in self._last.items():
            x, y, size = _place(face.landmarks)
            reach = REACH + DRIFT * max(0.0, time - face.time - LOOK_S)
            for index, (new_x, new_y, new_size) in enumerate(new):
                moved = hypot(new_x - x, new_y - y) / max(size, new_size)
                if moved <= reach:
                    pairs.append((moved, track, index))
        joined: dict[int, int] = {}
        for _, track, index in sorted(pairs):
            if track not in joined.values() and index not in joined:
                joined[index] = track
        return joined

    def expire(self, time: float) -> None:
        """Ends the tracks not seen for too long before ``time``."""
        self._last = {t: f for t, f in self._last.items() if time - f.time <= self._forward_fill_s}

    @property
    def alive(self) -> dict[int, Face]:
        """The last sight of every track that has not ended."""
        return self._last

    def forget(self) -> None:
        """Ends every track."""
        self._last.clear()


_OUTER_EYE_CORNERS = list(OUTER_EYE_CORNERS)


def eye_distance(landmarks: Float32Array) -> float:
    """Pixels between the outer eye corners of ``landmarks``, float32 (468, 3)."""
    (left_x, left_y, _), (right_x, right_y, _) = landmarks[_OUTER_EYE_CORNERS].tolist()
    return hypot(left_x - right_x, left_y - right_y)


def _place(landmarks: Float32Array) -> tuple[float, float, float]:
    """Nose tip x, y and eye distance, in pixels; plain numbers, because arrays this small cost more than they save."""
    x, y, _ = landmarks[NOSE_TIP].tolist()
    return x, y, max(eye_distance(landmarks), 1.0)
