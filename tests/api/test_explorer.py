"""The explorer over HTTP: who gets the page and with which headers, and who gets a token for the demo's people."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import jwt
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from api import app, explorer
from api.auth import development_key
from api.settings import Settings
from sql.demo import people
from tests.api.conftest import GRAPHQL_JSON, Serve, codes, refusal
from tests.api.test_auth import public_pem

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
OWNER = {"email": "owner@enterprise.example", "tenant": "Enterprise"}
HERE = {"Host": "127.0.0.1:8000", "Origin": "http://127.0.0.1:8000", "Sec-Fetch-Site": "same-origin"}
Gateway = Callable[..., httpx.AsyncClient]


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An explorer that is built, in short."""
    files = tmp_path / "explorer_files"
    (files / "assets").mkdir(parents=True)
    (files / "index.html").write_text('<div id="root" data-access="on" data-people="no"></div>')
    (files / "assets" / "index-abc.js").write_text("alert()")
    (tmp_path / "secret").write_text("secret")
    monkeypatch.setattr(explorer, "FILES", files)
    monkeypatch.setattr(explorer, "PAGE", files / "index.html")
    return files


@pytest.fixture
def gateway(tmp_path: Path) -> Gateway:
    """Gateways without a database, which the explorer does not ask."""

    def make(client: str = "127.0.0.1", **changed: Any) -> httpx.AsyncClient:
        settings = Settings(data_dir=tmp_path, **changed)
        transport = httpx.ASGITransport(app=app.create(settings), client=(client, 1234))
        return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000")

    return make


def issuer() -> dict[str, str]:
    """The settings of an issuer of one's own."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return {"jwt_issuer": "https://issuer.example", "jwt_public_key": public_pem(key)}


@pytest.mark.usefixtures("built")
@pytest.mark.parametrize("accept", [BROWSER, "text/html", "text/html, application/json;q=0.5", "TEXT/HTML"])
async def test_browser_gets_the_page_under_a_strict_policy(gateway: Gateway, accept: str):
    """Nothing but our own origin, no framing, no sniffing, no referrer; another Accept is another answer."""
    async with gateway() as http:
        page = await http.get("/graphql", headers={"Accept": accept})
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert 'data-access="on" data-people="no"' in page.text
    policy = dict(part.strip().split(" ", 1) for part in page.headers["content-security-policy"].split(";"))
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self' 'unsafe-inline'",
        "worker-src": "'self'",
        "connect-src": "'self'",
        "img-src": "'self' data:",
        "font-src": "'self' data:",
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["cross-origin-opener-policy"] == "same-origin"
    assert "camera=()" in page.headers["permissions-policy"]
    assert page.headers["cache-control"] == "no-cache"
    assert page.headers["vary"] == "Accept"


@pytest.mark.database
@pytest.mark.usefixtures("built")
@pytest.mark.parametrize(
    ("accept", "parameters"),
    [
        ("*/*", {}),
        ("application/json", {}),
        (GRAPHQL_JSON, {}),
        ("text/html;q=0.5, application/json", {}),
        ("application/json, text/html", {}),
        ("text/html;q=0, */*", {}),
        ("text/html;q=x, */*", {}),
        ("application/xhtml+xml, */*", {}),
        (BROWSER, {"query": "{ viewer { email } }"}),
        (BROWSER, {"documentId": "sha256:0"}),
        ("*/*", {"extensions": '{"persistedQuery": {"version": 1, "sha256Hash": "0"}}'}),
        (BROWSER, {"extensions": '{"persistedQuery": {"version": 1, "sha256Hash": "0"}}'}),
    ],
    ids=str,
)
async def test_all_else_is_graphql(serve: Serve, accept: str, parameters: dict[str, str]):
    """A client that does not prefer HTML, and whoever sends something of GraphQL's, is answered by the graph."""
    async with serve() as client:
        answer = await client.http.get("/graphql", params=parameters, headers={"Accept": accept})
        assert "UNAUTHENTICATED" in codes(answer)
        if "query" in parameters:
            headers = {"Accept": accept, "Authorization": f"Bearer {await client.token(OWNER['email'])}"}
            answer = await client.http.get("/graphql", params=parameters, headers=headers)
            assert answer.json() == {"data": {"viewer": {"email": OWNER["email"]}}}


@pytest.mark.database
@pytest.mark.usefixtures("built")
async def test_post_and_head_are_never_the_page(serve: Serve):
    """Whatever they accept."""
    async with serve() as client:
        post = await client.http.post("/graphql", json={"query": "{ viewer { email } }"}, headers={"Accept": BROWSER})
        assert refusal(post, 401) == "UNAUTHENTICATED"
        assert (await client.http.head("/graphql", headers={"Accept": BROWSER})).status_code == 405


