"""The examples for clients, run as they are documented, against a gateway on a real port."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson
import pytest

from sql.demo import load_demo
from sql.embedded import Addresses
from tests.api.conftest import unused_port
from tests.conftest import DEMO_UNTIL, Databases, name_of

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "docs" / "examples"
MOTOMIND = Path(sys.executable).parent / "motomind"
SEES = {"tenant": "Enterprise", "groups": 1, "vehicles": 157}
START_SECONDS = 60


@dataclass(frozen=True)
class Gateway:
    """A gateway that runs, and the environment to ask it from."""

    environment: dict[str, str]
    port: int

    def run(self, *command: object, folder: Path = ROOT, **more: str) -> str:
        """What a command prints; its whole output is told where it fails."""
        done = subprocess.run(
            [str(word) for word in command],
            cwd=folder,
            env=self.environment | more,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def client(self, name: str) -> str:
        """The key of a new client that may read US West."""
        create = (MOTOMIND, "clients", "create", name, "--tenant", "Enterprise", "--read", "North America/US West")
        return self.run(*create).strip()

    def publish(self, manifest: Path, client: str) -> None:
        """Publishes a manifest."""
        self.run(MOTOMIND, "documents", "publish", manifest, "--client", client)


@pytest.fixture(scope="module")
def gateway(databases: Databases, migrated: Addresses, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway on a demo of its own."""
    addresses = databases.make(name_of(migrated))
    load_demo(addresses.owner, until=DEMO_UNTIL, progress=lambda *_: None)
    port = unused_port()
    environment = os.environ | {
        "DATABASE_URL": addresses.gateway,
        "MOTOMIND_OWNER_DATABASE_URL": addresses.owner,
        "MOTOMIND_DATA_DIR": str(tmp_path_factory.mktemp("data")),
        "GATEWAY_URL": f"http://127.0.0.1:{port}/graphql",
    }
    process = subprocess.Popen([str(MOTOMIND), "serve", "--port", str(port)], env=environment)
    try:
        _await(f"http://127.0.0.1:{port}/healthz", process)
        yield Gateway(environment, port)
    finally:
        process.terminate()
        process.wait(30)
        databases.drop(addresses)


def _await(url: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_SECONDS
    while True:
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except OSError:
            assert process.poll() is None, "the gateway has stopped"
            assert time.monotonic() < until, "the gateway did not start"
            time.sleep(0.1)


def test_the_five_commands_for_partners_are_what_the_page_says(gateway: Gateway, tmp_path: Path):
    """docs/partners.md, typed line by line: the answer is the one that it shows."""
    page = (ROOT / "docs" / "partners.md").read_text(encoding="utf-8").partition("## How it is asked")[0]
    commands = "".join(re.findall(r"```sh\n(.*?)```", page, re.DOTALL))
    (shown,) = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    assert len(commands.splitlines()) == 5
    script = "set -e\n" + commands.replace(":8000/", f":{gateway.port}/").replace("curl ", "curl -sf ")
    path = f"{MOTOMIND.parent}{os.pathsep}{os.environ['PATH']}"
    printed = gateway.run("sh", "-c", script, folder=tmp_path, PATH=path)
    assert orjson.loads(printed) == orjson.loads(shown)


def test_python_with_gql(gateway: Gateway, tmp_path: Path):
    """The manifest is made, published, and asked for by ids."""
    folder, key = EXAMPLES / "python", gateway.client("gql")
    manifest = tmp_path / "manifest.json"
    manifest.write_text(gateway.run(sys.executable, folder / "manifest.py"), encoding="utf-8")
    gateway.publish(manifest, "gql")
    assert orjson.loads(gateway.run(sys.executable, folder / "fleet.py", MOTOMIND_KEY=key)) == SEES


def test_curl(gateway: Gateway, tmp_path: Path):
    """The answer, and then 304."""
    key = gateway.client("curl")
    manifest = tmp_path / "manifest.json"
    manifest.write_bytes(orjson.dumps({"fleet": "{ tenant { name } }"}))
    gateway.publish(manifest, "curl")
    answer, again = gateway.run("sh", EXAMPLES / "curl" / "fleet.sh", MOTOMIND_KEY=key).splitlines()
    assert orjson.loads(answer)["data"] == {"tenant": {"name": "Enterprise"}}
    assert again == "304"


@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not here: the example in Node is not run")
def test_apollo_client_in_node(gateway: Gateway, tmp_path: Path):
    """A clean install from the lock file, the manifest by Apollo's own tool, and the client by GET."""
    folder, key = tmp_path / "apollo", gateway.client("apollo")
    shutil.copytree(EXAMPLES / "apollo", folder, ignore=shutil.ignore_patterns("node_modules"))
    gateway.run("npm", "ci", "--no-audit", "--no-fund", folder=folder)
    gateway.run("npm", "run", "manifest", folder=folder)
    gateway.publish(folder / "persisted-query-manifest.json", "apollo")
    assert orjson.loads(gateway.run("npm", "run", "--silent", "start", folder=folder, MOTOMIND_KEY=key)) == SEES
