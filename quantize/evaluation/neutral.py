"""What it is worth to read engagement relative to what a room's faces looked like in their first minute.

The faces are stills of ten seconds each, so a person's first six clips are their first minute, and all are
judged on their clips from the thirteenth on. What the labels of a first minute are nobody chose: it is not one in
which people were neutral, but the one in which they came.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.errors import UserError
from edge.features.landmarks import NOSE_TIP, LandmarkFeatures
from edge.inference.answer import answer
from edge.inference.store import ModelStore
from edge.perception.neutral import shift
from edge.signals import ENGAGEMENT_STATES, Float32Array
from quantize.datasets import daisee
from quantize.datasets.daisee_landmarks import HIGH, Clips
from quantize.evaluation import metrics
from quantize.evaluation.tables import interval, markdown

CLIP_S = 10.0
LONGEST_S = 120.0
"""Clips before this are judged by nobody, so that every length of a first minute is judged on the same clips."""

Ask = Callable[[Float32Array], Float32Array]
"""The log-odds float32 (N, 4) of features float32 (N, K), each held for a window."""


@dataclass(frozen=True)
class Angle:
    """From where a camera looks, beside where those of the data set did: degrees from above and from the side."""

    title: str
    above: float = 0.0
    beside: float = 0.0

    def __call__(self, landmarks: Float32Array) -> Float32Array:
        """Landmarks float32 (..., 468, 3), turned about the nose's tip as that camera would see them."""
        x, y = np.deg2rad([self.above, self.beside])
        pitch = np.array([[1, 0, 0], [0, np.cos(x), -np.sin(x)], [0, np.sin(x), np.cos(x)]])
        yaw = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
        nose = landmarks[..., NOSE_TIP, None, :]
        return np.asarray((landmarks - nose) @ (yaw @ pitch).T.astype(np.float32) + nose, np.float32)


ANGLES = (
    Angle("as recorded"),
    Angle("10° from above", above=10.0),
    Angle("10° from below", above=-10.0),
    Angle("20° from above", above=20.0),
    Angle("20° from below", above=-20.0),
    Angle("20° from the side", beside=20.0),
)
ROOMS = (3, 6, 19)
FIGURES = ("balanced_accuracy", "auc")
LENGTHS_S = (10.0, 20.0, 30.0, 60.0, 120.0)


def first_minute(models: Path, data: Path) -> dict[str, Any]:
    """The int8 model of ``models`` on the official Validation of ``data``, before and after, as ``compare`` tells it.

    Raises UserError where the model or the data are missing or broken, or hold another length than stills.
    """
    store = ModelStore(models)
    manifest, model = store.load("engagement", ENGAGEMENT_STATES)
    features: LandmarkFeatures = store.preprocessing(manifest, LandmarkFeatures)

    def ask(seen: Float32Array) -> Float32Array:
        held = np.repeat(seen[:, None], features.steps, axis=1)
        return np.stack([answer(model(window[None])).logits for window in held])

    odds = [manifest.thresholds[state] / (1 - manifest.thresholds[state]) for state in ENGAGEMENT_STATES]
    thresholds = np.log(np.array(odds)) * manifest.temperature
    return compare(ask, features, thresholds, daisee.load(data, "Validation"))


def compare(ask: Ask, features: LandmarkFeatures, thresholds: NDArray[np.float64], clips: Clips) -> dict[str, Any]:
    """Figures of ``clips``, in the order of their subjects' clips, before and after: by angle and size of room.

    ``thresholds`` (4,) are log-odds. ``lengths`` has rooms of six at every length of the first minute. Raises UserError
    for clips that are not stills, and where fewer than two people have more than two minutes of them.
    """
    if clips.landmarks.shape[1] != 1:
        raise UserError("engagement: a first minute is measured on stills of ten seconds each")
    place = _place(clips.subjects)
    lasting = [person for person in np.unique(clips.subjects) if (clips.subjects == person).sum() > LONGEST_S / CLIP_S]
    if len(lasting) < 2:
        raise UserError(f"engagement: {len(lasting)} people with more than {LONGEST_S:.0f} s of clips are too few")
    clips, place = (clips.only(np.isin(clips.subjects, lasting)), place[np.isin(clips.subjects, lasting)])
    judged = np.flatnonzero(place >= LONGEST_S / CLIP_S)
    judge = partial(_figures, (clips.levels[judged] >= HIGH).astype(np.int64), clips.subjects[judged], thresholds)
    angles: list[dict[str, Any]] = []
    lengths: list[dict[str, Any]] = []
    for angle in ANGLES:
        seen = features(angle(clips.landmarks[:, 0]))
        before = ask(seen[judged])

        def after(room: int, seconds: float, seen: Float32Array = seen) -> Float32Array:
            taken = _shifts(seen, place < seconds / CLIP_S, clips.subjects, room)
            return ask((seen - taken)[judged])

        rooms = {str(room): judge(before, after(room, 60.0)) for room in ROOMS if room <= len(lasting)}
        angles.append({"title": angle.title, "before": judge(before, before)["after"], "rooms": rooms})
        if angle in ANGLES[:2]:
            found = {f"{seconds:.0f}": judge(before, after(ROOMS[1], seconds)) for seconds in LENGTHS_S}
            lengths.append({"title": angle.title, "seconds": found})
    return {"n": len(judged), "people": len(lasting), "angles": angles, "lengths": lengths}


