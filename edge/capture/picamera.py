"""The Raspberry Pi's own camera through picamera2, which comes with Raspberry Pi OS. Untested on hardware."""

from __future__ import annotations

import concurrent.futures
import contextlib
from typing import Any

from edge.capture import SourceLostError
from edge.capture.pictures import to_bgr
from edge.clock import Clock
from edge.errors import UserError
from edge.signals import Frame

SLICE_S = 0.3
"""The longest wait without asking whether the camera is to be closed."""

SLICES, FIRST_SLICES = 3, 16
"""How many of these to wait for a picture; a camera may need some seconds to wake up."""


class PiCamera:
    """The first camera on the ribbon cable."""

    def __init__(self, width: int, height: int, fps: float, clock: Clock) -> None:
        """Starts the camera. Raises UserError without picamera2, SourceLostError where no camera answers."""
        self._clock = clock
        self._slices = FIRST_SLICES
        self._camera = _open()
        try:
            # What picamera2 calls RGB888 is an array in BGR order.
            main = {"size": (width, height), "format": "RGB888"}
            self._camera.configure(self._camera.create_video_configuration(main=main, controls={"FrameRate": fps}))
            self._camera.start()
        except (RuntimeError, OSError, ValueError) as error:
            self.close()
            raise SourceLostError(f"Pi camera: cannot be started ({error})") from error

    def read(self) -> Frame | None:
        """The next frame. Raises SourceLostError where the camera delivers none."""
        picture = self._camera.capture_array("main", wait=False)
        for _ in range(self._slices):
            self._clock.sleep(0.0)  # raises where the camera is to be closed
            with contextlib.suppress(concurrent.futures.TimeoutError):
                image = picture.get_result(timeout=SLICE_S)
                self._slices = SLICES
                return Frame(to_bgr(image), self._clock.now())
        raise SourceLostError("Pi camera: delivers no pictures; check the ribbon cable")

    def close(self) -> None:
        """Releases the camera."""
        self._camera.close()


def _open() -> Any:
    try:
        from picamera2 import Picamera2
    except ImportError as error:
        raise UserError(
            'camera.source = "picamera2": picamera2 is not installed; on Raspberry Pi OS run '
            f"`sudo apt install python3-picamera2` ({error})"
        ) from error
    if not Picamera2.global_camera_info():
        raise SourceLostError("Pi camera: none found; check the ribbon cable, with the power off")
    try:
        return Picamera2()
    except (RuntimeError, IndexError) as error:
        raise SourceLostError("Pi camera: in use by another program; close it") from error
