"""npm's own clients ask a gateway on a real port: graphql-http's audits, graphql-ws and graphql-sse."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import orjson
import pytest

from tests.api.conftest import Client, Listen

pytestmark = pytest.mark.database

AUDITS = Path(__file__).parent / "audits"
NUMBER = 61


@pytest.fixture(scope="session")
def node() -> str:
    """The command ``node``; tests that need it are skipped where Node or npm is absent."""
    found = shutil.which("node")
    if found is None or shutil.which("npm") is None:
        pytest.skip("Node and npm are not installed: the audits of GraphQL over HTTP are not run")
    return found


@pytest.fixture(scope="session")
async def packages(node: str) -> Path:
    """The folder of the audits with what its lock lists, installed once, beside it."""
    lock, installed = AUDITS / "package-lock.json", AUDITS / "node_modules" / ".package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
        npm = Path(shutil.which("npm") or node)
        await run(str(npm), "ci", "--ignore-scripts")
    return AUDITS


async def run(*command: str) -> bytes:
    """What a command prints, in the folder of the audits."""
    process = await asyncio.create_subprocess_exec(
        *command, cwd=AUDITS, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(300):
        out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return out


async def test_every_audit_passes(client: Client, listen: Listen, node: str, packages: Path):
    """All of them, without an error or a warning."""
    token = await client.token("owner@enterprise.example")
    async with listen() as gateway:
        results = orjson.loads(await run(node, str(packages / "audits.mjs"), f"{gateway.url}/graphql", token))
    assert [result for result in results if result["status"] != "ok"] == []
    assert len(results) == NUMBER


async def test_the_usual_clients_of_sockets_and_streams_are_served(
    client: Client, listen: Listen, node: str, packages: Path
):
    """What they hand to a program: answers, the errors of a refused document, and why a socket was closed."""
    token = await client.token("owner@enterprise.example")
    async with listen() as gateway:
        told = orjson.loads(await run(node, str(packages / "clients.mjs"), str(gateway.port), token))
    answer = [{"data": {"viewer": {"email": "owner@enterprise.example"}}}]
    assert told["stream"] == told["socket"] == answer
    assert told["socketAtOnce"] == [answer] * 3
    (refused,) = told["streamRefused"]
    assert [error["extensions"]["code"] for error in refused["errors"]] == ["GRAPHQL_VALIDATION_FAILED"]
    assert told["socketRefused"] == {"errors": ["GRAPHQL_VALIDATION_FAILED"]}
    assert told["stranger"]["closed"] == 4401
    assert told["stranger"]["reason"].startswith("UNAUTHENTICATED: ")


def test_the_lock_names_no_host():
    """Where packages come from is for whoever installs them to say."""
    assert "://" not in (AUDITS / "package-lock.json").read_text(encoding="utf-8")
