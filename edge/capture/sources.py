"""What the settings name -> an open source, and what it must do to count as alive."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from edge.capture import Camera, Microphone
from edge.capture.pictures import UprightCamera
from edge.capture.vigil import PictureVigil, SoundVigil
from edge.clock import Clock
from edge.config import CameraSettings, MicrophoneSettings


def open_camera(settings: CameraSettings, clock: Clock, wanted: Callable[[float], bool] = lambda _: True) -> Camera:
    """Opens the camera, turned upright. Raises UserError (a mistake) or SourceLostError (a lost device).

    A video may leave out pictures whose time is not ``wanted``.
    """
    camera = _open_as_mounted(settings, clock, wanted)
    return UprightCamera(camera, settings.rotation) if settings.rotation else camera


# Imports are local so that a box loads only the kind of source it has.


def _open_as_mounted(settings: CameraSettings, clock: Clock, wanted: Callable[[float], bool]) -> Camera:
    if settings.source == "file":
        from edge.capture.video_file import VideoFileCamera

        return VideoFileCamera(_path(settings), clock, loop=settings.loop, wanted=wanted)
    if settings.source == "images":
        from edge.capture.image_folder import ImageFolderCamera

        return ImageFolderCamera(_path(settings), clock, fps=settings.fps, loop=settings.loop)
    if settings.source == "drawn":
        from edge.capture.drawn import DrawnCamera

        return DrawnCamera(settings.learners, settings.width, settings.height, settings.fps, clock)
    if settings.source == "picamera2":
        from edge.capture.picamera import PiCamera

        return PiCamera(settings.width, settings.height, settings.fps, clock)
    if settings.source == "v4l2":
        from edge.capture.opencv import V4L2Camera

        return V4L2Camera(settings.device, settings.width, settings.height, settings.fps, clock)
    raise ValueError(f"camera.source = {settings.source!r} opens nothing")


def open_microphone(settings: MicrophoneSettings, clock: Clock) -> Microphone:
    """Opens the microphone. Raises UserError (a mistake) or SourceLostError (a lost device)."""
    if settings.source == "file":
        from edge.capture.sound_file import SoundFileMicrophone

        return SoundFileMicrophone(_path(settings), clock, loop=settings.loop)
    if settings.source == "video":
        from edge.capture.video_sound import VideoSoundMicrophone

        return VideoSoundMicrophone(_path(settings), clock, loop=settings.loop)
    if settings.source == "pyaudio":
        from edge.capture.pyaudio_microphone import PyAudioMicrophone

        return PyAudioMicrophone(settings.device, clock)
    raise ValueError(f"microphone.source = {settings.source!r} opens nothing")


def camera_vigil(settings: CameraSettings) -> PictureVigil | None:
    """What tells the camera at work from a frozen one; None where pictures may repeat."""
    return PictureVigil() if settings.source in ("v4l2", "picamera2") else None


def microphone_vigil(settings: MicrophoneSettings) -> SoundVigil | None:
    """What tells the microphone at work from a dead one; None where sound may hold digital silence."""
    return SoundVigil() if settings.source == "pyaudio" else None


def _path(settings: CameraSettings | MicrophoneSettings) -> Path:
    if settings.path is None:
        raise ValueError(f"source = {settings.source!r} needs a path")
    return settings.path
