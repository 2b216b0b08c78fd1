"""The source itself keeps media and people out of what is published and out of the log."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

import edge
from edge.publish.schema import PAYLOADS
from edge.signals import Affect, Reading

EDGE = Path(edge.__file__).parent
OUTGOING = sorted(
    path for room in ("publish", "session", "homeassistant", "health") for path in EDGE.glob(f"{room}/**/*.py")
)
EVERYTHING = sorted(EDGE.rglob("*.py"))

HOLDERS_OF_MEDIA = ("capture", "perception", "features", "branches", "inference", "fusion", "pipeline", "appliance")
ARRAYS = ("numpy", "cv2", "soundfile", "PIL")
PUBLISHABLE = {"Abstention", "Affect", "Engagement", "Limit", "Modality", "Outside", "ENGAGEMENT_STATES"}
"""What of ``edge.signals`` speaks of a room, and not of a picture, a sound or a person."""
ABOUT_MODELS = ("inference", "store", "Manifest")
"""What the health of a box names its models by; it holds nothing that was seen or heard."""

EMBEDDINGS = ("signals.py", "features", "inference", "branches", "fusion", "pipeline.py")
"""The only rooms that know of embeddings: from the models that give them to the fusion that is fed with them."""

HARMLESS = (
    *(msgspec.inspect.NoneType, msgspec.inspect.BoolType, msgspec.inspect.IntType, msgspec.inspect.FloatType),
    *(msgspec.inspect.StrType, msgspec.inspect.LiteralType, msgspec.inspect.EnumType),
)
"""Single values: no list, tuple, array or bytes, and nothing that msgspec does not know."""

PRIVATE = {
    *("frame", "image", "picture", "pixels", "crop", "face", "faces", "landmarks", "track", "subject", "subjects"),
    *("chunk", "samples", "utterance", "sound", "features", "window", "reading", "readings", "probabilities"),
    *("logits", "embedding", "embeddings", "positive", "affect", "valence", "satisfaction", "confidence"),
    *("engagement", "payload", "message"),
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
    return rest == [] or (rest[0] in HOLDERS_OF_MEDIA and tuple(rest) != ABOUT_MODELS)


def knows_of_embeddings(source: str) -> bool:
    """Whether a module names an embedding, or anything that holds one."""
    words = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute):
            words.add(node.attr)
        elif isinstance(node, ast.Name):
            words.add(node.id)
        elif isinstance(node, (ast.arg, ast.keyword)):
            words.add(node.arg or "")
        elif isinstance(node, ast.alias):
            words.add(node.name)
        elif isinstance(node, ast.ImportFrom):
            words.add(node.module or "")
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier():
            words.add(node.value)
    return any("embedding" in word.lower() or word.startswith("edge.inference.answer") for word in words)


def holders(kind: type) -> list[str]:
    """The parts of a type that could hold an array, bytes or anything at all."""
    found = []

    def look(info: msgspec.inspect.Type, where: str) -> None:
        if isinstance(info, msgspec.inspect.Metadata):
            look(info.type, where)
        elif isinstance(info, msgspec.inspect.StructType):
            for field in info.fields:
                look(field.type, f"{where}.{field.name}")
        elif isinstance(info, msgspec.inspect.UnionType):
            for one in info.types:
                look(one, where)
        elif isinstance(info, msgspec.inspect.DictType):
            look(info.key_type, where)
            look(info.value_type, where)
        elif not isinstance(info, HARMLESS):
            found.append(where)

    look(msgspec.inspect.type_info(kind), kind.__name__)
    return found


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


@pytest.mark.parametrize("path", EVERYTHING, ids=relative)
def test_nothing_beyond_fusion_knows_of_embeddings(path: Path) -> None:
    assert not knows_of_embeddings(path.read_text()) or path.relative_to(EDGE).parts[0] in EMBEDDINGS


@pytest.mark.parametrize("kind", PAYLOADS.values(), ids=PAYLOADS)
def test_nothing_that_is_published_has_room_for_an_array(kind: type) -> None:
    assert holders(kind) == []


def test_what_fusion_makes_has_no_room_for_an_array() -> None:
    assert not [name for name, kind in Affect.__annotations__.items() if "Array" in kind or "Any" in kind]


def test_a_reading_does_not_tell_its_embedding() -> None:
    reading = Reading("face", {}, 0.5, 0.5, 0.0, 0.0, 0, np.full(4, 0.123, np.float32))
    assert "0.123" not in f"{reading} {reading!r}"
    assert reading == Reading("face", {}, 0.5, 0.5, 0.0, 0.0, 0)


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
        "from edge.signals import Reading",
        "from edge.inference.answer import Answer",
        "from edge.inference.store import ModelStore",
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


@pytest.mark.parametrize(
    "line",
    [
        "x = reading.embedding",
        'x = getattr(reading, "embedding")',
        "from edge.inference.answer import answer",
        "import edge.inference.answer",
        "x = Reading(embedding=y)",
        "def f(face_embedding): ...",
    ],
)
def test_a_line_that_knows_of_embeddings_is_seen(line: str) -> None:
    assert knows_of_embeddings(line)


@pytest.mark.parametrize("kind", ["list[float]", "tuple[float, ...]", "bytes", "Any", "np.ndarray", "dict[str, Any]"])
def test_a_part_with_room_for_an_array_is_seen(kind: str) -> None:
    names = {"np": np, "Any": Any}
    assert holders(msgspec.defstruct("Leaky", [("x", float | None), ("y", eval(kind, names))])) == ["Leaky.y"]
