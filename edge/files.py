"""Replacing a file so that whoever reads it, even after a power cut, meets the old one or the new one."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def replace(
    path: Path,
    content: bytes,
    *,
    mode: int | None = None,
    owner: tuple[int, int] | None = None,
    durable: bool = True,
) -> None:
    """Puts ``content`` in the place of ``path``; its folder must be there. Raises OSError, and leaves nothing then.

    ``mode`` and ``owner``, user and group, are the new file's from the start: this user's alone where they are None.
    Where it is not ``durable`` the medium is left to the kernel's own time.
    """
    with staged(path, content, mode=mode, owner=owner, durable=durable) as new:
        new.replace(path)
    if durable:
        _flush(path.parent)


@contextmanager
def staged(
    path: Path,
    content: bytes,
    *,
    mode: int | None = None,
    owner: tuple[int, int] | None = None,
    durable: bool = True,
) -> Iterator[Path]:
    """The new file beside ``path``, for the caller to move there; one that is not moved is deleted. See ``replace``."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            if owner is not None:
                os.fchown(file.fileno(), *owner)
            if mode is not None:
                os.fchmod(file.fileno(), mode)
            file.write(content)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        yield Path(temporary)
    finally:
        Path(temporary).unlink(missing_ok=True)


def _flush(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
