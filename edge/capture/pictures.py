"""Whatever a source delivers -> uint8 (height, width, 3) in BGR order, upright, with square pixels."""

from __future__ import annotations

from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.capture import Camera, SourceLostError
from edge.signals import Frame, Uint8Image

TURNS = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}

WIDEST_PIXEL = 4.0
"""No real format stretches its pixels further; beyond it a declared pixel aspect is damage."""

LONGEST_SIDE = 32_766
"""OpenCV can warp no larger picture."""


def to_bgr(image: NDArray[Any]) -> Uint8Image:
    """Converts 8 or 16 bits and 1 (grey), 3 (BGR) or 4 (BGRA) channels. Raises SourceLostError for others."""
    if image.dtype == np.uint16:
        image = (image >> 8).astype(np.uint8)
    channels = image.shape[2] if image.ndim == 3 else 1
    known = image.dtype == np.uint8 and image.ndim in (2, 3) and channels in (1, 3, 4)
    if not known or image.size == 0 or max(image.shape) > LONGEST_SIDE:
        raise SourceLostError(f"pictures of shape {image.shape} and type {image.dtype} are not supported")
    if channels == 1:
        image = cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)
    elif channels == 4:
        image = cv2.cvtColor(image, cv2.COLOR_BGRA2BGR)
    return cast(Uint8Image, image)


def with_square_pixels(image: Uint8Image, pixel_aspect: float) -> Uint8Image:
    """Makes pixels ``pixel_aspect`` times as wide as high square: a squeezed face is not another face."""
    if pixel_aspect == 1.0 or not 1 / WIDEST_PIXEL <= pixel_aspect <= WIDEST_PIXEL:
        return image
    height, width = image.shape[:2]
    size = (round(width * max(pixel_aspect, 1.0)), round(height / min(pixel_aspect, 1.0)))
    return cast(Uint8Image, cv2.resize(image, size, interpolation=cv2.INTER_LINEAR))


class UprightCamera:
    """A camera that was mounted on its side or upside down, turned upright."""

    def __init__(self, camera: Camera, rotation: int) -> None:
        """Turns every frame of ``camera`` by ``rotation`` degrees clockwise (90, 180 or 270)."""
        self._camera = camera
        self._turn = TURNS[rotation]

    def read(self) -> Frame | None:
        """The next frame, turned."""
        frame = self._camera.read()
        return None if frame is None else Frame(cast(Uint8Image, cv2.rotate(frame.image, self._turn)), frame.time)

    def close(self) -> None:
        """Closes the camera."""
        self._camera.close()
