"""Real sessions, of learners who were filmed with sound, in place of those that are put together."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from edge.errors import UserError
from edge.features.moment import Own
from edge.inference.store import ModelStore
from quantize.branches import engagement, face_emotion
from quantize.branches.base import Branch, Examples
from quantize.datasets import Split, paired
from quantize.datasets.daisee_landmarks import HIGH
from quantize.datasets.face_labels import Faces
from quantize.datasets.paired import Lesson
from quantize.fusion import answers as asking
from quantize.fusion import parts
from quantize.fusion.answers import Answers, joined
from quantize.fusion.material import OWN, Part
from quantize.fusion.parts import Parts
from quantize.fusion.sessions import Rows, Sessions
from quantize.training.shares import spaced
from quantize.training.voices import Voices

SECONDS = 60
"""The length of a session: what is rated for longer is cut into several, shorter rests are left out."""


def load(folder: Path, store: ModelStore, most: int | None = None) -> Parts:
    """The three splits of ``folder`` as the models in ``store`` read them, up to ``most`` sessions of each.

    None of the branches has learned from these people, so the shipped networks answer; what takes long is kept in the
    cache. Raises UserError where a branch has no embedding or reliability, a split has nobody to learn from, or
    whatever the data set's loader finds wrong.
    """
    branches = parts.branches(store)
    train, valid, test = (_part(branches, store, folder, split, most) for split in paired.SPLITS)
    return Parts(train, valid, test)


def _part(branches: Mapping[Own, Branch], store: ModelStore, folder: Path, split: Split, most: int | None) -> Part:
    found: dict[Own, list[Answers]] = {name: [] for name in OWN}
    sessions: list[Sessions] = []
    for lesson in tqdm(paired.load(folder, split), desc=split, unit="recording", leave=False):
        rows: dict[Own, Rows] = {}
        for name in OWN:
            examples, there = _examples(name, branches[name], store, lesson)
            before = sum(len(one.truth) for one in found[name])
            rows[name] = np.where(there, before + np.cumsum(there) - 1, -1)
            if len(examples.truth):
                found[name].append(_answers(branches[name], store, lesson, examples))
        sessions += _sessions(lesson, rows)
    if not sessions:
        raise UserError(f"{folder / paired.LABELS}: nobody of the split {split!r} is rated for {SECONDS} s on end")
    if silent := [name for name in OWN if not found[name]]:
        raise UserError(f"{folder}: nothing of {silent[0]} in the recordings of the split {split!r}")
    answers = {name: joined(found[name]) for name in OWN}
    told = {name: asking.told(branches[name], store.manifest(branches[name].name), answers[name]) for name in OWN}
    chosen = [sessions[row] for row in spaced(np.arange(len(sessions)), most or len(sessions))]
    return Part({name: branches[name].labels for name in OWN}, answers, told, _stacked(chosen))


def _examples(name: Own, branch: Branch, store: ModelStore, lesson: Lesson) -> tuple[Examples, NDArray[np.bool_]]:
    """What the branch is shown of ``lesson``, second by second, and in which seconds there is anything, bool (T,)."""
    preprocessing = store.preprocessing(store.manifest(branch.name), branch.preprocessing)
    if name == "engagement":
        clips, clip = lesson.clips()
        return engagement.examples_of(clips, preprocessing), clip >= 0
    there = (lesson.face if name == "face" else lesson.spoken) >= 0
    positive, unknown = lesson.positive[there], np.full(there.sum(), -1, np.int64)
    if name == "face":
        votes = np.zeros((len(positive), len(branch.labels)), np.float32)
        each = np.arange(len(positive))
        return face_emotion.examples_of(
            Faces(lesson.faces[lesson.face[there]], votes, unknown, positive, each, each)
        ), there
    utterances = [lesson.voices[row] for row in lesson.spoken[there]]
    inputs = np.stack([preprocessing(one) for one in utterances]) if utterances else np.zeros(0, np.float32)
    voices = Voices(utterances, unknown, np.zeros_like(unknown), np.full(len(unknown), "unknown"))
    # the branch decides whether a voice is negative
    return replace(voices.examples(inputs, preprocessing), truth=1 - positive[:, None]), there


def _answers(branch: Branch, store: ModelStore, lesson: Lesson, examples: Examples) -> Answers:
    seen_and_heard = (lesson.second, lesson.positive, lesson.levels, lesson.faces, lesson.landmarks, *lesson.voices)
    key = hashlib.sha256(b"".join(np.ascontiguousarray(part).tobytes() for part in seen_and_heard)).hexdigest()
    name = f"{branch.name}-paired"
    made = parts.kept(name, branch, store, key, lambda: asking.of_shipped(branch, store, examples, parts.under(branch)))
    return replace(made, groups=np.full(len(made.truth), lesson.person))


def _sessions(lesson: Lesson, rows: Mapping[Own, Rows]) -> list[Sessions]:
    """Every stretch of SECONDS in which each second is rated."""
    breaks = np.flatnonzero(np.diff(lesson.second) != 1) + 1
    found = []
    for stretch in np.split(np.arange(len(lesson.second)), breaks):
        for number in range(len(stretch) // SECONDS):
            part = stretch[number * SECONDS : (number + 1) * SECONDS]
            levels = lesson.levels[part]
            high = np.where(levels == paired.UNKNOWN, -1, levels >= HIGH).astype(np.int64)
            own = (rows[name][part] for name in ("face", "engagement", "speech"))
            found.append(Sessions(lesson.positive[part], high, *own))
    return found


def _stacked(sessions: list[Sessions]) -> Sessions:
    names = ("positive", "high", "face", "clip", "voice")
    return Sessions(*(np.stack([getattr(one, name) for one in sessions]) for name in names))
