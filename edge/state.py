"""What outlives a restart: a few small files in one folder, each written whole or not at all."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TypeVar

import msgspec

from edge.files import replace

log = logging.getLogger(__name__)

Kind = TypeVar("Kind", bound=msgspec.Struct)


class StateFolder:
    """Small values that outlive a restart and a power cut; nowhere to keep them is no error.

    Without a folder nothing is kept. Never for scores of people, pictures, sound or landmarks: values are settings and
    switches of the box.
    """

    def __init__(self, directory: Path | None) -> None:
        self.directory = directory

    def read(self, name: str, kind: type[Kind]) -> Kind | None:
        """The value last written as ``name``; None where there is none or the file is damaged, which is logged."""
        if self.directory is None:
            return None
        path = self.directory / f"{name}.json"
        try:
            return msgspec.json.decode(path.read_bytes(), type=kind)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError) as error:
            log.warning("%s: cannot be read and is ignored (%s)", path, error)
            return None

    def write(self, name: str, value: msgspec.Struct) -> bool:
        """Keeps ``value`` as ``name``: on the medium, not only in its cache, when this returns. False where it cannot.

        A power cut leaves the old value or the new one.
        """
        if self.directory is None:
            return False
        path = self.directory / f"{name}.json"
        try:
            replace(path, msgspec.json.encode(value))
        except OSError as error:
            log.warning("%s: cannot be written (%s); it will be forgotten at the next restart", path, error.strerror)
            return False
        return True
