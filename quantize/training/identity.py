"""What makes two training runs the same one: branch, recipe, data, code and versions."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import edge
import quantize
from quantize.certificates import provenance

if TYPE_CHECKING:
    from quantize.branches.base import Branch, Recipe

DEVICE, WORKSTATION = (Path(str(package.__file__)).parent for package in (edge, quantize))
PREPROCESSING = (DEVICE / "features",)
EXTRACTION = (DEVICE / "perception", WORKSTATION / "datasets", WORKSTATION / "extraction.py")
CODE = tuple(WORKSTATION / room for room in ("augment", "branches", "models", "training"))
DIGITS = 64
"""The length of a SHA-256 in hex: such values differ without telling anybody how."""


def identity(branch: Branch, data: Path, recipe: Recipe) -> dict[str, Any]:
    """All that a network's weights depend on, by name, as JSON would hold it.

    Data are told apart by the names, sizes and times of the files below their folder, code by its text.
    """
    held = {
        "branch": branch.name,
        **{f"recipe's {name}": value for name, value in dataclasses.asdict(recipe).items()},
        "data": _digest((name, status.st_size, status.st_mtime_ns) for name, status in _files(data)),
        "preprocessing": _code(*PREPROCESSING),
        "reading of the data": _code(*EXTRACTION),
        "training code": _code(*CODE),
        **provenance.versions(),
    }
    return dict(json.loads(json.dumps(held)))


def differences(was: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What tells ``was`` from ``now``, in a few words each."""
    names = [name for name in {**was, **now} if was.get(name) != now.get(name)]
    return [_difference(name, was.get(name), now.get(name)) for name in names]


def _difference(name: str, was: Any, now: Any) -> str:
    if any(isinstance(value, str) and len(value) == DIGITS for value in (was, now)):
        return f"other {name}"
    return f"{name} {was}, now {now}"


def _code(*places: Path) -> str:
    """The text of files and of all that lie below folders."""
    files = (file for place in places for file in ([place] if place.is_file() else sorted(place.rglob("*.py"))))
    return _digest(file.read_text() for file in files)


def _files(folder: Path) -> list[tuple[str, os.stat_result]]:
    """Every file below ``folder`` by its name there; hidden ones, which programs leave behind, are no data."""
    paths = (path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    return sorted((str(path.relative_to(folder)), path.stat()) for path in paths)


def _digest(parts: Iterable[Any]) -> str:
    return hashlib.sha256(repr(list(parts)).encode()).hexdigest()
