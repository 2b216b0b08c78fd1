"""From answers to fusion: trains the attention model, quantizes it, and chooses all that fusion needs chosen."""

from __future__ import annotations

import hashlib
import itertools
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from tqdm import tqdm

from edge.errors import UserError
from edge.features.moment import CLIP, MomentFeatures
from edge.fusion.attention import LABELS, NAME, POSITIVE, Attention
from edge.fusion.late import Late
from edge.fusion.weighted import Weighted, Weights
from edge.inference.answer import LOGITS
from edge.inference.interpreter import Interpreter
from edge.inference.store import Manifest, ModelStore, TensorContract
from edge.signals import ENGAGEMENT_STATES, Float32Array
from quantize.certificates import provenance
from quantize.certify import encoded
from quantize.conversion import capped, inspection
from quantize.conversion.capped import Caps
from quantize.evaluation import metrics
from quantize.files import write_bytes, write_json
from quantize.fusion import comparison, damages, measures, training
from quantize.fusion.card import card
from quantize.fusion.comparison import EVEN, Course, Kind
from quantize.fusion.material import Part
from quantize.fusion.parts import Parts
from quantize.fusion.training import ABLATIONS, DEFAULT, AttentionRecipe, Windows
from quantize.training.checkpoints import Part as Checkpoint

REPRESENTATIVE = 300
"""Windows that set the int8 ranges."""

LARGEST = 300 * 1024
"""Bytes that the int8 file may have."""

TUNED_ON = ("clean", "occlusion_40", "resolution_4", "dark", "snr_5", "babble_5", "all_missing_40", "everything")
"""Cases on whose validation sessions temperature, thresholds and weights are chosen, alike."""

GRID = {"face": (0.45, 0.6, 0.8), "speech": (0.8, 1.1, 1.4), "change": (0.07, 0.1, 0.14)}
"""What is tried for ``Weights``, every combination."""

AS_GOOD = 0.001
"""A difference in log loss that another draw of sessions would turn around."""


def train(
    parts: Parts, folder: Path, models: Path, ablations: bool, epochs: int | None = None, paired: str | None = None
) -> Manifest:
    """Trains the network, and its ``ablations`` if asked for, into ``folder``; the int8 network goes to ``models``.

    ``paired`` names the data set where the sessions are real ones. Everything is chosen on the validation part. Raises
    UserError where the network cannot be converted, or is larger than LARGEST.
    """
    features = training.features_of(parts.train.answers, DEFAULT.steps)
    recipes = {"full": DEFAULT, **(ABLATIONS if ablations else {})}
    for name, recipe in recipes.items():
        recipe = recipe if epochs is None else recipe.shortened(epochs)  # type: ignore[assignment]
        _train_one(parts, features, recipe, folder / name, paired)
    store = ModelStore(folder / "full")
    manifest = store.manifest(NAME)
    for file in (manifest.file, f"{NAME}.json"):
        write_bytes(models / file, (folder / "full" / file).read_bytes())
    size = (folder / "full" / manifest.file).stat().st_size
    write_bytes(models / f"{NAME}.md", card(manifest, size).encode())
    write_bytes(models / "float32" / manifest.file, (folder / "full" / "float32.tflite").read_bytes())
    return manifest


def _train_one(
    parts: Parts, features: MomentFeatures, recipe: AttentionRecipe, place: Path, paired: str | None
) -> None:
    """One network as a folder that the device's store can load."""
    windows = Windows(parts.train, features, recipe)
    cell, history = training.train(windows, features.sizes, recipe, Checkpoint(recipe.name))
    served = training.network(features.sizes, recipe, batch=1)
    served.set_weights(cell.get_weights())
    place.mkdir(parents=True, exist_ok=True)
    served.save(place / "model.keras")
    write_json(place / "metrics.json", {"history": history})
    with tempfile.TemporaryDirectory() as temporary:
        staged = Path(temporary)
        np.save(staged / "representative.npy", _representative(windows, recipe, cell))
        arguments = (place / "model.keras", staged / "representative.npy", staged)
        capped.run(f"{NAME}, {recipe.name}", "quantize.fusion.conversion", *arguments, caps=Caps())
        content = (staged / "int8.tflite").read_bytes()
        if len(content) > LARGEST:
            raise UserError(f"{NAME}: the int8 file has {len(content)} bytes, more than {LARGEST}")
        write_bytes(place / f"{NAME}.tflite", content)
        write_bytes(place / "float32.tflite", (staged / "float32.tflite").read_bytes())
    inspection.inspect(place / f"{NAME}.tflite", NAME)
    manifest = _manifest(place, features, recipe)
    write_bytes(place / f"{NAME}.json", encoded(manifest))
    temperature, thresholds, figures = _tuned(parts.valid, place)
    said = {**manifest.provenance, "paired": paired, "development": figures}
    manifest = msgspec.structs.replace(manifest, temperature=temperature, thresholds=thresholds, provenance=said)
    write_bytes(place / f"{NAME}.json", encoded(manifest))


