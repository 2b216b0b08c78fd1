"""Sessions of one part of the data, with what every branch says of each of their seconds, however damaged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from edge.features.moment import MomentFeatures, Own
from edge.signals import ENGAGEMENT_STATES, Float32Array
from quantize.branches.base import Branch
from quantize.evaluation.conditions import CLEAN
from quantize.fusion.answers import Answers, Told
from quantize.fusion.sessions import ENGAGED, Course, Mask, Pools, Rows, Sessions, arrange, bursts

BURST_S = 5.0
"""How long a modality is missing at a time, on average: somebody walks past, a hand before the face, a word missed."""

OWN: tuple[Own, ...] = ("face", "speech", "engagement")


@dataclass(frozen=True)
class Damage:
    """What happens to sessions: the condition each modality is under, and the share of time that it is missing."""

    under: Mapping[Own, str] = field(default_factory=dict)
    missing: Mapping[Own, float] = field(default_factory=dict)

    def condition(self, modality: Own) -> str:
        """The name of the condition that ``modality`` is under."""
        return self.under.get(modality, CLEAN.name)


@dataclass(frozen=True)
class Part:
    """One part, of which nobody is in another: what the branches say of its examples, and sessions made of them.

    ``labels`` are those of the branches' probabilities.
    """

    labels: Mapping[Own, tuple[str, ...]]
    answers: Mapping[Own, Answers]
    told: Mapping[Own, Told]
    sessions: Sessions

    def rows(self, modality: Own) -> Rows:
        """Which example of ``modality`` is there in each second, int64 (N, S); -1 for none."""
        shown = {"face": self.sessions.face, "speech": self.sessions.voice, "engagement": self.sessions.clip}
        return shown[modality]

    def unrelated(self) -> Part:
        """The same with engagement that tells nothing of valence; see ``Sessions.unrelated``."""
        return replace(self, sessions=self.sessions.unrelated())

    def there(self, modality: Own, share: float, seed: int) -> Mask:
        """Where ``modality`` is there if it is missing for ``share`` of the time, bool (N, S)."""
        rows = self.rows(modality)
        if not share:
            return rows >= 0
        sessions, seconds = rows.shape
        own = 10 * seed + OWN.index(modality)
        return (rows >= 0) & ~bursts(sessions, seconds, share, BURST_S, own)


def part(
    branches: Mapping[Own, Branch],
    answers: Mapping[Own, Answers],
    told: Mapping[Own, Told],
    count: int,
    seed: int,
    seconds: int = 180,
) -> Part:
    """``count`` sessions of these ``answers``, of ``seconds`` each."""
    labels = {name: branch.labels for name, branch in branches.items()}
    return Part(labels, answers, told, arrange(count, pools(answers), Course(seconds=seconds), seed))


def pools(answers: Mapping[Own, Answers]) -> Pools:
    """What sessions of ``answers`` are put together from."""
    face, voice = (answers[name].truth[:, 0] for name in ("face", "speech"))
    high = answers["engagement"].truth
    return Pools(
        faces=(np.flatnonzero(face == 0), np.flatnonzero(face == 1)),
        # the speech branch decides whether a voice is negative
        voices=(np.flatnonzero(voice == 1), np.flatnonzero(voice == 0)),
        clips=_clips(high == 1),
        voice_s=np.full(len(voice), UTTERANCE_S),
        high=high,
    )


UTTERANCE_S = 2.5
"""How long an utterance takes until it is read, seconds: RAVDESS' voiced parts take 2 to 3."""


def only(answers: Answers, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Answers:
    """The examples ``rows``."""
    return Answers(
        answers.conditions,
        answers.names,
        *(getattr(answers, name)[:, rows] for name in ("logits", "embedding", "qualities")),
        *(getattr(answers, name)[rows] for name in ("truth", "groups", "fold")),
    )


def blocks(features: MomentFeatures, modality: Own, answers: Answers, told: Told) -> NDArray[np.float16]:
    """What the attention model is shown of each answer, float16 (conditions, examples, block)."""
    conditions, examples = answers.logits.shape[:2]

    def flat(values: NDArray[np.generic]) -> Float32Array:
        return values.reshape(conditions * examples, *values.shape[2:]).astype(np.float32)

    positive = None if modality == "engagement" else flat(told.positive)
    right = np.maximum(flat(told.reliability), 0.5)
    made = features.block(modality, positive, right, flat(told.probabilities), flat(answers.embedding))
    return made.reshape(conditions, examples, -1).astype(np.float16)


def _clips(high: NDArray[np.bool_]) -> tuple[Rows, ...]:
    """Clips that stand for each state: engagement those in which no other is high, the rest those in which it is."""
    others = np.delete(high, ENGAGED, axis=1).any(axis=1)
    found = []
    for state in range(len(ENGAGEMENT_STATES)):
        stands = high[:, state] & ~others if state == ENGAGED else high[:, state]
        found.append(np.flatnonzero(stands))
    return tuple(found)
