"""Writing files so that a reader meets the old one or the new one, never half of either."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from edge.errors import UserError
from edge.files import replace


def write_bytes(path: Path, content: bytes) -> None:
    """Writes ``content`` to a temporary name beside ``path``, then renames. Raises UserError where it cannot."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace(path, content, mode=0o644, durable=False)
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror})") from error


def check_writable(path: Path) -> None:
    """Raises UserError where a file could not be written at ``path``: found out before the work, not after it."""
    if path.is_dir():
        raise UserError(f"{path}: is a folder; name a file")
    place = next((parent for parent in path.parents if parent.exists()), Path())
    try:
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror})") from error


def write_json(path: Path, value: Any) -> None:
    """Writes ``value`` as indented JSON with a final newline, atomically."""
    write_bytes(path, (json.dumps(value, indent=2) + "\n").encode())
