"""A box that exists only in a folder, and install.sh on it with stand-ins for apt, pip, systemd and the like."""

from __future__ import annotations

import contextlib
import os
import pty
import shutil
import subprocess
from pathlib import Path

HOUSE = Path(__file__).parents[2]

STOOD_IN = (
    *("python3", "affect-edge", "apt-get", "dpkg", "dpkg-query", "df", "getent", "id", "journalctl", "sleep", "sync"),
    *("systemctl", "systemd-sysusers", "systemd-tmpfiles", "userdel", "usermod"),
)
"""Programs that do nothing here but what the box needs to go on."""

WATCHED = ("install", "ln", "mkdir", "mv", "rm", "tar", "touch")
"""Programs that really run; an installation can be cut short at each of their calls."""


class Box:
    """A device with Debian 12 and Python 3.11 unless a test changes that."""

    def __init__(self, folder: Path) -> None:
        """The box in ``folder``, which ``make`` has made."""
        self._folder = folder
        self.root = folder / "root"
        self.prefix = self.root / "opt/affectfusion"
        self.configuration = self.root / "etc/affectfusion/config.toml"
        self.units = self.root / "etc/systemd/system"
        self._programs = folder / "bin"

    @classmethod
    def make(cls, folder: Path) -> Box:
        """A new box, with nothing installed."""
        box = cls(folder)
        box._programs.mkdir(parents=True)
        for program in (*STOOD_IN, *WATCHED):
            (box._programs / program).symlink_to(HOUSE / "tests/installer/stand_ins.sh")
        for name, content in {
            "python": "3.11",
            "architecture": "arm64",
            "packages": "",
            "free_mb": "9000",
            "active": "inactive\n",
            "restarts": "0\n",
            "active_since": "9000000000000000",
            "calls": "",
        }.items():
            box.let(name, content)
        (box.root / "etc").mkdir(parents=True)
        box.is_a("debian", "12")
        return box

    def let(self, name: str, content: str) -> None:
        """Sets what the stand-ins go by."""
        (self._folder / name).write_text(content)

    def is_a(self, distribution: str, version: str) -> None:
        text = f'ID={distribution}\nVERSION_ID="{version}"\nPRETTY_NAME="{distribution} {version}"\n'
        (self.root / "etc/os-release").write_text(text)

    def checkout(self, version: str = "1.0", kind: str = "whole") -> Path:
        """A folder that can be installed; ``kind`` is whole, deaf (never ready) or frail (ready, then dying)."""
        folder = self._folder / f"checkout-{version}-{kind}"
        if not folder.exists():
            (folder / "edge").mkdir(parents=True)
            (folder / "edge/__init__.py").write_text(f'__version__ = "{version}"\n')
            (folder / "edge/kind").write_text(kind)
            (folder / "models_tflite").mkdir()
            shutil.copytree(HOUSE / "systemd", folder / "systemd")
            with (folder / "systemd/affectfusion.service").open("a") as unit:
                unit.write(f"# of release {version}\n")
            shutil.copy(HOUSE / "install.sh", folder)
            for name in ("pyproject.toml", "README.md", "LICENSE", "NOTICE"):
                (folder / name).touch()
        return folder

    def install_sh(self, *arguments: str, source: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Runs ``install.sh ARGUMENTS`` of ``source`` to its end; stdout and stderr come as one text."""
        process = self.start(*arguments, source=source)
        text, _ = process.communicate(timeout=60)
        return subprocess.CompletedProcess(arguments, process.returncode, text)

    def install_sh_at_a_terminal(self, *arguments: str) -> str:
        """What a person sees of ``install.sh ARGUMENTS``."""
        ours, theirs = pty.openpty()
        process = self.start(*arguments, output=theirs)
        os.close(theirs)
        seen = bytearray()
        # the other end of a terminal that is closed is an error
        with contextlib.suppress(OSError):
            while words := os.read(ours, 65536):
                seen += words
        os.close(ours)
        process.wait(timeout=60)
        return seen.decode()

    def start(
        self, *arguments: str, source: Path | None = None, output: int = subprocess.PIPE
    ) -> subprocess.Popen[str]:
        """Begins what ``install_sh`` runs to its end."""
        return subprocess.Popen(
            [str((source or self.checkout()) / "install.sh"), *arguments],
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=self._folder,
            env={
                "PATH": f"{self._programs}:{os.environ['PATH']}",
                "BOX": str(self._folder),
                "PYTHON": str(self._programs / "python3"),
                "AFFECTFUSION_ROOT": str(self.root),
                "AFFECTFUSION_SETTLE_S": "2",
            },
        )

    def forget_calls(self) -> None:
        self.let("calls", "")

    def calls(self, beginning: str = "") -> list[str]:
        """The calls of stand-ins that begin so, since the last ``forget_calls``."""
        return [line for line in (self._folder / "calls").read_text().splitlines() if line.startswith(beginning)]

    def release(self, link: str = "current") -> str | None:
        """The version of the release that ``link`` points at."""
        path = self.prefix / link
        return path.readlink().name.rpartition("-")[0] if path.is_symlink() else None

    def releases(self) -> set[str]:
        """The versions that lie there, whole or not."""
        folder = self.prefix / "releases"
        return {path.name.rpartition("-")[0] for path in folder.iterdir()} if folder.exists() else set()

    def runs(self) -> str | None:
        """The version that the service last started with; None where it does not run."""
        if (self._folder / "active").read_text().strip() != "active":
            return None
        return Path((self._folder / "running").read_text().strip()).name.rpartition("-")[0]

    def waiting(self) -> bool:
        return (self._folder / "waiting").exists()

    def go_on(self) -> None:
        """Lets the stand-in that waits do its work."""
        (self._folder / "waits").write_text("")
        (self._folder / "waiting").unlink()

    def log(self) -> str:
        return (self.root / "var/log/affectfusion-install.log").read_text()

    def everything(self) -> dict[str, str]:
        """Every file of the box by its path, links by where they point."""
        return {
            str(path.relative_to(self.root)): str(path.readlink()) if path.is_symlink() else path.read_text()
            for path in self.root.rglob("*")
            if path.is_symlink() or path.is_file()
        }
