"""The command line: what it prints, how it ends, and a whole life of an embedded server."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest

from api import greeting
from api.settings import Settings
from sql.embedded import Addresses
from tests.api.conftest import GRAPHQL_JSON
from tests.conftest import Databases, name_of
from tests.dump import dump

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = ("serve", "migrate", "demo", "token", "schema", "import", "verify")
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def environment() -> dict[str, str]:
    """This environment without settings of MotoMind's."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("MOTOMIND_", "DATABASE_URL"))}
    return {**kept, "COLUMNS": "200", "TERM": "dumb"}


@pytest.fixture
def run(scripts: Path, tmp_path: Path, environment: dict[str, str]) -> Run:
    """Runs ``motomind`` in an empty directory: ``run("token", "a@b.example", DATABASE_URL=...)``."""

    def run(*arguments: Any, **settings: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603
            [scripts / "motomind", *map(str, arguments)],
            cwd=tmp_path,
            env={**environment, **settings},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run


def failure(result: subprocess.CompletedProcess[str], status: int = 1) -> str:
    """The message that a command ended with: on stderr, with nothing on stdout and no stack trace."""
    assert result.returncode == status, result.stderr
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    assert result.stderr.strip()
    return result.stderr


def test_help_lists_the_commands_and_how_to_begin(run: Run):
    """With --help, and without anything at all."""
    for result in (run("--help"), run()):
        text = result.stdout + result.stderr
        assert all(command in text for command in COMMANDS)
        assert "motomind serve --demo" in text
    assert run("--help").returncode == 0


@pytest.mark.parametrize("command", [*COMMANDS, "import groups", "import fuel-log", "import vehicles", "import events"])
def test_every_command_has_help(run: Run, command: str):
    """Each explains itself."""
    result = run(*command.split(), "--help")
    assert result.returncode == 0
    assert "Usage: motomind" in result.stdout


@pytest.mark.parametrize("arguments", ["nothing", "serve --nothing", "token", "demo --tenants 0", "serve --port x"])
def test_wrong_usage_ends_with_2_and_a_hint(run: Run, arguments: str):
    """What typer says, and nothing of Python's."""
    failure(run(*arguments.split()), 2)


def test_schema_prints_the_published_contract(run: Run):
    """The very bytes of schema.graphql, without a database."""
    result = run("schema")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == (ROOT / "schema.graphql").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"MOTOMIND_PORT": "many"}, "port"),
        ({"MOTOMIND_PORT": "70000"}, "port"),
        ({"MOTOMIND_POOL_MIN_SIZE": "20"}, "POOL_MIN_SIZE"),
        ({"MOTOMIND_JWT_ISSUER": "https://issuer.example"}, "MOTOMIND_JWT_PUBLIC_KEY"),
        ({"MOTOMIND_JWT_ALGORITHM": "HS256"}, "jwt_algorithm"),
        ({"MOTOMIND_ISSUERS": "[{"}, "issuers is no JSON"),
        ({"MOTOMIND_ISSUERS": '[{"issuer": "https://issuer.example"}]'}, "issuers[0].audience"),
        ({"MOTOMIND_JWT_ISSUER": "https://issuer.example", "MOTOMIND_JWT_PUBLIC_KEY": "no key"}, "public"),
        ({"DATABASE_URL": "mysql://localhost/fleet"}, "DATABASE_URL"),
        ({"DATABASE_URL": ""}, "DATABASE_URL"),
        ({"MOTOMIND_REQUEST_TIMEOUT": "0"}, "request_timeout"),
        ({"MOTOMIND_EXPLORER": "maybe"}, "explorer"),
        ({"MOTOMIND_EXPLORER_PEOPLE": "{"}, "explorer_people"),
        ({"MOTOMIND_EXPLORER_PEOPLE": '[{"email": "a@b.example"}]'}, "explorer_people"),
        ({"MOTOMIND_CORS_ORIGINS": "https://app.example/path"}, "MOTOMIND_CORS_ORIGINS"),
        ({"MOTOMIND_CORS_ORIGINS": "app.example"}, "MOTOMIND_CORS_ORIGINS"),
    ],
    ids=lambda value: str(value)[:50],
)
def test_wrong_setting_is_named(run: Run, free_port: int, settings: dict[str, str], said: str):
    """One readable message that names the setting."""
    settings = {"MOTOMIND_PORT": str(free_port), "DATABASE_URL": "postgresql://gateway@127.0.0.1:1/x", **settings}
    message = failure(run("serve", **settings))
    assert said.lower() in message.lower()
    assert "setting" in message.lower()
    assert "pydantic" not in message


