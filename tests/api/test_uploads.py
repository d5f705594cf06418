"""Uploads over HTTP: who may, what is taken, what is kept, and who reads it again."""

from __future__ import annotations

import asyncio
import re
import resource
import subprocess
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256
from uuid import uuid4

import psycopg
import pytest

from api.uploads import incoming
from api.uploads.endpoint import disposition
from api.uploads.form import safe_name
from resolvers import upload_url
from tests.api.conftest import refusal
from tests.conftest import name_of

pytestmark = pytest.mark.database

OWNER, DISPATCHER, VIEWER = (f"{name}@enterprise.example" for name in ("owner", "dispatcher", "viewer"))
OTHER = ("consultant@example.com", "Medium")
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40
FILES = {
    "image/jpeg": b"\xff\xd8\xff\xe0" + bytes(5000),
    "image/png": PNG,
    "image/webp": b"RIFF\0\0\1\0WEBPVP8 " + bytes(100),
    "image/heic": b"\0\0\0\x18ftypheic" + bytes(100),
    "application/pdf": b"%PDF-1.7\n" + bytes(100),
    "text/csv": "Datum;Preis\n2026-10-05;3,459 €\n".encode(),
}
URL = "query ($id: ID!, $seconds: Int!) { node(id: $id) { ... on Upload { url(expiresIn: $seconds) fileName } } }"


@pytest.fixture
def writable(databases, short_demo):
    """A demo of the test's own."""
    addresses = databases.make(name_of(short_demo))
    yield addresses
    databases.drop(addresses)


@pytest.fixture
def rows(writable):
    """What is in the tables, as their owner sees it."""

    def rows(query, *parameters):
        with psycopg.connect(writable.owner, autocommit=True) as connection:
            cursor = connection.execute(query, parameters)
            return cursor.fetchall() if cursor.description else []

    return rows


@pytest.fixture
async def gateway(serve, writable, tmp_path):
    """A gateway on it that keeps files in a folder of the test's own."""
    async with serve(database_url=writable.gateway, uploads_dir=tmp_path, max_upload_bytes=300_000) as client:
        yield client


@pytest.fixture
def files(tmp_path):
    """The files that are there, and those that are being received."""

    def files():
        return sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())

    return files


@pytest.fixture
def send(gateway):
    """Sends a file as somebody: the body itself."""

    async def send(content=PNG, declared="image/png", person=OWNER, tenant=None, *, name="a.png", **query):
        token = await gateway.token(person, tenant)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": declared, "X-File-Name": name}
        return await gateway.http.post("/uploads", content=content, headers=headers, params=query)

    return send


@pytest.fixture
def url(gateway):
    """The URL of an upload, as somebody asks for it."""

    async def url(id_, person=OWNER, tenant=None, seconds=60):
        answer = await gateway.post(URL, person, tenant, variables={"id": id_, "seconds": seconds})
        return answer.json()["data"]["node"]["url"]

    return url


def vehicle_in(rows, group):
    """A vehicle of a group."""
    query = "select v.id::text from vehicles v join fleet_groups g on g.id = v.fleet_group_id where g.name = %s"
    return rows(query + " order by v.label limit 1", group)[0][0]


@pytest.mark.parametrize("declared", FILES)
async def test_a_file_is_kept_by_its_content_and_read_again(send, url, gateway, rows, files, declared):
    """Each of the types; the URL needs no credentials and answers as a download that nothing runs."""
    content = FILES[declared]
    answer = await send(content, declared, name="tank%20%E2%82%AC.bin")
    digest = sha256(content).hexdigest()
    assert answer.status_code == 201, answer.text
    told = answer.json()
    assert told == {
        "id": told["id"], "sha256": digest, "size": len(content), "contentType": declared, "fileName": "tank €.bin"
    }  # fmt: skip
    ((tenant, key),) = rows("select tenant_id::text, storage_key from uploads where id = %s", told["id"])
    assert files() == [key] == [f"{tenant}/{digest[:2]}/{digest}"]
    read = await gateway.http.get(await url(told["id"]))
    assert (read.status_code, read.content, read.headers["content-type"].partition(";")[0]) == (200, content, declared)
    assert read.headers["content-disposition"].startswith('attachment; filename="tank _.bin"')
    assert read.headers["x-content-type-options"] == "nosniff"
    assert read.headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert re.fullmatch(r"private, max-age=[56]\d", read.headers["cache-control"])
    head = await gateway.http.head(await url(told["id"]))
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(len(content)))


