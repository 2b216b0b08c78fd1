"""What a path holds: a video or a folder of pictures, with its sound."""

from __future__ import annotations

from pathlib import Path

from edge.capture import video_sound
from edge.config import CameraSettings, MicrophoneSettings
from edge.errors import UserError

BESIDE = (".wav", ".flac")
"""Kinds of sound files that belong to the recording beside which they lie, under its name."""

SILENT = MicrophoneSettings(source="none")


def sources(path: Path, fps: float, *, with_sound: bool) -> tuple[CameraSettings, MicrophoneSettings]:
    """Where the pictures and the sound of the recording at ``path`` come from.

    The sound is a file of the same name beside it, or else in the video itself; "none" where there is none. A folder of
    pictures without times has ``fps`` of them a second. Raises UserError where there is no such recording, or no means
    to read its sound; that a video is damaged is left to be said by whoever opens it.
    """
    if not path.exists():
        raise UserError(f"{path}: no such video or folder of pictures")
    camera = CameraSettings(source="images" if path.is_dir() else "file", path=path, fps=fps)
    if not with_sound:
        return camera, SILENT
    beside = next((found for end in BESIDE if (found := path.with_suffix(end)).is_file()), None)
    if beside is not None:
        return camera, MicrophoneSettings(source="file", path=beside)
    if path.is_dir():
        return camera, SILENT
    if not video_sound.readable():
        raise UserError(f"{path}: {video_sound.MISSING}, or leave it out with --no-sound")
    return camera, MicrophoneSettings(source="video", path=path) if video_sound.has_sound(path) else SILENT
