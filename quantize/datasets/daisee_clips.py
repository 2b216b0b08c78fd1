"""DAiSEE's clips in their official layout: ``DataSet/Train/110001/1100011002/1100011002.avi`` and ``Labels/*.csv``.

Gupta et al. 2016, arXiv 1609.01885. Each clip of ten seconds is watched as the device would watch it, 7.5 times a
second, and becomes 75 steps of landmarks. Of several faces the one that is seen most counts.
"""

from __future__ import annotations

import logging
from collections import Counter
from pathlib import Path

import numpy as np

from edge.capture import pictures, video_file
from edge.capture.video_file import VideoFileCamera
from edge.clock import ManualClock
from edge.config import Perception
from edge.errors import UserError
from edge.perception import tracking, windows
from edge.perception.tracking import Tracker
from edge.perception.windows import LandmarkWindow
from edge.signals import ENGAGEMENT_STATES, Face
from quantize.datasets import tolerance
from quantize.datasets.daisee_landmarks import Clips
from quantize.datasets.device_mesh import fresh_mesh, mesh_code, mesh_sha256
from quantize.datasets.layouts import Layout
from quantize.datasets.tables import rows
from quantize.extraction import Arrays, Extraction, UnreadableError, code, extract

log = logging.getLogger(__name__)

VIDEOS, LABELS = "DataSet", "Labels"
SPLITS = ("Train", "Validation", "Test")
SUBJECT = 6
"""The first so many digits of a clip's name are its subject's."""

SUFFIXES = (".avi", ".mp4")

SEEN = 0.5
"""A clip counts if its face was seen in this share of the steps, as a window does on the device."""


class ClipLandmarks(Extraction, frozen=True):
    """Turns a clip into ``landmarks`` float32 (steps, 468, 3), in square pixels, and ``seen``, the share of the steps.

    A step without the face repeats the last one with it, those before its first sight hold its first. Landmarks are
    empty, (0, 468, 3), where no face was seen.
    """

    mesh_sha256: tuple[str, ...]
    code_sha256: str
    forward_fill_s: float
    steps: int = 75
    rate_hz: float = 7.5

    def __call__(self, source: Path) -> Arrays:
        """See Extraction. A video that breaks off before half of the steps is unreadable."""
        looks = self._watch(source)
        if 2 * len(looks) < self.steps:
            raise UnreadableError(f"breaks off after {len(looks) / self.rate_hz:.1f} s")
        tracks = Counter(face.track for faces in looks for face in faces)
        if not tracks:
            return {"landmarks": np.zeros((0, 468, 3), np.float32), "seen": np.array(0.0)}
        (track, seen), *_ = tracks.most_common(1)
        window = LandmarkWindow(self.steps, self.rate_hz, lambda seen: seen)
        for step, faces in enumerate(looks):
            for face in (face for face in faces if face.track == track):
                window.add(face.landmarks, step / self.rate_hz)
        landmarks, _ = window.cut((self.steps - 1) / self.rate_hz)
        return {"landmarks": landmarks, "seen": np.array(seen / self.steps)}

    def _watch(self, source: Path) -> list[list[Face]]:
        """The faces of each step, at most ``steps`` of them."""
        mesh, tracker = fresh_mesh(), Tracker(self.forward_fill_s)
        try:
            camera = VideoFileCamera(source, ManualClock())
        except UserError as error:
            raise UnreadableError(str(error).removeprefix(f"{source}: ")) from error
        looks: list[list[Face]] = []
        try:
            while len(looks) < self.steps and (frame := camera.read()) is not None:
                # a frame is taken when its step is due; a millisecond of slack for the container's rounding
                if frame.time >= len(looks) / self.rate_hz - 1e-3:
                    looks.append(tracker.follow(mesh.find(frame), frame.time))
        finally:
            camera.close()
        return looks


def clip_landmarks() -> ClipLandmarks:
    """The extraction as the device would do it, with its models and its code in the cache's key."""
    code_sha256 = mesh_code() + code(video_file, pictures, tracking, windows)
    return ClipLandmarks(mesh_sha256(), code_sha256, Perception().forward_fill_s)


def load(folder: Path, split: str) -> Clips:
    """The clips of the official ``split`` (Train, Validation or Test) in which a face was seen half of the time.

    Raises UserError naming file and line for a level out of range, the file that is missing, and where more than 1 % of
    the clips cannot be played.
    """
    path = folder / LABELS / f"{split}Labels.csv"
    columns = tuple(state.capitalize() for state in ENGAGEMENT_STATES)
    labelled = [
        (row["ClipID"], [row.integer(column, 0, 3) for column in columns]) for row in rows(path, ("ClipID", *columns))
    ]
    if not labelled:
        raise UserError(f"{path}: no clip is listed here")
    names = [Path(name).stem for name, _ in labelled]
    sources = [_source(folder / VIDEOS / split, name) for name in names]
    arrays, flaws = extract(clip_landmarks(), folder, sources)
    tolerance.settle(folder, flaws, len(sources), "clips")
    read = [(i, array) for i, array in enumerate(arrays) if array is not None]
    kept = [(i, array["landmarks"]) for i, array in read if array["seen"] >= SEEN]
    if len(kept) < len(read):
        log.warning(
            "%s: %d of %d clips left out, too little of a face in them", folder, len(read) - len(kept), len(read)
        )
    if not kept:
        raise UserError(f"{folder / VIDEOS / split}: no face in any of {len(read)} clips")
    return Clips(
        landmarks=np.stack([landmarks for _, landmarks in kept]),
        levels=np.array([labelled[i][1] for i, _ in kept], np.int64),
        subjects=np.array([names[i][:SUBJECT] for i, _ in kept]),
    )


def _source(place: Path, name: str) -> Path:
    """Where the clip lies: the data set mixes two containers."""
    videos = [place / name[:SUBJECT] / name / f"{name}{suffix}" for suffix in SUFFIXES]
    return next((video for video in videos if video.is_file()), videos[0])


LAYOUT = Layout(
    name="DAiSEE clips",
    files=(
        "DataSet/Train/110001/1100011002/1100011002.avi (and Validation, Test)",
        "Labels/TrainLabels.csv, ValidationLabels.csv, TestLabels.csv",
    ),
    page="https://people.iith.ac.in/vineethnb/resources/daisee/index.html",
    terms="on application, for research only",
    recognises=lambda folder: (folder / LABELS).is_dir() or (folder / VIDEOS).is_dir(),
    splits=lambda folder: tuple(split for split in SPLITS if (folder / LABELS / f"{split}Labels.csv").is_file()),
    load=load,
)
