"""The explorer: GraphiQL for browsers, from our own origin, and tokens for the demo's people on a developer's machine.

The page is static files and shows nothing that the graph does not give to its token; who may ask what is the graph's to
decide. Tokens are made for the people in MOTOMIND_EXPLORER_PEOPLE alone, which ``motomind serve --demo`` sets, and only
with the development issuer, on loopback, and for pages of this very origin.
"""

from __future__ import annotations

import ipaddress
import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from api.auth import development_token
from api.errors import BadRequestError, RequestRefusedError
from api.request import json_body, parsed, weights_of
from api.settings import DemoPerson, Settings
from sql.demo import people

FILES = Path(__file__).parent / "explorer_files"
PAGE = FILES / "index.html"
JSON_TYPES = ("application/json", "application/graphql-response+json")
PARAMETERS = {"query", "documentId", "extensions"}  # what makes a GET a request of GraphQL's
MAX_BODY_BYTES = 4096
RETRY_SECONDS = 5
# Monaco, GraphiQL's editor, writes <style> elements and style attributes without a nonce, and its style sheet has fonts
# and images as data: addresses. Nothing that a style could load leads anywhere but here.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; worker-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; font-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), clipboard-read=(), clipboard-write=(self), geolocation=(), microphone=(), "
    "payment=(), usb=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
PAGE_HEADERS = {**HEADERS, "Cache-Control": "no-cache", "Vary": "Accept"}
PRIVATE = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
NOT_BUILT = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>MotoMind Explorer</title>
<h1>The explorer is not built yet</h1>
<p>If <code>make serve</code> has just begun, it is being built: this page looks again every few seconds.</p>
<p>Otherwise, with Node 20.19 or later: <code>make explorer</code>. The gateway need not be started again.</p>
<p>Everything else works without it: this address answers GraphQL, by POST, to any client.</p>
</html>
"""


class Explorer:
    """What browsers see at the graph's address, where the settings have it so."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._access = settings.explorer_access
        local = self._access != "off" and not settings.has_production_issuer and _is_loopback(settings.host)
        self._people = {(one.email, one.tenant): one for one in settings.explorer_people} if local else {}

    def is_asked_for(self, request: Request) -> bool:
        """Whether a browser opens the address: it prefers HTML to JSON, and sends nothing of GraphQL's."""
        if self._access == "off" or request.method != "GET" or PARAMETERS & request.query_params.keys():
            return False
        weights = weights_of(request.headers.get("accept", ""))
        html = weights.get("text/html", 0.0)
        return html > max(weights.get(name, 0.0) for name in JSON_TYPES)

    def page(self) -> Response:
        """The page, or how to get it where it is not built."""
        try:
            text = PAGE.read_text(encoding="utf-8")
        except FileNotFoundError:
            again = {"Refresh": str(RETRY_SECONDS), "Retry-After": str(RETRY_SECONDS)}
            return HTMLResponse(NOT_BUILT, status_code=503, headers={**PAGE_HEADERS, **again})
        text = text.replace('data-access="on"', f'data-access="{self._access}"')
        if self._people:
            text = text.replace('data-people="no"', 'data-people="yes"')
        return HTMLResponse(text, headers=PAGE_HEADERS)

    def routes(self) -> list[BaseRoute]:
        """What the page asks for beside the graph."""
        if self._access == "off":
            return []
        routes: list[BaseRoute] = [Mount("/explorer/assets", Assets(directory=FILES / "assets", check_dir=False))]
        if self._people:
            routes += [
                Route("/explorer/people", self._list_people, methods=["GET"]),
                Route("/explorer/token", self._make_token, methods=["POST"]),
            ]
        return routes

    async def _list_people(self, request: Request) -> Response:
        _require_this_origin(request)
        people = [one.model_dump(include={"email", "name", "role", "tenant"}) for one in self._people.values()]
        return JSONResponse({"people": people}, headers=PRIVATE)

    async def _make_token(self, request: Request) -> Response:
        _require_this_origin(request)
        try:
            body = await json_body(request, most=MAX_BODY_BYTES, seconds=self._settings.body_timeout)
            person = self._person(parsed(body))
        except RequestRefusedError as refused:
            return JSONResponse(refused.body, status_code=refused.http_status, headers=PRIVATE)
        token = development_token(self._settings, person.user_id, person.tenant_id)
        return JSONResponse({"token": token}, headers=PRIVATE)

    def _person(self, asked: Any) -> DemoPerson:
        match asked:
            case {"email": str(email), "tenant": str(tenant)} if person := self._people.get((email, tenant)):
                return person
        raise BadRequestError("BAD_REQUEST", "Tokens are for the demo's people: send one's email and tenant.")


class Assets(StaticFiles):
    """The built files. Their names change with their content, so browsers keep them; there may be none yet."""

    async def check_config(self) -> None:
        """A folder that is not there is no mistake: the explorer is built later, or never."""

    def file_response(
        self, full_path: str | os.PathLike[str], stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        """A file. Workers take the policy from their own script, not from the page."""
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers.update({**HEADERS, "Cache-Control": "public, max-age=31536000, immutable"})
        return response


def demo_people() -> str:
    """The demo's people, as MOTOMIND_EXPLORER_PEOPLE has them."""
    return orjson.dumps(people()).decode()


def is_built() -> bool:
    """Whether there is a page to show."""
    return PAGE.exists()


def _require_this_origin(request: Request) -> None:
    """Lets a page of our own through, from a browser on this machine. All others see what an unknown path gives.

    A Host that is no loopback name is a foreign name pointed here (DNS rebinding); a forwarding header means a proxy,
    and so a client elsewhere.
    """
    headers, host = request.headers, request.headers.get("host", "")
    origin = headers.get("origin")
    is_ours = (
        request.client is not None
        and _is_loopback(request.client.host)
        and _is_loopback(_name(host))
        and (origin == f"http://{host}" or (origin is None and request.method == "GET"))
        and headers.get("sec-fetch-site", "same-origin") == "same-origin"
        and not any(
            name in headers for name in ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip")
        )
    )
    if not is_ours:
        raise HTTPException(404)


def _name(host: str) -> str:
    """The name or address in a Host header, without its port."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
