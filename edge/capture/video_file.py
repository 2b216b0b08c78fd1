"""A video file as a camera, paced by its own timestamps."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import cv2

from edge.capture.pacing import Pace
from edge.capture.pictures import to_bgr, with_square_pixels
from edge.capture.quiet import quiet_opencv
from edge.clock import Clock
from edge.errors import UserError
from edge.signals import Frame, Uint8Image

log = logging.getLogger(__name__)

quiet_opencv()

FALLBACK_FPS = 15.0
"""Where the file declares no rate; a rate matters only at the seam of a loop and where times do not advance."""

WHOLE = 0.95
"""A recording that plays this share of the duration it declares did not break off: containers round."""


class VideoFileCamera:
    """Plays a video, upright and with square pixels as it declares them, until it ends or breaks off."""

    def __init__(
        self, path: Path, clock: Clock, *, loop: bool = False, wanted: Callable[[float], bool] = lambda _: True
    ) -> None:
        """Opens ``path``. Raises UserError where not one picture can be read from it.

        Pictures whose time is not ``wanted`` are passed over, which costs less than to give them out.
        """
        self._path = path
        self._loop = loop
        self._wanted = wanted
        self._pace = Pace(clock)
        self._round_start = 0.0
        self._position = -1.0
        self._video = _open(path)
        self._interval = 1.0 / (self._video.get(cv2.CAP_PROP_FPS) or FALLBACK_FPS)
        self._pixel_aspect = _pixel_aspect(self._video)
        self._first = self._decode()
        if self._first is None:
            self.close()
            raise UserError(f"{path}: not one picture in this video can be read; is the file damaged?")

    def read(self) -> Frame | None:
        """The next frame, when it is due; None at the end."""
        picture = self._first or self._decode()
        self._first = None
        if picture is None:
            if self._round_start == 0.0:
                self._note_a_break()
            if self._loop:
                self._rewind()
                picture = self._decode()
        if picture is None:
            return None
        image, position = picture
        self._pace.wait_for(position)
        return Frame(image, self._pace.time_of(position))

    @property
    def duration_s(self) -> float:
        """Seconds that the file declares to play; 0.0 where it does not say."""
        return max(0.0, self._video.get(cv2.CAP_PROP_FRAME_COUNT) * self._interval)

    def close(self) -> None:
        """Closes the file."""
        self._video.release()

    def _decode(self) -> tuple[Uint8Image, float] | None:
        """The next wanted picture and its position in seconds; positions never run back, whatever the file says."""
        first = self._position < 0
        while self._video.grab():
            declared = self._round_start + self._video.get(cv2.CAP_PROP_POS_MSEC) / 1000
            self._position = declared if declared > self._position else self._position + self._interval
            if not first and not self._wanted(self._pace.time_of(self._position)):
                continue
            whole, image = self._video.retrieve()
            return (with_square_pixels(to_bgr(image), self._pixel_aspect), self._position) if whole else None
        return None

    def _note_a_break(self) -> None:
        played = self._position + self._interval - self._round_start
        declared = self.duration_s
        if played + self._interval < WHOLE * declared:
            log.warning("%s: breaks off after %.1f s of %.1f s; is the file damaged?", self._path, played, declared)

    def _rewind(self) -> None:
        self.close()
        self._video = _open(self._path)
        self._round_start = self._position + self._interval


def _open(path: Path) -> cv2.VideoCapture:
    if not path.is_file():
        raise UserError(f"{path}: no such video file")
    if path.stat().st_size == 0:
        raise UserError(f"{path}: this video file is empty")
    video = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    if not video.isOpened():
        raise UserError(f"{path}: not a video that can be read; is the file complete?")
    video.set(cv2.CAP_PROP_ORIENTATION_AUTO, 1)
    return video


def _pixel_aspect(video: cv2.VideoCapture) -> float:
    """Width over height of a pixel as it will be shown; 1.0 where the file does not say."""
    width, height = video.get(cv2.CAP_PROP_SAR_NUM), video.get(cv2.CAP_PROP_SAR_DEN)
    if width <= 0 or height <= 0:
        return 1.0
    sideways = video.get(cv2.CAP_PROP_ORIENTATION_META) in (90.0, 270.0)
    return float(height / width if sideways else width / height)
