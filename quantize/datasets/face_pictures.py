"""Picture files -> the face branch's crops: photographs are searched and cut as the device does it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from edge.capture import SourceLostError
from edge.capture.image_folder import SUFFIXES
from edge.capture.pictures import to_bgr
from edge.features.face_crop import FaceCrop
from edge.perception.mesh import FaceMesh, Mesh
from edge.signals import Frame, Uint8Image
from quantize.datasets import tolerance
from quantize.datasets.device_mesh import fresh_mesh, mesh_code, mesh_sha256
from quantize.extraction import Arrays, Extraction, UnreadableError, extract

log = logging.getLogger(__name__)


class FaceCrops(Extraction, frozen=True):
    """Turns a picture, or each of a clip's folder of ``frames`` pictures, into ``crops`` uint8 (n, 48, 48).

    ``found`` bool (n,) tells whether the device's face mesh found a face in it; where it did not, the whole picture is
    the crop. Of several faces the largest counts. Pictures that are at most ``photograph`` pixels long are
    crops already and only brought to size.
    """

    crop: FaceCrop
    crop_sha256: str
    mesh_sha256: tuple[str, ...]
    code_sha256: str
    frames: int = 0
    photograph: int = 64

    def __call__(self, source: Path) -> Arrays:
        """See Extraction."""
        pictures = _frames(source, self.frames) if self.frames else [source]
        mesh = fresh_mesh()
        cut = [self._cut(mesh, _read(picture), step / 7.5) for step, picture in enumerate(pictures)]
        return {"crops": np.stack([crop for crop, _ in cut]), "found": np.array([found for _, found in cut])}

    def _cut(self, mesh: FaceMesh, image: Uint8Image, time: float) -> tuple[Uint8Image, bool]:
        if max(image.shape[:2]) <= self.photograph:
            return self._whole(image), True
        faces = mesh.find(Frame(image, time))
        if not faces:
            return self._whole(image), False
        return self.crop.cut(image, max(faces, key=_size).landmarks), True

    def _whole(self, image: Uint8Image) -> Uint8Image:
        grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        whole: Uint8Image = cv2.resize(grey, (self.crop.size, self.crop.size), interpolation=cv2.INTER_AREA)
        return whole


def face_crops(frames: int = 0, crop: FaceCrop | None = None) -> FaceCrops:
    """The extraction as the device would do it, with its models and its code in the cache's key."""
    crop = crop or FaceCrop()
    return FaceCrops(crop, crop.fingerprint(), mesh_sha256(), mesh_code(), frames)


def crops_of(folder: Path, sources: Sequence[Path], frames: int = 0) -> tuple[list[int], list[Uint8Image]]:
    """The indices of the readable ones of ``sources`` below ``folder``, and their crops, uint8 (n, 48, 48) each.

    Says how many were left out, and in how many no face was found. Raises UserError for too many unreadable ones.
    """
    arrays, flaws = extract(face_crops(frames), folder, sources)
    tolerance.settle(folder, flaws, len(sources), "clips" if frames else "pictures")
    kept = [i for i, array in enumerate(arrays) if array is not None]
    read = [array for array in arrays if array is not None]
    if missed := sum(int((~array["found"]).sum()) for array in read):
        total = sum(len(array["found"]) for array in read)
        log.warning("%s: no face found in %d of %d pictures; they are used whole", folder, missed, total)
    return kept, [array["crops"] for array in read]


def pictures_in(folder: Path) -> list[Path]:
    """Every picture below ``folder``, by name; hidden files are none."""
    files = (path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    return sorted(path for path in files if not path.name.startswith("."))


def _frames(clip: Path, count: int) -> list[Path]:
    """The pictures of a clip in the order of the last number in their names (``1.jpg`` or ``00001_1.jpg``)."""
    if not clip.is_dir():
        raise UnreadableError("no such clip")
    numbered = {path.stem.split("_")[-1]: path for path in pictures_in(clip)}
    if len(numbered) != count or not all(number.isdigit() for number in numbered):
        raise UnreadableError(f"{len(numbered)} numbered frames, not {count}")
    return [numbered[number] for number in sorted(numbered, key=int)]


def _read(path: Path) -> Uint8Image:
    try:
        image = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR)
    except (OSError, cv2.error) as error:
        raise UnreadableError("not a readable picture") from error
    if image is None:
        raise UnreadableError("not a readable picture")
    try:
        return to_bgr(image)
    except SourceLostError as error:
        raise UnreadableError(str(error)) from error


def _size(mesh: Mesh) -> float:
    """The area of the box around a face, in pixels."""
    width, height = np.ptp(mesh.landmarks[:, :2], axis=0)
    return float(width * height)
