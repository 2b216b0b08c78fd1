"""The face mesh of the mediapipe package (0.10.18): the reference the litert mesh is measured against."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import partial
from typing import Any

import cv2
import numpy as np

from edge.errors import UserError
from edge.features.landmarks import POINTS
from edge.perception.mesh import Mesh
from edge.signals import Frame


class MediapipeFaceMesh:
    """MediaPipe's FaceMesh solution, which detects and tracks inside itself; ``refine`` adds its attention model."""

    def __init__(self, faces: int, *, refine: bool = False) -> None:
        try:
            face_mesh: Any = importlib.import_module("mediapipe.python.solutions.face_mesh")
        except (ImportError, AttributeError) as error:
            raise UserError(
                'perception.mesh = "mediapipe" needs the package mediapipe 0.10.18 (Python 3.9-3.12); '
                f'install it or use "litert" ({error})'
            ) from error
        self._open: Callable[[], Any] = partial(face_mesh.FaceMesh, max_num_faces=faces, refine_landmarks=refine)
        self._solution: Any = self._open()

    def find(self, frame: Frame) -> list[Mesh]:
        """See FaceMesh.find. MediaPipe does not give its presence score, so it is 1 for every face returned."""
        height, width = frame.image.shape[:2]
        found = self._solution.process(cv2.cvtColor(frame.image, cv2.COLOR_BGR2RGB)).multi_face_landmarks or []
        size = np.array([width, height, width], np.float32)
        return [
            Mesh(np.array([(p.x, p.y, p.z) for p in face.landmark[:POINTS]], np.float32) * size, 1.0) for face in found
        ]

    def solve(self, frame: Frame) -> Any:
        """MediaPipe's own result for a frame: the bare cost that benchmarks compare against."""
        return self._solution.process(cv2.cvtColor(frame.image, cv2.COLOR_BGR2RGB))

    def count(self, frame: Frame) -> int:
        """How many faces MediaPipe sees in a frame."""
        return len(self.solve(frame).multi_face_landmarks or ())

    def forget(self) -> None:
        """See FaceMesh.forget."""
        self._solution.close()
        self._solution = self._open()
