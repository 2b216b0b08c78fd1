"""Where the face network looks for an emotion, and whether it really does: maps, their averages, the deletion test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from edge.branches import softmax
from edge.errors import UserError
from edge.signals import Float32Array
from quantize.branches.base import Examples
from quantize.datasets import clips
from quantize.evaluation import metrics
from quantize.explanation import deletion
from quantize.explanation.gradcam import GradCam

THIRDS = ("brows and forehead", "eyes, nose and cheeks", "mouth and chin")
"""What aligned crops hold in their upper, middle and lower third."""


@dataclass(frozen=True)
class Shown:
    """One picture, float32 (side, side), and its maps in the same size: for what was said and, if wrong, the truth."""

    picture: Float32Array
    truth: str
    said: str
    probability: float
    map: Float32Array
    missed: Float32Array | None


@dataclass(frozen=True)
class Explanation:
    """``report`` is what was found, ready for JSON.

    ``averages`` are, of all pictures taken for an emotion, the mean picture and the mean map, float32 (side, side)
    both; ``shown`` are single pictures.
    """

    report: dict[str, Any]
    averages: Mapping[str, tuple[Float32Array, Float32Array]]
    shown: list[Shown]


def explain(
    network: GradCam,
    examples: Examples,
    labels: tuple[str, ...],
    temperature: float,
    count: int,
    seed: int,
    emotion: str | None = None,
) -> Explanation:
    """Explains ``network`` on the pictures of ``examples`` of which an emotion is known, of each clip the first.

    ``count`` are shown: as many wrong as right ones, drawn from ``seed``; with an ``emotion``, of those that are it or
    were taken for it. Raises UserError where there is none.
    """
    known = np.flatnonzero(_classes(examples) >= 0)
    rows = known if examples.clip is None else clips.firsts(examples.clip)[known]
    pictures, truth, groups = examples.inputs[rows], _classes(examples)[known], examples.groups[known]
    if not len(pictures):
        raise UserError("face_emotion: of no picture here an emotion is known")
    rng = np.random.default_rng(seed)
    side = pictures.shape[1]
    passes = 2 + len(deletion.CONTROLS) * len(deletion.SHARES)
    with tqdm(total=passes * len(pictures), desc="explaining", unit="picture", leave=False) as bar:
        logits = network.logits(pictures, bar)
        said = logits.argmax(axis=1)
        chosen = _chosen(truth, said, None if emotion is None else labels.index(emotion), count, rng)
        if emotion is not None and not len(chosen):
            raise UserError(f"--emotion {emotion}: no picture here is it or was taken for it")
        maps = network.maps(pictures, said, bar)
        left = {
            name: [network.logits(deletion.hidden(pictures, first, share), bar) for share in deletion.SHARES]
            for name, first in deletion.controls(maps, side, rng).items()
        }
    rights = {name: np.stack([one.argmax(axis=1) == truth for one in of_control]) for name, of_control in left.items()}
    large = np.maximum(deletion.enlarged(maps, side), 0)
    wrong = chosen[said[chosen] != truth[chosen]]
    missed = dict(zip(wrong.tolist(), _missed(network, pictures, truth, wrong), strict=True))
    probabilities = softmax(logits, temperature)
    report = {
        "branch": "face_emotion",
        "n": len(pictures),
        "seed": seed,
        "map": list(maps.shape[1:]),
        "accuracy": float(np.mean(said == truth)),
        "deletion": _deletion(said == truth, rights, groups),
        "emotions": {
            label: {"n": int((said == index).sum()), "thirds": _thirds(large[said == index])}
            for index, label in enumerate(labels)
        },
    }
    return Explanation(
        report=report,
        averages={
            label: (pictures[said == index, :, :, 0].mean(axis=0), large[said == index].mean(axis=0))
            for index, label in enumerate(labels)
            if (said == index).any()
        },
        shown=[
            Shown(
                picture=pictures[row, :, :, 0],
                truth=labels[truth[row]],
                said=labels[said[row]],
                probability=float(probabilities[row, said[row]]),
                map=large[row],
                missed=missed.get(row),
            )
            for row in chosen.tolist()
        ],
    )


def sentences(report: Mapping[str, Any]) -> list[str]:
    """What was found, in words: where each emotion is looked for, and what the deletion test says of that."""
    there = {label: found for label, found in report["emotions"].items() if found["n"]}
    usual = {
        third: sum(found["n"] * found["thirds"][third] for found in there.values()) / report["n"] for third in THIRDS
    }
    told = []
    for label, found in there.items():
        third = max(THIRDS, key=lambda third: found["thirds"][third] - usual[third])
        told.append(
            f"{label} is looked for at {third} more than others are ({found['thirds'][third]:.0%} of its map, "
            f"{usual[third]:.0%} of all, {found['n']} pictures)"
        )
    worth = [
        f"hiding the {part['share']:.0%} that matter most costs {100 * part['most']['cost']:.1f} points, random places "
        f"{100 * part['random']['cost']:.1f} ({_times(part['ratio'])})"
        for part in report["deletion"]
    ]
    return [*told, f"of an accuracy of {report['accuracy']:.3f}, " + "; ".join(worth)]


def _times(ratio: Mapping[str, float | None]) -> str:
    if ratio["value"] is None:
        return "no ratio"
    told = f"{ratio['value']:.1f} times as much"
    return told if ratio["low"] is None else f"{told} [{ratio['low']:.1f}, {ratio['high']:.1f}]"


def _classes(examples: Examples) -> NDArray[np.int64]:
    assert examples.classes is not None
    return examples.classes


def _missed(
    network: GradCam, pictures: Float32Array, truth: NDArray[np.int64], rows: NDArray[np.int64]
) -> list[Float32Array]:
    """What would have spoken for the truth, in the pictures' size."""
    if not len(rows):
        return []
    return list(np.maximum(deletion.enlarged(network.maps(pictures[rows], truth[rows]), pictures.shape[1]), 0))