@pytest.mark.parametrize("command", ["serve", "migrate", "demo", "token a@b.example"])
@pytest.mark.parametrize(
    "url",
    ["postgresql://gateway@127.0.0.1:1/motomind", "postgresql://gateway@/motomind?host=/nowhere", "postgresql://h:p/x"],
)
def test_database_that_does_not_answer_is_said(run: Run, free_port: int, command: str, url: str):
    """By every command that needs one, with what to check."""
    message = failure(run(*command.split(), DATABASE_URL=url, MOTOMIND_PORT=str(free_port)))
    assert "DATABASE_URL" in message


@pytest.mark.database
def test_serving_as_the_owner_is_refused(run: Run, demo: Addresses, free_port: int):
    """The check of the role comes before the first request."""
    assert "will not start" in failure(run("serve", "--port", free_port, DATABASE_URL=demo.owner))


@pytest.mark.database
def test_serving_an_unmigrated_database_is_refused(run: Run, databases: Databases, free_port: int):
    """With the command that helps."""
    empty = databases.make()
    try:
        assert "motomind migrate" in failure(run("serve", "--port", free_port, DATABASE_URL=empty.gateway))
        assert "motomind migrate" in failure(run("token", "a@b.example", DATABASE_URL=empty.owner))
    finally:
        databases.drop(empty)


@pytest.mark.database
@pytest.mark.parametrize(
    "command",
    ["migrate", "demo", "token owner@enterprise.example", "import groups f.csv --tenant T", "serve --demo"],
)
def test_command_that_needs_the_owner_says_so(run: Run, demo: Addresses, tmp_path: Path, free_port: int, command: str):
    """As the role gateway alone: who it is, who it would have to be, and the setting to name them in."""
    (tmp_path / "f.csv").write_text("code,name\na,All\n", encoding="utf-8")
    message = failure(run(*command.split(), DATABASE_URL=demo.gateway, MOTOMIND_PORT=str(free_port)))
    assert 'owner, "motomind", and is connected as "gateway": permission denied for ' in message
    setting = f"MOTOMIND_OWNER_DATABASE_URL=postgresql://motomind:...@host/{name_of(demo)}\n"
    assert message.endswith(f"  export {setting}")


@pytest.mark.database
def test_owner_beside_the_gateway_is_taken(run: Run, demo: Addresses):
    """What the refusal above advises works."""
    settings = {"DATABASE_URL": demo.gateway, "MOTOMIND_OWNER_DATABASE_URL": demo.owner}
    assert run("token", "owner@enterprise.example", **settings).stdout
    message = run("migrate", **settings).stderr
    assert "current" in message
    assert "as a superuser (or with CREATEROLE):\n  ALTER ROLE gateway PASSWORD" in message


