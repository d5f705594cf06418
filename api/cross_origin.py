"""Cross-origin requests: which web apps' pages may ask, and what their browsers are told.

Nothing here guards data: credentials come in the Authorization header alone, which no browser sends by itself, and
there are no cookies. So a page of somebody else's has nothing to send along. This only lets pages read answers.
"""

from __future__ import annotations

from collections.abc import Iterable

from starlette.requests import Request
from starlette.responses import Response

ANY = "*"
PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "Accept, Authorization, Content-Type, If-None-Match, X-Tenant-Id, X-Request-Id, "
    "Traceparent, Tracestate, Apollographql-Client-Name, Apollographql-Client-Version",
    "Access-Control-Max-Age": "7200",
}
EXPOSED = "ETag, Retry-After, RateLimit, RateLimit-Policy, Server-Timing, X-Request-Id"


class CrossOrigin:
    """Answers browsers for the origins that are set."""

    def __init__(self, origins: Iterable[str]) -> None:
        self._origins = frozenset(origins)

    def allows(self, origin: str, host: str | None) -> bool:
        """Whether a page of an origin may open a socket: one that is set, or the gateway's own."""
        own = host is not None and origin in {f"http://{host}", f"https://{host}"}
        return own or ANY in self._origins or origin in self._origins

    def preflight(self, request: Request) -> Response | None:
        """The answer to a browser that asks whether it may ask; None where it is none, or may not."""
        if request.method != "OPTIONS" or "access-control-request-method" not in request.headers:
            return None
        allowed = self._allowed(request)
        if allowed is None:
            return None
        return Response(status_code=204, headers={"Access-Control-Allow-Origin": allowed, **PREFLIGHT})

    def mark(self, request: Request, response: Response) -> Response:
        """Lets the page that asked read the response, if it may."""
        if self._origins:
            response.headers.add_vary_header("Origin")
            if (allowed := self._allowed(request)) is not None:
                response.headers["Access-Control-Allow-Origin"] = allowed
                response.headers["Access-Control-Expose-Headers"] = EXPOSED
        return response

    def _allowed(self, request: Request) -> str | None:
        origin = request.headers.get("origin")
        if origin is None or not self._origins:
            return None
        if ANY in self._origins:
            return ANY
        return origin if origin in self._origins else None