def _representative(windows: Windows, recipe: AttentionRecipe, cell: Any) -> Float32Array:
    """Windows of one second each, with what the network itself said before, float32 (n, steps, numbers)."""
    rng = np.random.default_rng(recipe.seed)
    seconds, _ = windows.draw(REPRESENTATIVE, rng)
    said = [np.zeros((REPRESENTATIVE, len(LABELS)), np.float32)] * recipe.steps
    found = []
    for second in range(recipe.length):
        fed = np.stack(said[-recipe.steps :], axis=1)
        window = np.concatenate([seconds[:, second : second + recipe.steps], fed], axis=2)
        found.append(window)
        said.append(np.clip(np.asarray(cell(window, training=False)[LOGITS]), -CLIP, CLIP))
    return np.concatenate(found)[rng.permutation(REPRESENTATIVE * recipe.length)[:REPRESENTATIVE]]


def _manifest(place: Path, features: MomentFeatures, recipe: AttentionRecipe) -> Manifest:
    path = place / f"{NAME}.tflite"
    interpreter = Interpreter(path)
    contracts = [TensorContract(t.name, t.shape, t.dtype) for t in (interpreter.input, *interpreter.outputs)]
    return Manifest(
        name=NAME,
        file=path.name,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        input=contracts[0],
        outputs=tuple(contracts[1:]),
        thresholds=dict.fromkeys(LABELS, 0.5),
        preprocessing=msgspec.to_builtins(features),
        preprocessing_sha256=features.fingerprint(),
        provenance={"recipe": asdict(recipe), "versions": provenance.versions()},
    )


def _cases() -> list[damages.Case]:
    return [case for case in damages.cases() if case.name in TUNED_ON]


def _tuned(valid: Part, place: Path) -> tuple[float, dict[str, float], dict[str, Any]]:
    """Temperature and thresholds, and what they come to, of the int8 network in ``place``.

    There are thresholds of the engagement states only where it tells them better than the branch that it hears.
    """
    kind = Kind(NAME, partial(Attention, ModelStore(place), EVEN))
    branch = Kind("branch", partial(Late, EVEN), ("engagement",))
    played = [comparison.played(valid, case.damage) for case in _cases()]
    said = [comparison.course(kind, sessions) for sessions in played]
    probability = np.concatenate([one.positive.ravel() for one in said])
    truth = np.tile(valid.sessions.positive.ravel(), len(said))
    logits = np.log(np.clip(probability, 1e-6, 1 - 1e-6) / np.clip(1 - probability, 1e-6, 1))
    grid = np.exp(np.linspace(np.log(0.5), np.log(3.0), 60))
    costs = [_log_loss(truth, logits / t) for t in grid]
    temperature = float(grid[int(np.argmin(costs))])
    own, heard = (
        float(np.mean([measures.states_auc(one, valid) for one in courses]))
        for courses in (said, [comparison.course(branch, sessions) for sessions in played])
    )
    thresholds = {POSITIVE: 0.5}
    if own > heard:
        thresholds |= _state_thresholds(valid, said, temperature)
    figures = {"log_loss": float(min(costs)), "n": len(truth), "states_auc": own, "branch_states_auc": heard}
    return temperature, thresholds, figures


def _state_thresholds(valid: Part, said: Sequence[Course], temperature: float) -> dict[str, float]:
    """Where each state begins to be high; 0.5 where nobody knows."""
    thresholds = dict.fromkeys(ENGAGEMENT_STATES, 0.5)
    for column, state in enumerate(ENGAGEMENT_STATES):
        told = np.concatenate([one.states[..., column].ravel() for one in said])
        high = np.tile(valid.sessions.high[..., column].ravel(), len(said))
        known = np.isfinite(told) & (high >= 0)
        if len(np.unique(high[known])) == 2:
            # what is said here is at a temperature of 1
            odds = np.log(told[known] / (1 - told[known])) / temperature
            thresholds[state] = metrics.best_threshold(high[known], (1 / (1 + np.exp(-odds))).astype(np.float32))
    return thresholds


def _log_loss(truth: Any, logits: Any) -> float:
    return float(np.mean(np.logaddexp(0.0, logits) - truth * logits))


def choose_weights(valid: Part) -> tuple[Weights, list[dict[str, float]]]:
    """The weights for ``Weighted``, and the log loss on validation sessions of all tried, the least first.

    Of those within AS_GOOD of the least, those with the longest memory: real states last longer than ours.
    """
    played = [comparison.played(valid, case.damage) for case in _cases()]
    tried = []
    combinations = list(itertools.product(*GRID.values()))
    for values in tqdm(combinations, desc="weights", unit="trial", leave=False):
        weights = Weights(**dict(zip(GRID, values, strict=True)))
        kind = Kind("weighted", partial(Weighted, {}, weights))
        costs = [_cost(comparison.course(kind, sessions), valid) for sessions in played]
        tried.append({**asdict(weights), "log_loss": float(np.mean(costs))})
    tried.sort(key=lambda row: row["log_loss"])
    good = [row for row in tried if row["log_loss"] <= tried[0]["log_loss"] + AS_GOOD]
    chosen = min(good, key=lambda row: row["change"])
    return Weights(**{name: chosen[name] for name in GRID}), tried


def _cost(said: comparison.Course, valid: Part) -> float:
    p = np.clip(said.positive, 1e-6, 1 - 1e-6)
    return _log_loss(valid.sessions.positive, np.log(p / (1 - p)))


def selective(valid: Part, kinds: Mapping[str, Kind]) -> dict[str, list[dict[str, float]]]:
    """Accuracy against coverage on validation sessions, and below which support each of ``kinds`` is then silent."""
    played = [comparison.played(valid, case.damage) for case in _cases()]
    return {
        name: measures.selective([comparison.course(kind, sessions) for sessions in played], valid)
        for name, kind in kinds.items()
    }
