"""The release that a card carries: the sources this command runs from, as one archive that is the same every time."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

from edge.errors import UserError

PROJECT = Path(__file__).resolve().parents[2]
"""The folder this command runs from: a clone, or the installed release."""

PARTS = ("edge", "models_tflite", "systemd", "pyproject.toml", "install.sh", "README.md", "LICENSE", "NOTICE")
"""What ``install.sh device`` takes of it."""


def archive(project: Path = PROJECT) -> bytes:
    """A tar.gz of the release in ``project``, without times and owners. Raises UserError where a part is missing."""
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0) as packed, tarfile.open(fileobj=packed, mode="w") as tar:
        for path in _files(project):
            content = path.read_bytes()
            entry = tarfile.TarInfo(path.relative_to(project).as_posix())
            entry.size = len(content)
            entry.mode = 0o755 if path.stat().st_mode & 0o100 else 0o644
            tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def _files(project: Path) -> Iterator[Path]:
    for part in PARTS:
        path = project / part
        if path.is_file():
            yield path
        elif path.is_dir():
            yield from (file for file in sorted(path.rglob("*")) if file.is_file() and _shipped(file))
        else:
            raise UserError(f"{path}: missing; run prepare-card from the project's folder or an installed release")


def _shipped(file: Path) -> bool:
    return "__pycache__" not in file.parts and not file.name.endswith((".pyc", ".partial"))
