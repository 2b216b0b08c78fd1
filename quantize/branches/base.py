"""What every branch offers to ``train``, ``convert`` and ``evaluate``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from edge.errors import UserError
from edge.features import Preprocessing
from edge.signals import Float32Array
from quantize.datasets import FoldChoice, clips
from quantize.evaluation.conditions import Condition

if TYPE_CHECKING:
    from quantize.evaluation.ceilings import Ceiling
    from quantize.training.checkpoints import Checkpoints


@dataclass(frozen=True)
class Examples:
    """N examples as a model sees them, with what is true of them.

    ``inputs`` is float32 (N, ...), or where examples are clips float32 (frames, ...), and ``clip`` int64 (frames,) then
    tells each frame's example. ``truth`` is int64 (N, decisions): 1, 0, or -1 where the example does not count;
    ``classes`` int64 (N,) indexes the branch's labels (-1: none), None where the labels do not exclude each other;
    ``groups`` (N,) are drawn together by the bootstrap: subjects, actors or near-duplicates. ``under`` gives the inputs
    of the same examples under a condition, and ``qualities`` how good the device would find those, by name float (N,),
    as far as the data can tell; ``cohorts`` label them, each (N,), by what results are told apart for.
    ``linear`` gives the scores, float32 (N, decisions), of a linear model that learned from the same as the network;
    None where there is no such model or the data that it would learn from are not there.
    """

    inputs: Float32Array
    truth: NDArray[np.int64]
    classes: NDArray[np.int64] | None
    groups: NDArray[Any]
    under: Callable[[Condition], Float32Array]
    cohorts: Mapping[str, NDArray[np.str_]] = field(default_factory=dict)
    clip: NDArray[np.int64] | None = None
    linear: Callable[[], Float32Array | None] = lambda: None
    qualities: Callable[[Condition], dict[str, NDArray[np.float64]]] = lambda condition: {}

    def decided(self, logits: Float32Array) -> Float32Array:
        """The logits that decide on each example, float32 (N, labels), from those of the inputs."""
        return logits if self.clip is None else clips.summed(logits, self.clip)


@dataclass(frozen=True)
class Recipe:
    """How one branch is trained; every branch extends it. ``seed`` fixes everything that is drawn."""

    name: str
    epochs: int
    batch: int
    learning_rate: float
    weight_decay: float
    seed: int = 1

    def shortened(self, epochs: int) -> Recipe:
        """The same for a trial: each network is trained for ``epochs`` and no more."""
        return replace(self, epochs=epochs)

    def of_fold(self, fold: FoldChoice) -> Recipe:
        """The same for one fold of the data, or for all. Raises UserError where the recipe knows none, or not this."""
        raise UserError(f"--fold {fold}: the recipe {self.name} has no folds to choose from")


@dataclass(frozen=True)
class Fold:
    """One network of a cross-validation, in the form of the shipped one; ``split`` says what it never saw.

    ``thresholds`` and ``temperature`` come from the other folds' answers, so that its own judge it.
    """

    model: Any
    preprocessing: Preprocessing
    thresholds: dict[str, float]
    temperature: float
    split: dict[str, Any]


@dataclass(frozen=True)
class Fitted:
    """What training hands over: the Keras model as the device runs it (batch of one, logits) and all that goes with it.

    ``split`` and ``development`` (figures of the data that set the thresholds) end in the manifest and the card.
    ``folds`` tell how reliable answers are to what a network never saw; where the model was trained on everything there
    is, they also stand in for it in the test (``tested_by_folds``).
    """

    model: Any
    preprocessing: Preprocessing
    thresholds: dict[str, float]
    temperature: float
    split: dict[str, Any]
    development: dict[str, Any]
    history: list[dict[str, float]] = field(default_factory=list)
    folds: list[Fold] = field(default_factory=list)
    tested_by_folds: bool = True


@dataclass(frozen=True)
class Outcome:
    """What networks say of ``examples`` that they were not trained on: ``logits`` float32 (N, labels).

    Each was trained on ``count`` of ``unit``, "actors", "subjects", "pictures" or "clips".
    """

    examples: Examples
    logits: Float32Array
    count: int
    unit: str


class Branch(Protocol):
    """One branch: its labels, its recipes, its data, and how its logits become decisions.

    ``recipe`` and ``preprocessing`` are always of the branch's own kinds.
    """

    @property
    def name(self) -> str:
        """Names the model's files and its default run folder."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The network's outputs in order."""

    @property
    def decisions(self) -> tuple[str, ...]:
        """What is decided with a threshold each."""

    @property
    def valence(self) -> str | None:
        """The decision that tells valence, "positive" or "negative"; None where there is none."""

    @property
    def preprocessing(self) -> type[Preprocessing]:
        """The kind of preprocessing that the device applies."""

    @property
    def recipes(self) -> dict[str, Any]:
        """Named recipes; there is always ``default``."""

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """What it is judged under, beside its examples as they are."""

    @property
    def hardships(self) -> tuple[Condition, ...]:
        """What its reliability is learned under, all alike; CLEAN is one of them."""

    def fit(self, data: Path, recipe: Any, checkpoints: Checkpoints) -> Fitted:
        """Trains on the data set's training part, tunes on its validation part; goes on where ``checkpoints`` end."""

    def exposing(self, model: Any) -> Any:
        """The Keras ``model`` of a run with two outputs: its ``logits`` (1, labels) and its ``embedding`` (1, D)."""

    def fit_share(self, data: Path, recipe: Any, share: float, checkpoints: Checkpoints) -> Outcome:
        """Trains on ``share``, 0..1, of those who are trained on, and asks about the same others whatever the share.

        All of them are of the training and validation parts, none of a test.
        """

    def ceilings(self, data: Path) -> list[Ceiling]:
        """How well the labels that ``fit_share`` is judged by can be told at all; empty where they do not say."""

    def unseen(self, data: Path, preprocessing: Any, split: Mapping[str, Any] | None) -> Examples:
        """What ``data`` holds for a test: nothing that ``split``, as training recorded it, lists as used.

        Without a ``split``, everything, seen or not. Raises UserError where nothing is left.
        """

    def development(self, data: Path, preprocessing: Any, split: Mapping[str, Any]) -> Examples:
        """What thresholds were tuned on: the data on which choices, such as how to quantize, may be made."""

    def apart(self, data: Path, preprocessing: Any, split: Mapping[str, Any], most: int) -> Examples:
        """Up to ``most`` examples, at even distances, on which choices may be made and which ``split`` did not teach.

        Each has a true answer to at least one decision. Raises UserError where there are none.
        """

    def representative(self, data: Path, preprocessing: Any, split: Mapping[str, Any], count: int) -> Float32Array:
        """Up to ``count`` inputs, float32 (n, ...), from the training part only, as the device would feed them."""

    def probabilities(self, logits: Float32Array, temperature: float) -> Float32Array:
        """The probability of each decision, float32 (N, decisions), from ``logits``, float32 (N, labels)."""

    def shares(self, logits: Float32Array, temperature: float) -> Float32Array:
        """The probability of each label, float32 (..., labels), as the device gives them."""