def test_serving_on_a_taken_port_is_refused(run: Run):
    """Before a database is started for it."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        message = failure(run("serve", "--port", port))
    assert f"127.0.0.1:{port}" in message
    assert "--port" in message


@pytest.mark.database
def test_token_prints_a_token_and_nothing_else(run: Run, demo: Addresses):
    """So that a shell can put it into a variable."""
    result = run("token", "owner@enterprise.example", DATABASE_URL=demo.owner)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.count("\n") == 1
    claims = jwt.decode(result.stdout.strip(), options={"verify_signature": False})
    assert claims["aud"] == "motomind"
    assert claims["tenant_id"]
    open_token = run("token", "consultant@example.com", DATABASE_URL=demo.owner).stdout.strip()
    assert "tenant_id" not in jwt.decode(open_token, options={"verify_signature": False})
    bound = run("token", "CONSULTANT@example.com", "--tenant", "small", DATABASE_URL=demo.owner).stdout.strip()
    assert jwt.decode(bound, options={"verify_signature": False})["tenant_id"]


@pytest.mark.database
@pytest.mark.parametrize(
    ("options", "people"),
    [
        ((), ("owner@enterprise.example", "manager@enterprise.example", "viewer@enterprise.example")),
        (
            ("--tenants", 1, "--groups", 3, "--vehicles", 3, "--days", 3),
            ("owner@fleet-1.example", "manager@fleet-1.example", "viewer@fleet-1.example"),
        ),
    ],
)
def test_demo_says_who_is_there_and_what_comes_next(
    run: Run, fresh_database: Addresses, options: tuple[Any, ...], people: tuple[str, ...]
):
    """People whom there are tokens for, and the commands to go on with."""
    assert "motomind demo" in failure(run("token", people[0], DATABASE_URL=fresh_database.owner))
    result = run("demo", *options, DATABASE_URL=fresh_database.owner)
    assert result.stderr.startswith(f"The demo is loaded. Some of its people: {', '.join(people)}\n")
    assert "motomind serve\n" in result.stderr
    assert f"motomind token {people[0]})\n" in result.stderr
    for person in people:
        assert run("token", person, DATABASE_URL=fresh_database.owner).stdout


@pytest.mark.database
def test_token_for_nobody_is_refused(run: Run, demo: Addresses):
    """An unknown address; a tenant of somebody else's, naming those there are; a production issuer."""
    message = failure(run("token", "nobody@example.com", DATABASE_URL=demo.owner))
    assert "nobody@example.com" in message
    assert "Among those there are: consultant@example.com, dispatcher@enterprise.example, " in message
    message = failure(run("token", "consultant@example.com", "--tenant", "Solo", DATABASE_URL=demo.owner))
    assert "Medium" in message
    assert "Small" in message
    production = {"MOTOMIND_JWT_ISSUER": "https://issuer.example", "MOTOMIND_JWT_PUBLIC_KEY": PUBLIC_KEY}
    message = failure(run("token", "owner@enterprise.example", DATABASE_URL=demo.owner, **production))
    assert "MOTOMIND_JWT_ISSUER" in message
    assert "https://issuer.example" in message


PUBLIC_KEY = """-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAztAo0npeZDjV58PwgM42
2hr6HPCbh2NiHPN+xBCNvAihhc56hn3gV9OZ9N27nN9SK5Wt8Teg0TjsBTHlacvw
yi/t2R9F901iX05in9/t5FgOkQVUgWSQMssjY4XgIfuxLjRyKDrEzLdQjH6obklB
OetGcTrLA7Vcy8zT98B0YLPIvwKNAtXjKf1tR3YXQfQpPnmVBVpg2nRtijsSrUDA
rDQEiJMhcJxF8UVqEFdkT8UB2yGLVG4H8xaFCOBDFq6Gd7OwoeLv5rji2+sE1FL0
IS2zg1hWwdbcDVbqNzyu+cbjSFfU93m1JARR10TJgTIF8iX3mdnPEPyJpAR09Ju2
8QIDAQAB
-----END PUBLIC KEY-----
"""


def test_token_before_there_is_anything_says_what_to_do(run: Run, tmp_path: Path):
    """Where nothing was looked for, and how to begin; nothing is made."""
    for directory, options in (("data", ("--data-dir", "data")), (".motomind", ())):
        message = failure(run("token", "owner@enterprise.example", *options))
        assert str(tmp_path / directory) in message
        assert "motomind serve --demo" in message
        assert "MOTOMIND_DATA_DIR" in message
    assert not list(tmp_path.iterdir())


