"""The web server: pages, and the live connection that fills them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from aiohttp import WSMsgType, web
from yarl import URL

from edge.dashboard.access import check
from edge.dashboard.commands import Commands
from edge.dashboard.door import VISIT, Door
from edge.dashboard.live import Bell, Page, push
from edge.dashboard.rooms import Rooms
from edge.words.catalogue import LANGUAGES, catalogue

ASSETS = Path(__file__).with_name("assets")
KINDS = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
"""What of the assets is handed out as it is; the rest are templates."""

LANGUAGE = "affectfusion-language"
"""The cookie of the chosen language."""

SCENARIOS = tuple(key.partition(".")[2] for key in catalogue("en").texts if key.startswith("scenario."))
"""The kinds of lessons that have words; a box may have others, by names of its own."""

MOST_PAGES = 100
"""Open at once."""


class Dashboard:
    """The application: shows ``rooms``; ``connected`` says whether messages come from the broker."""

    def __init__(self, rooms: Rooms, commands: Commands, door: Door, bell: Bell, connected: Callable[[], bool]) -> None:
        self._rooms = rooms
        self._commands = commands
        self._door = door
        self._bell = bell
        self._connected = connected
        self._checking = asyncio.Lock()
        self.application = web.Application(middlewares=[door.guard], client_max_size=4096)
        self.application.add_routes(
            [
                web.get("/", self._wall),
                web.get("/room", self._room),
                web.get("/live", self._live),
                web.get("/language", self._language),
                web.get("/login", self._ask),
                web.post("/login", self._enter),
                web.post("/logout", self._leave),
                web.get("/assets/{name}", self._asset),
            ]
        )

    async def _wall(self, request: web.Request) -> web.StreamResponse:
        rooms = self._rooms.all()
        if len(rooms) == 1 and "all" not in request.query:
            raise web.HTTPSeeOther(URL("/room").with_query(site=rooms[0].site, room=rooms[0].name))
        return self._page(request, "wall.html")

    async def _room(self, request: web.Request) -> web.StreamResponse:
        site, room = request.query.get("site", ""), request.query.get("room", "")
        return self._page(request, "room.html", site=site, room=room, scenarios=SCENARIOS)

    async def _live(self, request: web.Request) -> web.StreamResponse:
        if "Origin" not in request.headers:
            raise web.HTTPForbidden(text="Only a page of this dashboard may connect.")
        if self._bell.pages >= MOST_PAGES:
            raise web.HTTPServiceUnavailable(text="Too many pages are open.")
        socket = web.WebSocketResponse(heartbeat=20.0, max_msg_size=4096, compress=False)
        await socket.prepare(request)
        key = (request.query["site"], request.query["room"]) if {"site", "room"} <= set(request.query) else None
        page = Page(self._rooms, key, catalogue(_language(request)))
        with self._bell.heard() as event:
            pushing = asyncio.create_task(push(socket, page, event, self._connected))
            try:
                async for said in socket:
                    if said.type is WSMsgType.TEXT and key is not None:
                        # asked each time: a visit may have ended since the page was opened
                        operator = self._door.role(request) == "operator"
                        await socket.send_json({"told": operator and self._commands.send(key, said.data)})
            finally:
                pushing.cancel()
                with suppress(asyncio.CancelledError, ConnectionError):
                    await pushing
        return socket

    async def _language(self, request: web.Request) -> web.StreamResponse:
        """Remembers a language and goes back to the page it was chosen on."""
        chosen, back = request.query.get("to", ""), request.query.get("back", "/")
        # only to a page of its own
        answer = web.HTTPSeeOther(back if back.startswith(("/?", "/room?", "/login")) else "/")
        if chosen in LANGUAGES:
            answer.set_cookie(LANGUAGE, chosen, max_age=31536000, samesite="Strict", secure=self._door.secure)
        raise answer

    async def _ask(self, request: web.Request) -> web.StreamResponse:
        if self._door.role(request) is not None:
            raise web.HTTPSeeOther("/")
        return self._page(request, "login.html", problem="")

    async def _enter(self, request: web.Request) -> web.StreamResponse:
        address, tries = request.remote or "", self._door.tries
        wait_s = tries.wait_s(address)
        if wait_s > 0:
            refused = self._page(request, "login.html", 429, problem="login.wait")
            refused.headers["Retry-After"] = str(int(wait_s) + 1)
            return refused
        password = str((await request.post()).get("password", ""))
        # counted before the answer is known, so that many at once are no way around it
        tries.failed(address)
        async with self._checking:
            role = await asyncio.to_thread(check, password, dict(self._door.passwords))
        if role is None:
            return self._page(request, "login.html", 403, problem="login.wrong")
        tries.succeeded(address)
        answer = web.HTTPSeeOther("/")
        secret = self._door.visits.begin(role)
        answer.set_cookie(VISIT, secret, httponly=True, samesite="Strict", secure=self._door.secure)
        raise answer

    async def _leave(self, request: web.Request) -> web.StreamResponse:
        self._door.visits.end(request.cookies.get(VISIT, ""))
        answer = web.HTTPSeeOther("/login")
        answer.del_cookie(VISIT)
        raise answer

    async def _asset(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        if name not in _assets():
            raise web.HTTPNotFound
        return web.Response(body=_assets()[name], content_type=KINDS[Path(name).suffix])

    def _page(self, request: web.Request, name: str, status: int = 200, **values: Any) -> web.Response:
        language = _language(request)
        words = catalogue(language)
        text = (
            _templates()
            .get_template(name)
            .render(
                w=words,
                language=language,
                languages=[(code, catalogue(code)("language.name")) for code in LANGUAGES],
                here=str(request.rel_url),
                operator=self._door.role(request) == "operator",
                door=bool(self._door.passwords) and self._door.role(request) is not None,
                **values,
            )
        )
        return web.Response(text=text, status=status, content_type="text/html")


def _language(request: web.Request) -> str:
    """The language of a page: the one chosen, or else the browser's first that there is."""
    accepted = request.headers.get("Accept-Language", "").split(",")
    asked = [request.cookies.get(LANGUAGE, ""), *(part.strip()[:2].lower() for part in accepted)]
    return next((language for language in asked if language in LANGUAGES), "en")


@cache
def _assets() -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in ASSETS.iterdir() if file.suffix in KINDS}


@cache
def _templates() -> jinja2.Environment:
    loader = jinja2.FileSystemLoader(ASSETS)
    return jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
