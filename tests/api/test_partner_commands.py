"""``motomind clients`` and ``motomind documents``: what they do, print and refuse."""

from __future__ import annotations

import re
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import orjson
import pytest

from api import cli
from api.credentials import digest_of, is_key
from api.documents import hash_of
from resolvers.execution import Engine
from sql.admission import Admission
from sql.database import Database, PoolSettings
from sql.embedded import Addresses
from sql.owner import connected
from sql.session import Caller
from tests.api.conftest import Serve, refusal
from tests.api.partners import PUBLISHED, Partner, sha256
from tests.conftest import Databases

pytestmark = pytest.mark.database

TENANT = "Fleet 1"
COUNT = "query Count { vehicles(first: 1) { totalCount } }"
NUMBERS = count(1)


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    status: int
    out: str
    err: str

    def failure(self) -> str:
        """The message of a command that failed: on stderr, with nothing on stdout and no stack trace."""
        assert (self.status, self.out) == (1, ""), self
        assert "Traceback" not in self.err
        return self.err

    def success(self) -> str:
        """What a command that worked said on stderr."""
        assert self.status == 0, self
        return self.err


Command = Callable[..., Ended]


@pytest.fixture
def motomind(fleet: Addresses, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs ``motomind`` in this process, as the owner of the fleets' database."""
    monkeypatch.setenv("DATABASE_URL", fleet.owner)
    monkeypatch.setenv("COLUMNS", "80")

    def run(*arguments: Any) -> Ended:
        monkeypatch.setattr(sys, "argv", ["motomind", *map(str, arguments)])
        capsys.readouterr()
        status = 0
        try:
            cli.main()
        except SystemExit as end:
            status = int(end.code or 0)
        said = capsys.readouterr()
        return Ended(status, said.out, said.err)

    return run


@pytest.fixture
def name() -> str:
    """A name that no client has yet."""
    return f"command-{next(NUMBERS)}"


@pytest.fixture
async def database(fleet: Addresses) -> AsyncIterator[Database]:
    """The gateway's own way to the database."""
    database = await Database.connect(fleet.gateway, PoolSettings(max_size=2))
    yield database
    await database.close()


def manifest(path: Path, content: Any) -> Path:
    """A file with a manifest."""
    path.write_bytes(content if isinstance(content, bytes) else orjson.dumps(content))
    return path


def apollo(*operations: tuple[str, str]) -> dict[str, Any]:
    """A manifest of Apollo's, of ids and texts."""
    described = [{"id": id_, "body": text, "name": "Name", "type": "query"} for id_, text in operations]
    return {"format": "apollo-persisted-query-manifest", "version": 1, "operations": described}


def rows(addresses: Addresses, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """Rows, as the owner sees them."""
    with connected(addresses.owner) as connection:
        return connection.execute(statement.encode(), parameters).fetchall()


class TestClients:
    """Made, listed, given new keys, revoked."""

    async def test_create_prints_the_key_and_nothing_else_on_stdout(
        self, motomind: Command, name: str, database: Database
    ):
        """So that a shell can put it into a variable; what to do next is said beside it."""
        ended = motomind("clients", "create", name, "--tenant", TENANT.lower())
        key = ended.out.removesuffix("\n")
        assert is_key(key)
        assert f"motomind documents publish MANIFEST --client {name}" in ended.success()
        assert "nothing yet" in ended.err
        client = await Admission(database).client_of_key(digest_of(key))
        assert client is not None
        assert (client.name, client.mode, client.introspection) == (name, "id_only", False)

    def test_names_that_are_taken_or_none_are_refused(self, motomind: Command, name: str):
        """Each with what to do."""
        assert motomind("clients", "create", name, "--tenant", TENANT).status == 0
        assert f"motomind clients rotate {name}" in motomind("clients", "create", name, "--tenant", TENANT).failure()
        assert motomind("clients", "create", name, "--tenant", "Fleet 2").status == 0
        ambiguous = motomind("clients", "rotate", name).failure()
        assert "--tenant" in ambiguous
        assert "Fleet 1, Fleet 2" in ambiguous
        assert motomind("clients", "rotate", name, "--tenant", "Fleet 2").status == 0
        for wrong in ("", "Name", "a b", "-a", "x" * 64, "é", "a\n"):
            assert "is no name for a client" in motomind("clients", "create", "--tenant", TENANT, "--", wrong).failure()
        assert "Tenants: Fleet 1, Fleet 2." in motomind("clients", "create", "x", "--tenant", "Nobody").failure()
        assert "There is no client" in motomind("clients", "rotate", "nobody").failure()
        assert "motomind clients list" in motomind("clients", "rotate", "nobody", "--tenant", TENANT).failure()

    def test_a_name_in_tokens_belongs_to_one_client(self, motomind: Command, name: str):
        """The second one is told, and is not made."""
        assert motomind("clients", "create", name, "--tenant", TENANT, "--token-client", "app").status == 0
        other = motomind("clients", "create", f"{name}-2", "--tenant", TENANT, "--token-client", "app").failure()
        assert "'app'" in other
        for wrong in ("", "x" * 201):
            motomind("clients", "create", f"{name}-3", "--tenant", TENANT, "--token-client", wrong).failure()
        assert f"{name}-" not in motomind("clients", "list").out

    async def test_a_client_sees_what_is_granted_to_it(
        self, motomind: Command, name: str, fleet: Addresses, serve: Serve
    ):
        """A viewer its groups, a manager the whole tenant; nothing without a grant."""
        group = rows(
            fleet,
            "select g.name, g.id from fleet_groups g join tenants t on t.id = g.tenant_id"
            " where t.name = %s and g.parent_group_id is not null order by g.name limit 1",
            TENANT,
        )[0]
        keys = [
            motomind("clients", "create", f"{name}-{suffix}", "--tenant", TENANT, "--mode", "open", *more).out.strip()
            for suffix, more in (
                ("none", ()),
                ("one", ("--read", group[0])),
                ("same", ("--read", group[0], "--write", group[0], "--read", group[0])),
                ("all", ("--role", "manager")),
            )
        ]
        seen = []
        async with serve(database_url=fleet.gateway) as gateway:
            for key in keys:
                answer = await Partner("", key, fleet).post(
                    gateway.http, query="{ fleetGroups(first: 50) { nodes { id } } vehicles(first: 1) { totalCount } }"
                )
                seen.append({node["id"] for node in answer.json()["data"]["fleetGroups"]["nodes"]})
        none, one, same, everything = seen
        assert none == set()
        assert str(group[1]) in one
        assert one == same
        assert one < everything
        levels = rows(
            fleet,
            "select c.name, p.permission_level from group_permissions p join clients c on c.user_id = p.user_id"
            " where c.name like %s order by c.name",
            f"{name}-%",
        )
        assert levels == [(f"{name}-one", "read"), (f"{name}-same", "write")]

    def test_grants_that_cannot_be_are_refused(self, motomind: Command, name: str):
        """Groups that are not there; a manager, who needs none. Nothing is made."""
        create = ("clients", "create", name, "--tenant", TENANT)
        assert "'Nowhere/Else' is no group" in motomind(*create, "--read", "Nowhere/Else").failure()
        assert motomind(*create, "--role", "manager", "--read", "A").status == 2
        assert motomind(*create, "--mode", "id_only").status == 2
        assert motomind(*create, "--role", "owner").status == 2
        assert name not in motomind("clients", "list").out

    def test_list_has_a_line_for_each_client(self, motomind: Command, name: str, tmp_path: Path):
        """With mode, role, state, and the numbers of its keys and documents; whole, however narrow the terminal is."""
        long = name + "-" + "x" * (62 - len(name))
        for which in (name, long):
            motomind("clients", "create", which, "--tenant", TENANT)
        motomind("clients", "rotate", name)
        motomind("documents", "publish", manifest(tmp_path / "m.json", {"a": PUBLISHED}), "--client", name)
        listed = [line.split() for line in motomind("clients", "list").out.splitlines()]
        assert [*TENANT.split(), name, "id-only", "viewer", "active", "2", "1"] in listed
        assert [*TENANT.split(), long, "id-only", "viewer", "active", "1", "0"] in listed
        motomind("clients", "revoke", name)
        assert "revoked" in next(line for line in motomind("clients", "list").out.splitlines() if f" {name} " in line)
        assert name not in motomind("clients", "list", "--tenant", "Fleet 2").out

    def test_rotate_prints_a_new_key(self, motomind: Command, name: str):
        """And says how long those before it hold."""
        first = motomind("clients", "create", name, "--tenant", TENANT).out.strip()
        ended = motomind("clients", "rotate", name, "--grace-hours", "0.5")
        assert is_key(ended.out.strip())
        assert ended.out.strip() != first
        assert "0.5 hours" in ended.success()
        assert motomind("clients", "rotate", name, "--grace-hours", "-1").status == 2
        assert motomind("clients", "rotate", name, "--grace-hours", "1e12").status == 2
        assert motomind("clients", "rotate", name, "--grace-hours", "nan").status == 2

    def test_revoke_is_for_good(self, motomind: Command, name: str, fleet: Addresses):
        """The member leaves; the name stays in the record."""
        motomind("clients", "create", name, "--tenant", TENANT)
        assert "revoked" in motomind("clients", "revoke", name).success()
        for command in (("clients", "revoke"), ("clients", "rotate"), ("documents", "list", "--client")):
            assert "was revoked on" in motomind(*command, name).failure()
        assert "choose another" in motomind("clients", "create", name, "--tenant", TENANT).failure()
        (left,) = rows(
            fleet,
            "select m.left_at is not null from memberships m join clients c on c.user_id = m.user_id where c.name = %s",
            name,
        )
        assert left == (True,)

    def test_keys_are_kept_nowhere(
        self, motomind: Command, name: str, fleet: Addresses, caplog: pytest.LogCaptureFixture
    ):
        """Not in a table, the audit trail or the log: a digest is, and the first characters."""
        keys = [
            motomind("clients", "create", name, "--tenant", TENANT).out.strip(),
            motomind("clients", "rotate", name).out.strip(),
        ]
        tables = [
            table
            for (table,) in rows(
                fleet,
                "select relname from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'"
                " and not relispartition and relname not like '%%yoyo%%'",
            )
        ]
        assert {"clients", "client_keys", "audit_trail"} <= set(tables)
        for table in tables:
            for key in keys:
                found = rows(
                    fleet, f"select 1 from {table} t where to_jsonb(t)::text like '%%' || %s || '%%'", key[12:]
                )
                assert found == [], table
        digests = [digest_of(key).hex() for key in keys]
        trail = rows(fleet, "select new_values::text from audit_trail where table_name = 'client_keys'")
        assert len(trail) >= 2
        assert not [row for row in trail for digest in digests if digest in row[0]]
        assert not [key for key in keys if key in caplog.text]

    async def test_the_record_of_a_write_names_the_client(
        self, motomind: Command, name: str, fleet: Addresses, database: Database
    ):
        """The audit trail and the event stream; what the same member writes without it names none."""
        key = motomind("clients", "create", name, "--tenant", TENANT, "--role", "manager").out.strip()
        client = await Admission(database).client_of_key(digest_of(key))
        assert client is not None
        for client_id in (client.id, None):
            caller = Caller(client.user_id, client.tenant_id, "127.0.0.1", "test", client_id)
            async with database.session(caller, writes=True) as session:
                await session.connection.execute(
                    "update vehicles set model = $2 where tenant_id = $1",
                    str(client.tenant_id),
                    f"{name} {client_id}",
                )
        for written in (client.id, None):
            recorded = rows(
                fleet,
                "select distinct a.client_id, a.changed_by from audit_trail a where a.new_values ->> 'model' = %s",
                f"{name} {written}",
            )
            assert recorded == [(written, client.user_id)]
        told = rows(
            fleet,
            "select distinct e.metadata ->> 'client_id' from event_stream e where e.metadata ->> 'user_id' = %s",
            str(client.user_id),
        )
        assert sorted(told, key=str) == sorted([(str(client.id),), (None,)], key=str)


class TestManifests:
    """What is read, and what is refused before anything is published."""

    @pytest.mark.parametrize(
        "content",
        [
            apollo((hash_of(COUNT), COUNT), ("own", PUBLISHED)),
            {hash_of(COUNT): COUNT, "own": PUBLISHED},
            {sha256(COUNT): COUNT, "own": PUBLISHED},
        ],
        ids=["Apollo", "Relay and GraphQL Code Generator", "with sha256:"],
    )
    async def test_three_forms_are_read(
        self, motomind: Command, name: str, tmp_path: Path, fleet: Addresses, serve: Serve, content: Any
    ):
        """And served by the ids in them."""
        key = motomind("clients", "create", name, "--tenant", TENANT).out.strip()
        path = manifest(tmp_path / "m.json", content)
        said = motomind("documents", "publish", path, "--client", name).success()
        assert f"Published version 1 for {name}: 2 new, 0 brought back, 0 there already." in said
        async with serve(database_url=fleet.gateway) as gateway:
            partner = Partner(name, key, fleet)
            for id_ in (hash_of(COUNT), sha256(COUNT), "own"):
                assert "data" in (await partner.get(gateway.http, documentId=id_)).json()
        listed = motomind("documents", "list", "--client", name).out
        assert "Count" in listed
        assert "Published" in listed

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            (b"", "is not JSON"),
            (b"\xff", "is not JSON"),
            (b"[" * 100_000, "is not JSON"),
            (b"[]", "not a JSON object"),
            (b"5", "not a JSON object"),
            (b"{}", "lists no documents"),
            (apollo(), "lists no documents"),
            ({**apollo(("a", PUBLISHED)), "version": 2}, "another version"),
            ({"format": "apollo-persisted-query-manifest", "version": 1}, "another version than 1, or has no op"),
            ({**apollo(), "operations": [5]}, "an id of 1 to 200 characters"),
            ({"a": 5}, "an id of 1 to 200 characters"),
            ({"a": {"b": "c"}}, "an id of 1 to 200 characters"),
            ({"": PUBLISHED}, "an id of 1 to 200 characters"),
            ({"x" * 201: PUBLISHED}, "an id of 1 to 200 characters"),
            ({"a\0": PUBLISHED}, "cannot have"),
            ({"a\x1b[31m": PUBLISHED}, "cannot have"),
            ({"a": PUBLISHED + "#\0"}, "cannot have"),
            (b'{"a": "{ tenant { name } } # \\ud800"}', "cannot have"),
            (apollo(("a", PUBLISHED), ("a", COUNT)), "more than once: a"),
            (b'{"a": "{ tenant { name } }", "a": "{ tenant { id } }"}', "more than once: a"),
            ({"sha256:" + "0" * 64: PUBLISHED}, f"Published: its id sha256:{'0' * 64} is not the SHA-256"),
            ({"0" * 64: PUBLISHED}, "is not the SHA-256 of its text"),
            ({"sha256:x": PUBLISHED}, "is not the SHA-256 of its text"),
            ({"a": "{"}, "a (line 1, column 2): "),
            ({"a": "fragment F on Tenant { name }"}, "a"),
            ({"a": "query A { tenant { name } } query B { tenant { name } }"}, "exactly one"),
            ({"a": "{a" * 4000}, "a: Brackets within each other: "),
        ],
        ids=lambda value: str(value)[:50],
    )
    def test_what_is_no_manifest_is_refused(
        self, motomind: Command, name: str, tmp_path: Path, content: Any, said: str
    ):
        """In one message; nothing is published."""
        motomind("clients", "create", name, "--tenant", TENANT)
        path = manifest(tmp_path / "m.json", content)
        assert said in motomind("documents", "publish", path, "--client", name).failure()
        assert "Nothing is published" in motomind("documents", "list", "--client", name).err

    def test_a_file_that_is_not_there_is_said(self, motomind: Command, name: str, tmp_path: Path):
        """With its name."""
        for path in (tmp_path / "nothing.json", tmp_path):
            assert str(path) in motomind("documents", "publish", path, "--client", name).failure()