@pytest.mark.database
def test_imports_of_nothing_are_refused(run: Run, tmp_path: Path):
    """A file that is not there is said before a database is started for it."""
    for what in ("groups", "fuel-log"):
        message = failure(run("import", what, tmp_path / "absent.csv", "--tenant", "T"))
        assert "absent.csv" in message.replace("\n", "")
    assert not (tmp_path / ".motomind").exists()


@pytest.mark.database
def test_import_says_what_was_added_and_what_is_wrong(run: Run, fresh_database: Addresses, tmp_path: Path):
    """Once, again without harm, and not at all where the file is wrong."""
    file = tmp_path / "groups.csv"
    file.write_text("code,name,type,parent\nA,North,location,\nB,Depot,location,A\n", encoding="utf-8")
    for said in ("Made the tenant T and its owner, owner@t.example. Read 2 rows", "already"):
        result = run("import", "groups", file, "--tenant", "T", DATABASE_URL=fresh_database.owner)
        assert (result.returncode, result.stdout) == (0, "")
        assert said in result.stderr.splitlines()[0]
    file.write_text("code,name,type,parent\nC,South,location,nowhere\n,,,\n", encoding="utf-8")
    message = failure(run("import", "groups", file, "--tenant", "T", DATABASE_URL=fresh_database.owner))
    assert "Nothing was imported" in message
    file.write_bytes(b"\xff\xfe\x00")
    failure(run("import", "fuel-log", file, "--tenant", "T", DATABASE_URL=fresh_database.owner))


@pytest.mark.database
@pytest.mark.parametrize(
    ("ending", "workers"),
    [(signal.SIGTERM, 1), (signal.SIGINT, 1), (signal.SIGTERM, 2)],
    ids=["TERM", "INT", "workers"],
)
def test_life_of_an_embedded_server(
    run: Run,
    scripts: Path,
    tmp_path: Path,
    environment: dict[str, str],
    free_port: int,
    ending: signal.Signals,
    workers: int,
):
    """Served from nothing, filled by a second command, asked over HTTP, ended by a signal with nothing left behind."""
    data, address = tmp_path / "data", f"http://127.0.0.1:{free_port}"
    pid_file = data / "postgres" / "postmaster.pid"
    log = tmp_path / "log"
    with log.open("w") as output:
        process = subprocess.Popen(  # noqa: S603
            [scripts / "motomind", "serve", "--data-dir", data, "--port", str(free_port), "--workers", str(workers)],
            cwd=tmp_path,
            env=environment,
            stdout=output,
            stderr=output,
        )
    try:
        wait_until(lambda: alive(address), process, log)
        assert f"motomind token EMAIL --data-dir {data})\n" in log.read_text()
        assert pid_file.exists()
        again = run("serve", "--data-dir", data, "--port", free_port)
        assert str(free_port) in failure(again)
        options = ("--tenants", 1, "--groups", 3, "--vehicles", 5, "--days", 3, "--data-dir", data)
        for said in (f"motomind token owner@fleet-1.example --data-dir {data})\n", "already there"):
            loaded = run("demo", *options)
            assert loaded.returncode == 0, loaded.stderr
            assert said in loaded.stderr
        assert pid_file.exists(), "the second command stopped the first one's server"
        token = run("token", "owner@fleet-1.example", "--data-dir", data).stdout.strip()
        response = httpx.post(
            f"{address}/graphql",
            json={"query": "{ viewer { email } vehicles { totalCount } fleetGroups { totalCount } }"},
            headers={"Authorization": f"Bearer {token}", "Accept": GRAPHQL_JSON},
        )
        assert response.json()["data"] == {
            "viewer": {"email": "owner@fleet-1.example"},
            "vehicles": {"totalCount": 5},
            "fleetGroups": {"totalCount": 3},
        }
        process.send_signal(ending)
        assert process.wait(20) == 0, log.read_text()
        assert "Traceback" not in log.read_text()
        assert not pid_file.exists()
        assert not alive(address)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({}, "TOKEN=$(motomind token owner@enterprise.example)"),
        ({"data_dir": Path("/my data")}, "TOKEN=$(motomind token owner@enterprise.example --data-dir '/my data')"),
        (
            {"database_url": "postgresql://gateway@h/d"},
            "TOKEN=$(DATABASE_URL=postgresql://owner:...@host/database motomind token owner@enterprise.example)",
        ),
    ],
)
def test_greeting_asks_the_database_that_is_served(monkeypatch: pytest.MonkeyPatch, given: dict[str, Any], line: str):
    """The line to paste names what is not the default."""
    monkeypatch.setattr(sys, "argv", ["motomind"])
    settings = Settings.model_construct(host="h", port=1, **given)
    assert f"  {line}\n" in greeting.first_steps(settings, demo=True)