async def test_a_form_does_as_well_and_its_type_may_be_found(gateway, rows, url):
    """The vehicle comes before the file; what the sender does not know of the file is told by its content."""
    vehicle = vehicle_in(rows, "California")
    headers = {"Authorization": f"Bearer {await gateway.token(DISPATCHER)}"}
    sent = {"files": {"file": ("../r.png", PNG, "application/octet-stream")}, "data": {"vehicleId": vehicle}}
    answer = await gateway.http.post("/uploads", headers=headers, **sent)
    assert answer.status_code == 201, answer.text
    assert (answer.json()["contentType"], answer.json()["fileName"]) == ("image/png", "r.png")
    assert (await gateway.http.get(await url(answer.json()["id"], DISPATCHER))).content == PNG
    ((found, email),) = rows(
        "select u.vehicle_id::text, p.email from uploads u join users p on p.id = u.uploaded_by where u.id = %s",
        answer.json()["id"],
    )
    assert (found, email) == (vehicle, DISPATCHER)


async def test_an_event_may_name_it(send, gateway, rows):
    """As its source; and the audit trail has it."""
    vehicle = vehicle_in(rows, "California")
    upload = (await send(vehicleId=vehicle)).json()["id"]
    given = f'vehicleId: "{vehicle}", occurredAt: "2026-10-05T08:00:00Z", miles: 5, sourceUploadId: "{upload}"'
    document = f"mutation {{ recordOdometerReading(input: {{ {given} }}) {{ event {{ sourceUpload {{ id url }} }} }} }}"
    answer = (await gateway.post(document)).json()["data"]["recordOdometerReading"]["event"]["sourceUpload"]
    assert answer["id"] == upload
    assert answer["url"].startswith(f"/uploads/{upload}?token=")
    assert rows("select operation from audit_trail where record_id = %s", upload) == [("insert",)]


