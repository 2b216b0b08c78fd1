"""What tells one analysis from every other."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec

from edge import __version__
from edge.config import Settings
from edge.inference.store import Manifest
from edge.session.scenarios import chosen


def fingerprint(settings: Settings) -> str:
    """Tells an analysis from every other: of other files, with other models, with settings that count."""
    counted = (
        *(settings.deployment.mode, settings.deployment.minimum_group, settings.box, settings.perception),
        *(settings.fusion, chosen(settings.session)),
        *(settings.session.scenario, settings.camera, settings.microphone),
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
