"""What moves the four states of the engagement branch: its features, and the parts of a face behind them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from edge.branches import sigmoid
from edge.errors import UserError
from edge.features.landmarks import LandmarkFeatures, normalise
from edge.inference.answer import answer
from edge.inference.interpreter import Interpreter
from edge.inference.store import Manifest, ModelStore
from edge.signals import ENGAGEMENT_STATES, Float32Array
from quantize.datasets import daisee
from quantize.datasets.daisee_landmarks import Clips
from quantize.evaluation import metrics
from quantize.explanation import regions, shapley
from quantize.explanation.shapley import Float64Array, Game
from quantize.training.sequences import held

TOLD = 0.3
"""The rank correlation from which on a direction is told."""

SAID = 3
"""So many regions are told of in a sentence."""


@dataclass(frozen=True)
class Effort:
    """How many ``clips`` are explained, by how many ``permutations`` each, drawn from ``seed``."""

    clips: int = 300
    permutations: int = 6
    seed: int = 1


@dataclass(frozen=True)
class Explanation:
    """``report`` is what was found, ready for JSON; ``mean`` float32 (468, 3) the face of the average of training.

    ``moves`` float32 (features, 468, 3) is what one standard deviation of a feature does to that face.
    """

    report: dict[str, Any]
    mean: Float32Array
    moves: Float32Array


@dataclass(frozen=True)
class _Known:
    """What was learned from: the mean face, float32 (468, 3), each landmark's part of it, each feature's move."""

    mean: Float32Array
    parts: NDArray[np.bool_]
    moves: Float32Array


def explain(data: Path, models: Path, effort: Effort) -> Explanation:
    """Explains the shipped int8 model on clips of people it was not trained on.

    Raises UserError where the model or the data are not what they should be, or hold nobody whom it was trained on:
    the average face is theirs.
    """
    store = ModelStore(models)
    manifest, interpreter = store.load("engagement", ENGAGEMENT_STATES)
    features: LandmarkFeatures = store.preprocessing(manifest, LandmarkFeatures)
    people = _people(manifest, models)
    known = _known(daisee.load(data, None), people, features, data)
    clips = daisee.load(data, None, people)
    rng = np.random.default_rng(effort.seed)
    clips = clips.only(np.sort(rng.permutation(len(clips.levels))[: effort.clips]))
    ask = _asker(interpreter, manifest, features.steps)
    heads = regions.upright(clips.landmarks, known.mean, np.array(features.points))
    windows = held(clips, features)
    by_region, by_feature, errors, occluded = [], [], [], []
    for row in tqdm(range(len(windows)), desc="explaining", unit="clip", leave=False):
        by_region.append(shapley.exact(_of_regions(ask, features, known, heads, row), len(regions.REGIONS)))
        game = _of_features(ask, windows[row])
        drawn = shapley.sampled(game, windows.shape[2], effort.permutations, rng)
        by_feature.append(drawn.values)
        errors.append(drawn.error)
        occluded.append(shapley.occlusion(game, windows.shape[2]))
    found = _Found(*map(np.stack, (by_region, by_feature, errors, occluded)))
    said = np.stack([ask(window) for window in windows])
    average = ask(features(known.mean[None]))
    names = [_named(move, known, np.array(features.points)) for move in known.moves]
    report = {
        "branch": manifest.name,
        "sha256": manifest.sha256,
        "n": len(windows),
        "subjects": len(np.unique(clips.subjects)),
        "permutations": effort.permutations,
        "seed": effort.seed,
        "missed": float(np.abs(found.regions.sum(axis=1) - (said - average)).max()),
        "states": {
            state: {
                "average": float(average[index]),
                "mean": float(said[:, index].mean()),
                "regions": _regions(found.regions[..., index], heads, clips.subjects),
                "features": _features(found, index, names),
            }
            for index, state in enumerate(manifest.labels)
        },
    }
    return Explanation(report, known.mean, known.moves)


@dataclass(frozen=True)
class _Found:
    """Shapley values of every clip, (clips, regions or features, states), the sampled ones' errors, occlusion."""

    regions: Float64Array
    features: Float64Array
    errors: Float64Array
    occluded: Float64Array


def sentence(state: str, found: Mapping[str, Any]) -> str:
    """What moves ``state``, in words: the parts of the face that do most, each with its share."""
    rises, also = [], []
    for region in found["regions"][:SAID]:
        share = f"{region['share']['value']:.0%}"
        if region["trend"] is None:
            also.append(f"{region['name']} ({share})")
        else:
            rises.append(f"{region['trend']['with']} ({region['name']}, {share})")
    parts = [f"{state} rises with {_list(rises)}"] if rises else []
    if also:
        parts.append(f"{'' if rises else f'{state} '}depends, in no one direction, on {_list(also)}")
    return "; it ".join(parts) + "."


