"""Learners filmed with sound, one in each recording, and rated over time: ``labels.csv`` beside the recordings.

The form for every set in which a face, an engagement and a voice are one person's at one moment; no such set is public
with all of these labels, so any can be brought into it. A line of the table is a stretch of a recording, ``from_s`` to
``to_s`` in seconds, in which ``person`` was ``positive`` or ``negative`` (``valence``) and each of the four states had
a level of 0 to 3 as in DAiSEE; states that nobody rated are left empty. ``split`` is train, valid or test.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.capture import SourceLostError, pictures, recordings, sources, video_file
from edge.clock import ManualClock
from edge.errors import UserError
from edge.features.face_crop import FaceCrop
from edge.perception import voice
from edge.perception.mesh import Mesh
from edge.perception.tracking import eye_distance
from edge.perception.voice import VoiceSegmenter
from edge.playback import moments
from edge.signals import ENGAGEMENT_STATES, AudioChunk, Float32Array, Frame, Uint8Image, Utterance
from quantize.datasets import Split, tolerance
from quantize.datasets.daisee_clips import SEEN
from quantize.datasets.daisee_landmarks import Clips
from quantize.datasets.device_mesh import fresh_mesh, mesh_code, mesh_sha256
from quantize.datasets.layouts import Layout
from quantize.datasets.tables import Row, rows
from quantize.extraction import Arrays, Extraction, UnreadableError, code, extract

LABELS = "labels.csv"
COLUMNS = ("recording", "person", "split", "from_s", "to_s", "valence", *ENGAGEMENT_STATES)
SPLITS: tuple[Split, ...] = ("train", "valid", "test")
VALENCES = ("negative", "positive")

UNKNOWN = -1
"""The level of a state that nobody rated."""

LONGEST_S = 24 * 3600
"""No recording is longer."""

STEPS = 75
"""Steps of a window, ten seconds."""

PICTURES_PER_S = 7.5
"""What a folder of pictures without times is taken for."""


@dataclass(frozen=True)
class Lesson:
    """What was seen and heard of one ``person`` in the T rated seconds of a recording.

    ``second`` int64 (T,) is when each begins, ascending; ``positive`` int64 (T,) and ``levels`` int64 (T, 4), in the
    order of ENGAGEMENT_STATES, UNKNOWN where nobody rated, are what it was rated as. ``faces`` uint8 (F, 48, 48) are
    its crops and ``voices`` its utterances, each float32 (n,) at 16 kHz; ``face`` and ``spoken`` int64 (T,) tell which
    of them is there in each second, -1 for none. ``landmarks`` float32 (steps, 468, 3), ``rate_hz`` a second, were
    ``seen`` bool (steps,), or else held.
    """

    person: str
    second: NDArray[np.int64]
    positive: NDArray[np.int64]
    levels: NDArray[np.int64]
    faces: Uint8Image
    face: NDArray[np.int64]
    voices: Sequence[Float32Array]
    spoken: NDArray[np.int64]
    landmarks: Float32Array
    seen: NDArray[np.bool_]
    rate_hz: float

    def clips(self) -> tuple[Clips, NDArray[np.int64]]:
        """The windows that end with each second, and int64 (T,) which is there; -1 for too little of a face.

        Made anew every time: they take some 400 kB a second.
        """
        windows, there = list[Float32Array](), np.full(len(self.second), -1, np.int64)
        for row, second in enumerate(self.second.tolist()):
            # what a recording that broke off would have shown was not seen
            steps = np.arange(STEPS) + round((second + 1) * self.rate_hz) - STEPS
            inside = steps[(steps >= 0) & (steps < len(self.seen))]
            if self.seen[inside].sum() >= SEEN * STEPS:
                there[row] = len(windows)
                windows.append(self.landmarks[np.clip(steps, 0, len(self.seen) - 1)])
        made = np.stack(windows) if windows else np.zeros((0, STEPS, 468, 3), np.float32)
        return Clips(made, self.levels[there >= 0], np.full(len(made), self.person)), there


class SeenAndHeard(Extraction, frozen=True):
    """Turns a recording into what the device would see and hear of the largest face in it.

    ``landmarks`` float32 (steps, 468, 3), in square pixels, ``rate_hz`` of them a second, and ``seen`` bool (steps,): a
    step without a face repeats the last one with it, those before its first sight hold its first. ``faces`` uint8
    (F, 48, 48) and ``face_s`` int64 (F,), the second each was cut in. ``voices`` float32 (n,), all utterances one after
    the other, with their ``lengths`` int64 (U,) and ``spoken_s`` int64 (U,), the second each ended in.
    """

    mesh_sha256: tuple[str, ...]
    code_sha256: str
    rate_hz: float = 7.5

    def __call__(self, source: Path) -> Arrays:
        """See Extraction."""
        looks, crops, heard = self._play(source)
        landmarks, seen = self._steps(looks)
        return {
            "landmarks": landmarks,
            "seen": seen,
            "faces": np.array([crop for _, crop in crops], np.uint8).reshape(-1, FaceCrop().size, FaceCrop().size),
            "face_s": np.array([second for second, _ in crops], np.int64),
            "voices": np.concatenate([np.zeros(0, np.float32), *(one.samples for one in heard)]),
            "lengths": np.array([len(one.samples) for one in heard], np.int64),
            "spoken_s": np.array([int(one.end) for one in heard], np.int64),
        }

    def _play(self, source: Path) -> tuple[dict[int, Mesh | None], list[tuple[int, Uint8Image]], list[Utterance]]:
        """The largest face by step, the first crop of every second in which there is one, and every utterance."""
        mesh, segmenter, cut = fresh_mesh(), VoiceSegmenter(), FaceCrop()
        looks: dict[int, Mesh | None] = {}
        crops: list[tuple[int, Uint8Image]] = []
        heard: list[Utterance] = []
        try:
            for item in _opened(source):
                if isinstance(item, AudioChunk):
                    heard += segmenter.hear(item)
                    continue
                # a frame is taken when its step is due; a millisecond of slack for the container's rounding
                step = int((item.time + 1e-3) * self.rate_hz)
                if step in looks:
                    continue
                looks[step] = face = max(mesh.find(item), key=lambda face: eye_distance(face.landmarks), default=None)
                second = int(item.time + 1e-3)
                if face is not None and (not crops or crops[-1][0] < second):
                    crops.append((second, cut.cut(item.image, face.landmarks)))
        except (UserError, SourceLostError) as error:
            raise UnreadableError(str(error).removeprefix(f"{source}: ")) from error
        last = segmenter.flush()
        return looks, crops, heard if last is None else [*heard, last]

    @staticmethod
    def _steps(looks: dict[int, Mesh | None]) -> tuple[Float32Array, NDArray[np.bool_]]:
        faces = {step: face for step, face in looks.items() if face is not None}
        if not faces:
            return np.zeros((0, 468, 3), np.float32), np.zeros(0, np.bool_)
        steps = np.arange(max(looks) + 1)
        known = np.array(sorted(faces))
        held = np.maximum(np.searchsorted(known, steps, side="right") - 1, 0)
        return np.stack([faces[step].landmarks for step in known.tolist()])[held], np.isin(steps, known)


def seen_and_heard() -> SeenAndHeard:
    """The extraction as the device would do it, with its models and its code in the cache's key."""
    return SeenAndHeard(mesh_sha256(), mesh_code() + code(video_file, pictures, voice))


