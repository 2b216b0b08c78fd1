"""Learners who wear a known pattern, and a voice that carries it: no output of the box holds any of it."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import soundfile
from boxrun import BASE, CLIENT_ID, DECLARED, Run, recordings, run_the_box
from watched import files_written, why_no_strace
from wire import messages, objections, packets

from edge.demo.lesson import SOUND
from edge.drawing import APPEARANCES, Expression, Pose, render
from edge.drawing.scene import Classroom, Sitter
from edge.signals import SAMPLE_RATE, Uint8Image

pytestmark = pytest.mark.system

WIDTH, HEIGHT, LEARNERS = 960, 540, 6

PATTERN = np.random.default_rng(64).integers(0, 256, 64, np.uint8).tobytes()
"""Printed on faces and clothes, and, taken as 32 samples of 16 bits, mixed into the voice."""
SIGNATURE = np.frombuffer(PATTERN, "<i2") // 4
RUN = 16
"""As many bytes of a pattern in a row are no accident."""

MEDIA = {"JPEG": b"\xff\xd8\xff", "PNG": b"\x89PNG", "WAV": b"RIFF", "FLAC": b"fLaC", "Ogg": b"OggS"}


def printed(picture: Uint8Image, x: int, y: int, rows: int) -> None:
    """Prints the pattern over and over on ``picture``, in one row of bytes each, from (x, y) on."""
    pixels = np.frombuffer(PATTERN[:63], np.uint8).reshape(1, 21, 3)
    picture[y : y + rows, x : x + 21] = pixels


def marked_pictures(folder: Path) -> None:
    """Eight seconds of learners who wear the pattern on forehead and clothes, without loss."""
    folder.mkdir()
    room = Classroom(LEARNERS, WIDTH, HEIGHT)
    size = round(room.side)
    smiling = Expression(smile=1.0, open=0.35)
    sprites = [render(APPEARANCES[number], smiling, Pose(), size) for number in range(LEARNERS)]
    for number in range(60):
        sway = 0.01 * np.sin(number / 5)
        picture = room.picture([Sitter(sprite, across=sway) for sprite in sprites])
        for x, y in room.seats:
            for height in (-0.22, 0.3):
                printed(picture, round(x) - 10, min(round(y + height * size), HEIGHT - 12), 6)
        cv2.imwrite(str(folder / f"{number:03}.png"), picture)


def marked_sound(path: Path) -> None:
    """The lesson's first sentences, with the signature in them twenty times a second."""
    sound, _ = soundfile.read(SOUND, start=12 * SAMPLE_RATE, frames=12 * SAMPLE_RATE, dtype="int16")
    for start in range(0, len(sound) - len(SIGNATURE), SAMPLE_RATE // 20):
        sound[start : start + len(SIGNATURE)] = SIGNATURE
    soundfile.write(path, sound, SAMPLE_RATE, subtype="PCM_16")


def patterns() -> dict[str, bytes]:
    """The patterns as bytes of the types in which they are held in memory."""
    as_floats = SIGNATURE.astype(np.float32) / 32768
    return {
        "pixels": PATTERN[:63],
        "one channel": PATTERN[:63:3],
        "samples": SIGNATURE.astype("<i2").tobytes(),
        "float samples": as_floats.tobytes(),
    }


def finds(output: bytes) -> list[str]:
    """Which patterns, or heads of media files, are in an output, however they are written."""
    hexadecimal = re.sub(rb"\\x|0x|[\s:,]", b"", output.lower())
    numbers = bytes(min(int(number), 255) for number in re.findall(rb"\d{1,6}", output))
    standard = re.sub(rb"\s", b"", output).translate(bytes.maketrans(b"-_", b"+/"))
    found = []
    needles = [(name, run) for name, pattern in patterns().items() for run in runs(pattern)]
    for name, needle in needles + list(MEDIA.items()):
        ways = (
            needle in output,
            repr(needle)[2:-1].encode() in output,
            needle.hex().encode() in hexadecimal,
            any(coded in standard for coded in base64_runs(needle)),
            len(needle) >= RUN and needle in numbers,
        )
        if any(ways):
            found.append(name)
    return sorted(set(found))


def runs(pattern: bytes) -> Iterator[bytes]:
    """All runs of RUN bytes of a pattern that is repeated."""
    for start in range(len(pattern)):
        yield (pattern * 2)[start : start + RUN]


def base64_runs(needle: bytes) -> Iterator[bytes]:
    """What ``needle`` is in base64, wherever in three bytes it begins: the characters that depend on it alone."""
    for before in range(3):
        coded = base64.b64encode(bytes(before) + needle)
        yield coded[-(-before * 4 // 3) : (before + len(needle)) * 4 // 3]


def heard_and_seen(sent: list[bytearray]) -> bool:
    """Whether every branch has had its say."""
    shares: set[str] = set()
    return shares.union(*(state["reliability"] for state in messages(sent, "affect"))) >= {"engagement", "speech"}


@pytest.fixture(scope="module")
def marked(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run on learners who wear the pattern and a voice that carries it, until every branch has read them."""
    folder = tmp_path_factory.mktemp("marked")
    marked_pictures(folder / "pictures")
    marked_sound(folder / "sound.wav")
    looped = recordings("images", folder / "pictures", folder / "sound.wav").replace("fps", "loop = true\nfps")
    return run_the_box(folder / "run", DECLARED + looped, heard_and_seen)


def test_no_output_holds_the_pattern(marked: Run) -> None:
    assert marked.exit_code == 0
    assert any(state["abstain"] is None for state in messages(marked.sent, "affect"))
    outputs = [*map(bytes, marked.sent), marked.watched.log]
    outputs += [packet.message[1] for packet in packets(bytes(marked.sent[0])) if packet.name == "PUBLISH"]
    assert [finds(output) for output in outputs] == [[]] * len(outputs)
    assert list(marked.watched.home.iterdir()) == []


def test_marked_learners_leave_no_more_than_others(marked: Run) -> None:
    assert objections(bytes(marked.sent[0]), BASE, CLIENT_ID) == []
    assert marked.watched.log
    assert re.findall(rb"\d\.\d{3,}|\[\s*-?\d", marked.watched.log) == []


@pytest.mark.skipif(bool(why_no_strace()), reason=why_no_strace())
def test_marked_learners_leave_no_file(marked: Run) -> None:
    assert files_written(marked.watched.calls) == []


def test_the_pattern_is_in_what_the_box_is_given(tmp_path: Path) -> None:
    marked_pictures(tmp_path / "pictures")
    marked_sound(tmp_path / "sound.wav")
    picture = cv2.imread(str(tmp_path / "pictures" / "007.png"))
    assert "pixels" in finds(picture.tobytes())
    assert "WAV" in finds((tmp_path / "sound.wav").read_bytes())
    assert "samples" in finds((tmp_path / "sound.wav").read_bytes())
    assert "float samples" in finds(soundfile.read(tmp_path / "sound.wav", dtype="float32")[0].tobytes())


@pytest.mark.parametrize(
    "leak",
    [
        lambda part: part,
        lambda part: part.hex().encode(),
        lambda part: part.hex(" ").upper().encode(),
        lambda part: repr(part).encode(),
        lambda part: base64.b64encode(part),
        lambda part: base64.b64encode(b"x" + part),
        lambda part: base64.urlsafe_b64encode(b"xy" + part),
        lambda part: json.dumps(list(part)).encode(),
        lambda part: str(np.frombuffer(part, np.uint8)).encode(),
    ],
    ids=["raw", "hex", "HEX", "repr", "base64", "base64 + 1", "base64 + 2", "JSON", "numpy"],
)
@pytest.mark.parametrize("name", patterns())
def test_the_pattern_is_found_however_it_is_written(name: str, leak: Callable[[bytes], bytes]) -> None:
    part = (patterns()[name] * 2)[5 : 5 + RUN + 2]
    assert name in finds(b'INFO publishing to 127.0.0.1:1883\n{"v":1,"x":"' + leak(part) + b'"}')


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_an_encoded_picture_is_found(suffix: str) -> None:
    whole, coded = cv2.imencode(suffix, np.zeros((8, 8, 3), np.uint8))
    assert whole
    assert finds(b"x" + coded.tobytes()) != []
    assert finds(b'{"x":"' + base64.b64encode(coded.tobytes()) + b'"}') != []
