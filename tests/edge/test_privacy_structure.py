"""The source itself keeps media and people out of what is published and out of the log."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import edge

EDGE = Path(edge.__file__).parent
OUTGOING = sorted(path for room in ("publish", "session", "homeassistant") for path in EDGE.glob(f"{room}/*.py"))
EVERYTHING = sorted(EDGE.rglob("*.py"))

HOLDERS_OF_MEDIA = ("capture", "perception", "features", "branches", "inference", "fusion", "pipeline", "appliance")
ARRAYS = ("numpy", "cv2", "soundfile", "PIL")
PUBLISHABLE = {"Abstention", "Affect", "Engagement", "Limit", "Modality", "Outside", "ENGAGEMENT_STATES"}
"""What of ``edge.signals`` speaks of a room, and not of a picture, a sound or a person."""

PRIVATE = {
    *("frame", "image", "picture", "pixels", "crop", "face", "faces", "landmarks", "track", "subject", "subjects"),
    *("chunk", "samples", "utterance", "sound", "features", "window", "reading", "readings", "probabilities"),
    *("logits", "positive", "affect", "valence", "satisfaction", "confidence", "engagement", "payload", "message"),
}
"""Names that hold media, biometric data or scores wherever they occur in the device's code."""
ABOUT = {"abstain", "shape", "path", "name", "topic"}
"""What may be told of them."""
SAYING = {"debug", "info", "warning", "error", "exception", "critical", "log"}


def forbidden_imports(source: str) -> list[str]:
    """What a module imports that can hold media or a person's data."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        found += [name for name in names if _is_forbidden(name)]
    return found


def _is_forbidden(name: str) -> bool:
    package, *rest = name.split(".")
    if package != "edge":
        return package in ARRAYS
    if rest[:1] == ["signals"]:
        return rest[1:2] == [] or rest[1] not in PUBLISHABLE
    return rest == [] or rest[0] in HOLDERS_OF_MEDIA


def told(source: str) -> list[str]:
    """Names of media, people or scores in what a module logs or prints."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and _says_something(node.func):
            for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
                found += [name for name in _names(argument) if name.lstrip("_") in PRIVATE]
    return found


def _says_something(function: ast.expr) -> bool:
    if isinstance(function, ast.Attribute):
        return (
            function.attr in SAYING and isinstance(function.value, ast.Name) and function.value.id in ("log", "logging")
        )
    return isinstance(function, ast.Name) and function.id == "print"


def _names(node: ast.AST) -> Iterator[str]:
    """The names an expression is made of, without those of which only something harmless is told."""
    if isinstance(node, ast.Attribute):
        if node.attr in ABOUT:
            return
        yield node.attr
    elif isinstance(node, ast.Name):
        yield node.id
    for child in ast.iter_child_nodes(node):
        yield from _names(child)


def relative(path: Path) -> str:
    return str(path.relative_to(EDGE))


@pytest.mark.parametrize("path", OUTGOING, ids=relative)
def test_what_publishes_cannot_hold_media(path: Path) -> None:
    assert forbidden_imports(path.read_text()) == []


@pytest.mark.parametrize("path", [path for path in EVERYTHING if path.parent.name != "demo"], ids=relative)
def test_nothing_logged_is_a_picture_a_sound_a_person_or_a_score(path: Path) -> None:
    assert told(path.read_text()) == []


def test_the_rooms_checked_are_there() -> None:
    assert {path.name for path in OUTGOING} >= {"mqtt.py", "payloads.py", "schema.py", "session.py", "statistics.py"}
    assert len(EVERYTHING) > 50


@pytest.mark.parametrize(
    "line",
    [
        "import numpy as np",
        "import edge",
        "import edge.signals",
        "import edge.capture.buffers",
        "from edge import signals",
        "from edge.signals import Affect, Frame",
        "from edge.capture import Source",
        "from edge.perception.tracking import Tracker",
    ],
)
def test_an_import_that_can_hold_media_is_seen(line: str) -> None:
    assert forbidden_imports(f"def later():\n    {line}\n") != []


@pytest.mark.parametrize(
    "line",
    [
        'log.info("%s", frame)',
        'log.debug("%s", self._frame.image.mean())',
        'log.warning(f"lost {face.landmarks[0]!r}")',
        'log.info("so %s", "x" + str([one for one in readings]))',
        'log.error("at %s", payload, exc_info=True)',
        'logging.info("%.2f", affect.valence)',
        "print(utterance.samples)",
        'log.info("%s", extra={"a": samples})',
    ],
)
def test_a_line_that_tells_too_much_is_seen(line: str) -> None:
    assert told(line) != []


def test_a_line_that_tells_only_of_the_box_passes() -> None:
    assert told('log.info("%s: %s, %s", self.name, affect.abstain.value, topic.name)') == []
