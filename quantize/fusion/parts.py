"""Who is in which part: those that fusion learns from, those that choose for it, and those that only test it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edge.errors import UserError
from edge.features.moment import Own
from edge.inference.store import ModelStore
from quantize import extraction
from quantize import runs as runs_of
from quantize.branches import BRANCHES
from quantize.branches.base import Branch
from quantize.evaluation.conditions import Condition
from quantize.fusion import answers as asking
from quantize.fusion.answers import Answers, Told
from quantize.fusion.material import Part, only, part

NAMES: dict[Own, str] = {"face": "face_emotion", "speech": "speech_emotion", "engagement": "engagement"}
"""The branch of each modality."""

FOLDERS: dict[Own, str] = {"face": "fer2013plus", "speech": "ravdess", "engagement": "daisee_landmarks"}
"""Where each branch's data set lies below --data."""

TEST_FOLDS, VALID_FOLD = (0, 1), 2
"""Of the speech branch's folds of actors; fusion learns from the others. Of the engagement branch's folds, which are
all of Train, VALID_FOLD chooses and the others teach: Validation tests."""


@dataclass(frozen=True)
class Sizes:
    """How many sessions each part has; those of the test show some two thousand different faces."""

    train: int = 400
    valid: int = 32
    test: int = 48


@dataclass(frozen=True)
class Parts:
    """Three parts that share nobody: no picture's near-duplicate, no actor, no subject."""

    train: Part
    valid: Part
    test: Part


def load(data: Path, runs: Path, store: ModelStore, sizes: Sizes = Sizes()) -> Parts:
    """The parts of the data sets below ``data``, as the models in ``store`` and the folds in ``runs`` read them.

    What takes long, asking the branches, is kept in the cache. Raises UserError where a folder or a run is missing, or
    a branch has no embedding or reliability.
    """
    branches = {modality: BRANCHES[name] for modality, name in NAMES.items()}
    for branch in branches.values():
        manifest = store.manifest(branch.name)
        if manifest.embedding is None or not manifest.reliability:
            raise UserError(f"{branch.name}: its model has no embedding or no reliability; convert it again")
    for modality in NAMES:
        if not (data / FOLDERS[modality]).is_dir():
            raise UserError(f"{data / FOLDERS[modality]}: no such folder; the data set of {NAMES[modality]}")
    for modality in ("speech", "engagement"):
        # before the face is asked, which takes long
        if not runs_of.load(runs / NAMES[modality], branches[modality]).folds:
            raise UserError(f"{runs / NAMES[modality]}: has no fold networks; train it again with its default recipe")
    face_valid, face_test = _face(branches["face"], store, data / FOLDERS["face"])
    speech = _folds(branches["speech"], store, data / FOLDERS["speech"], runs)
    track = _folds(branches["engagement"], store, data / FOLDERS["engagement"], runs)
    track_test = _shipped(branches["engagement"], store, data / FOLDERS["engagement"], "test")
    half = np.isin(face_valid.groups, np.unique(face_valid.groups)[::2])
    heard = np.isin(speech.fold, TEST_FOLDS)
    chosen: Mapping[str, Mapping[Own, Answers]] = {
        "train": {
            "face": only(face_valid, half),
            "speech": only(speech, ~heard & (speech.fold != VALID_FOLD)),
            "engagement": only(track, track.fold != VALID_FOLD),
        },
        "valid": {
            "face": only(face_valid, ~half),
            "speech": only(speech, speech.fold == VALID_FOLD),
            "engagement": only(track, track.fold == VALID_FOLD),
        },
        "test": {"face": face_test, "speech": only(speech, heard), "engagement": track_test},
    }
    counts = {"train": sizes.train, "valid": sizes.valid, "test": sizes.test}
    made = {}
    for seed, (name, found) in enumerate(chosen.items(), start=1):
        told = {modality: _told(branches[modality], store, own) for modality, own in found.items()}
        made[name] = part(branches, found, told, counts[name], seed)
    return Parts(**made)


def _told(branch: Branch, store: ModelStore, found: Answers) -> Told:
    return asking.told(branch, store.manifest(branch.name), found)


def _face(branch: Branch, store: ModelStore, data: Path) -> tuple[Answers, Answers]:
    return _shipped(branch, store, data, "valid"), _shipped(branch, store, data, "test")


def _shipped(branch: Branch, store: ModelStore, data: Path, which: str) -> Answers:
    """What the shipped network says of those that set its thresholds, or of those it is tested on."""
    manifest = store.manifest(branch.name)
    preprocessing = store.preprocessing(manifest, branch.preprocessing)
    split = manifest.provenance["split"]

    def ask() -> Answers:
        take = branch.development if which == "valid" else branch.unseen
        examples = take(data, preprocessing, split)
        counted = (examples.truth >= 0).any(axis=1)
        found = asking.of_shipped(branch, store, examples, _hardships(branch))
        return only(found, counted)

    return _kept(f"{branch.name}-{which}", branch, manifest.sha256, data, ask)


def _folds(branch: Branch, store: ModelStore, data: Path, runs: Path) -> Answers:
    folder, manifest = runs / branch.name, store.manifest(branch.name)
    return _kept(
        f"{branch.name}-folds",
        branch,
        manifest.sha256,
        data,
        lambda: asking.of_folds(branch, store, data, folder, _hardships(branch)),
    )


def _hardships(branch: Branch) -> list[Condition]:
    """A change of gain spoils nothing of a voice's relative features: it is left out."""
    return [condition for condition in branch.hardships if not condition.name.startswith("gain")]


def _kept(name: str, branch: Branch, sha256: str, data: Path, ask: Callable[[], Answers]) -> Answers:
    """The answers in the cache, or new ones: the cache knows them by the model, the conditions and the data's place."""
    conditions = ",".join(condition.name for condition in _hardships(branch))
    key = hashlib.sha256(f"{name}/{sha256}/{conditions}/{data.resolve()}".encode()).hexdigest()[:16]
    path = extraction.cache_folder() / "answers" / f"{name}-{key}.npz"
    if not path.exists():
        ask().save(path)
    return Answers.load(path)