def _chosen(
    truth: NDArray[np.int64], said: NDArray[np.int64], emotion: int | None, count: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Rows to show, the right ones first: half of each kind, or what there is of one and more of the other."""
    asked = np.ones(len(truth), bool) if emotion is None else (truth == emotion) | (said == emotion)
    right, wrong = (rng.permutation(np.flatnonzero(asked & which)) for which in (truth == said, truth != said))
    wrongs = min(len(wrong), max(count // 2, count - len(right)))
    return np.concatenate([np.sort(right[: count - wrongs]), np.sort(wrong[:wrongs])])


def _deletion(
    right: NDArray[np.bool_], rights: Mapping[str, NDArray[np.bool_]], groups: NDArray[Any]
) -> list[dict[str, Any]]:
    """For each share that was hidden, what is left of the accuracy and what it costs, by control; and the ratio."""
    return [
        {
            "share": share,
            **{
                name: {"accuracy": float(of[place].mean()), "cost": float(right.mean() - of[place].mean())}
                for name, of in rights.items()
            },
            "ratio": _ratio(right, rights["most"][place], rights["random"][place], groups),
        }
        for place, share in enumerate(deletion.SHARES)
    ]


def _ratio(
    right: NDArray[np.bool_], most: NDArray[np.bool_], random: NDArray[np.bool_], groups: NDArray[Any]
) -> dict[str, float | None]:
    """How many times as much the places that matter most cost, with its interval; of nothing lost there is none."""

    def ratio(rows: NDArray[np.int64]) -> float:
        before = right[rows].mean()
        lost = before - random[rows].mean()
        return float((before - most[rows].mean()) / lost) if lost > 0 else float("nan")

    return metrics.bootstrap(ratio, groups)


def _thirds(maps: Float32Array) -> dict[str, float]:
    """The share of ``maps``, float32 (N, side, side), not negative, in each of THIRDS; nothing of no maps."""
    if not len(maps):
        return {}
    total = maps.mean(axis=0)
    return {
        name: float(part.sum() / max(total.sum(), 1e-12))
        for name, part in zip(THIRDS, np.array_split(total, 3), strict=True)
    }