@pytest.mark.database
@pytest.mark.parametrize(("options", "has_people"), [(("--demo",), True), ((), False)], ids=["demo", "plain"])
def test_explorer_of_the_demo_has_its_people(
    scripts: Path,
    tmp_path: Path,
    environment: dict[str, str],
    demo: Addresses,
    free_port: int,
    options: tuple[str, ...],
    *,
    has_people: bool,
):
    """The page is told of, and with --demo it gets tokens for the demo's people that the gateway takes."""
    address, log = f"http://127.0.0.1:{free_port}", tmp_path / "log"
    settings = {"DATABASE_URL": demo.gateway, "MOTOMIND_OWNER_DATABASE_URL": demo.owner}
    with log.open("w") as output:
        process = subprocess.Popen(  # noqa: S603
            [scripts / "motomind", "serve", *options, "--port", str(free_port)],
            cwd=tmp_path,
            env={**environment, **settings},
            stdout=output,
            stderr=output,
        )
    try:
        wait_until(lambda: alive(address), process, log)
        said = [line for line in log.read_text().splitlines() if "browser" in line]
        assert [f"{address}/graphql" in line for line in said] == [True]
        page = httpx.get(f"{address}/graphql", headers={"Accept": "text/html"})
        assert page.headers["content-type"].startswith("text/html")
        assert httpx.get(f"{address}/explorer/people").status_code == (200 if has_people else 404)
        if has_people:
            person = {"email": "owner@enterprise.example", "tenant": "Enterprise"}
            made = httpx.post(f"{address}/explorer/token", json=person, headers={"Origin": address})
            headers = {"Authorization": f"Bearer {made.json()['token']}"}
            asked = httpx.post(f"{address}/graphql", json={"query": "{ viewer { email } }"}, headers=headers)
            assert asked.json() == {"data": {"viewer": {"email": "owner@enterprise.example"}}}
    finally:
        process.terminate()
        assert process.wait(20) == 0, log.read_text()


@pytest.mark.parametrize(
    ("is_built", "line"),
    [
        (True, "Or open http://h:1/graphql in a browser: the explorer, with example queries."),
        (False, "A browser sees the explorer at http://h:1/graphql once it is built:\n'make explorer' does that"),
    ],
)
def test_greeting_tells_of_the_explorer(is_built: bool, line: str):
    """Where it is, or how to get it."""
    assert greeting.explorer(Settings.model_construct(host="h", port=1), is_built=is_built).startswith(line)


def alive(address: str) -> bool:
    """Whether the gateway answers."""
    try:
        return httpx.get(f"{address}/healthz").status_code == 200
    except httpx.TransportError:
        return False


