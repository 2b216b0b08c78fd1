"""What systemd knows of the box that is installed here."""

from __future__ import annotations

import shutil
import subprocess

UNIT = "affectfusion.service"
WITHIN_S = 5.0


def said() -> str | None:
    """What the running box last said of itself (see ``Appliance.status``); None where none runs, or nothing tells."""
    if shutil.which("systemctl") is None:
        return None
    try:
        if _systemctl("is-active", "--quiet").returncode != 0:
            return None
        return _systemctl("show", "-p", "StatusText", "--value").stdout.strip()
    except subprocess.TimeoutExpired:
        return None


def sensors(said: str) -> dict[str, str]:
    """The state of each sensor in what a box said: the words before the first semicolon."""
    named = (part.partition(" ") for part in said.partition(";")[0].split(", "))
    return {name: state for name, _, state in named}


def _systemctl(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemctl", *arguments, UNIT], capture_output=True, text=True, timeout=WITHIN_S, check=False
    )