class TestPublishing:
    """All or none, as versions."""

    def test_all_or_none_with_every_broken_operation_named(self, motomind: Command, name: str, tmp_path: Path):
        """By the operation's name, with line and column."""
        motomind("clients", "create", name, "--tenant", TENANT)
        broken = {
            "1": PUBLISHED,
            "2": "query First { nothing }",
            "3": "query Second {\n  tenant { name no }\n}",
            "4": "query Third($id: ID!) { tenant { name } }",
            "5": "query Fourth {",
        }
        said = motomind("documents", "publish", manifest(tmp_path / "m.json", broken), "--client", name).failure()
        for problem in ("First (line 1, column 15): ", "Second (line 2, column 17): ", "Third (line 1, ", "5 (line 1"):
            assert f"\n  {problem}" in said
        assert "Published" not in said
        assert "Nothing is published" in motomind("documents", "list", "--client", name).err

    def test_many_problems_are_counted(self, motomind: Command, name: str, tmp_path: Path):
        """The first twenty are told."""
        motomind("clients", "create", name, "--tenant", TENANT)
        broken = {str(number): f"query Q{number} {{ nothing }}" for number in range(30)}
        said = motomind("documents", "publish", manifest(tmp_path / "m.json", broken), "--client", name).failure()
        assert said.count("\n  Q") == 20
        assert "... and 10 more" in said

    def test_a_dry_run_says_what_would_happen(self, motomind: Command, name: str, tmp_path: Path):
        """And does nothing."""
        motomind("clients", "create", name, "--tenant", TENANT)
        publish = ("documents", "publish", manifest(tmp_path / "m.json", {"a": PUBLISHED}), "--client", name)
        for _ in range(2):
            said = motomind(*publish, "--dry-run").success()
            assert "  + a\n" in said
            assert f"Would publish version 1 for {name}: 1 new" in said
        assert "Nothing is published" in motomind("documents", "list", "--client", name).err
        assert "Published version 1" in motomind(*publish).success()
        assert "Nothing changed" in motomind(*publish, "--dry-run").success()

    def test_versions_and_what_stays(self, motomind: Command, name: str, tmp_path: Path):
        """The same again changes nothing; documents of earlier manifests stay until they are retired."""
        motomind("clients", "create", name, "--tenant", TENANT)

        def publish(**documents: str) -> str:
            path = manifest(tmp_path / "m.json", documents)
            return motomind("documents", "publish", path, "--client", name).success()

        assert "version 1" in publish(a=PUBLISHED, b=COUNT)
        assert "Nothing changed: all 2 documents are published already." in publish(b=COUNT, a=PUBLISHED)
        second = publish(b=COUNT, c="{ viewer { email } }")
        assert f"Published version 2 for {name}: 1 new, 0 brought back, 1 there already." in second
        assert "    a  (not in this manifest; stays)" in second
        assert f"motomind documents retire --client {name} ID..." in second
        assert (
            f"Retired 2 document(s) of {name}"
            in motomind("documents", "retire", "a", "b", "a", "--client", name).success()
        )
        listed = motomind("documents", "list", "--client", name).out
        states = {line.split()[0]: line for line in listed.splitlines() if line.strip()}
        assert "retired" in states["a"]
        assert "1-2" in states["b"]
        assert "served" in states["c"]
        assert "1 new" not in publish(b=COUNT)
        third = publish(a=PUBLISHED, b=COUNT)
        assert "1 brought back" in third

    def test_an_id_stands_for_one_text_for_ever(self, motomind: Command, name: str, tmp_path: Path):
        """Also after it was retired."""
        motomind("clients", "create", name, "--tenant", TENANT)
        publish = ("documents", "publish", tmp_path / "m.json", "--client", name)
        manifest(tmp_path / "m.json", {"a": PUBLISHED})
        motomind(*publish)
        manifest(tmp_path / "m.json", {"a": COUNT, "b": COUNT})
        assert "an id stands for one text for ever: a" in motomind(*publish).failure()
        motomind("documents", "retire", "a", "--client", name)
        assert "an id stands for one text for ever: a" in motomind(*publish, "--dry-run").failure()
        assert " b " not in motomind("documents", "list", "--client", name).out

    def test_retiring_what_is_not_there_retires_nothing(self, motomind: Command, name: str, tmp_path: Path):
        """Neither unknown ids nor those that are retired already."""
        motomind("clients", "create", name, "--tenant", TENANT)
        motomind("documents", "publish", manifest(tmp_path / "m.json", {"a": PUBLISHED}), "--client", name)
        said = motomind("documents", "retire", "a", "b", "--client", name).failure()
        assert "Nothing was retired" in said
        assert "b\n" in said
        assert "served" in motomind("documents", "list", "--client", name).out
        motomind("documents", "retire", "a", "--client", name)
        assert "Nothing was retired" in motomind("documents", "retire", "a", "--client", name).failure()


