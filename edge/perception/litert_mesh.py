"""The face mesh on the branches' own runtime: MediaPipe's detector and 468-point mesh models without the package.

Half the memory of the package, cheaper per frame, and it runs where no MediaPipe wheel with models exists. As in
MediaPipe, a face found once is followed by its own landmarks: the detector runs again only now and then, for newcomers.
"""

from __future__ import annotations

from math import exp

import cv2
import numpy as np

from edge.features.landmarks import OUTER_EYE_CORNERS, POINTS
from edge.inference.store import ModelStore
from edge.perception.face_detector import FaceDetector, views
from edge.perception.mesh import Mesh
from edge.perception.regions import Region, region_around
from edge.signals import Frame, Uint8Image

INPUT = 192


class LitertFaceMesh:
    """Follows up to ``faces`` faces.

    The detector looks for newcomers every ``search_s`` while there is room for one, and every ``empty_search_s``
    while no face is followed: in turn at the whole picture and at one of its parts, where far faces are. The first
    frame is searched whole and in all its parts. A face whose presence falls below ``presence`` is let go and looked
    for in the next frame.
    """

    def __init__(
        self,
        store: ModelStore,
        faces: int,
        *,
        presence: float = 0.5,
        search_s: float = 1.0,
        empty_search_s: float = 0.4,
    ) -> None:
        self.detector = FaceDetector(store)
        _, self.model = store.load("face_mesh")
        self._faces = faces
        self._presence = presence
        self._search_s = search_s
        self._empty_search_s = empty_search_s
        self.forget()

    def forget(self) -> None:
        """See FaceMesh.forget."""
        self._regions: list[Region] = []
        self._next_search = float("-inf")
        self._searches = 0

    def find(self, frame: Frame) -> list[Mesh]:
        """See FaceMesh.find."""
        # halves the cost of a crop on x86 for a rounding of one grey level; OpenCV keeps this switch per thread
        cv2.ipp.setUseIPP_NotExact(True)
        regions = self._regions
        if frame.time >= self._next_search and len(regions) < self._faces:
            regions = _distinct([*regions, *self._search(frame)], 0.3)[: self._faces]
            self._next_search = frame.time + self._search_s
        # all crops before the first model runs: until then the picture is still in the processor's caches
        crops = [region.crop(frame.image, INPUT) for region in regions]
        looked = [self._landmarks(crop, region) for crop, region in zip(crops, regions, strict=True)]
        meshes = [mesh for mesh in looked if mesh.presence >= self._presence]
        if len(meshes) < len(self._regions):
            self._next_search = frame.time
        followed = [_region_of(mesh) for mesh in meshes]
        # two regions can slide onto one face when faces cross; the one followed longer keeps it
        kept = _distinct_indices(followed, 0.5)
        self._regions = [followed[i] for i in kept]
        if not kept:
            self._next_search = min(self._next_search, frame.time + self._empty_search_s)
        return [meshes[i] for i in kept]

    def look(self, image: Uint8Image, region: Region, looks: int = 1) -> Mesh:
        """The face in ``region`` of ``image``, uint8 BGR, whether there is one or not: ``presence`` tells how likely.

        Each of ``looks`` after the first is where the one before has found the face. Nothing is remembered.
        """
        mesh = self._landmarks(region.crop(image, INPUT), region)
        return mesh if looks <= 1 else self.look(image, _region_of(mesh), looks - 1)

    def _search(self, frame: Frame) -> list[Region]:
        whole, *parts = views(*frame.image.shape[:2])
        turn = self._searches
        self._searches += 1
        looked_at = [whole] if turn % 2 else [parts[turn // 2 % len(parts)]]
        if turn == 0:
            looked_at = [whole, *parts]
        return [region for view in looked_at for region in self.detector.detect(frame.image, view)]

    def _landmarks(self, crop: Uint8Image, region: Region) -> Mesh:
        rgb = cv2.cvtColor(crop, cv2.COLOR_BGR2RGB)
        np.multiply(rgb, np.float32(1 / 255), out=self.model.input_buffer()[0])
        outputs = self.model.run()
        points = outputs["conv2d_21"].reshape(POINTS, 3)
        # one matrix takes the crop's x, y and z to the picture's
        (a, b, x), (c, d, y) = region.to_picture(INPUT).tolist()
        to_picture = np.array([(a, c, 0), (b, d, 0), (0, 0, region.side / INPUT)], np.float32)
        landmarks = points @ to_picture + np.array([x, y, 0], np.float32)
        presence = 1.0 / (1.0 + exp(-min(max(float(outputs["conv2d_31"].item()), -80.0), 80.0)))
        return Mesh(landmarks, presence)


def _region_of(mesh: Mesh) -> Region:
    left, right = OUTER_EYE_CORNERS
    # contiguous rows: the extremes of columns cost three times as much
    points = np.ascontiguousarray(mesh.landmarks.T)
    return region_around(points[:2].min(axis=1), points[:2].max(axis=1), (points[:2, left], points[:2, right]))


def _distinct_indices(regions: list[Region], overlap: float) -> list[int]:
    kept: list[int] = []
    for index, region in enumerate(regions):
        if all(region.overlap(regions[other]) < overlap for other in kept):
            kept.append(index)
    return kept


def _distinct(regions: list[Region], overlap: float) -> list[Region]:
    return [regions[i] for i in _distinct_indices(regions, overlap)]