def wait_until(condition: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
    """Waits half a minute at most, and no longer than the process lives."""
    end = time.monotonic() + 30
    while not condition():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < end, log.read_text()
        time.sleep(0.05)


def test_keys_are_made_rotated_and_listed(run: Run, short_demo: Addresses, databases: Databases):
    """What each prints, and what is missing where no master key is set; a master key is printed once."""
    addresses = databases.make(name_of(short_demo))
    where = {"DATABASE_URL": addresses.gateway, "MOTOMIND_OWNER_DATABASE_URL": addresses.owner}
    try:
        assert "no data keys yet" in run("keys", "list", **where).stderr
        assert "MOTOMIND_MASTER_KEYS=$(motomind keys generate)" in failure(run("keys", "rotate", **where))
        masters = run("keys", "generate", "2026").stdout.strip()
        assert masters.startswith("2026:")
        where["MOTOMIND_MASTER_KEYS"] = masters
        assert "--tenant" in run("keys", "rotate", **where).stderr
        assert "There is no tenant Nobody" in failure(run("keys", "rotate", "--tenant", "Nobody", **where))
        fields = '["manual_events.payload.station_name"]'
        done = run("keys", "rotate", "--tenant", "solo", "--reencrypt", MOTOMIND_ENCRYPTED_FIELDS=fields, **where)
        assert done.returncode == 0, done.stderr
        assert re.search(r"Encrypted [\d,]+ value\(s\) in [\d,]+ row\(s\)", done.stderr)
        assert "Nothing was left" in run("keys", "reencrypt", MOTOMIND_ENCRYPTED_FIELDS=fields, **where).stderr
        assert "2026" in run("keys", "list", **where).stdout
        later = run("keys", "generate", "2027").stdout.strip()
        rewrapped = run("keys", "rewrap", **{**where, "MOTOMIND_MASTER_KEYS": f"{later},{masters}"})
        assert "Wrapped 1 data key(s) with 2027." in rewrapped.stderr
        said = failure(run("serve", "--port", "1", **where)) + failure(run("keys", "rewrap", **where))
        assert "2027" in said
        assert masters.partition(":")[2] not in said
    finally:
        databases.drop(addresses)


def test_the_demo_is_encrypted_as_the_settings_say(run: Run, migrated: Addresses, databases: Databases):
    """And the output says so."""
    addresses = databases.make(name_of(migrated))
    fields = '["manual_events.payload.location", "vehicles.extended_attributes.custom_fields.asset_tag"]'
    where = {"DATABASE_URL": addresses.owner, "MOTOMIND_ENCRYPTED_FIELDS": fields}
    size = ("--tenants", "1", "--groups", "1", "--vehicles", "4", "--days", "20")
    try:
        assert "needs MOTOMIND_MASTER_KEYS" in failure(run("demo", *size, **where))
        done = run("demo", *size, MOTOMIND_MASTER_KEYS=run("keys", "generate").stdout.strip(), **where)
        assert "What MOTOMIND_ENCRYPTED_FIELDS names is encrypted in the demo." in done.stderr
        text = dump(addresses)
        assert "$enc" in text
        assert [clear for clear in ('"latitude"', "A-00001") if clear in text] == []
    finally:
        databases.drop(addresses)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"MOTOMIND_ENCRYPTED_FIELDS": '["manual_events.payload.location"]'}, "needs MOTOMIND_MASTER_KEYS"),
        ({"MOTOMIND_ENCRYPTED_FIELDS": '["manual_events.payload.gallons"]'}, "reckons with gallons"),
        ({"MOTOMIND_ENCRYPTED_FIELDS": "location"}, "is no JSON"),
        ({"MOTOMIND_MASTER_KEYS": "secret-text"}, "NAME:BASE64"),
        ({"MOTOMIND_KMS": "nowhere:service"}, "'nowhere:service' is not there"),
        ({"MOTOMIND_KMS": "json:JSONDecoder"}, "has no name, wrap and unwrap"),
        ({"MOTOMIND_PHRASING": "nowhere:provider"}, "MOTOMIND_PHRASING 'nowhere:provider' is not there"),
    ],
)
def test_wrong_settings_of_encryption_and_phrasing_are_told_before_anything_begins(run: Run, settings, said):
    """By name, and without the key."""
    told = failure(run("keys", "list", **settings))
    assert said in told
    assert "secret-text" not in told