def table(found: Mapping[str, Any]) -> str:
    """The figures of ``compare`` as Markdown."""
    rows = [
        [angle["title"], room, *_cells(angle["before"], rooms)]
        for angle in found["angles"]
        for room, rooms in angle["rooms"].items()
    ]
    lengths = [
        [length["title"], seconds, interval(figures["after"]["balanced_accuracy"]), interval(figures["after"]["auc"])]
        for length in found["lengths"]
        for seconds, figures in length["seconds"].items()
    ]
    head = ["camera", "people in the room", "balanced accuracy before", "after", "gain", "AUC before", "after", "gain"]
    return "\n\n".join(
        [
            f"{found['n']} clips of {found['people']} people, judged after the room's first minute.",
            markdown([*head, "AUC within a person, before", "after"], rows),
            markdown(["camera", "seconds seen, rooms of 6", "balanced accuracy", "AUC"], lengths),
        ]
    )


def _cells(before: Mapping[str, Any], room: Mapping[str, Any]) -> list[str]:
    cells = []
    for name in FIGURES:
        cells += [interval(before[name]), interval(room["after"][name]), interval(room["gain"][name])]
    return [*cells, interval(before["auc_within"]), interval(room["after"]["auc_within"])]


def _place(subjects: NDArray[np.str_]) -> NDArray[np.int64]:
    """Which of its subject's clips each is, from 0."""
    place = np.zeros(len(subjects), np.int64)
    for person in np.unique(subjects):
        place[subjects == person] = np.arange((subjects == person).sum())
    return place


def _shifts(seen: Float32Array, first: NDArray[np.bool_], subjects: NDArray[np.str_], room: int) -> Float32Array:
    """What the device takes from each row of ``seen``, (N, K), where people sit in rooms of about ``room``."""
    people = np.random.default_rng(1).permutation(np.unique(subjects))
    taken = np.zeros_like(seen)
    for together in np.array_split(people, max(1, len(people) // room)):
        neutrals = np.stack([seen[first & (subjects == person)].mean(axis=0) for person in together])
        taken[np.isin(subjects, together)] = shift(neutrals)
    return taken


def _figures(
    truth: NDArray[np.int64],
    subjects: NDArray[np.str_],
    thresholds: NDArray[np.float64],
    before: Float32Array,
    after: Float32Array,
) -> dict[str, Any]:
    """What ``after`` is worth and gains, means over the states, with intervals over subjects; and each state's."""
    columns = range(truth.shape[1])

    def figure(logits: Float32Array, name: str, of: Sequence[int]) -> Callable[[NDArray[np.int64]], float]:
        said = (logits >= thresholds).astype(np.int64)
        ranks = np.stack([np.unique(column, return_inverse=True)[1] for column in logits.T], axis=1)

        def of_state(c: int, rows: NDArray[np.int64]) -> float:
            if name == "auc":
                return metrics.auc_of_ranks(truth[rows, c], ranks[rows, c])
            return metrics.balanced_accuracy(truth[rows, c], said[rows, c])

        return lambda rows: float(np.mean([of_state(c, rows) for c in of]))

    def gain(name: str) -> Callable[[NDArray[np.int64]], float]:
        was, became = figure(before, name, columns), figure(after, name, columns)
        return lambda rows: became(rows) - was(rows)

    within = float(np.mean([_within(truth[:, c], after[:, c], subjects) for c in columns]))
    return {
        "after": {
            **{name: metrics.bootstrap(figure(after, name, columns), subjects) for name in FIGURES},
            "auc_within": {"value": within, "low": None, "high": None},
            "per_state": {
                state: {name: metrics.bootstrap(figure(after, name, [c]), subjects) for name in FIGURES}
                for c, state in enumerate(ENGAGEMENT_STATES)
            },
        },
        "gain": {name: metrics.bootstrap(gain(name), subjects) for name in FIGURES},
    }


def _within(truth: NDArray[np.int64], logits: Float32Array, subjects: NDArray[np.str_]) -> float:
    """The AUC over pairs of clips of one person each; NaN where nobody has both answers."""
    right, pairs = 0.0, 0
    for person in np.unique(subjects):
        own = truth[subjects == person]
        count = int(own.sum() * (len(own) - own.sum()))
        if count:
            right += metrics.auc(own, logits[subjects == person]) * count
            pairs += count
    return right / pairs if pairs else float("nan")