def load(folder: Path, split: Split) -> list[Lesson]:
    """Every recording of ``split`` that is rated.

    Raises UserError naming file and line for a cell that says nothing, stretches that overlap and a person in two
    splits, the recording that is missing, and where more than 1 % of the recordings cannot be played.
    """
    rated = _rated(folder)
    names = [name for name, lines in rated.items() if lines[0]["split"] == split]
    if not names:
        raise UserError(f"{folder / LABELS}: no recording is of the split {split!r}")
    paths = [folder / name for name in names]
    extraction = seen_and_heard()
    arrays, flaws = extract(extraction, folder, paths)
    tolerance.settle(folder, flaws, len(paths), "recordings")
    found = [
        _lesson(rated[name], array, extraction.rate_hz)
        for name, array in zip(names, arrays, strict=True)
        if array is not None
    ]
    for what in ("faces", "voices"):
        if not any(len(getattr(lesson, what)) for lesson in found):
            raise UserError(f"{folder}: no {what} in any of {len(found)} recordings of the split {split!r}")
    return found


def _rated(folder: Path) -> dict[str, list[Row]]:
    """The lines of the table by recording, in order of time, each looked at."""
    path, found, splits = folder / LABELS, dict[str, list[Row]](), dict[str, Row]()
    for row in rows(path, COLUMNS):
        if not row["recording"] or Path(row["recording"]).is_absolute():
            raise row.error(f"recording is {row['recording']!r}, not a path below {folder}")
        if row["split"] not in SPLITS:
            raise row.error(f"split is {row['split']!r}, not one of {', '.join(SPLITS)}")
        if row["valence"] not in VALENCES:
            raise row.error(f"valence is {row['valence']!r}, not one of {', '.join(VALENCES)}")
        if row.integer("from_s", 0, LONGEST_S) >= row.integer("to_s", 0, LONGEST_S):
            raise row.error(f"from_s {row['from_s']} is not before to_s {row['to_s']}")
        _levels(row)
        first = splits.setdefault(row["person"], row)
        if first["split"] != row["split"]:
            raise row.error(f"{row['person']!r} is in the split {row['split']!r}, in line {first.line} in another")
        found.setdefault(row["recording"], []).append(row)
    if not found:
        raise UserError(f"{path}: no recording is rated here")
    for lines in found.values():
        lines.sort(key=lambda row: row.integer("from_s", 0, LONGEST_S))
        for before, after in pairwise(lines):
            if after["person"] != before["person"]:
                raise after.error(f"another person than in line {before.line} of the same recording")
            if after.integer("from_s", 0, LONGEST_S) < before.integer("to_s", 0, LONGEST_S):
                raise after.error(f"begins before line {before.line} has ended")
    return found


