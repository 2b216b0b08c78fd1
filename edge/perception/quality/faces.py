"""How well a face can be seen: light, contrast and sharpness of its crop, size, pose and fit of its mesh, compression.

Where nothing else is said, levels are those of FER2013 training pictures as the device would cut them.
"""

from __future__ import annotations

from math import asin, degrees, log

import cv2
import numpy as np

from edge.features.landmarks import NOSE_TIP, OUTER_EYE_CORNERS
from edge.perception.quality.ramps import ramp
from edge.perception.tracking import eye_distance
from edge.signals import Face, Float32Array, Qualities, Uint8Image

DARK = 30.0
"""Mean grey level (0..255) of a picture under which faces cannot be read."""

SMALLEST_EYE_DISTANCE = 14.0
"""Pixels between the outer eye corners under which a face is too far away to read."""

CROP_EYE_DISTANCE = 24.0
"""Pixels between the outer eye corners in a crop: a face with fewer is blown up, one with more made smaller."""

BLOCK = 8
"""JPEG's and MJPEG's blocks, in pixels."""

PATCH = 12 * BLOCK
"""The most pixels across a face in which blocks are looked for: enough borders for a mean, whatever the face's size."""

_FOREHEAD, _CHIN = 10, 152
_CORNERS = [*OUTER_EYE_CORNERS, _FOREHEAD, _CHIN]

LEVEL_PITCH = -8.0
"""Degrees: the median tilt that the mesh finds in faces of people who look at a camera."""


def brightness(image: Uint8Image) -> float:
    """Mean grey level 0..255 of a uint8 BGR picture, from the green of a dozen rows and as densely along them."""
    step = max(1, min(image.shape[:2]) // 12)
    return float(image[::step, ::step, 1].mean())


def face_qualities(image: Uint8Image, face: Face, crop: Uint8Image) -> Qualities:
    """All qualities of ``face`` in ``image``, uint8 BGR (height, width, 3), of which FaceCrop has cut ``crop``."""
    shrunk = eye_distance(face.landmarks) / CROP_EYE_DISTANCE
    return {
        **crop_qualities(crop),
        **mesh_qualities(face.landmarks, face.presence),
        "compression": compression(_patch(image, face.landmarks), shrunk),
    }


def crop_qualities(crop: Uint8Image) -> Qualities:
    """Light, contrast and sharpness of an aligned crop, uint8 grey (48, 48)."""
    mean, deviation = (float(value.item()) for value in cv2.meanStdDev(crop))
    detail = float(cv2.meanStdDev(cv2.Laplacian(crop, cv2.CV_16S))[1].item()) / max(deviation, 1.0)
    return {
        # at 16 an eighth of ordinary light is left; one training picture in twenty is darker than 70
        "light": ramp(mean, 16.0, 70.0),
        # FaceCrop stretches no deviation under 4 grey levels; one training picture in twenty has less than 32
        "contrast": ramp(deviation, 4.0, 32.0),
        # 0.07 is left at an eighth of the pixels; one training picture in twenty, cut by its mesh, has less than 0.36
        "sharpness": ramp(detail, 0.07, 0.36),
    }


def mesh_qualities(landmarks: Float32Array, presence: float) -> Qualities:
    """Size, pose and fit of a mesh, float32 (468, 3) in pixels, of which the model is ``presence`` 0..1 sure."""
    odds = min(max(presence, 1e-9), 1.0 - 1e-9)
    return {
        # at an eighth of the crop's own pixels emotions are told little better than by chance
        "size": ramp(eye_distance(landmarks), CROP_EYE_DISTANCE / 8, CROP_EYE_DISTANCE),
        "pose": _pose(landmarks),
        # log-odds: 8 is reached by nine training pictures in ten, -8 by half of those with 60 % of the face hidden;
        # how alike the halves of a face are was tried too, and says nothing of what is hidden
        "fit": ramp(log(odds / (1.0 - odds)), -8.0, 8.0),
    }


def compression(grey: Uint8Image, shrunk: float = 1.0) -> float:
    """How far steps at the borders of JPEG's blocks stand out in ``grey``, uint8 (height, width) that begins a block.

    ``shrunk`` is by how much the branch's crop will make it smaller: steps between blocks become finer by that.
    """
    if min(grey.shape) <= BLOCK:
        return 1.0
    excess = (_steps(grey) + _steps(cv2.transpose(grey))) / 2 - 1.0
    # one training picture in twenty exceeds 0.2; at JPEG quality 10 half of them exceed 0.9
    return ramp(excess / max(shrunk, 1.0), 0.9, 0.2)


def pose_angles(landmarks: Float32Array) -> tuple[float, float]:
    """Yaw and pitch in degrees of a mesh, float32 (468, 3), from its eye corners, forehead and chin.

    0 is frontal and level by the mesh's own account; turning the head in the picture's plane changes neither.
    """
    (lx, ly, lz), (rx, ry, rz), (tx, ty, tz), (bx, by, bz) = landmarks[_CORNERS].tolist()
    # rolled back until the eyes are level: plain numbers, because arrays this small cost more than they save
    across = max(float(np.hypot(rx - lx, ry - ly)), 1e-6)
    cos, sin = (rx - lx) / across, (ry - ly) / across
    x, y, z = cos * (bx - tx) + sin * (by - ty), cos * (by - ty) - sin * (bx - tx), bz - tz
    # the face's normal: eye axis (across, 0, rz - lz) times the axis from forehead to chin (x, y, z)
    normal = (-(rz - lz) * y, (rz - lz) * x - across * z, across * y)
    length = max(float(np.linalg.norm(normal)), 1e-6)
    return degrees(asin(normal[0] / length)), degrees(asin(normal[1] / length))


def _pose(landmarks: Float32Array) -> float:
    yaw, pitch = pose_angles(landmarks)
    # nine training faces in ten turn by less than 25 degrees and nod by less than 20; beyond 60 one eye is out of
    # sight, and beyond 50 the mouth or the brows are foreshortened to half
    return ramp(abs(yaw), 60.0, 25.0) * ramp(abs(pitch - LEVEL_PITCH), 50.0, 20.0)


def _patch(image: Uint8Image, landmarks: Float32Array) -> Uint8Image:
    """The green of up to PATCH pixels across about the nose, from the start of a block on."""
    x, y, _ = landmarks[NOSE_TIP].tolist()
    # a face is about twice as wide as its eyes' outer corners are apart
    half = min(eye_distance(landmarks), PATCH / 2)
    top, left = (max(0, round(middle - half)) // BLOCK * BLOCK for middle in (y, x))
    return np.ascontiguousarray(image[top : max(0, round(y + half)), left : max(0, round(x + half)), 1])


def _steps(grey: Uint8Image) -> float:
    """The mean step across borders of blocks over that elsewhere, of neighbours in a row."""
    means = cv2.reduce(cv2.absdiff(grey[:, 1:], grey[:, :-1]), 0, cv2.REDUCE_AVG, dtype=cv2.CV_32F)[0]
    borders = means[BLOCK - 1 :: BLOCK]
    others = (float(means.sum()) - float(borders.sum())) / max(len(means) - len(borders), 1)
    # half a grey level: in an even picture rounding alone makes steps
    return (float(borders.mean()) + 0.5) / (others + 0.5)
