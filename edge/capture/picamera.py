"""The Raspberry Pi's own camera through picamera2, which comes with Raspberry Pi OS. Untested on hardware."""

from __future__ import annotations

import concurrent.futures
from typing import Any

from edge.capture import SourceLostError
from edge.capture.pictures import to_bgr
from edge.clock import Clock
from edge.errors import UserError
from edge.signals import Frame

PICTURE_S = 0.9
"""How long to wait for a picture: no longer, because closing the camera waits as long."""

FIRST_PICTURE_S = 5.0


class PiCamera:
    """The first camera on the ribbon cable."""

    def __init__(self, width: int, height: int, fps: float, clock: Clock) -> None:
        """Starts the camera. Raises UserError without picamera2, SourceLostError where no camera answers."""
        self._clock = clock
        self._patience = FIRST_PICTURE_S
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
        try:
            image = self._camera.capture_array("main", wait=False).get_result(timeout=self._patience)
        except concurrent.futures.TimeoutError as error:
            raise SourceLostError("Pi camera: delivers no pictures; check the ribbon cable") from error
        self._patience = PICTURE_S
        return Frame(to_bgr(image), self._clock.now())

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
