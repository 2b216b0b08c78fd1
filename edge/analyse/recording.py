"""What a path holds: a video or a folder of pictures, with its sound."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec

from edge import __version__
from edge.capture import video_sound
from edge.config import CameraSettings, MicrophoneSettings, Settings
from edge.errors import UserError
from edge.inference.store import Manifest

BESIDE = (".wav", ".flac")
"""Kinds of sound files that belong to the recording beside which they lie, under its name."""


def sources(path: Path, fps: float, *, with_sound: bool) -> tuple[CameraSettings, MicrophoneSettings]:
    """Where the pictures and the sound of the recording at ``path`` come from.

    The sound is a file of the same name beside it, or else in the video itself. A folder of pictures without times has
    ``fps`` of them a second. Raises UserError where there is no such recording, or no means to read its sound.
    """
    if not path.exists():
        raise UserError(f"{path}: no such video or folder of pictures")
    camera = CameraSettings(source="images" if path.is_dir() else "file", path=path, fps=fps)
    if not with_sound:
        return camera, MicrophoneSettings(source="none")
    beside = next((found for end in BESIDE if (found := path.with_suffix(end)).is_file()), None)
    if beside is not None:
        return camera, MicrophoneSettings(source="file", path=beside)
    if path.is_dir():
        return camera, MicrophoneSettings(source="none")
    if not video_sound.readable():
        raise UserError(f"{path}: {video_sound.MISSING}, or leave it out with --no-sound")
    return camera, MicrophoneSettings(source="video", path=path)


def fingerprint(settings: Settings) -> str:
    """Tells an analysis from every other: of other files, with other models, with settings that count."""
    counted = (
        *(settings.deployment.mode, settings.deployment.minimum_group, settings.box, settings.perception),
        *(settings.fusion, settings.session.scenario, settings.camera, settings.microphone),
    )
    files = [*_stamps(settings.camera.path), *_stamps(settings.microphone.path)]
    content = msgspec.json.encode([__version__, counted, files, _models(settings.models.directory)], enc_hook=str)
    return hashlib.sha256(content).hexdigest()[:16]


def _stamps(path: Path | None) -> list[tuple[str, int, int]]:
    """Name, size and time of change of a file, or of all files in a folder."""
    if path is None:
        return []
    found = sorted(path.iterdir()) if path.is_dir() else [path]
    return [(file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in found]


def _models(folder: Path) -> list[str]:
    manifests = []
    for file in sorted(folder.glob("*.json")):
        try:
            manifests.append(msgspec.json.decode(file.read_bytes(), type=Manifest).sha256)
        except (OSError, msgspec.DecodeError):
            continue  # whoever loads it says what is wrong
    return manifests
