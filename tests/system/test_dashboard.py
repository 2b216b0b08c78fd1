"""The dashboard as people meet it: a real broker, the real command, and Debian's Chromium."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser import PATIENCE_MS, DashboardProcess, Visitor, chromium
from messages import affect, privacy
from playwright.sync_api import Browser, expect
from runningbox import RunningBox
from school import School
from services import Mosquitto, wait_until

from edge.dashboard.access import keep
from edge.demo.lesson import SOUND, VIDEO

pytestmark = pytest.mark.system

Enter = Callable[..., Visitor]
SERIOUS = {"serious", "critical"}
MOST_MEMORY_MIB = 150
LESSON = (
    f'[camera]\nsource = "file"\npath = "{VIDEO}"\nloop = true\n'
    f'[microphone]\nsource = "file"\npath = "{SOUND}"\nloop = true\n'
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE_MS)
    with chromium() as browser:
        yield browser


@pytest.fixture
def school(mosquitto: Mosquitto) -> Iterator[School]:
    school = School(mosquitto.port)
    yield school
    school.close()


@pytest.fixture
def run(tmp_path: Path, mosquitto: Mosquitto) -> Iterator[Callable[..., DashboardProcess]]:
    made: list[DashboardProcess] = []

    def start(*arguments: str) -> DashboardProcess:
        made.append(DashboardProcess(tmp_path, mosquitto.port, *arguments))
        return made[-1]

    yield start
    for dashboard in made:
        dashboard.stop()
        assert "Traceback" not in dashboard.log.read_text(), dashboard.log.read_text()


@pytest.fixture
def enter(browser: Browser, run: Callable[..., DashboardProcess]) -> Iterator[Enter]:
    """Opens a dashboard that anybody may operate; whatever a page asks for must come from this machine."""
    visitors: list[Visitor] = []
    running: list[DashboardProcess] = []

    def open_one(**how: Any) -> Visitor:
        if not running:
            running.append(run("--operate"))
        visitors.append(Visitor(browser, running[0].url, **how))
        return visitors[-1]

    yield open_one
    for visitor in visitors:
        visitor.leave()
        host = visitor.url.partition("://")[2]
        assert visitor.requests, "nothing was asked for"
        assert {url.split("/")[2] for url in visitor.requests} == {host}
        assert visitor.complaints == []


def test_a_tile_turns_on_a_message(school: School, enter: Enter) -> None:
    first, second = school.room(room="a"), school.room(room="b")
    page = enter().open("/?all")
    tile = page.locator(".tile").nth(0)
    first.speak(engagement=affect()["engagement"], satisfaction=0.71, confidence=0.8)
    expect(tile).to_contain_text("Engaged")
    expect(tile.locator(".satisfaction b")).to_have_text("71")
    bored = affect()["engagement"] | {"label": "boredom"}
    first.speak(engagement=bored, satisfaction=0.32, confidence=0.1)
    expect(tile).to_contain_text("Bored")
    expect(tile.locator(".satisfaction b")).to_have_text("32")
    expect(tile).to_have_attribute("data-tone", "low")
    second.abstain("too_dark")
    expect(page.locator(".tile").nth(1)).to_contain_text("too dark to see")


def test_what_the_scores_rest_on_is_shown_with_what_holds_it_back(school: School, enter: Enter) -> None:
    room = school.room()
    room.speak(weights={"face": 0.9, "engagement": 0.1}, limits={"face": "light"})
    page = enter().room()
    expressions, voice = page.locator("#row-face"), page.locator("#row-speech")
    expect(expressions.locator("b")).to_have_text("90 %")
    expect(expressions).to_contain_text("82 % reliable, held back by poor light on the faces. More light")
    expect(voice.locator("b")).to_have_text("unheard")
    expect(page.locator("#row-text")).to_be_hidden()
    heard = {"face": 0.8, "speech": 0.3, "text": 0.5}
    weights = {"face": 0.5, "speech": 0.2, "text": 0.3}
    room.speak(valence=0.6, satisfaction=0.6, reliability=heard, weights=weights, limits={"speech": "noise"})
    expect(expressions.locator("b")).to_have_text("50 %")
    expect(expressions.locator("small")).to_have_text("80 % reliable.")
    expect(voice).to_contain_text("held back by noise")
    expect(page.locator("#row-text b")).to_have_text("30 %")
    expect(page.locator("#pull")).to_have_text(
        "Pulling the other way: voice and text; expressions alone would give 80 of 100."
    )
    room.abstain("too_dark")
    expect(page.locator("#remedy")).to_have_text("Switch on a light, or open the blinds.")
    expect(page.locator("#pull")).to_be_hidden()
    expect(expressions.locator("b")).to_have_text("–")
    expect(expressions.locator("small")).to_be_hidden()


def test_an_alert_appears_and_clears(school: School, enter: Enter) -> None:
    room = school.room()
    room.speak()
    page = enter().room()
    expect(page.locator("#sentence")).to_contain_text("voice unheard")
    room.alert("high_confusion", "began", 125)
    expect(page.get_by_role("status").filter(has_text="Confusion that lasts: for 2 min now")).to_be_visible()
    expect(page.locator("#chart .alerted")).to_have_count(1)
    room.alert("high_confusion", "cleared", 130)
    expect(page.locator("#alerts")).to_be_hidden()
    expect(page.locator("#chart .alerted")).to_have_count(1)


def test_an_operator_mutes_and_unmutes(school: School, enter: Enter) -> None:
    room = school.room()

    def obey(client: Any, data: Any, message: Any) -> None:
        muted = json.loads(message.payload)["command"] == "mute"
        told = privacy("muted", since=time.time()) | {"muted_by": "command"} if muted else privacy()
        room.say("privacy", told)

    school.client.on_message = obey
    school.client.subscribe("affectfusion/school/lab/command", 1)
    room.speak()
    page = enter().room()
    page.get_by_role("button", name="Mute the box").click()
    expect(page.locator("#sentence")).to_contain_text("muted")
    expect(page.locator("#chip-privacy")).to_have_text("Privacy: muted")
    expect(page.locator("#told")).to_have_text("The box did it.")
    page.get_by_role("button", name="Unmute the box").click()
    expect(page.locator("#chip-privacy")).to_have_text("Privacy: capturing")


def test_a_real_box_plays_its_lesson_and_closes_its_camera_on_a_mute(
    mosquitto: Mosquitto, run_box: Callable[..., RunningBox], enter: Enter
) -> None:
    box = run_box(mosquitto.port, LESSON)
    visitor = enter()
    page = visitor.room()
    expect(page.locator("#sentence")).to_contain_text("modalities trusted")
    expect(page.locator("#sentence")).to_contain_text("engaged")
    visitor.photograph("lesson")
    assert box.holds(VIDEO)
    page.get_by_role("button", name="Mute the box").click()
    expect(page.locator("#chip-privacy")).to_have_text("Privacy: muted")
    assert wait_until(lambda: not box.holds(VIDEO), 10)
    page.get_by_role("button", name="Unmute the box").click()
    expect(page.locator("#chip-privacy")).to_have_text("Privacy: capturing")


def test_a_viewer_has_no_buttons(school: School, browser: Browser, run: Callable[..., DashboardProcess]) -> None:
    school.room().speak()
    visitor = Visitor(browser, run().url)
    expect(visitor.room().locator("#sentence")).to_contain_text("voice unheard")
    assert visitor.page.get_by_role("button").count() == 0
    visitor.leave()


def test_a_broker_that_dies_and_returns_is_said(mosquitto: Mosquitto, school: School, enter: Enter) -> None:
    room = school.room()
    room.speak()
    page = enter().room()
    expect(page.locator("#link")).to_have_text("Live")
    mosquitto.kill()
    expect(page.locator("#link")).to_have_text("Broker away")
    mosquitto.start()
    expect(page.locator("#link")).to_have_text("Live")
    assert wait_until(school.client.is_connected, 30)
    room.speak(satisfaction=0.33)
    expect(page.locator("#satisfaction")).to_have_text("33")


def test_a_dashboard_that_returns_is_found_again(
    school: School, tmp_path: Path, mosquitto: Mosquitto, browser: Browser
) -> None:
    room = school.room()
    room.speak()
    dashboard = DashboardProcess(tmp_path, mosquitto.port)
    visitor = Visitor(browser, dashboard.url)
    page = visitor.room()
    expect(page.locator("#link")).to_have_text("Live")
    dashboard.stop()
    expect(page.locator("#link")).to_have_text("Dashboard away")
    again = DashboardProcess(tmp_path, mosquitto.port, "--web-port", dashboard.url.rpartition(":")[2])
    expect(page.locator("#link")).to_have_text("Live")
    room.speak(satisfaction=0.44)
    expect(page.locator("#satisfaction")).to_have_text("44")
    visitor.leave()
    again.stop()


def test_a_second_room_joins(school: School, enter: Enter) -> None:
    school.room(room="r2").speak()
    page = enter().open("/?all")
    expect(page.locator(".tile .name")).to_have_text(["r2"])
    school.room(room="r10").speak()
    school.room(room="r1").speak()
    expect(page.locator(".tile .name")).to_have_text(["r1", "r2", "r10"])
    expect(page.locator("#count-rooms")).to_have_text("3")


def test_an_hour_of_history_is_drawn_and_scrolls(school: School, enter: Enter) -> None:
    room, now = school.room(), time.time()
    visitor = enter()
    page = visitor.room()
    expect(page.locator("#link")).to_have_text("Live")
    for ago in range(3590, 0, -10):
        if 1800 < ago < 2100:
            room.abstain("too_few_faces", now - ago)
        else:
            room.speak(now - ago, confidence=0.7)
    expect(page.locator("#chart .unscored")).to_have_count(1)
    expect(page.locator("#chart path.engagement")).to_have_count(2)
    visitor.photograph("hour")
    page.locator("summary").click()
    expect(page.locator("#rows tr")).to_have_count(12)
    page.locator("#chart").press("End")
    before = page.locator("#chart .unscored").get_attribute("x")
    assert before is not None
    assert wait_until(
        lambda: room.speak() and float(page.locator("#chart .unscored").get_attribute("x") or 0) < float(before), 60
    )
    page.locator("#chart").press("PageUp")
    expect(page.locator("#readout")).to_contain_text("Satisfaction")


# What is hostile.


def test_hostile_topics_are_shown_as_what_they_are(
    school: School, run: Callable[..., DashboardProcess], enter: Enter
) -> None:
    evil = "<img src=x onerror=alert(1)>"
    room = school.room(room=evil, site="<script>alert(2)<!script>".replace("!", "\u2215"))
    room.speak()
    room.say("affect", b'{"v":1,"confidence":NaN}')
    school.room(room="lab").speak()
    visitor = enter()
    page = visitor.open("/?all")
    expect(page.locator(".tile", has_text=evil)).to_be_visible()
    page.locator(".tile", has_text=evil).locator("a").click()
    expect(page.locator("h1")).to_have_text(evil)
    expect(page.locator("#chip-invalid")).to_contain_text("1 invalid message")
    assert page.locator("main img").count() == 0
    assert page.locator("script:not([src]):not([type='application/json'])").count() == 0


def test_a_flood_leaves_it_standing(
    mosquitto: Mosquitto, school: School, run: Callable[..., DashboardProcess], browser: Browser
) -> None:
    dashboard = run()
    visitor = Visitor(browser, dashboard.url)
    room = school.room()
    page = visitor.room()
    room.say("affect", b"x" * 10_000_000)
    for number in range(3000):
        school.client.publish(f"affectfusion/invented/r{number}/status", "online", 1)
    for _ in range(6000):
        room.speak(time.time() + 20 * 365 * 86400)
    expect(page.locator("#chip-invalid")).to_contain_text("1 invalid message")
    expect(page.locator("#chip-clock")).to_contain_text("its clock is 7")
    while page.locator("#satisfaction").text_content() != "12":
        # at a box's own pace, which is soon looked at again
        room.speak(satisfaction=0.12)
        page.wait_for_timeout(1000)
    page = visitor.open("/?all")
    expect(page.locator("#count-rooms")).to_have_text("500")
    expect(page.locator("#refused")).to_contain_text("of rooms beyond the limit")
    assert dashboard.rss_mib() < MOST_MEMORY_MIB
    visitor.leave()


# For everybody.


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(scheme: str, language: str, school: School, enter: Enter) -> None:
    rooms = school.rooms(12)
    for room in rooms[:8]:
        room.speak()
    rooms[8].abstain("too_far")
    rooms[9].say("status", "offline")
    rooms[10].say("privacy", privacy("muted", since=time.time() - 500))
    rooms[11].speak(confidence=0.1)
    visitor = enter(color_scheme=scheme, locale=language)
    page = visitor.open("/?all")
    expect(page.locator("#count-rooms")).to_have_text("12")
    rooms[0].alert("low_engagement", "began")
    expect(page.locator(".tile .alert:visible")).to_have_count(1)
    assert serious(page) == []
    visitor.photograph(f"wall-{scheme}-{language}")
    page = visitor.room("north", "r001")
    expect(page.locator("#link")).to_have_text("Live")
    expect(page.locator("#sentence")).to_contain_text("3 ")
    page.locator("summary").click()
    assert page.locator("html").get_attribute("lang") == language
    assert serious(page) == []
    visitor.photograph(f"room-{scheme}-{language}")


def serious(page: Any) -> list[str]:
    found = Axe().run(
        page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
    )
    return [
        f"{rule['id']}: {rule['help']}: {[node['html'] for node in rule['nodes']][:3]}"
        for rule in found.response["violations"]
        if rule["impact"] in SERIOUS
    ]


def test_axe_would_find_something(enter: Enter) -> None:
    page = enter().open("/?all")
    page.evaluate("document.querySelector('#find').parentElement.firstElementChild.remove()")
    page.evaluate("document.querySelector('#find').removeAttribute('placeholder')")
    assert "label" in serious(page)[0]


def test_everything_is_reached_by_keyboard(school: School, enter: Enter) -> None:
    school.room(room="a").speak()
    school.room(room="b").speak()
    page = enter().open("/?all")
    expect(page.locator("#count-rooms")).to_have_text("2")
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("Skip to the content")
    page.locator("#find").focus()
    page.keyboard.type("b")
    expect(page.locator(".tile:visible")).to_have_count(1)
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("b")


@pytest.mark.parametrize(("width", "height"), [(360, 740), (1920, 1080)], ids=["phone", "projector"])
def test_nothing_is_cut_off_at_any_size(width: int, height: int, school: School, enter: Enter) -> None:
    school.room(room="x" * 40).speak()
    school.room().speak()
    visitor = enter(viewport={"width": width, "height": height})
    for page in (visitor.open("/?all"), visitor.room()):
        expect(page.locator("#link")).to_have_text("Live")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        visitor.photograph(f"{width}-{'room' if 'room?' in page.url else 'wall'}")


def test_other_machines_enter_by_a_password_over_tls(
    school: School, run: Callable[..., DashboardProcess], browser: Browser, tmp_path: Path
) -> None:
    school.room().speak()
    certificate, key, passwords = tmp_path / "crt.pem", tmp_path / "key.pem", tmp_path / "passwords"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost"
    subprocess.run([*command.split(), "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    keep(passwords, "operator", "long enough for this")
    exposed = [
        "--listen",
        "0.0.0.0",
        "--passwords",
        str(passwords),
        "--certificate",
        str(certificate),
        "--key",
        str(key),
    ]
    visitor = Visitor(browser, run(*exposed).url.replace("0.0.0.0", "127.0.0.1"), ignore_https_errors=True)
    page = visitor.room()
    page.get_by_label("Password").fill("something else")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("That is not one of the passwords.")
    assert serious(page) == []
    visitor.photograph("login")
    page.get_by_label("Password").fill("long enough for this")
    page.keyboard.press("Enter")
    expect(page.locator("#sentence")).to_contain_text("voice unheard")
    expect(page.get_by_role("button", name="Mute the box")).to_be_visible()
    page.get_by_role("button", name="Log out").click()
    expect(page.locator("h1")).to_have_text("Log in")
    visitor.leave()