async def test_the_same_content_is_stored_once_and_sent_again_is_the_same_upload(send, rows, files):
    """Also where it is sent eight times at once; for another vehicle it is another upload of the same file."""
    vehicle = vehicle_in(rows, "California")
    answers = await asyncio.gather(*(send(vehicleId=vehicle) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]
    assert len({answer.json()["id"] for answer in answers}) == 1
    other = await send(vehicleId=vehicle_in(rows, "Germany"))
    assert other.status_code == 201
    assert other.json()["id"] != answers[0].json()["id"]
    assert len(files()) == 1


async def test_tenants_share_nothing(send, url, gateway, rows, files):
    """The same content is two files; and a URL for an upload of another tenant is told like one for none."""
    mine, owner = (await send()).json()["id"], "owner@medium.example"
    theirs = (await send(person=owner)).json()["id"]
    assert mine != theirs
    assert len(files()) == 2
    answer = await gateway.post(URL, owner, variables={"id": mine, "seconds": 60})
    assert answer.json() == {"data": {"node": None}}
    good = await url(mine)
    forged = await gateway.http.get(good.replace(mine, theirs))
    assert refusal(forged, 403) == "URL_INVALID"
    rows("delete from uploads where id = %s", mine)
    deleted = await gateway.http.get(good)
    assert refusal(deleted, 404) == "NOT_FOUND"
    signer = upload_url.UrlSigner(gateway.http._transport.app.state.uploads._signer.key)  # noqa: SLF001
    caller, _ = signer.reader(mine, good.partition("token=")[2])
    for id_ in (theirs, str(uuid4())):
        foreign = await gateway.http.get(signer.url(caller, id_, 60))
        assert (foreign.status_code, foreign.content) == (404, deleted.content)


async def test_who_may_not_write_to_the_vehicle_may_not_upload_for_it(send, rows, files):
    """Told before the file is read; a vehicle that is not seen and one that is not there look the same."""
    germany, california = vehicle_in(rows, "Germany"), vehicle_in(rows, "California")
    assert refusal(await send(person=DISPATCHER, vehicleId=germany), 403) == "FORBIDDEN"
    assert refusal(await send(person=VIEWER, vehicleId=california), 403) == "FORBIDDEN"
    assert refusal(await send(person=VIEWER), 403) == "FORBIDDEN"
    hidden = await send(person=VIEWER, vehicleId=germany)
    absent = await send(person=VIEWER, vehicleId=str(uuid4()))
    assert refusal(hidden, 404) == "NOT_FOUND"
    assert (absent.content, (await send(vehicleId="van-1")).content) == (hidden.content,) * 2
    assert refusal(await send(person=OTHER[0], tenant=OTHER[1], vehicleId=california), 404) == "NOT_FOUND"
    assert files() == []


async def test_who_lost_sight_of_an_upload_has_urls_that_open_nothing(send, url, gateway, rows):
    """The URL is good for as long as its person sees the upload, not longer."""
    upload = (await send(vehicleId=vehicle_in(rows, "California"))).json()["id"]
    good = await url(upload, DISPATCHER, seconds=1000)
    assert (await gateway.http.get(good)).status_code == 200
    rows("delete from group_permissions where user_id = (select id from users where email = %s)", DISPATCHER)
    assert refusal(await gateway.http.get(good), 404) == "NOT_FOUND"


async def test_without_credentials_or_by_another_method_nothing_happens(gateway, files):
    """As for the graph."""
    http = gateway.http
    assert refusal(await http.post("/uploads", content=PNG), 401) == "UNAUTHENTICATED"
    assert refusal(await http.put("/uploads", content=PNG), 405) == "METHOD_NOT_ALLOWED"
    assert refusal(await http.delete(f"/uploads/{uuid4()}"), 405) == "METHOD_NOT_ALLOWED"
    headers = {"Authorization": f"Bearer {await gateway.token('consultant@example.com')}"}
    assert refusal(await http.post("/uploads", content=PNG, headers=headers), 400) == "TENANT_REQUIRED"
    assert files() == []


@pytest.mark.parametrize(
    ("content", "declared", "code", "status"),
    [
        (b"<html><script>alert(1)</script>", "text/html", "UNSUPPORTED_MEDIA_TYPE", 415),
        (b"<html><script>alert(1)</script>", "image/png", "UNSUPPORTED_MEDIA_TYPE", 415),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "text/csv", "UNSUPPORTED_MEDIA_TYPE", 415),
        (b"\xef\xbb\xbf \n<?xml version='1.0'?>", "text/csv", "UNSUPPORTED_MEDIA_TYPE", 415),
        (b"MZ\x90\0" + bytes(100), "application/octet-stream", "UNSUPPORTED_MEDIA_TYPE", 415),
        (b"a;b\n\0\0\0", "text/csv", "UNSUPPORTED_MEDIA_TYPE", 415),
        (b"PK\x03\x04" + bytes(100), "application/zip", "UNSUPPORTED_MEDIA_TYPE", 415),
        (b"GIF89a" + bytes(100), "image/png", "UNSUPPORTED_MEDIA_TYPE", 415),
        (PNG, "image/jpeg", "CONTENT_TYPE_MISMATCH", 415),
        (PNG, "text/csv", "CONTENT_TYPE_MISMATCH", 415),
        (b"%PDF-1.4", "image/png; charset=utf-8", "CONTENT_TYPE_MISMATCH", 415),
        (b"", "image/png", "BAD_REQUEST", 400),
    ],
)
async def test_a_file_is_what_is_in_it_and_not_what_it_is_called(send, files, content, declared, code, status):
    """Markup, programs and pictures under another name; nothing of them is left."""
    assert refusal(await send(content, declared), status) == code
    assert files() == []


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("%2e%2e%2f%2e%2e%2fx.png", "x.png"),
        ("/", "file"),
        ("..", "file"),
        ("a%00b%0d%0aSet-Cookie: x.png", "abSet-Cookie: x.png"),
        ("%E2%80%AEgnp.exe", "gnp.exe"),
        ("x" * 1000 + ".png", "x" * 251 + ".png"),
    ],
)
async def test_a_name_is_for_people_and_leads_nowhere(send, url, gateway, files, name, kept):
    """Its last part, without what could mislead; the file is where its content says."""
    told = (await send(name=name)).json()
    assert told["fileName"] == kept
    assert files() == [f"{files()[0].partition('/')[0]}/{told['sha256'][:2]}/{told['sha256']}"]
    read = await gateway.http.get(await url(told["id"]))
    assert "\n" not in read.headers["content-disposition"]


