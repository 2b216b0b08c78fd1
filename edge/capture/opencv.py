"""USB cameras and everything else that speaks Video4Linux, through OpenCV. Untested on hardware."""

from __future__ import annotations

import errno
import fcntl
import os
import struct
from typing import Any

import cv2
from numpy.typing import NDArray

from edge.capture import SourceLostError
from edge.capture.pictures import to_bgr
from edge.capture.quiet import quiet_opencv
from edge.clock import Clock
from edge.signals import Frame

quiet_opencv()

# OpenCV waits 10 s for a camera that has stopped: too long for closing it, and whole seconds are all it knows. Read at
# the first capture.
os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", "1")

FIRST_TRIES, TRIES = 5, 2
"""Failures in a row, each a damaged picture or a second without one; a camera may need some seconds to wake up."""

# struct v4l2_capability of linux/videodev2.h: driver, card, bus, version, capabilities, those of this file.
_CAPABILITY = struct.Struct("16s32s32sIII12x")
_VIDIOC_QUERYCAP = 0x80685600
_VIDEO_CAPTURE, _VIDEO_CAPTURE_MPLANE, _DEVICE_CAPS = 0x1, 0x1000, 0x80000000


_BGR = cv2.VideoWriter.fourcc(*"BGR3")


class V4L2Camera:
    """A camera by its device file or number, in motion JPEG if it can: USB 2 carries nothing else at a good size."""

    def __init__(self, device: str, width: int, height: int, fps: float, clock: Clock) -> None:
        """Opens ``device`` and asks for a size and rate; it may give others. Raises SourceLostError."""
        self._path = f"/dev/video{device}" if device.isdigit() else device
        self._clock = clock
        _check(self._path)
        self._video = cv2.VideoCapture(self._path, cv2.CAP_V4L2)
        if not self._video.isOpened():
            raise SourceLostError(f"{self._path}: in use by another program; close it")
        self._video.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
        self._video.set(cv2.CAP_PROP_FRAME_WIDTH, width)
        self._video.set(cv2.CAP_PROP_FRAME_HEIGHT, height)
        self._video.set(cv2.CAP_PROP_FPS, fps)
        self._video.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        self._tries = FIRST_TRIES

    def read(self) -> Frame | None:
        """The next frame. Raises SourceLostError where the camera delivers none."""
        for _ in range(self._tries):
            self._clock.sleep(0.0)  # raises where the camera is to be closed
            if self._video.grab():
                time = self._clock.now()
                whole, image = self._video.retrieve()
                image = self._in_shape(image) if whole else None
                if image is not None:
                    self._tries = TRIES
                    return Frame(to_bgr(image), time)
        _check(self._path)
        raise SourceLostError(f"{self._path}: delivers no pictures; unplug it and plug it in again")

    def close(self) -> None:
        """Releases the device."""
        self._video.release()

    def _in_shape(self, image: NDArray[Any]) -> NDArray[Any] | None:
        """``image``, or what OpenCV 4.11 passes on as one row of bytes: BGR as it came, or what it could not decode."""
        if len(image) > 1:
            return image
        height, width = (int(self._video.get(side)) for side in (cv2.CAP_PROP_FRAME_HEIGHT, cv2.CAP_PROP_FRAME_WIDTH))
        as_it_came = self._video.get(cv2.CAP_PROP_FOURCC) == _BGR and image.size == height * width * 3
        return image.reshape(height, width, 3) if as_it_came else None


def _check(path: str) -> None:
    """Says what is wrong with a device that OpenCV would only call "not opened"."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    except OSError as error:
        raise SourceLostError(f"{path}: {_cure(error)}") from error
    try:
        answer = fcntl.ioctl(descriptor, _VIDIOC_QUERYCAP, bytes(_CAPABILITY.size))
    except OSError as error:
        raise SourceLostError(f"{path}: not a camera; see `ls -l /dev/v4l/by-id`") from error
    finally:
        os.close(descriptor)
    *_, capabilities, of_this_file = _CAPABILITY.unpack(answer)
    if capabilities & _DEVICE_CAPS:
        capabilities = of_this_file
    if not capabilities & (_VIDEO_CAPTURE | _VIDEO_CAPTURE_MPLANE):
        raise SourceLostError(f"{path}: gives no pictures; a camera has several device files, try the one before")


def _cure(error: OSError) -> str:
    if error.errno in (errno.ENOENT, errno.ENODEV, errno.ENXIO):
        return "no such camera; is it plugged in?"
    if error.errno in (errno.EACCES, errno.EPERM):
        return "no permission; add the user to the group video"
    if error.errno == errno.EBUSY:
        return "in use by another program; close it"
    return f"cannot be opened ({error.strerror})"
