"""What the dashboard knows of rooms, whatever is thrown at it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from messages import NOW, affect, privacy, silent

from edge.dashboard import rooms as bounds
from edge.dashboard.live import Page
from edge.dashboard.room import REMINDED_S, Now
from edge.dashboard.rooms import Rooms
from edge.dashboard.view import detail, tile
from edge.publish.payloads import timestamp
from edge.words.catalogue import catalogue

EN = catalogue("en")


class Clock:
    """Time that a test sets."""

    def __init__(self) -> None:
        self.steady = 1000.0

    def __call__(self) -> Now:
        return Now(NOW + self.steady - 1000.0, self.steady)

    @property
    def wall(self) -> float:
        return self().wall


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def rooms(clock: Clock) -> Rooms:
    return Rooms(clock, most=3)


def say(rooms: Rooms, message: Any, *, topic: str = "affect", room: str = "lab", retained: bool = False) -> None:
    text = message if isinstance(message, bytes) else json.dumps(message).encode()
    rooms.receive(f"affectfusion/school/{room}/{topic}", text, retained)


def shown(rooms: Rooms, room: str = "lab") -> dict[str, Any]:
    found = rooms.get("school", room)
    assert found is not None
    return tile(found, EN, rooms.clock())


def told(rooms: Rooms, room: str = "lab") -> dict[str, Any]:
    found = rooms.get("school", room)
    assert found is not None
    return detail(found, EN, rooms.clock())


def alert(phase: str, seconds: float = 60.0) -> dict[str, Any]:
    return {
        "v": 1,
        "time": timestamp(NOW),
        "kind": "low_engagement",
        "phase": phase,
        "since": timestamp(NOW - seconds),
        "seconds": seconds,
        "share": 0.7,
        "scenario": "lecture",
    }


def test_a_state_shows_its_scores_and_how_far_to_trust_them(rooms: Rooms) -> None:
    say(rooms, affect(time=timestamp(NOW)))
    assert {"tone": "trusted", "label": "engagement", "satisfaction": 0.65, "confidence": 0.7}.items() <= shown(
        rooms
    ).items()


@pytest.mark.parametrize(
    ("message", "tone"),
    [
        (affect(time=timestamp(NOW), confidence=0.1), "low"),
        (affect(time=timestamp(NOW - 60)), "stale"),
        (silent("too_dark") | {"time": timestamp(NOW)}, "abstaining"),
    ],
)
def test_what_is_to_be_trusted_less_looks_different(message: dict[str, Any], tone: str, rooms: Rooms) -> None:
    say(rooms, message)
    assert shown(rooms)["tone"] == tone


def test_old_scores_are_not_shown_as_scores_of_now(rooms: Rooms, clock: Clock) -> None:
    say(rooms, affect(time=timestamp(NOW)))
    clock.steady += 30
    before = rooms.revision
    rooms.tick()
    assert rooms.revision > before, "nobody would be told"
    assert {"tone": "stale", "satisfaction": None, "label": None}.items() <= shown(rooms).items()


def test_a_closed_room_and_one_that_is_gone_show_no_scores(rooms: Rooms) -> None:
    say(rooms, affect(time=timestamp(NOW)))
    say(rooms, privacy("muted"), topic="privacy")
    assert {"tone": "closed", "satisfaction": None}.items() <= shown(rooms).items()
    say(rooms, b"offline", topic="status")
    assert {"tone": "offline", "satisfaction": None}.items() <= shown(rooms).items()


# Alerts.


def test_an_alert_appears_and_clears(rooms: Rooms) -> None:
    say(rooms, alert("began"), topic="alert")
    assert shown(rooms)["alerts"] == ["low_engagement"]
    say(rooms, alert("still", 360.0), topic="alert")
    assert shown(rooms)["alerts"] == ["low_engagement"]
    say(rooms, alert("cleared", 400.0), topic="alert")
    assert shown(rooms)["alerts"] == []
    ((kind, start, end),) = told(rooms)["spans"]
    assert kind == "low_engagement" and start == round(NOW - 60) and end == round(NOW)


def test_an_alert_ends_with_its_box(rooms: Rooms) -> None:
    say(rooms, alert("began"), topic="alert")
    say(rooms, b"offline", topic="status")
    assert shown(rooms)["alerts"] == []


def test_an_alert_that_nobody_repeats_ends(rooms: Rooms, clock: Clock) -> None:
    say(rooms, alert("began"), topic="alert")
    clock.steady += REMINDED_S + 1
    rooms.tick()
    assert shown(rooms)["alerts"] == []


def test_alerts_without_end_take_no_memory_without_end(rooms: Rooms) -> None:
    for _ in range(200):
        say(rooms, alert("began"), topic="alert")
        say(rooms, alert("cleared"), topic="alert")
    assert len(told(rooms)["spans"]) <= 40


# The last hour.


def test_the_hour_is_drawn_in_steps_with_reasons_where_there_were_no_scores(rooms: Rooms, clock: Clock) -> None:
    say(rooms, affect(time=timestamp(NOW), satisfaction=0.4))
    say(rooms, affect(time=timestamp(NOW + 1), satisfaction=0.6))
    clock.steady += 20
    say(rooms, silent("no_faces") | {"time": timestamp(clock.wall)})
    room = rooms.get("school", "lab")
    assert room is not None
    first, second = room.history.points()
    assert first[1:] == [0.8, 0.5, 0.7, None] and second[1:] == [None, None, None, "no_faces"]


def test_an_hour_and_no_more_is_kept(rooms: Rooms, clock: Clock) -> None:
    for _ in range(1000):
        clock.steady += 8
        say(rooms, affect(time=timestamp(clock.wall)))
    room = rooms.get("school", "lab")
    assert room is not None
    points = room.history.points()
    assert 355 <= len(points) <= 362
    assert (points[-1][0] - points[0][0]) * 10 <= 3610


def test_what_waited_for_the_broker_is_drawn_where_it_belongs(rooms: Rooms, clock: Clock) -> None:
    for ago in (600, 300, 0):
        say(rooms, affect(time=timestamp(NOW - ago)))
    room = rooms.get("school", "lab")
    assert room is not None
    numbers = [point[0] for point in room.history.points()]
    assert [numbers[-1] - number for number in numbers] == [60, 30, 0]


def test_a_page_is_told_only_the_steps_that_are_new(rooms: Rooms, clock: Clock) -> None:
    page = Page(rooms, ("school", "lab"), EN)
    say(rooms, affect(time=timestamp(NOW)))
    assert len(page.news()["page"]["points"]) == 1
    assert page.news() == {}
    say(rooms, affect(time=timestamp(NOW - 300)))
    clock.steady += 60
    say(rooms, affect(time=timestamp(clock.wall)))
    assert len(page.news()["page"]["points"]) == 2


# Clocks.


@pytest.mark.parametrize(("years", "ahead"), [(3, True), (-20, False)])
def test_a_clock_years_off_is_said_and_breaks_nothing(years: int, ahead: bool, rooms: Rooms) -> None:
    say(rooms, affect(time=timestamp(NOW + years * 365.25 * 86400)))
    clock = told(rooms)["clock"]
    assert clock[0] is ahead and clock[1].endswith(" d")


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z"])
def test_the_ends_of_time_break_nothing(time: str, rooms: Rooms) -> None:
    say(rooms, affect(time=time))
    rooms.tick()
    assert told(rooms)["clock"] is not None


def test_a_day_no_calendar_has_is_no_time(rooms: Rooms) -> None:
    say(rooms, affect() | {"time": "2026-02-31T00:00:00.000Z"})
    assert rooms.all() == [] and rooms.refused.invalid == 1


def test_a_retained_state_of_the_future_is_of_no_known_age(rooms: Rooms) -> None:
    say(rooms, affect(time=timestamp(NOW + 9999)), retained=True)
    assert shown(rooms)["tone"] == "stale" and told(rooms)["age_s"] is None


# Hostile topics.


@pytest.mark.parametrize(
    "message",
    [b"", b"\xff\xfe", b"{}", b"[" * 5000, b'{"v": 1, "confidence": NaN}', b"null", b'{"v": 2}', b"x" * 10_000_000],
    ids=["empty", "bytes", "object", "deep", "nan", "null", "version", "10 MB"],
)
def test_a_message_that_breaks_the_contract_is_counted_and_not_shown(message: bytes, rooms: Rooms) -> None:
    say(rooms, message, room="other")
    assert rooms.all() == [] and rooms.refused.invalid == 1
    say(rooms, affect(time=timestamp(NOW)))
    say(rooms, message)
    assert told(rooms)["invalid"] == 1 and shown(rooms)["satisfaction"] == 0.65


def test_markup_in_a_name_is_a_name(rooms: Rooms) -> None:
    name = '<img src=x onerror="alert(1)">'
    say(rooms, affect(time=timestamp(NOW)), room=name)
    assert shown(rooms, name)["room"] == name


@pytest.mark.parametrize("name", ["", " ", "a\u202eb", "a\nb", "x" * 61])
def test_a_name_that_cannot_be_shown_as_it_is_makes_no_room(name: str, rooms: Rooms) -> None:
    say(rooms, affect(time=timestamp(NOW)), room=name)
    assert rooms.all() == [] and rooms.refused.invalid == 1


def test_invented_rooms_keep_no_real_one_out_of_sight(rooms: Rooms, clock: Clock) -> None:
    say(rooms, affect(time=timestamp(NOW)))
    for number in range(5000):
        say(rooms, b"online", topic="status", room=f"r{number}")
    assert len(rooms.all()) == 3 and rooms.refused.crowded == 4998
    assert shown(rooms)["tone"] == "trusted"
    clock.steady += bounds.GONE_S / 2
    say(rooms, affect(time=timestamp(clock.wall)))
    clock.steady += bounds.GONE_S / 2 + 1
    page = Page(rooms, None, EN)
    page.news()
    say(rooms, b"online", topic="status", room="new")
    assert {room.name for room in rooms.all()} >= {"lab", "new"}, "those long unheard did not make way"
    assert len(page.news()["gone"]) == 1


def test_a_flood_of_one_room_is_not_looked_at(rooms: Rooms, clock: Clock) -> None:
    message = affect(time=timestamp(NOW))
    for _ in range(bounds.BURST + 101):
        say(rooms, message)
    assert rooms.refused.flooded == 100
    clock.steady += 1
    say(rooms, affect(time=timestamp(clock.wall), satisfaction=0.1))
    assert shown(rooms)["satisfaction"] == 0.1


@pytest.mark.parametrize("topic", ["affectfusion/a/b/command", "affectfusion/a/b/c/affect", "affectfusion/a/b", "x"])
def test_topics_outside_of_the_contract_are_none_of_its_business(topic: str, rooms: Rooms) -> None:
    rooms.receive(topic, b"online")
    assert rooms.all() == [] and rooms.refused.invalid == 0


def test_a_page_is_told_why_and_a_closed_box_what_helps(rooms: Rooms) -> None:
    say(rooms, affect(time=timestamp(NOW), limits={"face": "size"}))
    why = told(rooms)["why"]
    assert set(why["modalities"]) == {"face", "engagement"} and "small faces" in why["modalities"]["face"]
    assert why["remedy"] == ""
    say(rooms, privacy("muted"), topic="privacy")
    assert told(rooms)["why"]["modalities"] == {} and "unmuted" in told(rooms)["why"]["remedy"]
