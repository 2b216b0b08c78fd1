"""What each branch says of examples that it did not learn from, under every hardship: what sessions are made of.

Looked up, not computed again for every second: a session shows the same picture for seconds, and a comparison of many
kinds of fusion under many conditions shows the same sessions again and again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import Ridge
from tqdm import tqdm

from edge.branches import recentred, trust
from edge.inference.store import Manifest, ModelStore
from edge.signals import Float32Array
from quantize import runs
from quantize.branches.base import Branch, Examples
from quantize.evaluation.conditions import Condition
from quantize.training.asking import Ask, of_file, of_weights
from quantize.training.shares import spaced

MOST = 2400
"""Examples that are asked about, at most: sessions of an hour in all show fewer faces."""

STRENGTH = 10.0
"""Ridge penalty of the map from a fold's embeddings to the shipped network's."""


@dataclass(frozen=True)
class Answers:
    """A branch's answers to N examples under C conditions, named in ``conditions``.

    ``logits`` are float32 (C, N, labels), ``embedding`` float16 (C, N, D) and ``qualities`` float32 (C, N, Q) how good
    the input was, by ``names``; ``truth`` int64 (N, decisions); ``groups`` (N,), who belong together; ``fold`` int64
    (N,), the network that was asked, -1 for the shipped one.
    """

    conditions: NDArray[np.str_]
    names: NDArray[np.str_]
    logits: NDArray[np.float32]
    embedding: NDArray[np.float16]
    qualities: NDArray[np.float32]
    truth: NDArray[np.int64]
    groups: NDArray[Any]
    fold: NDArray[np.int64]

    def index(self, condition: str) -> int:
        """Where ``condition`` is. Raises KeyError where these answers were not given under it."""
        found = np.flatnonzero(self.conditions == condition)
        if not len(found):
            raise KeyError(condition)
        return int(found[0])

    def save(self, path: Path) -> None:
        """Writes an .npz: biometric data, for the cache only."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        np.savez(path, **{part.name: getattr(self, part.name) for part in fields(self)})

    @classmethod
    def load(cls, path: Path) -> Answers:
        """What ``save`` has written."""
        with np.load(path) as content:
            return cls(**{part.name: content[part.name] for part in fields(cls)})


def joined(parts: Sequence[Answers]) -> Answers:
    """The examples of all ``parts``, which are under the same conditions."""
    by_condition = ("logits", "embedding", "qualities")
    return Answers(
        conditions=parts[0].conditions,
        names=parts[0].names,
        **{name: np.concatenate([getattr(part, name) for part in parts], axis=1) for name in by_condition},
        **{name: np.concatenate([getattr(part, name) for part in parts]) for name in ("truth", "groups", "fold")},
    )


def of_shipped(branch: Branch, store: ModelStore, examples: Examples, conditions: Sequence[Condition]) -> Answers:
    """What the shipped int8 file says of ``examples``."""
    _, interpreter = store.load(branch.name, branch.decisions)
    return _asked(branch, of_file(interpreter), examples, conditions, -1)


def of_folds(
    branch: Branch, store: ModelStore, data: Path, run_folder: Path, conditions: Sequence[Condition]
) -> Answers:
    """What the run's fold networks say, each of those that it never heard or saw, as if the shipped one said it.

    A fold's embeddings are taken to where the shipped network's are by a linear map that is learned from those whom
    both know. The networks are those before quantization.
    """
    run, manifest = runs.load(run_folder, branch), store.manifest(branch.name)
    shipped = of_weights(branch, run_folder / runs.WEIGHTS)
    home = store.preprocessing(manifest, branch.preprocessing)
    known = branch.unseen(data, home, None)
    parts = []
    for number, fold in enumerate(tqdm(run.folds, desc=f"{branch.name}, folds", unit="fold", leave=False)):
        own = msgspec.convert(fold.preprocessing, branch.preprocessing)
        network = of_weights(branch, run_folder / runs.fold_weights(number))
        both = spaced(np.flatnonzero(np.isin(known.groups, fold.split["train"])), MOST)
        _, theirs = network(branch.unseen(data, own, None).inputs[both])
        _, ours = shipped(known.inputs[both])
        mapped = Ridge(STRENGTH).fit(theirs, ours)

        def moved(inputs: Float32Array, network: Ask = network, mapped: Ridge = mapped) -> Any:
            logits, embedding = network(inputs)
            return logits, mapped.predict(embedding).astype(np.float32)

        apart = branch.apart(data, own, fold.split, MOST)
        parts.append(_asked(branch, moved, apart, conditions, number))
    return joined(parts)


@dataclass(frozen=True)
class Told:
    """What the device would make of ``Answers``: every array as there, float32 (C, N) or (C, N, labels).

    ``said`` is a reading's probability of positive valence and ``positive`` the calibrated one, which its reliability
    makes of it; both are 0.5 of a branch that tells none.
    """

    said: NDArray[np.float32]
    positive: NDArray[np.float32]
    reliability: NDArray[np.float32]
    probabilities: NDArray[np.float32]


def told(branch: Branch, manifest: Manifest, answers: Answers) -> Told:
    """``answers`` as readings of a device whose model has this ``manifest``: its thresholds, and its reliability."""
    shape = answers.logits.shape[:2]
    decided = branch.probabilities(answers.logits.reshape(-1, answers.logits.shape[-1]), manifest.temperature)
    qualities = answers.qualities.reshape(len(decided), -1)
    embeddings = answers.embedding.reshape(len(decided), -1).astype(np.float32)
    said, positive, reliability = (np.full(len(decided), 0.5, np.float32) for _ in range(3))
    names = answers.names.tolist()
    for row, shares in enumerate(decided.tolist()):
        by_decision = dict(zip(branch.decisions, shares, strict=True))
        known = dict(zip(names, qualities[row].tolist(), strict=True))
        reliability[row], _ = trust(manifest, known, embeddings[row], by_decision)
        if branch.valence is not None:
            share = recentred(by_decision[branch.valence], manifest.thresholds[branch.valence])
            said[row] = share if branch.valence == "positive" else 1.0 - share
            right = max(0.5, float(reliability[row]))
            positive[row] = right if said[row] >= 0.5 else 1.0 - right
    probabilities = branch.shares(answers.logits, manifest.temperature).astype(np.float32)
    return Told(said.reshape(shape), positive.reshape(shape), reliability.reshape(shape), probabilities)


def _asked(branch: Branch, network: Ask, examples: Examples, conditions: Sequence[Condition], fold: int) -> Answers:
    logits, embedding, qualities = [], [], []
    for condition in tqdm(conditions, desc=f"{branch.name}, asked", unit="condition", leave=False):
        said, meant = network(examples.under(condition))
        assert meant is not None
        logits.append(said)
        embedding.append(meant)
        qualities.append(examples.qualities(condition))
    names = sorted(qualities[0])
    return Answers(
        conditions=np.array([condition.name for condition in conditions]),
        names=np.array(names),
        logits=np.stack(logits).astype(np.float32),
        embedding=np.stack(embedding).astype(np.float16),
        qualities=np.stack([np.stack([one[name] for name in names], axis=1) for one in qualities]).astype(np.float32),
        truth=examples.truth,
        groups=np.asarray(examples.groups),
        fold=np.full(len(examples.truth), fold, np.int64),
    )
