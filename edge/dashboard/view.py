"""What a page is told: plain data, which it shows as text and as lengths, never as HTML."""

from __future__ import annotations

from typing import Any

from edge.dashboard.room import Now, Room
from edge.dashboard.rooms import Rooms
from edge.words.catalogue import Catalogue
from edge.words.explanation import explanation
from edge.words.sentence import LOW_CONFIDENCE, Newest, sentence

Data = dict[str, Any]


def tone(newest: Newest) -> str:
    """How far what is shown may be trusted, in one word: the class of its look."""
    if not newest.online:
        return "offline"
    if newest.closed is not None:
        return "closed"
    if newest.affect is None:
        return "silent"
    if newest.stale:
        return "stale"
    if newest.affect["abstain"] is not None:
        return "abstaining"
    return "low" if newest.affect["confidence"] < LOW_CONFIDENCE else "trusted"


def tile(room: Room, words: Catalogue, now: Now) -> Data:
    """A room on the wall."""
    newest = room.look(now)
    how = tone(newest)
    affect = newest.affect if how in ("trusted", "low") else None
    engagement = affect["engagement"] if affect else None
    return {
        "site": room.site,
        "room": room.name,
        "tone": how,
        "label": (engagement["label"] or "none") if engagement else None,
        "engagement": engagement["engagement"] if engagement else None,
        "satisfaction": affect["satisfaction"] if affect else None,
        "confidence": affect["confidence"] if affect else None,
        "sentence": _why(newest, words) if how == "abstaining" else sentence(newest, words),
        "alerts": [span.kind for span in room.active],
        "sequence": newest.affect["sequence"] if newest.affect else None,
    }


def _why(newest: Newest, words: Catalogue) -> str:
    assert newest.affect is not None
    return words(f"reason.{newest.affect['abstain']}")


def detail(room: Room, words: Catalogue, now: Now) -> Data:
    """A room on its own page, apart from its last hour."""
    newest = room.look(now)
    age = newest.age_s
    return {
        "site": room.site,
        "room": room.name,
        "tone": tone(newest),
        "sentence": sentence(newest, words),
        "age_s": None if age is None else round(age, 1),
        "affect": newest.affect,
        "why": why(newest, words),
        "privacy": newest.privacy,
        "health": room.newest.get("health"),
        "session": room.newest.get("session"),
        "status": newest.status,
        "invalid": room.invalid,
        "clock": None if room.clock_s is None else [room.clock_s > 0, words.duration(abs(room.clock_s))],
        "alerts": [[span.kind, words.duration(now.wall - span.start), span.share] for span in room.active],
        "spans": [[span.kind, round(span.start), None if span.end is None else round(span.end)] for span in room.spans],
        "now": round(now.wall),
    }


def why(newest: Newest, words: Catalogue) -> Data:
    """What the scores of now rest on, in words: of each modality, what pulls, and what helps where there are none."""
    told = explanation(newest, words)
    return {"modalities": dict(told.modalities), "pull": told.pull, "remedy": told.remedy}


def wall(rooms: Rooms, since: int, words: Catalogue) -> Data:
    """The tiles of all rooms that changed after the revision ``since``."""
    with rooms.lock:
        now, everything = rooms.clock(), rooms.all()
        return {
            "rooms": [tile(room, words, now) for room in everything if room.revision > since],
            "refused": refused(rooms),
        }


def page(rooms: Rooms, room: Room, since: int, words: Catalogue) -> Data:
    """One room, with the steps of its hour that were added after the ``since``-th."""
    with rooms.lock:
        return {
            **detail(room, words, rooms.clock()),
            "points": room.history.points(since),
            "changes": room.history.changes,
            "refused": refused(rooms),
        }


def refused(rooms: Rooms) -> list[int]:
    """How many messages were not shown: invalid, without a place, too fast."""
    return [rooms.refused.invalid, rooms.refused.crowded, rooms.refused.flooded]