async def test_page_that_is_not_built_says_how_to_get_it(
    gateway: Gateway, built: Path, monkeypatch: pytest.MonkeyPatch
):
    """It looks again by itself, and is there as soon as it is built; its files are unknown until then."""
    monkeypatch.setattr(explorer, "PAGE", built / "later.html")
    async with gateway() as http:
        page = await http.get("/graphql", headers={"Accept": BROWSER})
        assert page.status_code == 503
        assert "make explorer" in page.text
        assert page.headers["refresh"] == "5"
        assert "default-src 'none'" in page.headers["content-security-policy"]
        (built / "index.html").rename(built / "later.html")
        assert (await http.get("/graphql", headers={"Accept": BROWSER})).status_code == 200
    monkeypatch.setattr(explorer, "FILES", built / "nowhere")
    async with gateway() as http:
        assert (await http.get("/explorer/assets/index-abc.js")).status_code == 404


@pytest.mark.usefixtures("built")
async def test_files_are_kept_for_ever_and_under_the_same_policy(gateway: Gateway):
    """A worker's policy is its script's own."""
    async with gateway() as http:
        file = await http.get("/explorer/assets/index-abc.js")
        assert (file.status_code, file.text) == (200, "alert()")
        assert file.headers["content-type"].startswith("text/javascript")
        assert file.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert file.headers["content-security-policy"] == explorer.CONTENT_SECURITY_POLICY
        assert file.headers["x-content-type-options"] == "nosniff"
        again = await http.get("/explorer/assets/index-abc.js", headers={"If-None-Match": file.headers["etag"]})
        assert again.status_code == 304


@pytest.mark.parametrize(
    "path",
    [
        *("../index.html", "..%2findex.html", "%2e%2e/index.html", "....//index.html", "..\\index.html"),
        *(
            "../../secret",
            "%2e%2e%2f%2e%2e%2fsecret",
            "%252e%252e/secret",
            "/etc/passwd",
            "//etc/passwd",
            "link",
            "%00",
        ),
        *("", "nothing.js", "x" * 5000),
    ],
)
async def test_nothing_but_the_files_is_served(gateway: Gateway, built: Path, path: str):
    """No way leads out of the folder, not by a symbolic link either, and none into it as a list."""
    (built / "assets" / "link").symlink_to(built.parent / "secret")
    scope = f"/explorer/assets/{path}".encode()
    async with gateway() as http:
        url = httpx.URL("http://127.0.0.1:8000").copy_with(raw_path=scope)
        answer = await http.send(httpx.Request("GET", url))
    assert answer.status_code == 404
    assert "secret" not in answer.text


@pytest.mark.database
@pytest.mark.usefixtures("built")
@pytest.mark.parametrize(
    "changed", [{"explorer": "off"}, issuer(), {**issuer(), "explorer": "off"}], ids=["0", "1", "2"]
)
async def test_off_there_is_no_explorer(serve: Serve, changed: dict[str, str]):
    """Off by the setting, or unless set with an issuer of one's own: all of it is as unknown as any path."""
    async with serve(explorer_people=people(), **changed) as client:
        asked = await client.http.get("/graphql", headers={"Accept": BROWSER})
        assert refusal(asked, 401) == "UNAUTHENTICATED"
        unknown = await client.http.get("/nothing", headers=HERE)
        for path in ("/explorer/assets/index-abc.js", "/explorer/people", "/explorer/token"):
            answer = await client.http.get(path, headers=HERE)
            assert (answer.status_code, answer.content) == (404, unknown.content)


@pytest.mark.usefixtures("built")
async def test_for_owners_or_with_a_production_issuer_by_the_setting(gateway: Gateway):
    """The page is told, and hands out nobody's token."""
    async with gateway(explorer="owners", explorer_people=people(), **issuer()) as http:
        page = await http.get("/graphql", headers={"Accept": BROWSER})
        assert 'data-access="owners" data-people="no"' in page.text
        assert (await http.get("/explorer/people", headers=HERE)).status_code == 404
        assert (await http.post("/explorer/token", json=OWNER, headers=HERE)).status_code == 404


@pytest.mark.usefixtures("built")
async def test_people_of_the_demo_are_listed_and_get_tokens(gateway: Gateway, tmp_path: Path):
    """A token for one of them in one tenant, by the development key; no ids in the list, nothing is cached."""
    async with gateway(explorer_people=people()) as http:
        assert 'data-people="yes"' in (await http.get("/graphql", headers={"Accept": BROWSER})).text
        listed = await http.get("/explorer/people", headers=HERE)
        found = listed.json()["people"]
        assert {"name": "Eleanor Vance", "role": "owner", **OWNER} in found
        assert {one["tenant"] for one in found} == {"Solo", "Small", "Medium", "Enterprise"}
        made = await http.post("/explorer/token", json=OWNER, headers=HERE)
    assert {answer.headers["cache-control"] for answer in (listed, made)} == {"no-store"}
    key = development_key(tmp_path).public_key()
    claims = jwt.decode(made.json()["token"], key, algorithms=["EdDSA"], audience="motomind")
    (person,) = [one for one in people() if {**one, **OWNER} == one]
    assert (claims["sub"], claims["tenant_id"]) == (person["user_id"], person["tenant_id"])


