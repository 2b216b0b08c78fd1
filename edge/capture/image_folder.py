"""A folder of pictures as a camera."""

from __future__ import annotations

import logging
import math
from pathlib import Path

import cv2

from edge.capture import SourceLostError
from edge.capture.pacing import Pace
from edge.capture.pictures import to_bgr
from edge.capture.quiet import quiet_opencv
from edge.clock import Clock
from edge.errors import UserError
from edge.signals import Frame

log = logging.getLogger(__name__)

quiet_opencv()

SUFFIXES = {".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"}
TIMESTAMPS = "timestamps.txt"


class ImageFolderCamera:
    """Shows the pictures of a folder in the order of their names; one that cannot be read is left out.

    A ``timestamps.txt`` (a line of seconds for each picture) sets the pace; without it the rate is ``fps``.
    """

    def __init__(self, folder: Path, clock: Clock, *, fps: float, loop: bool = False) -> None:
        """Lists ``folder``. Raises UserError where it holds no readable picture or times that do not fit."""
        self._pictures = _pictures_in(folder)
        times = folder / TIMESTAMPS
        self._positions = (
            _positions_from(times, len(self._pictures))
            if times.is_file()
            else [number / fps for number in range(len(self._pictures))]
        )
        self._round = self._positions[-1] - self._positions[0] + 1.0 / fps
        self._loop = loop
        self._pace = Pace(clock)
        self._shown = 0

    def read(self) -> Frame | None:
        """The next frame, when it is due; None at the end. Raises SourceLostError where the pictures are gone."""
        for _ in self._pictures:
            rounds, index = divmod(self._shown, len(self._pictures))
            if rounds > 0 and not self._loop:
                return None
            self._shown += 1
            position = rounds * self._round + self._positions[index] - self._positions[0]
            self._pace.wait_for(position)
            image = cv2.imread(str(self._pictures[index]))
            if image is not None:
                return Frame(to_bgr(image), self._pace.time_of(position))
            if rounds == 0:
                log.warning("%s: left out, not a picture that can be read", self._pictures[index])
        raise SourceLostError(f"{self._pictures[0].parent}: none of its pictures can be read; are they still there?")

    @property
    def duration_s(self) -> float:
        """Seconds that the pictures play."""
        return self._round

    def close(self) -> None:
        """Nothing is held open."""


def _pictures_in(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder of pictures")
    pictures = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
    if not pictures:
        raise UserError(f"{folder}: no pictures here (looked for {', '.join(sorted(SUFFIXES))})")
    if not any(cv2.haveImageReader(str(path)) for path in pictures):
        raise UserError(f"{folder}: none of its {len(pictures)} pictures can be read; are the files damaged?")
    return pictures


def _positions_from(path: Path, pictures: int) -> list[float]:
    try:
        lines = path.read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read as text ({error})") from error
    if len(lines) != pictures:
        raise UserError(f"{path}: {len(lines)} times for {pictures} pictures; one line per picture is needed")
    positions: list[float] = []
    for number, line in enumerate(lines, start=1):
        try:
            seconds = float(line)
        except ValueError:
            seconds = math.nan
        if not math.isfinite(seconds) or (positions and seconds <= positions[-1]):
            raise UserError(f"{path}: line {number}: {line!r} is not a time in seconds after the one before it")
        positions.append(seconds)
    return positions
