"""What outlives a restart: a few small files in one folder, each written whole or not at all."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from edge.errors import DeviceError
from edge.files import staged

Kind = TypeVar("Kind", bound=msgspec.Struct)

Stamp = tuple[int, ...]
"""Tells one file from the one that replaces it; empty where there is none."""


class StateError(DeviceError):
    """A value that cannot be read (its file is damaged, or not ours to read) or cannot be written: one line."""


class StateFolder:
    """Small values that outlive a restart and a power cut; nowhere to keep them is no error.

    Without a folder nothing is kept. Never for scores of people, pictures, sound or landmarks: values are settings and
    switches of the box.
    """

    def __init__(self, directory: Path | None) -> None:
        self.directory = directory

    def read(self, name: str, kind: type[Kind]) -> Kind | None:
        """The value last written as ``name``; None where there is none. Raises StateError where it is unreadable."""
        path = self.path(name)
        if path is None:
            return None
        try:
            return msgspec.json.decode(path.read_bytes(), type=kind)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StateError(f"{path}: cannot be read ({error.strerror})") from error
        except msgspec.DecodeError as error:
            raise StateError(f"{path}: is damaged ({error})") from error

    def write(self, name: str, value: msgspec.Struct, replacing: Stamp | None = None) -> bool:
        """Keeps ``value`` as ``name``: on the medium, not only in its cache, when this returns.

        A power cut leaves the old value or the new one. With ``replacing`` only the file of that stamp is replaced;
        False where another process has written meanwhile. Raises StateError where it cannot be written.
        """
        path = self.path(name)
        if path is None:
            return True
        try:
            return _replace(path, msgspec.json.encode(value), replacing)
        except OSError as error:
            raise StateError(f"{path}: cannot be written ({error.strerror})") from error

    def path(self, name: str) -> Path | None:
        """The file of ``name``; None where nothing is kept."""
        return self.directory and self.directory / f"{name}.json"


class Kept(Generic[Kind]):
    """One value of the folder that another process may change while this one runs."""

    def __init__(self, folder: StateFolder, name: str, kind: type[Kind]) -> None:
        self._folder = folder
        self._path = folder.path(name)
        self._name = name
        self._kind = kind
        self._seen: Stamp | None = None
        self.value: Kind | None = None
        """As last read; None where there is none, or where it cannot be read."""

    def refresh(self) -> bool:
        """Reads the value, if its file is another than at the last call; whether it was. Else it costs microseconds.

        Raises StateError where the file cannot be read: once, until it is another one.
        """
        stamp = () if self._path is None else _stamp(self._path)
        if stamp == self._seen:
            return False
        self._seen, self.value = stamp, None
        self.value = self._folder.read(self._name, self._kind)
        return True

    def write(self, value: Kind) -> bool:
        """Keeps ``value``, unless the file is another than at the last call of ``refresh``; whether it did.

        Raises StateError where it cannot be written.
        """
        return self._folder.write(self._name, value, self._seen)


def _stamp(path: Path) -> Stamp:
    try:
        found = path.stat()
    except FileNotFoundError:
        return ()
    except OSError as error:
        return (error.errno or 0,)
    return (found.st_ino, found.st_mtime_ns, found.st_size)


def _replace(path: Path, content: bytes, replacing: Stamp | None) -> bool:
    path.parent.mkdir(parents=True, exist_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        # what root writes belongs to whom the folder belongs: the box must be able to read it
        found = os.fstat(folder)
        owner = (found.st_uid, found.st_gid) if os.geteuid() == 0 else None
        with staged(path, content, owner=owner) as new:
            # held for microseconds, so that nobody waits: between the look and the rename no other process writes
            fcntl.flock(folder, fcntl.LOCK_EX)
            replaced = replacing is None or _stamp(path) == replacing
            if replaced:
                new.replace(path)
            fcntl.flock(folder, fcntl.LOCK_UN)
        os.fsync(folder)
    finally:
        os.close(folder)
    return replaced
