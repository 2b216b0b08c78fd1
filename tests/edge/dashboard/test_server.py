"""The door and the pages, as a browser's requests meet them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import ClientResponse, WSServerHandshakeError
from aiohttp.test_utils import TestClient, TestServer
from messages import affect

from edge.dashboard import access
from edge.dashboard.access import hashed
from edge.dashboard.commands import Commands
from edge.dashboard.door import VISIT, Door
from edge.dashboard.live import Bell
from edge.dashboard.rooms import Rooms
from edge.dashboard.server import Dashboard

VIEWER, OPERATOR = "seeing is believing", "doing is believing"
LIVE = "/live?site=school&room=lab"
MUTE = '{"v": 1, "command": "mute"}'


class Site:
    """A dashboard of one room, and a client that keeps no cookies but those it is given."""

    def __init__(self, client: TestClient[Any, Any], rooms: Rooms, sent: list[str]) -> None:
        self.client = client
        self.rooms = rooms
        self.sent = sent
        self.origin = {"Origin": str(client.make_url("/")).rstrip("/")}

    async def get(self, path: str, **headers: str) -> ClientResponse:
        return await self.client.get(path, headers=headers, allow_redirects=False)

    async def enter(self, password: str) -> ClientResponse:
        return await self.client.post("/login", data={"password": password}, allow_redirects=False, headers=self.origin)


def visit(scenario: Callable[[Site], Awaitable[None]], **door: Any) -> None:
    """Plays a scenario at a dashboard."""

    async def play() -> None:
        rooms, sent = Rooms(), []
        rooms.receive("affectfusion/school/lab/affect", json.dumps(affect()).encode())
        commands = Commands(rooms, lambda topic, message, qos: sent.append(topic) is None)
        dashboard = Dashboard(rooms, commands, Door(**door), Bell(), lambda: True)
        async with TestClient(TestServer(dashboard.application)) as client:
            await scenario(Site(client, rooms, sent))

    asyncio.run(play())


@pytest.fixture(scope="module")
def passwords() -> dict[str, str]:
    return {"viewer": hashed(VIEWER), "operator": hashed(OPERATOR)}


def test_every_answer_forbids_scripts_and_requests_from_elsewhere() -> None:
    async def scenario(site: Site) -> None:
        for path in ("/?all", "/room?site=a&room=b", "/login", "/nowhere", "/assets/page.css", "/assets/nothing.css"):
            headers = (await site.get(path)).headers
            policy = headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy and "unsafe" not in policy and "trusted-types 'none'" in policy, path
            assert headers["X-Content-Type-Options"] == "nosniff", path

    visit(scenario)


def test_markup_in_an_address_stays_text() -> None:
    async def scenario(site: Site) -> None:
        page = await (await site.get("/room?site=%3Cscript%3Ealert(1)%3C/script%3E&room=%22%3E%3Cb%3E")).text()
        assert "<script>alert" not in page and '"><b>' not in page and "&lt;script&gt;" in page

    visit(scenario)


def test_nothing_but_the_pages_own_files_is_handed_out() -> None:
    async def scenario(site: Site) -> None:
        assert (await site.get("/assets/page.css")).status == 200
        for path in ("/assets/room.html", "/assets/..%2fserver.py", "/assets/%2e%2e/server.py", "/assets/"):
            assert (await site.get(path)).status == 404, path

    visit(scenario)


def test_one_room_is_shown_at_once_and_several_as_a_wall() -> None:
    async def scenario(site: Site) -> None:
        assert (await site.get("/")).headers["Location"] == "/room?site=school&room=lab"
        site.rooms.receive("affectfusion/school/other/status", b"online")
        assert (await site.get("/")).status == 200

    visit(scenario)


def test_the_language_is_the_browsers_until_one_is_chosen() -> None:
    async def scenario(site: Site) -> None:
        assert '<html lang="de">' in await (await site.get("/?all", **{"Accept-Language": "fr, de-AT;q=0.8"})).text()
        assert '<html lang="en">' in await (await site.get("/?all", **{"Accept-Language": "fr"})).text()
        chosen = await site.get("/language?to=de&back=/%3Fall")
        assert chosen.headers["Location"] == "/?all"
        assert '<html lang="de">' in await (await site.get("/?all")).text()

    visit(scenario)


@pytest.mark.parametrize("back", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)"])
def test_the_language_switch_leads_nowhere_else(back: str) -> None:
    async def scenario(site: Site) -> None:
        answer = await site.client.get("/language", params={"to": "de", "back": back}, allow_redirects=False)
        assert answer.headers["Location"] == "/"

    visit(scenario)


def test_a_foreign_page_whose_name_points_here_is_refused() -> None:
    async def scenario(site: Site) -> None:
        assert (await site.get("/?all", Host="evil.example:8080")).status == 403
        assert (await site.get("/?all", Origin="https://evil.example")).status == 403
        for origin in ({}, {"Origin": "https://evil.example"}):
            with pytest.raises(WSServerHandshakeError):
                await site.client.ws_connect(LIVE, headers=origin)

    visit(scenario)


def test_a_page_is_told_of_its_room_and_a_viewer_commands_nothing() -> None:
    async def scenario(site: Site) -> None:
        async with site.client.ws_connect(LIVE, headers=site.origin) as socket:
            told = await socket.receive_json()
            assert told["connected"] and told["page"]["affect"]["satisfaction"] == 0.65
            await socket.send_str(MUTE)
            assert await socket.receive_json() == {"told": False}
        assert site.sent == []

    visit(scenario)


def test_who_may_operate_does() -> None:
    async def scenario(site: Site) -> None:
        async with site.client.ws_connect(LIVE, headers=site.origin) as socket:
            await socket.receive_json()
            await socket.send_str(MUTE)
            assert await socket.receive_json() == {"told": True}
        assert site.sent == ["affectfusion/school/lab/command"]

    visit(scenario, everybody="operator")


# With a login.


def test_without_a_password_there_is_only_the_door(passwords: dict[str, str]) -> None:
    async def scenario(site: Site) -> None:
        for path in ("/", "/?all", "/room?site=school&room=lab"):
            assert (await site.get(path)).headers["Location"] == "/login", path
        with pytest.raises(WSServerHandshakeError):
            await site.client.ws_connect(LIVE, headers=site.origin)

    visit(scenario, passwords=passwords)


@pytest.mark.parametrize(("password", "may"), [(VIEWER, False), (OPERATOR, True)])
def test_a_password_opens_what_is_its_own(password: str, may: bool, passwords: dict[str, str]) -> None:
    async def scenario(site: Site) -> None:
        assert (await site.enter(password)).status == 303
        assert ("mute" in await (await site.get("/room?site=school&room=lab")).text()) is True
        assert ('id="mute"' in await (await site.get("/room?site=school&room=lab")).text()) is may
        async with site.client.ws_connect(LIVE, headers=site.origin) as socket:
            await socket.receive_json()
            await socket.send_str(MUTE)
            assert await socket.receive_json() == {"told": may}
            await site.client.post("/logout", headers=site.origin, allow_redirects=False)
            await socket.send_str(MUTE)
            assert await socket.receive_json() == {"told": False}, "an open page outlives its visit"
        assert (await site.get("/?all")).headers["Location"] == "/login"

    visit(scenario, passwords=passwords)


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(passwords: dict[str, str]) -> None:
    async def scenario(site: Site) -> None:
        answer = await site.enter(VIEWER)
        cookie = answer.headers["Set-Cookie"]
        assert cookie.startswith(VISIT) and "HttpOnly" in cookie and "SameSite=Strict" in cookie and "Secure" in cookie
        assert "max-age" in answer.headers["Strict-Transport-Security"]

    visit(scenario, passwords=passwords, secure=True)


def test_guessing_is_slowed_even_where_the_right_one_comes_next(passwords: dict[str, str]) -> None:
    async def scenario(site: Site) -> None:
        guesses = [site.enter("wrong") for _ in range(access.TRIES + 3)]
        statuses = [answer.status for answer in await asyncio.gather(*guesses)]
        assert sorted(statuses) == [403] * access.TRIES + [429] * 3
        refused = await site.enter(VIEWER)
        assert refused.status == 429 and int(refused.headers["Retry-After"]) > 0

    visit(scenario, passwords={name: entry.replace("$210000$", "$1$") for name, entry in passwords.items()})


def test_an_overlong_form_is_refused(passwords: dict[str, str]) -> None:
    async def scenario(site: Site) -> None:
        assert (await site.enter("x" * 100_000)).status == 413

    visit(scenario, passwords=passwords)
