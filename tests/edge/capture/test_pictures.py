"""Pictures of every kind become upright BGR with square pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.capture import SourceLostError
from edge.capture.pictures import UprightCamera, to_bgr, with_square_pixels
from edge.signals import Frame


@pytest.mark.parametrize(
    "image",
    [
        np.full((4, 6), 200, np.uint8),
        np.full((4, 6, 1), 200, np.uint8),
        np.full((4, 6, 3), 200, np.uint8),
        np.full((4, 6, 4), 200, np.uint8),
        np.full((4, 6), 200 * 257, np.uint16),
        np.full((4, 6, 3), 200 * 257, np.uint16),
    ],
    ids=["grey", "grey plane", "BGR", "BGRA", "16-bit grey", "16-bit BGR"],
)
def test_grey_deep_and_transparent_pictures_become_bgr(image: NDArray[Any]) -> None:
    picture = to_bgr(image)
    assert picture.dtype == np.uint8
    assert picture.shape == (4, 6, 3)
    assert (picture == 200).all()


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((4, 6, 2), np.uint8),
        np.zeros((4, 6, 3), np.float32),
        np.zeros((0, 6, 3), np.uint8),
        np.zeros(24, np.uint8),
        np.zeros((1, 40_000, 3), np.uint8),
    ],
    ids=["two channels", "float", "empty", "flat", "too long"],
)
def test_a_picture_of_no_known_kind_is_refused_with_its_shape(image: NDArray[Any]) -> None:
    with pytest.raises(SourceLostError, match="shape"):
        to_bgr(image)


@pytest.mark.parametrize(
    ("aspect", "shape"),
    [(1.0, (30, 40)), (4 / 3, (30, 53)), (0.5, (60, 40)), (1000.0, (30, 40)), (0.0, (30, 40))],
    ids=["square", "wide", "tall", "damaged", "unknown"],
)
def test_pixels_are_made_square_without_losing_detail(aspect: float, shape: tuple[int, int]) -> None:
    assert with_square_pixels(np.zeros((30, 40, 3), np.uint8), aspect).shape[:2] == shape


class OneFrame:
    """A camera with one frame whose top left pixel is lit, and then the end."""

    def __init__(self) -> None:
        self.closed = False
        image = np.zeros((2, 4, 3), np.uint8)
        image[0, 0] = 255
        self._frames = [Frame(image, 5.0)]

    def read(self) -> Frame | None:
        return self._frames.pop() if self._frames else None

    def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize(
    ("rotation", "shape", "lit"), [(90, (4, 2), (0, 1)), (180, (2, 4), (1, 3)), (270, (4, 2), (3, 0))]
)
def test_rotation_turns_clockwise_and_keeps_the_time(
    rotation: int, shape: tuple[int, int], lit: tuple[int, int]
) -> None:
    camera = UprightCamera(OneFrame(), rotation)
    frame = camera.read()
    assert frame is not None
    assert frame.time == 5.0
    assert frame.image.shape[:2] == shape
    assert (frame.image[lit] == 255).all()
    assert camera.read() is None


def test_closing_a_turned_camera_closes_the_camera() -> None:
    mounted = OneFrame()
    UprightCamera(mounted, 90).close()
    assert mounted.closed
