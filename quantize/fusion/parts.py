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
    """Three parts that share nobody: no picture's near-duplicate, no actor, no subject.

    In sessions that are put together, those of ``train`` and ``valid`` have engagement unrelated to valence: nothing is
    to be learned from an agreement that was made by hand.
    """

    train: Part
    valid: Part
    test: Part


def load(data: Path, runs: Path, store: ModelStore, sizes: Sizes = Sizes()) -> Parts:
    """The parts of the data sets below ``data``, as the models in ``store`` and the folds in ``runs`` read them.

    What takes long, asking the branches, is kept in the cache. Raises UserError where a folder or a run is missing, or
    a branch has no embedding or reliability.
    """
    asked = branches(store)
    for modality in NAMES:
        if not (data / FOLDERS[modality]).is_dir():
            raise UserError(f"{data / FOLDERS[modality]}: no such folder; the data set of {NAMES[modality]}")
    for modality in ("speech", "engagement"):
        # before the face is asked, which takes long
        if not runs_of.load(runs / NAMES[modality], asked[modality]).folds:
            raise UserError(f"{runs / NAMES[modality]}: has no fold networks; train it again with its default recipe")
    face_valid, face_test = _face(asked["face"], store, data / FOLDERS["face"])
    speech = _folds(asked["speech"], store, data / FOLDERS["speech"], runs)
    track = _folds(asked["engagement"], store, data / FOLDERS["engagement"], runs)
    track_test = _shipped(asked["engagement"], store, data / FOLDERS["engagement"], "test")
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
        told = {modality: _told(asked[modality], store, own) for modality, own in found.items()}
        made[name] = part(asked, found, told, counts[name], seed)
    return Parts(made["train"].unrelated(), made["valid"].unrelated(), made["test"])


def branches(store: ModelStore) -> dict[Own, Branch]:
    """The branch of each modality. Raises UserError where its model in ``store`` has no embedding or reliability."""
    found = {modality: BRANCHES[name] for modality, name in NAMES.items()}
    for branch in found.values():
        manifest = store.manifest(branch.name)
        if manifest.embedding is None or not manifest.reliability:
            raise UserError(f"{branch.name}: its model has no embedding or no reliability; convert it again")
    return found


def under(branch: Branch) -> list[Condition]:
    """What the branch is asked under; not a change of gain, which spoils nothing of a voice's relative features."""
    return [condition for condition in branch.hardships if not condition.name.startswith("gain")]


def kept(name: str, branch: Branch, store: ModelStore, examples: str, ask: Callable[[], Answers]) -> Answers:
    """The answers in the cache, or new ones: it knows them by the model, the conditions and what names ``examples``."""
    conditions = ",".join(condition.name for condition in under(branch))
    sha256 = store.manifest(branch.name).sha256
    key = hashlib.sha256(f"{name}/{sha256}/{conditions}/{examples}".encode()).hexdigest()[:16]
    path = extraction.cache_folder() / "answers" / f"{name}-{key}.npz"
    if not path.exists():
        ask().save(path)
    return Answers.load(path)


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
        found = asking.of_shipped(branch, store, examples, under(branch))
        return only(found, counted)

    return kept(f"{branch.name}-{which}", branch, store, str(data.resolve()), ask)


def _folds(branch: Branch, store: ModelStore, data: Path, runs: Path) -> Answers:
    def ask() -> Answers:
        return asking.of_folds(branch, store, data, runs / branch.name, under(branch))

    return kept(f"{branch.name}-folds", branch, store, str(data.resolve()), ask)