class TestReports:
    """What is known of documents' use, and whether they still fit."""

    async def test_report_tells_uses_and_unknown_documents(
        self, motomind: Command, name: str, tmp_path: Path, fleet: Addresses, serve: Serve
    ):
        """Texts come from partners: they are printed as they are, without markup and control characters."""
        key = motomind("clients", "create", name, "--tenant", TENANT, "--mode", "log").out.strip()
        motomind("documents", "publish", manifest(tmp_path / "m.json", {"a": PUBLISHED, "b": COUNT}), "--client", name)
        assert "It sent no unknown documents." in motomind("documents", "report", "--client", name).success()
        nasty = "{ viewer { email } } # [/x] [red]red [link=https://x.example]x \x1b]0;title\x07 \x1b[2J"
        async with serve(database_url=fleet.gateway) as gateway:
            partner = Partner(name, key, fleet)
            await partner.get(gateway.http, documentId="a")
            for _ in range(3):
                assert "data" in (await partner.post(gateway.http, query=nasty)).json()
        ended = motomind("documents", "report", "--client", name)
        assert f"{name}: 2 documents served, 1 of them never used." in ended.success()
        lines = ended.out.splitlines()
        (unknown,) = [line for line in lines if hash_of(nasty) in line]
        assert re.search(r"\b3\b", unknown)
        assert "# [/x] [red]red [link" in unknown
        assert "\x1b" not in ended.out
        assert "\x07" not in ended.out
        never, used = [line for line in lines if re.search(r" [ab] ", line)]
        assert "never" in never
        assert "Count" in never
        assert re.search(r"20\d\d-\d\d-\d\d \d\d:\d\d +a +Published", used)

    def test_check_holds_documents_against_the_schema(
        self, motomind: Command, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        """Exit status 1 with tenant, client and operation where one would break."""
        motomind("clients", "create", name, "--tenant", TENANT)
        motomind("documents", "publish", manifest(tmp_path / "m.json", {"a": PUBLISHED}), "--client", name)
        said = motomind("documents", "check").success()
        assert re.search(r"All \d+ documents fit the schema\.", said)
        read = Engine._read  # noqa: SLF001

        def stricter(engine: Engine, text: str, **options: Any) -> Any:
            return read(engine, "query Published { gone }" if text == PUBLISHED else text, **options)

        monkeypatch.setattr(Engine, "_read", stricter)
        broken = motomind("documents", "check")
        assert f"{TENANT}, {name}, a: Published (line 1, column 19): " in broken.failure()
        motomind("documents", "retire", "a", "--client", name)
        assert f"{TENANT}, {name}, a:" not in motomind("documents", "check").err

    def test_commands_before_the_migrations_say_so(
        self, databases: Databases, motomind: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ):
        """With the command that helps; a database that is not the owner's is told as well."""
        empty = databases.make()
        path = manifest(tmp_path / "m.json", {"a": PUBLISHED})
        commands = (
            ("clients", "create", "a", "--tenant", "T"),
            ("clients", "list"),
            ("documents", "publish", path, "--client", "a"),
            ("documents", "check"),
        )
        try:
            for command in commands:
                monkeypatch.setenv("DATABASE_URL", empty.owner)
                assert "motomind migrate" in motomind(*command).failure()
        finally:
            databases.drop(empty)


def test_the_gateway_role_is_not_enough(motomind: Command, fleet: Addresses, monkeypatch: pytest.MonkeyPatch):
    """Clients and documents are the owner's to say."""
    monkeypatch.setenv("DATABASE_URL", fleet.gateway)
    for command in (("clients", "list"), ("clients", "create", "a", "--tenant", TENANT), ("documents", "check")):
        assert "MOTOMIND_OWNER_DATABASE_URL" in motomind(*command).failure()


async def test_a_key_that_is_refused_is_not_in_the_log(
    motomind: Command, name: str, fleet: Addresses, serve: Serve, caplog: pytest.LogCaptureFixture
):
    """Nor in the answer."""
    key = motomind("clients", "create", name, "--tenant", TENANT).out.strip()
    motomind("clients", "revoke", name)
    with caplog.at_level(0):
        async with serve(database_url=fleet.gateway) as gateway:
            response = await Partner(name, key, fleet).post(gateway.http, query=PUBLISHED)
    assert refusal(response, 401) == "KEY_INVALID"
    assert key not in response.text
    assert key[4:] not in caplog.text
