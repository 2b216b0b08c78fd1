"""Why a room's scores are what they are: what carries them, what pulls at them, what holds a modality back, and a cure.

Everything is read off published states; of what the box itself weighed it knows their ``weights`` and ``limits``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from edge.words.catalogue import Catalogue
from edge.words.sentence import TRUSTED, Message, Newest, moment, sentence

NOTICED = 5
"""Of 100: from this difference between scores on it is worth a word."""

SHIFTED = 10
"""Of 100: the same for weights and reliabilities, which wander more."""

PULLING = ("speech", "physiology", "behaviour", "text")
"""What moves a satisfaction that the expressions alone would give."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """In words of one language. ``modalities`` says of each how reliable it is, what holds it back, and the cure.

    ``grounds`` is what the scores rest on and ``pull`` what moves them off what the expressions alone say; ``remedy``
    is the cure where there are no scores. Empty where there is nothing to say.
    """

    headline: str
    scores: str
    grounds: str
    pull: str
    remedy: str
    modalities: Mapping[str, str]
    held: tuple[str, ...]
    """The modalities of which something is wanting, each with its name."""

    def __iter__(self) -> Iterator[str]:
        """Its sentences, in the order in which they are read."""
        parts = (self.headline, self.scores, self.grounds, self.pull, *self.held, self.remedy)
        return (_capital(part) for part in parts if part)


def explanation(newest: Newest, words: Catalogue) -> Explanation:
    """Explains the newest state, or why there is none."""
    affect = newest.scored
    modalities = {name: _modality(affect, name, words) for name in affect["reliability"]} if affect else {}
    return Explanation(
        headline=words("explain.headline", sentence=sentence(newest, words)),
        scores=_scores(affect, words) if affect else "",
        grounds=_grounds(affect, words) if affect else "",
        pull=_pull(affect, words) if affect else "",
        remedy=words(f"remedy.{newest.reason}") if newest.reason else "",
        modalities=modalities,
        held=tuple(
            words("explain.modality", modality=words(f"modality.{name}"), said=said)
            for name, said in modalities.items()
            if affect and _wanting(affect, name)
        ),
    )


def change(before: Newest, now: Newest, words: Catalogue) -> str:
    """What is different between two states, and of the satisfaction how much by the expressions alone.

    Empty where one of them has no scores, or they are the same state.
    """
    old, new = before.scored, now.scored
    if old is None or new is None or old["time"] == new["time"]:
        return ""
    told = [
        *_moved(words("state.engagement"), _engaged(old), _engaged(new), words),
        *_moved(words("explain.satisfaction"), old["satisfaction"], new["satisfaction"], words),
    ]
    if _pull(old, words) or _pull(new, words):
        told += _moved(words("explain.alone"), _alone(old), _alone(new), words)
    told += _moved(words("explain.confidence"), old["confidence"], new["confidence"], words, unit=" %")
    for kind, absent in (("weights", 0.0), ("reliability", None)):
        earlier, later = old.get(kind) or {}, new.get(kind) or {}
        for name in {**later, **earlier} if earlier and later else ():
            what = words(f"explain.{kind}", modality=words(f"noun.{name}"))
            told += _moved(what, earlier.get(name, absent), later.get(name, absent), words, SHIFTED, " %")
    seconds = abs((moment(new["time"]) or 0.0) - (moment(old["time"]) or 0.0))
    changes = "; ".join(told) or words("explain.nothing")
    return words("explain.changed", duration=words.duration(round(seconds)), changes=changes)


def _moved(
    what: str, old: float | None, new: float | None, words: Catalogue, least: int = NOTICED, unit: str = ""
) -> list[str]:
    """That a share went from ``old`` to ``new``, where both are known and at least ``least`` of 100 apart."""
    before, after = _hundred(old), _hundred(new)
    if before is None or after is None or abs(after - before) < least:
        return []
    return [words("explain.from_to", what=what, old=f"{before}{unit}", new=f"{after}{unit}")]


def _scores(affect: Message, words: Catalogue) -> str:
    known = [
        words("explain.of_hundred", what=what, value=value)
        for what, value in (
            (words("state.engagement"), _hundred(_engaged(affect))),
            (words("explain.satisfaction"), _hundred(affect["satisfaction"])),
        )
        if value is not None
    ]
    return words("explain.scores", scores="; ".join([*known, words("ui.sure", share=_percent(affect["confidence"]))]))


def _grounds(affect: Message, words: Catalogue) -> str:
    weights = affect.get("weights", {})
    parts = [
        words("explain.part", modality=words(f"noun.{name}"), share=_percent(weights[name]))
        for name in sorted(weights, key=lambda name: -weights[name])
        if weights[name]
    ]
    if not parts:
        return words("explain.unknown")
    return words("explain.grounds", modalities=_list(parts, words))


def _pull(affect: Message, words: Catalogue) -> str:
    """What moves satisfaction off what the expressions alone would give: against them, or along with them."""
    alone, satisfaction = _hundred(_alone(affect)), _hundred(affect["satisfaction"])
    heard = affect.get("weights") or affect["reliability"]
    pulling = [words(f"noun.{name}") for name in PULLING if heard.get(name)]
    if alone is None or satisfaction is None or not pulling or abs(satisfaction - alone) < NOTICED:
        return ""
    way = "against" if (satisfaction - alone) * (alone - 50) < 0 else "along"
    return words(f"explain.{way}", modalities=_list(pulling, words), alone=alone)


def _modality(affect: Message, name: str, words: Catalogue) -> str:
    share, limit = _percent(affect["reliability"][name]), affect.get("limits", {}).get(name)
    if limit is None:
        return words("explain.reliable", share=share)
    return words("explain.held", share=share, limit=words(f"limit.{limit}"), remedy=words(f"remedy.{limit}"))


def _wanting(affect: Message, name: str) -> bool:
    return name in affect.get("limits", {}) or affect["reliability"][name] < TRUSTED


def _list(parts: list[str], words: Catalogue) -> str:
    *first, last = parts
    return words("explain.and", first=", ".join(first), last=last) if first else last


def _engaged(affect: Message) -> float | None:
    return affect["engagement"]["engagement"] if affect["engagement"] else None


def _alone(affect: Message) -> float | None:
    """The satisfaction that the expressions alone would give: their valence, from 0 to 1."""
    return None if affect["valence"] is None else (affect["valence"] + 1) / 2


def _hundred(share: float | None) -> int | None:
    return None if share is None else round(100 * share)


def _percent(share: float) -> str:
    return f"{_hundred(share)} %"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
