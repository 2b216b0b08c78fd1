"""Where faces are: MediaPipe's full-range BlazeFace, run on a bare interpreter."""

from __future__ import annotations

from math import ceil

import cv2
import numpy as np

from edge.inference.store import ModelStore
from edge.perception.regions import Region, region_around
from edge.signals import Float32Array, Uint8Image

INPUT = 192
GRID = 48
"""The model's one anchor per cell of a 48 x 48 grid."""


class FaceDetector:
    """Finds face regions in a view of a picture; the smallest is about a tenth of the view's longer side."""

    def __init__(self, store: ModelStore, threshold: float = 0.5) -> None:
        _, self.model = store.load("face_detector")
        self._threshold = threshold
        cells = (np.arange(GRID, dtype=np.float32) + 0.5) / GRID
        self._anchors: Float32Array = np.stack(np.meshgrid(cells, cells), axis=-1).reshape(-1, 1, 2)

    def detect(self, image: Uint8Image, view: Region) -> list[Region]:
        """Regions of faces in the ``view`` of ``image``, uint8 BGR (height, width, 3), the most certain first."""
        crop = cv2.cvtColor(view.crop(image, INPUT, cv2.BORDER_CONSTANT), cv2.COLOR_BGR2RGB)
        pixels = self.model.input_buffer()[0]
        np.multiply(crop, np.float32(1 / 127.5), out=pixels)
        pixels -= 1.0
        del pixels  # the runtime refuses to run while its memory is held
        outputs = self.model.run()
        boxes, logits = outputs["Identity"][0], outputs["Identity_1"][0, :, 0]
        chosen = np.flatnonzero(logits >= np.log(self._threshold / (1 - self._threshold)))
        if not len(chosen):
            return []
        one = np.float32(1.0)
        scores = one / (one + np.exp(-np.clip(logits[chosen], -80, 80)))
        # centre, (width, height), then six key points of which the eyes come first
        points = boxes[chosen].reshape(-1, 8, 2) / INPUT
        points[:, [0, *range(2, 8)]] += self._anchors[chosen]
        corner = np.array([view.x, view.y], np.float32) - view.side / 2
        return [self._region(face * view.side, corner) for face in _merge(points, scores)]

    @staticmethod
    def _region(face: Float32Array, corner: Float32Array) -> Region:
        middle, half = corner + face[0], face[1] / 2
        return region_around(middle - half, middle + half, (corner + face[2], corner + face[3]))


def views(height: int, width: int) -> list[Region]:
    """Square views of a picture: all of it first, then parts in which faces further away are large enough to be found.

    A part's side is three eighths of the picture's longer side but at least 384 pixels (twice the model's input):
    fainter faces than those would be found but too small to read.
    """
    side = min(max(384, round(max(height, width) * 3 / 8)), min(height, width))

    def middles(length: int) -> list[float]:
        count = 1 + ceil((length - side) / (0.8 * side))
        return np.linspace(side / 2, length - side / 2, count).tolist()

    whole = Region(width / 2, height / 2, max(height, width), 0.0)
    return [whole, *(Region(x, y, side, 0.0) for y in middles(height) for x in middles(width))]


def _merge(points: Float32Array, scores: Float32Array, threshold: float = 0.3) -> list[Float32Array]:
    """Weighted non-maximum suppression (BlazeFace): boxes that overlap the best one are averaged by score."""
    low, high = points[:, 0] - points[:, 1] / 2, points[:, 0] + points[:, 1] / 2
    area = np.prod(points[:, 1], axis=1)
    left = np.argsort(-scores)
    faces = []
    while len(left):
        best = left[0]
        sides = np.minimum(high[left], high[best]) - np.maximum(low[left], low[best])
        shared = np.prod(np.clip(sides, 0, None), axis=1)
        same = shared / np.maximum(area[left] + area[best] - shared, 1e-9) > threshold
        same[0] = True
        weights = scores[left[same]] / scores[left[same]].sum()
        faces.append(np.tensordot(weights, points[left[same]], axes=1))
        left = left[~same]
    return faces
