"""Face-emotion features: a small, upright, grey, light-normalised crop aligned on eyes and mouth."""

from __future__ import annotations

from math import hypot
from typing import ClassVar

import cv2
import numpy as np

from edge.features import Preprocessing
from edge.signals import Float32Array, Uint8Image

LEFT_EYE, RIGHT_EYE = (33, 133), (362, 263)
MOUTH = (61, 291)
_POINTS = [*LEFT_EYE, *RIGHT_EYE, *MOUTH]


class FaceCrop(Preprocessing, frozen=True):
    """Turns a frame and one face's landmarks into float32 (size, size, 1), standardised grey.

    The similarity transform that best brings the two eye centres and the mouth centre onto the template places the
    face as the training pictures hold it. The template is in units of the crop's side: the median positions that the
    face mesh finds in 567 of 600 FER2013 training pictures. A face larger than the crop is warped at twice the
    size and averaged down, because a bilinear warp alone would alias.
    """

    version: ClassVar[int] = 2

    size: int = 48
    eye_y: float = 0.396
    eye_distance: float = 0.358
    mouth_y: float = 0.762

    def __call__(self, image: Uint8Image, landmarks: Float32Array) -> Float32Array:
        """The model's input from ``image``, uint8 BGR (height, width, 3), and ``landmarks``, float32 (468, 3)."""
        return self.standardise(self.cut(image, landmarks))

    def cut(self, image: Uint8Image, landmarks: Float32Array) -> Uint8Image:
        """The aligned crop before its light is standardised: uint8 grey (size, size)."""
        matrix = self.transform(landmarks)
        finer = 2 if hypot(matrix[0, 0], matrix[1, 0]) < 0.7 else 1
        side = self.size * finer
        shift = np.array([[0, 0, finer - 1], [0, 0, finer - 1]], np.float32) / 2  # pixel centres, not corners
        crop = cv2.warpAffine(image, matrix * finer + shift, (side, side), borderMode=cv2.BORDER_REPLICATE)
        grey = cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY)
        small: Uint8Image = cv2.resize(grey, (self.size, self.size), interpolation=cv2.INTER_AREA)
        return small

    def transform(self, landmarks: Float32Array) -> Float32Array:
        """The (2, 3) affine matrix from frame pixels to crop pixels: least-squares similarity on three points."""
        # complex numbers turn and scale; plain ones, because arrays this small cost more than they save
        x = [complex(*point) for point in landmarks[_POINTS, :2].tolist()]
        source = [(x[0] + x[1]) / 2, (x[2] + x[3]) / 2, (x[4] + x[5]) / 2]
        half = self.eye_distance / 2
        template = (complex(0.5 - half, self.eye_y), complex(0.5 + half, self.eye_y), complex(0.5, self.mouth_y))
        middle, aim = sum(source) / 3, self.size * sum(template) / 3
        centred = [point - middle for point in source]
        spread = sum(abs(point) ** 2 for point in centred)
        turn = sum(p.conjugate() * t for p, t in zip(centred, template, strict=True)) * self.size / max(spread, 1e-9)
        shift = aim - turn * middle
        return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]], np.float32)

    @staticmethod
    def standardise(grey: Uint8Image) -> Float32Array:
        """Zero mean and unit variance over the crop: float32 (size, size, 1) from uint8 (size, size)."""
        mean, deviation = (float(value.item()) for value in cv2.meanStdDev(grey))
        return ((grey - np.float32(mean)) / np.float32(max(deviation, 4.0)))[..., None]