@pytest.mark.parametrize(
    "headers",
    [
        {**HERE, "Host": "evil.example"},
        {**HERE, "Host": "evil.example", "Origin": "http://evil.example"},
        {**HERE, "Host": "127.0.0.1.evil.example:8000", "Origin": "http://127.0.0.1.evil.example:8000"},
        {**HERE, "Host": "localhost.evil.example", "Origin": "http://localhost.evil.example"},
        {**HERE, "Host": "10.1.2.3:8000", "Origin": "http://10.1.2.3:8000"},
        {**HERE, "Host": "", "Origin": "http://"},
        {**HERE, "Origin": "http://evil.example"},
        {**HERE, "Origin": "http://127.0.0.1:9000"},
        {**HERE, "Origin": "https://127.0.0.1:8000"},
        {**HERE, "Origin": "null"},
        {**HERE, "Sec-Fetch-Site": "cross-site"},
        {**HERE, "Sec-Fetch-Site": "same-site"},
        {**HERE, "X-Forwarded-For": "127.0.0.1"},
        {**HERE, "Forwarded": "for=127.0.0.1"},
        {**HERE, "Via": "1.1 proxy"},
    ],
    ids=lambda headers: " ".join(f"{k}={v}" for k, v in headers.items() if HERE.get(k) != v),
)
async def test_other_pages_and_machines_see_an_unknown_path(gateway: Gateway, headers: dict[str, str]):
    """A name pointed here, another site's page, a proxy: the same bytes as for any path that there is not."""
    async with gateway(explorer_people=people()) as http:
        unknown = await http.get("/nothing", headers=headers)
        answers = [
            await http.get("/explorer/people", headers=headers),
            await http.post("/explorer/token", json=OWNER, headers=headers),
        ]
    for answer in answers:
        assert (answer.status_code, answer.content, answer.headers) == (404, unknown.content, unknown.headers)


async def test_people_are_for_this_machine_alone(gateway: Gateway):
    """A client elsewhere, and a gateway that listens to others, know of no people; a token needs an Origin."""
    for http in (
        gateway(client="10.1.2.3", explorer_people=people()),
        gateway(host="0.0.0.0", explorer_people=people()),  # noqa: S104 - nothing listens
        gateway(host="gateway.example", explorer_people=people()),
        gateway(),
        gateway(explorer_people=()),
    ):
        async with http:
            assert (await http.get("/explorer/people", headers=HERE)).status_code == 404
            assert (await http.post("/explorer/token", json=OWNER, headers=HERE)).status_code == 404
    async with gateway(explorer_people=people()) as http:
        without = {"Host": HERE["Host"]}
        assert (await http.post("/explorer/token", json=OWNER, headers=without)).status_code == 404
        assert (await http.get("/explorer/people", headers=without)).status_code == 200
        for host in ("localhost:8000", "[::1]:8000"):
            there = {"Host": host, "Origin": f"http://{host}"}
            assert (await http.post("/explorer/token", json=OWNER, headers=there)).status_code == 200


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"5", 400, "BAD_REQUEST"),
        (b"null", 400, "BAD_REQUEST"),
        (b"[]", 400, "BAD_REQUEST"),
        (b"{}", 400, "BAD_REQUEST"),
        (b"{", 400, "BAD_REQUEST"),
        (b'"\xff"', 400, "BAD_REQUEST"),
        (orjson.dumps({**OWNER, "email": "stranger@enterprise.example"}), 400, "BAD_REQUEST"),
        (orjson.dumps({**OWNER, "tenant": "Medium"}), 400, "BAD_REQUEST"),
        (orjson.dumps({**OWNER, "email": [OWNER["email"]]}), 400, "BAD_REQUEST"),
        (b" " * 5000, 413, "BODY_TOO_LARGE"),
    ],
    ids=str,
)
async def test_tokens_are_for_the_people_listed_and_nobody_else(gateway: Gateway, body: bytes, status: int, code: str):
    """Whatever else is sent is refused, as GraphQL's errors are."""
    async with gateway(explorer_people=people()) as http:
        headers = {**HERE, "Content-Type": "application/json"}
        assert refusal(await http.post("/explorer/token", content=body, headers=headers), status) == code


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
async def test_a_form_gets_no_token(gateway: Gateway, content_type: str):
    """What a page elsewhere could send without asking first is refused by its type."""
    async with gateway(explorer_people=people()) as http:
        headers = {**HERE, "Content-Type": content_type}
        answer = await http.post("/explorer/token", content=orjson.dumps(OWNER), headers=headers)
        assert refusal(answer, 415) == "UNSUPPORTED_MEDIA_TYPE"


def test_people_are_those_of_the_demo():
    """Everybody once in each tenant, by the ids that the demo has."""
    found = people()
    assert len({(one["email"], one["tenant"]) for one in found}) == len(found) > 5
    assert (
        Settings(explorer_people=orjson.dumps(found).decode()).explorer_people
        == Settings(explorer_people=found).explorer_people
    )
    assert all(UUID(one["user_id"]) and UUID(one["tenant_id"]) for one in found)