def _levels(row: Row) -> list[int]:
    return [row.integer(state, 0, 3) if row[state] else UNKNOWN for state in ENGAGEMENT_STATES]


def _lesson(lines: Sequence[Row], arrays: Arrays, rate_hz: float) -> Lesson:
    spans = [(row.integer("from_s", 0, LONGEST_S), row.integer("to_s", 0, LONGEST_S)) for row in lines]
    second = np.concatenate([np.arange(*span) for span in spans])
    of = np.repeat(np.arange(len(lines)), [end - start for start, end in spans])
    return Lesson(
        person=lines[0]["person"],
        second=second,
        positive=np.array([VALENCES.index(row["valence"]) for row in lines], np.int64)[of],
        levels=np.array([_levels(row) for row in lines], np.int64)[of],
        faces=arrays["faces"],
        face=_where(second, arrays["face_s"]),
        voices=np.split(arrays["voices"], np.cumsum(arrays["lengths"]))[:-1],
        spoken=_where(second, arrays["spoken_s"]),
        landmarks=arrays["landmarks"],
        seen=arrays["seen"],
        rate_hz=rate_hz,
    )


def _where(second: NDArray[np.int64], happened_s: NDArray[np.int64]) -> NDArray[np.int64]:
    """The row of what happened in each second, the last of several; -1 where nothing did."""
    rows_by_second = {at: row for row, at in enumerate(happened_s.tolist())}
    return np.array([rows_by_second.get(at, -1) for at in second.tolist()], np.int64)


def _opened(source: Path) -> Iterator[Frame | AudioChunk]:
    """Everything there is to see and hear, in order. Raises UserError where it cannot be played."""
    camera, microphone = recordings.sources(source, PICTURES_PER_S, with_sound=True)
    if microphone.source == "none":
        raise UserError(f"{source}: has no sound, neither in it nor beside it")
    return moments(
        sources.open_camera(camera, ManualClock()),
        sources.open_microphone(microphone, ManualClock()),
    )


LAYOUT = Layout(
    name="learners filmed with sound and rated over time",
    files=(
        f"{LABELS}: {','.join(COLUMNS)}",
        "films/anna.mp4,anna,train,0,35,positive,0,1,3, (seconds; levels 0 to 3, empty where nobody rated)",
        "films/anna.mp4: a video with sound in it, or as a .wav or .flac of the same name",
    ),
    page="any set that is brought into this form, public or your own",
    terms="those of the set; whoever is filmed for one must have agreed to it",
    recognises=lambda folder: (folder / LABELS).is_file(),
    splits=lambda folder: tuple(name for name in SPLITS if any(r[0]["split"] == name for r in _rated(folder).values())),
    load=load,
)