def _list(parts: Sequence[str]) -> str:
    *first, last = parts
    return f"{', '.join(first)} and {last}" if first else last


def _people(manifest: Manifest, models: Path) -> list[str]:
    split = manifest.provenance.get("split")
    if not isinstance(split, dict) or "train" not in split:
        raise UserError(f"{models / manifest.name}.json: does not say what was trained on; convert again")
    return list(split["train"])


def _known(clips: Clips, people: Sequence[str], features: LandmarkFeatures, data: Path) -> _Known:
    rows = np.isin(clips.subjects, people)
    if not rows.any():
        raise UserError(f"{data}: holds nobody whom the model was trained on; the average face is that of training")
    shapes = normalise(clips.landmarks[rows][:, 0])
    mean = shapes.mean(axis=0)
    moves = np.einsum("nk,npc->kpc", features(shapes), shapes - mean, optimize=True) / len(shapes)
    return _Known(mean, np.stack(list(regions.members(mean).values())), moves.astype(np.float32))


def _asker(interpreter: Interpreter, manifest: Manifest, steps: int) -> Callable[[Float32Array], Float64Array]:
    """Gives the probabilities, (states,), of features, float32 (steps, K) or (1, K), which are then held."""

    def ask(window: Float32Array) -> Float64Array:
        held_ = np.repeat(window, steps // len(window), axis=0)
        return sigmoid(answer(interpreter(held_[None])).logits, manifest.temperature).astype(np.float64)

    return ask


def _of_features(ask: Callable[[Float32Array], Float64Array], window: Float32Array) -> Game:
    """Features (steps, K) that are left out are at their mean over training, which is zero."""
    return lambda coalitions: np.stack([ask(window * kept) for kept in coalitions.astype(np.float32)])


def _of_regions(
    ask: Callable[[Float32Array], Float64Array], features: LandmarkFeatures, known: _Known, heads: Any, row: int
) -> Game:
    """Regions that are left out are the average face's; what the network is then shown, its features tell."""
    frontal, turn = heads.frontal[row], heads.turn[row]

    def answers(kept: NDArray[np.bool_]) -> Float64Array:
        own = (kept[1:, None] & known.parts).any(axis=0)
        return ask(features(regions.composed(known.mean, frontal, turn, own, bool(kept[0]))))

    return lambda coalitions: np.stack([answers(kept) for kept in coalitions])


def _regions(values: Float64Array, heads: Any, subjects: NDArray[np.str_]) -> list[dict[str, Any]]:
    """Each region's part in one state, (clips, regions), the largest first."""
    sizes = np.abs(values)

    def share(region: int) -> dict[str, float | None]:
        return metrics.bootstrap(lambda rows: float(sizes[rows, region].sum() / sizes[rows].sum()), subjects)

    found = [
        {
            "name": name,
            "share": share(region),
            "mean_size": float(sizes[:, region].mean()),
            "trend": _trend(name, values[:, region], heads),
        }
        for region, name in enumerate(regions.REGIONS)
    ]
    return sorted(found, key=lambda one: -one["mean_size"])


def _trend(region: str, values: Float64Array, heads: Any) -> dict[str, Any] | None:
    """What is seen where the region raises the state; None where nothing is in particular."""
    trends = {m: regions.trend(values, m.of(heads).mean(axis=1)) for m in regions.MEASURES[region]}
    measure = max(trends, key=lambda one: abs(trends[one]))
    if abs(trends[measure]) < TOLD:
        return None
    return {"with": measure.large if trends[measure] > 0 else measure.small, "correlation": abs(trends[measure])}


def _features(found: _Found, state: int, names: Sequence[str]) -> list[dict[str, Any]]:
    """Each feature's part in one state, the largest first."""
    sizes = np.abs(found.features[..., state]).mean(axis=0)
    occluded = np.abs(found.occluded[..., state]).mean(axis=0)
    errors = found.errors[..., state].mean(axis=0)
    return [
        {
            "feature": int(feature),
            "region": names[feature],
            "share": float(sizes[feature] / sizes.sum()),
            "mean_size": float(sizes[feature]),
            "error": float(errors[feature]),
            "occlusion": float(occluded[feature]),
        }
        for feature in np.argsort(-sizes, kind="stable")
    ]


def _named(move: Float32Array, known: _Known, points: NDArray[np.int64]) -> str:
    """Where a feature's ``move`` of the mean face, (468, 3), is seen most: as a turn of the head, or in a region."""
    moved = known.mean + 2 * move
    bent = regions.upright(moved[None, None], known.mean, points).frontal[0, 0] - known.mean
    moved = moved - known.mean
    moved = moved - moved[points].mean(axis=0)
    if (bent[points] ** 2).sum() < 0.5 * (moved[points] ** 2).sum():
        return regions.POSE
    sizes = [(bent[part] ** 2).sum() for part in known.parts]
    return regions.REGIONS[1 + int(np.argmax(sizes))]
