"""The drawn classroom without its learners: the wall behind them and the desks before them."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np

from edge.drawing import Bgr
from edge.signals import Uint8Image

_WALL_TOP, _WALL_BOTTOM = np.array((176, 190, 194.0)), np.array((150, 166, 172.0))
_WOOD = np.array((96, 138, 176.0))
_PAPERS: tuple[Bgr, ...] = (
    (214, 226, 232),
    (150, 206, 236),
    (214, 190, 150),
    (170, 214, 178),
    (176, 170, 226),
)


def classroom(width: int, height: int) -> Uint8Image:
    """The empty room: a wall with windows, a board with papers and a shelf. uint8 (height, width, 3) BGR."""
    down = np.linspace(0, 1, height)[:, None, None]
    across = np.linspace(1.10, 0.90, width)[None, :, None]
    picture = np.clip((_WALL_TOP + (_WALL_BOTTOM - _WALL_TOP) * down) * across, 0, 255).astype(np.uint8)
    for left in (0.03, 0.19):
        _window(picture, left, 0.06, left + 0.13, 0.52)
    _notice_board(picture, 0.42, 0.08, 0.70, 0.44)
    _shelf(picture, 0.78, 0.10, 0.96, 0.60)
    _box(picture, 0.0, 0.80, 1.0, 1.0, (104, 118, 126))
    _box(picture, 0.0, 0.79, 1.0, 0.805, (128, 142, 148))
    # A little out of focus, as a camera sees what lies behind the faces.
    return cv2.GaussianBlur(picture, (0, 0), height / 300)


def desks(width: int, height: int) -> Uint8Image:
    """The front of a row of desks, as a sprite: uint8 (height, width, 4)."""
    grain = np.random.default_rng(3).normal(size=(height, max(width // 60, 2))).astype(np.float32)
    grain = cv2.GaussianBlur(cv2.resize(grain, (width, height), interpolation=cv2.INTER_LINEAR), (0, 0), 0.8)
    share = np.arange(height) / height
    light = np.select([share < 0.06, share < 0.13, share < 0.155], [1.14, 0.92, 0.62], 0.78 - 0.12 * share)
    sprite = np.full((height, width, 4), 255, np.uint8)
    sprite[..., :3] = np.clip(_WOOD * (light[:, None] + 0.025 * grain)[..., None], 0, 255)
    return sprite


def _box(picture: Uint8Image, left: float, top: float, right: float, bottom: float, colour: Bgr) -> None:
    height, width = picture.shape[:2]
    corners = (round(left * width), round(top * height)), (round(right * width), round(bottom * height))
    cv2.rectangle(picture, *corners, colour, cv2.FILLED)


def _window(picture: Uint8Image, left: float, top: float, right: float, bottom: float) -> None:
    _box(picture, left, top, right, bottom, (226, 230, 230))
    middle_x, middle_y = (left + right) / 2, top + (bottom - top) * 0.4
    for pane_left, pane_right in ((left + 0.006, middle_x - 0.003), (middle_x + 0.003, right - 0.006)):
        _box(picture, pane_left, top + 0.011, pane_right, middle_y - 0.006, (246, 232, 208))
        _box(picture, pane_left, middle_y + 0.006, pane_right, bottom - 0.011, (240, 226, 204))
        _box(picture, pane_left, bottom - 0.14, pane_right, bottom - 0.011, (176, 208, 178))


def _notice_board(picture: Uint8Image, left: float, top: float, right: float, bottom: float) -> None:
    _box(picture, left, top, right, bottom, (88, 118, 148))
    _box(picture, left + 0.006, top + 0.011, right - 0.006, bottom - 0.011, (128, 164, 192))
    step = (right - left - 0.02) / 5
    for row in range(2):
        for column in range(5):
            x, y = left + 0.014 + column * step, top + 0.035 + row * 0.16 + 0.012 * ((column * 3 + row) % 3)
            _box(picture, x, y, x + step * 0.74, y + 0.115, _PAPERS[(column + 2 * row) % len(_PAPERS)])


def _shelf(picture: Uint8Image, left: float, top: float, right: float, bottom: float) -> None:
    _box(picture, left, top, right, bottom, (104, 134, 160))
    dice = np.random.default_rng(5)
    boards = np.linspace(top, bottom, 4)
    for upper, lower in pairwise(boards):
        _box(picture, left + 0.006, upper + 0.011, right - 0.006, lower, (72, 96, 116))
        x = left + 0.010
        while x < right - 0.020:
            thickness, height = dice.uniform(0.006, 0.012), dice.uniform(0.6, 0.88) * (lower - upper)
            colour = tuple(int(value) for value in dice.integers(70, 200, 3))
            _box(picture, x, lower - height, x + thickness - 0.001, lower, (colour[0], colour[1], colour[2]))
            x += thickness
