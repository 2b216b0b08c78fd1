"""Files that should be, and making them so: whole, with the right owner and rights, and only where they differ."""

from __future__ import annotations

import os
import pwd
from dataclasses import dataclass
from pathlib import Path

from edge.errors import UserError
from edge.files import replace

ROOT, MOSQUITTO = "root", "mosquitto"
"""Users whose files these are. Newer releases of mosquitto warn of files that are not their own."""

SECRET = 0o600


@dataclass(frozen=True, slots=True)
class File:
    """A file as it should be; ``content`` None where there should be none."""

    path: Path
    content: bytes | None
    mode: int = 0o644
    owner: str = ROOT

    @property
    def settled(self) -> bool:
        """Whether it is so. Raises UserError where that cannot be seen."""
        try:
            status = self.path.stat()
            if self.content is None or self.path.read_bytes() != self.content:
                return False
        except FileNotFoundError:
            return self.content is None
        except OSError as error:
            raise UserError(f"{self.path}: cannot be read ({error.strerror}); run it as root") from error
        return status.st_mode & 0o7777 == self.mode and self._ids in (None, (status.st_uid, status.st_gid))

    def settle(self) -> None:
        """Makes it so. Raises UserError where it cannot."""
        try:
            if self.content is None:
                self.path.unlink(missing_ok=True)
            else:
                replace(self.path, self.content, mode=self.mode, owner=self._ids)
        except OSError as error:
            raise UserError(f"{self.path}: cannot be written ({error.strerror}); run it as root") from error

    @property
    def _ids(self) -> tuple[int, int] | None:
        """User and group; None where they cannot be chosen: by anybody but root, or with no mosquitto installed."""
        if os.geteuid() != 0:
            return None
        try:
            user = pwd.getpwnam(self.owner)
        except KeyError:
            return None
        return user.pw_uid, user.pw_gid


def content(path: Path) -> bytes | None:
    """What is in a file; None where there is none. Raises UserError where it cannot be read."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); run it as root") from error


def make_folder(path: Path, mode: int) -> None:
    """Makes a folder where there is none, whatever the umask. Raises UserError where it cannot."""
    try:
        if not path.exists():
            path.mkdir(parents=True)
            path.chmod(mode)
    except OSError as error:
        raise UserError(f"{path}: cannot be made ({error.strerror}); run it as root") from error
