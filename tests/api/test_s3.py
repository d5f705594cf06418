"""Storage in a bucket, on an S3-compatible server: moto, where make test-s3 has installed it."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from hashlib import sha256

import psycopg
import pytest

from api.settings import Settings
from api.uploads.s3 import S3Bucket
from api.uploads.storage import StorageError
from tests.api.conftest import refusal, unused_port
from tests.conftest import name_of

SERVER = os.environ.get("MOTOMIND_TEST_S3_SERVER")
pytestmark = pytest.mark.skipif(SERVER is None, reason="make test-s3 installs an S3-compatible server and runs these")
OWNER = "owner@enterprise.example"
LARGE = b"%PDF-1.7\n" + os.urandom(12_000_000)  # several parts


@pytest.fixture(scope="module")
def s3_server():
    """The address of a server of this module's own."""
    port = unused_port()
    with subprocess.Popen(  # noqa: S603 - our own binary and arguments
        [SERVER, "-H", "127.0.0.1", "-p", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        for _ in range(300):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
        process.terminate()


@pytest.fixture
def bucket(s3_server, monkeypatch):
    """The URL of an empty bucket, with the settings to reach it."""
    for name, value in {
        "AWS_ENDPOINT": s3_server,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        "AWS_ALLOW_HTTP": "true",
    }.items():
        monkeypatch.setenv(name, value)
    import httpx

    name = f"bucket-{time.monotonic_ns()}"
    headers = {"Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request"}
    assert httpx.put(f"{s3_server}/{name}", headers=headers).status_code == 200
    return f"s3://{name}/files"


async def test_what_is_put_is_got_listed_and_deleted(bucket, tmp_path):
    """All of it, also where it is sent in parts; what is not there is None."""
    storage = S3Bucket.of(bucket)
    file = tmp_path / "a"
    file.write_bytes(LARGE)
    await storage.put("t/ab/abc", file)
    assert not file.exists()
    pieces = await storage.get("t/ab/abc")
    assert sha256(b"".join([piece async for piece in pieces])).digest() == sha256(LARGE).digest()
    assert [key async for key in storage.list()] == ["t/ab/abc"]
    assert (await storage.exists("t/ab/abc"), await storage.exists("t/ab/abd")) == (True, False)
    assert await storage.get("t/ab/abd") is None
    await storage.delete("t/ab/abc")
    await storage.delete("t/ab/abc")
    assert [key async for key in storage.list()] == []


async def test_a_file_goes_to_the_bucket_and_comes_back(bucket, serve, databases, demo, tmp_path):
    """Over HTTP; nothing is left on this machine."""
    addresses = databases.make(name_of(demo))
    try:
        async with serve(database_url=addresses.gateway, uploads_dir=tmp_path, uploads_url=bucket) as client:
            headers = {"Authorization": f"Bearer {await client.token(OWNER)}", "Content-Type": "application/pdf"}
            first = await client.http.post("/uploads", content=LARGE, headers=headers)
            again = await client.http.post("/uploads", content=LARGE, headers=headers)
            assert (first.status_code, again.status_code) == (201, 200), first.text
            document = f'{{ node(id: "{first.json()["id"]}") {{ ... on Upload {{ url }} }} }}'
            url = (await client.post(document)).json()["data"]["node"]["url"]
            assert (await client.http.get(url)).content == LARGE
        assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
        with psycopg.connect(addresses.owner) as connection:
            keys = connection.execute("select storage_key from uploads where sha256 = %s", [first.json()["sha256"]])
            storage = S3Bucket.of(bucket)
            assert [(key,) async for key in storage.list()] == keys.fetchall()
    finally:
        databases.drop(addresses)


async def test_a_bucket_that_does_not_answer_is_told(bucket, serve, databases, demo, tmp_path, monkeypatch):
    """As unavailable; and no row names what is not there."""
    monkeypatch.setenv("AWS_ENDPOINT", f"http://127.0.0.1:{unused_port()}")
    addresses = databases.make(name_of(demo))
    try:
        async with serve(database_url=addresses.gateway, uploads_dir=tmp_path, uploads_url=bucket) as client:
            headers = {"Authorization": f"Bearer {await client.token(OWNER)}", "Content-Type": "application/pdf"}
            answer = await client.http.post("/uploads", content=LARGE[:5000], headers=headers)
            assert refusal(answer, 503) == "STORAGE_UNAVAILABLE"
        assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    finally:
        databases.drop(addresses)


def test_a_url_that_is_no_bucket_is_refused():
    """When the settings are read."""
    with pytest.raises(ValueError, match="like s3://bucket/prefix"):
        Settings(uploads_url="https://example.com/x")


async def test_a_bucket_that_is_not_there_is_a_failure_of_the_storage(bucket, tmp_path):
    """Not a file that is not there."""
    file = tmp_path / "a"
    file.write_bytes(b"x")
    with pytest.raises(StorageError, match="no such bucket"):
        await S3Bucket.of(bucket.replace("bucket-", "nobody-")).put("t/a", file)
