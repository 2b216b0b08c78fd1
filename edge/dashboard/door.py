"""Who comes in: what is asked of every request before any page sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from edge.dashboard.access import Tries, Visits
from edge.dashboard.roles import Role

VISIT = "affectfusion-visit"
"""The cookie of who has entered."""

LOCAL_NAMES = ("localhost", "127.0.0.1", "[::1]")

HEADERS = {
    # No text can become markup or a script: the browser itself refuses to parse any (Trusted Types).
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cache-Control": "no-store",
}


@dataclass
class Door:
    """Who comes in: everybody as ``everybody``, or whoever knows one of the hashed ``passwords``."""

    passwords: Mapping[str, str] = field(default_factory=dict)
    everybody: Role = "viewer"
    secure: bool = False
    """Whether pages are served encrypted, which cookies then must be too."""
    exposed: bool = False
    """Whether other machines can reach it."""
    tries: Tries = field(default_factory=Tries)
    visits: Visits = field(default_factory=Visits)

    def role(self, request: web.Request) -> Role | None:
        """As whom a request comes; None where it has to knock first."""
        return self.visits.role(request.cookies.get(VISIT, "")) if self.passwords else self.everybody

    @property
    def guard(self) -> Middleware:
        """The middleware that lets in whoever may come in, and gives every answer its headers."""
        extra = {"Strict-Transport-Security": "max-age=31536000"} if self.secure else {}

        @web.middleware
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            try:
                self._admit(request)
                answer = await handler(request)
            except web.HTTPException as error:
                error.headers.update(HEADERS | extra)
                raise
            if not answer.prepared:
                answer.headers.update(HEADERS | extra)
            return answer

        return guard

    def _admit(self, request: web.Request) -> None:
        if not self.exposed and _name(request.host) not in LOCAL_NAMES:
            # a page from elsewhere whose name was made to point here
            raise web.HTTPForbidden(text="This dashboard answers to localhost only.")
        origin = request.headers.get("Origin")
        if origin is not None and origin.partition("://")[2] != request.host:
            raise web.HTTPForbidden(text="Requests from other sites are refused.")
        if request.path == "/login" or request.path.startswith("/assets/") or self.role(request) is not None:
            return
        if request.path in ("/", "/room"):
            raise web.HTTPSeeOther("/login")
        raise web.HTTPUnauthorized(text="Log in first.")


def _name(host: str) -> str:
    """A Host header without its port."""
    return host[: host.index("]") + 1] if host.startswith("[") and "]" in host else host.partition(":")[0]
