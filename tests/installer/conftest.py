"""The boxes that the tests of the installer start with."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.installer.box import Box


@pytest.fixture
def box(tmp_path: Path) -> Box:
    """A box with nothing installed."""
    return Box.make(tmp_path)


@pytest.fixture
def installed(installed_once: tuple[Path, Path]) -> Box:
    """A box on which 1.0 runs."""
    place, kept = installed_once
    shutil.rmtree(place)
    shutil.copytree(kept, place, symlinks=True)
    return Box(place)


@pytest.fixture(scope="session")
def installed_once(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Where the installed box must lie, as its links name that place, and a copy of it."""
    folder = tmp_path_factory.mktemp("installed")
    place, kept = folder / "box", folder / "kept"
    box = Box.make(place)
    done = box.install_sh("device")
    assert done.returncode == 0, done.stdout
    box.forget_calls()
    shutil.copytree(place, kept, symlinks=True)
    return place, kept
