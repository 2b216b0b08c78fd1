"""The Debian that a machine boots, and the wheels that it installs from; both are kept for the next time."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[2]
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "affectfusion-tests"

SUITE, PYTHON = ("trixie", "3.13") if sys.version_info >= (3, 13) else ("bookworm", "3.11")
"""The Debian and its Python: pip judges which packages another Python needs by the one that it runs on."""
PACKAGES = (
    *("systemd", "systemd-sysv", "dbus", "iproute2", "procps", "ca-certificates"),
    *("python3", "python3-venv", "python3-pyaudio", "python3-systemd", "mosquitto", "mosquitto-clients", "openssl"),
)
"""The last seven are what install.sh device asks apt for: the machine has no network to fetch them from."""
NO_DOCUMENTS = ("man", "doc", "locale", "info")


def fresh_root(folder: Path) -> Path:
    """A new root folder of a Debian as apt makes it.

    Skips the test only where the right to make one is missing: whoever runs it as root means it to run.
    """
    if os.geteuid() != 0:
        pytest.skip("a machine of its own needs root")
    for program, package in {"systemd-nspawn": "systemd-container", "mmdebstrap": "mmdebstrap"}.items():
        if shutil.which(program) is None:
            pytest.fail(f"{program} is not installed: apt install {package}")
    architecture = subprocess.run(["dpkg", "--print-architecture"], capture_output=True, text=True).stdout.strip()
    recipe = hashlib.sha256(repr((SUITE, PACKAGES, NO_DOCUMENTS)).encode()).hexdigest()[:8]
    archive = CACHE / f"{SUITE}-{architecture}-{recipe}.tar"
    if not archive.exists():
        _make_root(archive)
    folder.mkdir()
    subprocess.run(["tar", "-C", str(folder), "-xf", str(archive)], check=True)
    return folder


def skip_if_forbidden(what: str, words: str) -> None:
    """Skips the test where a program's last ``words`` are that this system lacks the right, as a container does."""
    if any(refusal in words for refusal in ("Operation not permitted", "Permission denied", "Read-only file system")):
        pytest.skip(f"{what}: {words.strip().splitlines()[-1]}")


def _make_root(archive: Path) -> None:
    CACHE.mkdir(parents=True, exist_ok=True)
    unfinished = archive.with_suffix(".new.tar")
    done = subprocess.run(
        [
            "mmdebstrap",
            "--variant=minbase",
            f"--include={','.join(PACKAGES)}",
            "--dpkgopt=force-unsafe-io",
            *(f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in NO_DOCUMENTS),
            '--aptopt=Acquire::Languages "none"',
            SUITE,
            str(unfinished),
            "http://deb.debian.org/debian",
        ],
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        skip_if_forbidden("a Debian may not be made here", done.stderr)
        pytest.fail(f"a Debian cannot be made here:\n{done.stderr[-3000:]}")
    unfinished.replace(archive)


def wheels() -> Path:
    """A folder with all that the appliance needs from PyPI, for the machine's Python; mostly out of pip's cache."""
    folder = CACHE / f"wheels-{hashlib.sha256((HOUSE / 'pyproject.toml').read_bytes()).hexdigest()[:8]}"
    if folder.exists():
        return folder
    unfinished = folder.with_suffix(".new")
    shutil.rmtree(unfinished, ignore_errors=True)
    machine = os.uname().machine
    # every Linux that the C library of Debian 12 can pass for
    platforms = [f"manylinux_2_{minor}_{machine}" for minor in range(36, 4, -1)]
    done = subprocess.run(
        [
            *(
                sys.executable,
                "-m",
                "pip",
                "download",
                "--quiet",
                "--disable-pip-version-check",
                "--dest",
                str(unfinished),
            ),
            *("--only-binary=:all:", "--implementation=cp", f"--python-version={PYTHON}"),
            *(f"--platform={platform}" for platform in (*platforms, f"manylinux2014_{machine}")),
            *("setuptools>=77", f"{HOUSE}[dashboard]"),
        ],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    unfinished.rename(folder)
    return folder
