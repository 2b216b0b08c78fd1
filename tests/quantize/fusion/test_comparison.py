"""Fusion compared on made-up answers: three modalities whose truth is known, one of them spoilt under a condition."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from edge.features.moment import Own
from edge.fusion.late import Late
from edge.fusion.weighted import Weighted
from edge.signals import EMOTIONS, ENGAGEMENT_STATES
from quantize.fusion import comparison, damages, measures, report
from quantize.fusion.answers import Answers, Told
from quantize.fusion.comparison import Course, Kind, Mean
from quantize.fusion.material import Damage, Part, only, pools
from quantize.fusion.sessions import Course as Lesson
from quantize.fusion.sessions import arrange
from quantize.robustness import compare

COUNT = 240
CONDITIONS = np.array([case.damage.condition("face") for case in damages.cases()])
LABELS: dict[Own, tuple[str, ...]] = {"face": EMOTIONS, "speech": ("calm", "angry"), "engagement": ENGAGEMENT_STATES}
THRESHOLDS = dict.fromkeys(ENGAGEMENT_STATES, 0.5)


def answers(name: Own, rng: np.random.Generator) -> tuple[Answers, Told]:
    """Right nine times in ten as recorded and by chance under every other condition, and reliable accordingly."""
    used = sorted({case.damage.condition(name) for case in damages.cases()}, key=lambda n: (n != "clean", n))
    if name == "engagement":
        truth = (rng.random((COUNT, 4)) < 0.4).astype(np.int64)
        positive = np.full((len(used), COUNT), 0.5)
    else:
        truth = (rng.random((COUNT, 1)) < 0.5).astype(np.int64)
        # of voices 1 is negative
        happy = (truth[:, 0] == 1) == (name == "face")
        chance = np.where(np.array(used) == "clean", 0.9, 0.5)[:, None]
        right = rng.random((len(used), COUNT)) < chance
        positive = np.where(right == happy, 0.9, 0.1)
    reliability = np.broadcast_to(np.where(np.array(used) == "clean", 0.9, 0.5)[:, None], positive.shape)
    shape = (*positive.shape, len(LABELS[name]))
    found = Answers(
        conditions=np.array(used),
        names=np.array(["light"]),
        logits=np.zeros(shape, np.float32),
        embedding=np.zeros((*positive.shape, 3), np.float16),
        qualities=np.ones((*positive.shape, 1), np.float32),
        truth=truth,
        groups=np.arange(COUNT),
        fold=np.zeros(COUNT, np.int64),
    )
    shares = np.full(shape, 0.5, np.float32)
    return found, Told(*(values.astype(np.float32) for values in (positive, positive, reliability)), shares)


@pytest.fixture(scope="module")
def part() -> Part:
    rng = np.random.default_rng(0)
    both = {name: answers(name, rng) for name in LABELS}
    found = {name: one[0] for name, one in both.items()}
    sessions = arrange(6, pools(found), Lesson(seconds=60), seed=1)
    return Part(LABELS, found, {name: one[1] for name, one in both.items()}, sessions)


def accuracy(kind: Kind, part: Part, damage: Damage) -> float:
    return float(measures.credit(comparison.course(kind, comparison.played(part, damage)), part).mean())


FACE = Kind("face only", partial(Late, THRESHOLDS), ("face", "engagement"), reliable=False)
VOICE = Kind("voice only", partial(Late, THRESHOLDS), ("speech",), reliable=False)
AVERAGE = Kind("static average", Mean, reliable=False)
LATE = Kind("late rule", partial(Late, THRESHOLDS), reliable=False)
WEIGHTED = Kind("weighted", partial(Weighted, THRESHOLDS))


def test_a_spoilt_face_costs_the_face_alone_most(part: Part) -> None:
    damage = Damage({"face": "dark"})
    assert accuracy(FACE, part, Damage()) > 0.8
    assert accuracy(FACE, part, damage) < 0.7
    assert accuracy(WEIGHTED, part, damage) > accuracy(AVERAGE, part, damage)


def test_a_memory_bridges_what_is_missing(part: Part) -> None:
    damage = Damage(missing={"face": 0.6, "speech": 0.6, "engagement": 0.6})
    long = replace(part, sessions=arrange(24, pools(part.answers), Lesson(seconds=180), seed=2))
    assert accuracy(WEIGHTED, long, damage) > accuracy(LATE, long, damage)


def test_the_same_readings_are_missing_for_everybody(part: Part) -> None:
    damage = Damage(missing={"face": 0.4})
    first, second = (comparison.played(part, damage) for _ in range(2))
    assert [[len(s) for s in one] for one in first] == [[len(s) for s in one] for one in second]
    assert comparison.played(part, damage, seed=6) != first


def test_where_nothing_is_known_half_is_right(part: Part) -> None:
    silent = Damage(missing={"face": 1.0, "speech": 1.0, "engagement": 1.0})
    assert accuracy(WEIGHTED, part, silent) == 0.5


def test_the_report_names_every_aim(part: Part) -> None:
    kinds = {kind.name: kind for kind in (FACE, VOICE, AVERAGE, LATE, WEIGHTED)}
    figures = compare(part, kinds, 0.6, workers=1)
    assert set(figures["cases"]) == {case.name for case in damages.cases()}
    said, page = report.text(figures), report.markdown(figures)
    for aim, *_ in report.targets(figures, "weighted"):
        assert aim in said
        assert aim in page
    assert report.chart(figures, ".svg").startswith(b"<?xml")


def test_accuracy_rises_as_a_kind_speaks_less(part: Part) -> None:
    damage = Damage(missing={"face": 0.6, "speech": 0.6})
    said = comparison.course(WEIGHTED, comparison.played(part, damage))
    curve = measures.selective([said], part)
    assert curve[0]["coverage"] == pytest.approx(0.05)
    assert curve[4]["accuracy"] > curve[-1]["accuracy"]
    spoken = measures.figures(said, part, curve[9]["support"])
    assert spoken["coverage"] >= curve[9]["coverage"] and spoken["selective_accuracy"] > curve[-1]["accuracy"]


def test_a_late_answer_is_counted_in_seconds(part: Part) -> None:
    positive = np.roll(part.sessions.positive.astype(float) * 0.8 + 0.1, 2, axis=1)
    positive[:, :2] = positive[:, 2:3]
    late = Course(positive, np.ones_like(positive), np.full((*positive.shape, 4), 0.5))
    assert measures.figures(late, part, 0.5)["reaction_s"] == 2.0


def test_only_some_examples_can_be_taken(part: Part) -> None:
    some = only(part.answers["face"], np.array([3, 5]))
    assert some.truth.shape == (2, 1)
    assert some.logits.shape[1] == 2


def test_somebody_who_never_errs_loses_only_what_changes_unseen(part: Part) -> None:
    assert measures.perfect(part, 0.0) == 1.0
    some, most = measures.perfect(part, 0.4), measures.perfect(part, 0.8)
    assert 0.5 < most < some < 1.0
    still = replace(part.sessions, positive=np.ones_like(part.sessions.positive))
    unseen = ~np.maximum.accumulate(part.there("face", 0.4, comparison.SEED), axis=1)
    assert measures.perfect(replace(part, sessions=still), 0.4) == pytest.approx(1.0 - unseen.mean() / 2)
