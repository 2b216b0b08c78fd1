"""A room's state as a small JSON object: the sentence, and the numbers that it rests on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from edge.words.catalogue import Catalogue
from edge.words.sentence import Newest, sentence

SCORES = ("engagement", "valence", "satisfaction", "confidence", "reliability", "group", "abstain")
"""What is taken over from the contract's ``affect`` as it is."""


def compact(site: str, room: str, newest: Newest, words: Catalogue) -> str:
    """The object in one line. ``fresh`` says whether the numbers are of now; ``age_s`` is null where unknown."""
    return _line(_state(site, room, newest, words))


def explained(site: str, room: str, newest: Newest, words: Catalogue, said: Sequence[str]) -> str:
    """The same, with what the scores rest on: empty where that is not known; and the ``explanation`` in words."""
    scored = newest.scored or {}
    rests = {key: scored.get(key, {}) for key in ("weights", "limits")}
    return _line({**_state(site, room, newest, words), **rests, "explanation": list(said)})


def _state(site: str, room: str, newest: Newest, words: Catalogue) -> dict[str, Any]:
    affect, privacy = newest.affect, newest.privacy
    return {
        "v": 1,
        "site": site,
        "room": room,
        "sentence": sentence(newest, words),
        "time": affect["time"] if affect else None,
        "age_s": None if newest.age_s is None else round(newest.age_s, 1),
        "fresh": not newest.stale,
        "privacy": privacy["state"] if privacy else None,
        **{key: affect[key] if affect else None for key in SCORES},
    }


def _line(content: dict[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))
