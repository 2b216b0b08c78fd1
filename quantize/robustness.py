"""``affect-quantize robustness``: every kind of fusion under every damage, on people nobody learned from."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import spearmanr
from tqdm import tqdm

from edge.config import Fusion as Settings
from edge.fusion.attention import NAME, Attention
from edge.fusion.late import Late
from edge.fusion.weighted import Weighted
from edge.inference.store import ModelStore
from quantize.certificates import provenance
from quantize.evaluation import metrics
from quantize.fusion import comparison, damages, measures
from quantize.fusion.comparison import EVEN, Course, Kind, Mean
from quantize.fusion.damages import Case
from quantize.fusion.material import OWN, Damage, Part
from quantize.fusion.training import ABLATIONS

FACE, VOICE, AVERAGE, LATE = "face only", "voice only", "static average", "late rule"
RELIABLE, WEIGHTED, ATTENTION = "late + reliability", "weighted", "attention"

ATTENTIONS = (ATTENTION, *ABLATIONS)
"""The attention model, and without each of its parts."""

PERFECT = "never wrong about a face"

SINGLE = (FACE, VOICE)

STATES_LAST_S = (10.0, 20.0, 40.0, 80.0)
"""How long valence lasts on average, in the study of what missing modalities cost by that; 20 s is everywhere else."""


def kinds(models: Path, run: Path) -> dict[str, Kind]:
    """All that are compared: the attention model of ``models``, and its ablations where ``run`` holds them."""
    found = {
        FACE: Kind(FACE, partial(Late, EVEN), ("face", "engagement"), reliable=False),
        VOICE: Kind(VOICE, partial(Late, EVEN), ("speech",), reliable=False),
        AVERAGE: Kind(AVERAGE, Mean, reliable=False),
        LATE: Kind(LATE, partial(Late, EVEN), reliable=False),
        RELIABLE: Kind(RELIABLE, partial(Late, EVEN)),
        WEIGHTED: Kind(WEIGHTED, partial(Weighted, EVEN)),
    }
    if (models / f"{NAME}.json").exists():
        found[ATTENTION] = Kind(ATTENTION, partial(Attention, ModelStore(models), EVEN))
    for name in ABLATIONS:
        if (run / name / f"{NAME}.json").exists():
            found[name] = Kind(name, partial(Attention, ModelStore(run / name), EVEN))
    return found


def compare(part: Part, compared: Mapping[str, Kind], least: float, workers: int | None = None) -> dict[str, Any]:
    """The report on ``part``; a kind is silent where its support is below ``least``, which validation chose.

    The work is shared by ``workers`` processes (default: one for each core).
    """
    cases = damages.cases()
    said: dict[str, dict[str, Course]] = {}
    with tqdm(total=len(cases), desc="cases", unit="case", leave=False) as bar:
        for case, courses in zip(cases, _all_said(part, compared, cases, workers or os.cpu_count() or 1), strict=True):
            said[case.name] = courses
            bar.set_postfix_str(case.title)
            bar.update()
    return {
        "sessions": len(part.sessions.positive),
        "seconds": part.sessions.positive.shape[1],
        "least_support": least,
        "cases": {case.name: _case(case, said[case.name], part, least) for case in cases},
        "selective": {
            name: measures.selective([said[case.name][name] for case in cases], part)
            for name in compared
            if name in (RELIABLE, WEIGHTED, ATTENTION)
        },
        "reliability": reliability(part),
        "versions": provenance.versions(),
    }


def _all_said(
    part: Part, compared: Mapping[str, Kind], cases: Sequence[Case], workers: int
) -> Iterator[dict[str, Course]]:
    """What every kind says in each of ``cases``, in their order."""
    if workers == 1:
        yield from (_said(part, compared, case) for case in cases)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_begin, initargs=(part, compared)) as pool:
        yield from pool.map(_one, cases)


_SHARED: list[tuple[Part, Mapping[str, Kind]]] = []
"""What a worker was given when it began."""


def _begin(part: Part, compared: Mapping[str, Kind]) -> None:
    _SHARED.append((part, compared))


def _one(case: Case) -> dict[str, Course]:
    return _said(*_SHARED[0], case)


def _said(part: Part, compared: Mapping[str, Kind], case: Case) -> dict[str, Course]:
    sessions = comparison.played(part, case.damage)
    return {name: comparison.course(kind, sessions) for name, kind in compared.items()}


def _case(case: Case, said: Mapping[str, Course], part: Part, least: float) -> dict[str, Any]:
    found: dict[str, Any] = {"title": case.title, "group": case.group, "kinds": {}}
    for name, course in said.items():
        figures = measures.figures(course, part, least)
        _, low, high = measures.interval(measures.credit(course, part).mean(axis=1))
        found["kinds"][name] = {**figures, "low": low, "high": high}
    best = max((name for name in SINGLE), key=lambda name: found["kinds"][name]["accuracy"])
    found["best_single"] = best
    found["gain"] = {
        name: {
            other: dict(zip(("value", "low", "high"), measures.paired(said[name], said[against], part), strict=True))
            for other, against in (("best single", best), ("static average", AVERAGE), ("late rule", LATE))
        }
        for name in (WEIGHTED, ATTENTION)
        if name in said
    }
    return found


def least_support() -> float:
    """The support below which a box is silent by default."""
    return Settings().minimum_reliability


def unrelated(compared: Mapping[str, Kind], part: Part) -> dict[str, float]:
    """How often each is right, without damage, where a face's engagement has nothing to do with its valence.

    That both agree is made by hand in sessions that are put together: whatever a kind gains from it may be lost on
    real learners.
    """
    chosen = {name: kind for name, kind in compared.items() if name in (LATE, WEIGHTED, *ATTENTIONS)}
    own = part.unrelated()
    played = comparison.played(own, Damage())
    return {
        name: float(measures.credit(comparison.course(kind, played), own).mean())
        for name, kind in tqdm(chosen.items(), desc="engagement unrelated", unit="kind", leave=False)
    }


def lasting(compared: Mapping[str, Kind], make: Callable[[float], Part], share: float = 0.6) -> dict[str, Any]:
    """What all modalities missing for ``share`` of the time costs, by how long valence lasts (STATES_LAST_S)."""
    chosen = {name: kind for name, kind in compared.items() if name in (LATE, WEIGHTED, ATTENTION)}
    found: dict[str, Any] = {}
    for seconds in tqdm(STATES_LAST_S, desc="states last", unit="length", leave=False):
        own = make(seconds)
        whole = comparison.played(own, Damage())
        gaps = comparison.played(own, Damage(missing=dict.fromkeys(OWN, share)))
        found[f"{seconds:g}"] = {
            name: {
                "clean": float(measures.credit(comparison.course(kind, whole), own).mean()),
                "missing": float(measures.credit(comparison.course(kind, gaps), own).mean()),
            }
            for name, kind in chosen.items()
        }
        found[f"{seconds:g}"][PERFECT] = {"clean": measures.perfect(own, 0.0), "missing": measures.perfect(own, share)}
    return found


def reliability(part: Part) -> dict[str, dict[str, float]]:
    """Of each branch, how far its reliability can be believed, over all conditions it was asked under."""
    found: dict[str, dict[str, float]] = {}
    for name in OWN:
        answers, told = part.answers[name], part.told[name]
        if name == "engagement":
            continue
        # of faces 1 is positive, of voices negative
        truth = answers.truth[:, 0] == (1 if name == "face" else 0)
        right = ((told.said >= 0.5) == truth).ravel()
        rng, positive = np.random.default_rng(1), np.tile(truth, len(told.said))
        rarer, commoner = sorted((np.flatnonzero(positive), np.flatnonzero(~positive)), key=len)
        even = np.concatenate([rarer, rng.permutation(commoner)[: len(rarer)]])
        said = told.reliability.ravel()[even]
        found[name] = {
            "n": len(even),
            "rank_correlation": float(spearmanr(said, right[even]).statistic),
            "calibration_error": metrics.calibration_error(right[even].astype(np.int64), said),
        }
    return found