def test_names_are_safe_in_a_header():
    """Quotes and percent signs do not end it."""
    assert disposition('a";x=%22.png') == (
        "attachment; filename=\"a__x=_22.png\"; filename*=UTF-8''a%22%3Bx%3D%2522.png"
    )
    assert safe_name("a/b\\c\u202e.png") == "c.png"


async def test_what_is_too_large_is_refused_before_all_of_it_is_here(gateway, files):
    """By its length where it says so, else as soon as it is over; the rest is not read."""
    read = 0

    async def endless():
        nonlocal read
        yield PNG
        while read < 10_000_000:
            read += 10_000
            yield bytes(10_000)

    headers = {"Authorization": f"Bearer {await gateway.token(OWNER)}", "Content-Type": "image/png"}
    answer = await gateway.http.post("/uploads", content=endless(), headers=headers)
    assert refusal(answer, 413) == "BODY_TOO_LARGE"
    assert answer.headers["connection"] == "close"
    assert read < 350_000
    read = 0
    told = await gateway.http.post("/uploads", content=endless(), headers={**headers, "Content-Length": "99999999"})
    assert (refusal(told, 413), read) == ("BODY_TOO_LARGE", 0)
    assert files() == []


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "has no file"),
        (b"no form", "cannot be read"),
        (b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n--b--\r\n', "has no file"),
        (b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n' + b"x" * 5000, "at most 200 bytes"),
        (b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\n' + PNG, "ends within"),
        (
            b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\n'
            + PNG
            + b'\r\n--b\r\nContent-Disposition: form-data; name="vehicleId"\r\n\r\nx\r\n--b--\r\n',
            "before the file",
        ),
        (
            (b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\n' + PNG + b"\r\n") * 2 + b"--b--\r\n",
            "one file",
        ),
        (b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n' * 20, "at most 10 parts"),
        (b"--b\r\n" + b"A: b\r\n" * 1000, "cannot be read"),
    ],
)
async def test_forms_that_are_none_are_refused(gateway, files, body, said):
    """Whatever is wrong, it is told, and nothing is left."""
    headers = {"Authorization": f"Bearer {await gateway.token(OWNER)}"}
    headers["Content-Type"] = "multipart/form-data; boundary=b"
    answer = await gateway.http.post("/uploads", content=body, headers=headers)
    assert refusal(answer, 400) == "BAD_REQUEST"
    assert said in answer.json()["errors"][0]["message"]
    assert files() == []
    headers["Content-Type"] = "multipart/form-data"
    assert refusal(await gateway.http.post("/uploads", content=body, headers=headers), 400) == "BAD_REQUEST"


async def test_who_hangs_up_leaves_nothing(gateway, files, rows):
    """In the middle of the file."""
    before = rows("select count(*) from uploads")
    token = await gateway.token(OWNER)
    headers = {"authorization": f"Bearer {token}", "content-type": "image/png"}
    scope = {
        "type": "http", "method": "POST", "path": "/uploads", "raw_path": b"/uploads", "query_string": b"",
        "root_path": "", "scheme": "http", "server": ("gateway", 80), "client": ("127.0.0.1", 1), "http_version": "1.1",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }  # fmt: skip
    messages = [{"type": "http.request", "body": PNG, "more_body": True}, {"type": "http.disconnect"}]
    seen, sent = [], []

    async def receive():
        seen.append(files())
        return messages.pop(0)

    async def answer(message):
        sent.append(message)

    await gateway.http._transport.app(scope, receive, answer)  # noqa: SLF001
    assert len(seen[1]) == 1
    assert seen[1][0].startswith("incoming/part-")
    assert sent[0]["status"] == 499
    assert files() == []
    assert rows("select count(*) from uploads") == before


async def test_a_full_disk_is_told_and_leaves_nothing(send, files, monkeypatch):
    """A limit on the size of files stands for it."""
    monkeypatch.setattr(incoming, "WRITE_BYTES", 1000)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        answer = await send(PNG * 5)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert refusal(answer, 507) == "STORAGE_FULL"
    assert files() == []
    assert (await send()).status_code == 201


async def test_a_url_ends_and_cannot_be_changed(send, url, gateway, monkeypatch):
    """By no bit of its token, nor by its id, its length or the key of another gateway."""
    upload = (await send()).json()["id"]
    good = await url(upload, seconds=60)
    path, _, token = good.partition("?token=")
    signed = urlsafe_b64decode(token + "==")
    changed = [
        urlsafe_b64encode(signed[:at] + bytes([signed[at] ^ 1]) + signed[at + 1 :]).decode().rstrip("=")
        for at in range(len(signed))
    ]
    for forged in (*changed, "", "!", "ü", token[:-4], token + "AAAA", "A" * 10_000):
        assert refusal(await gateway.http.get(path, params={"token": forged}), 403) == "URL_INVALID"
    assert refusal(await gateway.http.get("/uploads/x", params={"token": token}), 403) == "URL_INVALID"
    other = upload_url.UrlSigner().url(*[(await caller_of(gateway, good)), upload, 60])
    assert refusal(await gateway.http.get(other), 403) == "URL_INVALID"
    assert (await gateway.http.get(good)).status_code == 200
    later = time.time() + 61
    monkeypatch.setattr(upload_url.time, "time", lambda: later)
    assert refusal(await gateway.http.get(good), 403) == "URL_EXPIRED"


async def caller_of(gateway, good):
    """Whom a URL is for."""
    signer = gateway.http._transport.app.state.uploads._signer  # noqa: SLF001
    id_, _, token = good.removeprefix("/uploads/").partition("?token=")
    return signer.reader(id_, token)[0]


async def test_how_long_a_url_lasts_has_bounds(send, gateway):
    """A second to a day."""
    upload = (await send()).json()["id"]
    for seconds in (0, -1, 86_401):
        answer = (await gateway.post(URL, variables={"id": upload, "seconds": seconds})).json()
        assert answer["errors"][0]["extensions"]["code"] == "INVALID_ARGUMENT"


async def test_content_that_is_gone_is_told_and_check_finds_it(send, url, gateway, writable, tmp_path, scripts):
    """And files without rows, and what a killed gateway left; --remove removes what no row names."""
    lost, kept = (await send()).json(), (await send(FILES["text/csv"], "text/csv")).json()
    next(tmp_path.glob(f"*/??/{lost['sha256']}")).unlink()
    assert refusal(await gateway.http.get(await url(lost["id"])), 404) == "NOT_FOUND"
    orphan = tmp_path / str(uuid4()) / "ab" / ("ab" * 32)
    orphan.parent.mkdir(parents=True)
    orphan.write_bytes(b"x")
    half = tmp_path / "incoming" / "part-x"
    half.write_bytes(b"x")
    now = tmp_path / "incoming" / "part-y"
    now.write_bytes(b"y")
    import os

    os.utime(half, (1, 1))
    settings = {"DATABASE_URL": writable.owner, "MOTOMIND_UPLOADS_DIR": str(tmp_path), "PATH": "/usr/bin:/bin"}

    def check(*options):
        command = [scripts / "motomind", "uploads", "check", *options]
        return subprocess.run(command, env=settings, capture_output=True, text=True, check=False)  # noqa: S603

    first = await asyncio.to_thread(check)
    assert first.returncode == 1
    assert lost["id"] in first.stderr
    assert kept["id"] not in first.stderr
    assert orphan.name in first.stderr
    assert "1 file(s) half received" in first.stderr
    assert orphan.exists()
    removed = await asyncio.to_thread(check, "--remove")
    assert "Removed 2 file(s)" in removed.stderr
    assert (orphan.exists(), half.exists(), now.exists()) == (False, False, True)
    assert len(list(tmp_path.glob(f"*/??/{kept['sha256']}"))) == 1
