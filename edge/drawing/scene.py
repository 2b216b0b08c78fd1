"""Pictures put together from a backdrop and sprites: any arrangement, or learners sitting in a classroom."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from edge.drawing.backdrop import classroom, desks
from edge.signals import Uint8Image

# As shares of a sprite's side: from one row's heads to the next, the part of the front row that is in the picture,
# where a desk begins and how far down it reaches, and the room a head needs sideways.
_ROW_PITCH, _FRONT_SHOWN, _DESK_TOP, _DESK_HEIGHT, _HEAD_ROOM = 0.72, 0.84, 0.88, 0.70, 0.56


@dataclass(frozen=True, eq=False)
class Placement:
    """A sprite in a picture: uint8 (height, width, 4), premultiplied; its middle lies at (x, y) pixels.

    ``scale`` enlarges it; ``turn`` turns it clockwise, in degrees.
    """

    sprite: Uint8Image
    x: float
    y: float
    scale: float = 1.0
    turn: float = 0.0


def compose(backdrop: Uint8Image, placements: Iterable[Placement]) -> Uint8Image:
    """A copy of ``backdrop``, uint8 (height, width, 3) BGR, with sprites on it, the last in front.

    Sprites may reach, or lie, outside the picture.
    """
    picture = backdrop.copy()
    for placement in placements:
        _lay(picture, placement)
    return picture


@dataclass(frozen=True, eq=False)
class Sitter:
    """Who is in a seat: a square sprite, moved by shares of its side and turned clockwise by degrees."""

    sprite: Uint8Image
    across: float = 0.0
    down: float = 0.0
    turn: float = 0.0


class Classroom:
    """A room of ``learners`` seats in a picture of ``width`` x ``height`` pixels.

    Of all rows and columns those that give the largest faces are taken; no two faces overlap. ``side`` is the sprites'
    side in the picture, ``seats`` where their middles lie, the back row first; all in pixels.
    """

    def __init__(self, learners: int, width: int, height: int) -> None:
        self.side, columns = _largest(learners, width, height)
        rows = max(1, math.ceil(learners / columns))
        front = height + (0.5 - _FRONT_SHOWN) * self.side
        back = min(front, self.side / 2)
        self._heights = [front + (back - front) * (rows - 1 - row) / max(1, rows - 1) for row in range(rows)]
        # As even as can be, more at the back.
        self._counts = [learners // rows + (row < learners % rows) for row in range(rows)]
        self.seats = [
            (width * (place + 0.5) / count, y)
            for y, count in zip(self._heights, self._counts, strict=True)
            for place in range(count)
        ]
        self._backdrop = classroom(width, height)
        # Wider than the picture, so that its softened ends lie outside.
        self._desks = desks(width + 8, round(_DESK_HEIGHT * self.side))

    def picture(self, sitters: Sequence[Sitter | None]) -> Uint8Image:
        """The room with one sitter, or nobody, in each seat: uint8 (height, width, 3) BGR."""
        placements, first = [], 0
        for y, count in zip(self._heights, self._counts, strict=True):
            row = slice(first, first + count)
            pairs = zip(self.seats[row], sitters[row], strict=True)
            placements += [self._seated(seat, sitter) for seat, sitter in pairs if sitter is not None]
            height, width = self._desks.shape[:2]
            desk_top = y + (_DESK_TOP - 0.5) * self.side
            placements.append(Placement(self._desks, width / 2 - 4, desk_top + height / 2))
            first += count
        return compose(self._backdrop, placements)

    def _seated(self, seat: tuple[float, float], sitter: Sitter) -> Placement:
        x, y = seat[0] + sitter.across * self.side, seat[1] + sitter.down * self.side
        return Placement(sitter.sprite, x, y, self.side / len(sitter.sprite), sitter.turn)


def _largest(learners: int, width: int, height: int) -> tuple[float, int]:
    """The largest side of a sprite with which ``learners`` fit, and in how many columns."""

    def side(columns: int) -> float:
        rows = max(1, math.ceil(learners / columns))
        by_height = height / (_ROW_PITCH * (rows - 1) + _FRONT_SHOWN)
        return min(by_height, width / columns / _HEAD_ROOM, 0.9 * height)

    return max((side(columns), columns) for columns in range(1, max(learners, 1) + 1))


def _lay(picture: Uint8Image, placement: Placement) -> None:
    height, width = placement.sprite.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2 - 0.5, height / 2 - 0.5), -placement.turn, placement.scale)
    matrix[:, 2] += (placement.x - width / 2 + 0.5, placement.y - height / 2 + 0.5)
    corners = np.array([(0, 0), (width, 0), (0, height), (width, height)]) @ matrix[:, :2].T + matrix[:, 2]
    limits = (picture.shape[1], picture.shape[0])
    left, top = np.clip(np.floor(corners.min(axis=0)) - 1, 0, limits).astype(int)
    right, bottom = np.clip(np.ceil(corners.max(axis=0)) + 1, 0, limits).astype(int)
    if left >= right or top >= bottom:
        return
    matrix[:, 2] -= (left, top)
    sprite = cv2.warpAffine(placement.sprite, matrix, (int(right - left), int(bottom - top)), flags=cv2.INTER_LINEAR)
    region = picture[top:bottom, left:right]
    beneath = cv2.cvtColor(255 - sprite[..., 3], cv2.COLOR_GRAY2BGR)
    colours = cv2.cvtColor(sprite, cv2.COLOR_BGRA2BGR)
    region[:] = cv2.add(cv2.multiply(region, beneath, scale=1 / 255), colours)
