"""Files that are generated from the code are current, and the published schema keeps its promises."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from graphql import build_schema
from graphql.utilities import find_breaking_changes
from pydantic.fields import FieldInfo

from api.issuer import Issuer
from api.settings import Settings
from resolvers.payloads import PAYLOADS, schema_text
from resolvers.schema import published
from sql.embedded import Addresses, binaries

ROOT = Path(__file__).resolve().parents[1]
CONTRACT = Path(__file__).parent / "contract.graphql"
CONFIGURATION = """# Configuration

Settings are environment variables, read once at the start; a wrong one is told before anything begins. Options of the
command line come before them. This page is generated from `api/settings.py`.

| variable | default | meaning |
|---|---|---|
"""
ISSUERS = """
## Issuers

What an object of `MOTOMIND_ISSUERS` says; [authentication](authentication.md) has examples.

| key | default | meaning |
|---|---|---|
"""


def _current(path: Path, content: str, *, rewrite: bool) -> None:
    if rewrite:
        path.write_text(content, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == content, f"{path.name} is not current; run: make snapshots"


def test_published_schema_is_current(*, rewrite: bool):
    """schema.graphql is what the gateway serves."""
    _current(ROOT / "schema.graphql", published(), rewrite=rewrite)


def test_configuration_is_documented(*, rewrite: bool):
    """docs/configuration.md lists every setting with its meaning and default."""
    variables = {
        str(field.validation_alias or f"MOTOMIND_{name.upper()}"): field
        for name, field in Settings.model_fields.items()
    }
    content = CONFIGURATION + _table(variables) + ISSUERS + _table(Issuer.model_fields)
    _current(ROOT / "docs" / "configuration.md", content, rewrite=rewrite)


def _table(fields: Mapping[str, FieldInfo]) -> str:
    """A row for each setting."""

    def default(field: FieldInfo) -> str:
        if field.is_required():
            return "required"
        value = ", ".join(field.default) if isinstance(field.default, tuple) else field.default
        return "unset" if value in (None, "") else f"`{value}`"

    return "".join(f"| `{name}` | {default(field)} | {field.description} |\n" for name, field in fields.items())


def test_payloads_are_documented(*, rewrite: bool):
    """docs/payloads has the JSON Schema of every type of event."""
    folder = ROOT / "docs" / "payloads"
    for event_type in PAYLOADS:
        _current(folder / f"{event_type}.json", schema_text(event_type), rewrite=rewrite)
    assert {path.stem for path in folder.iterdir()} == set(PAYLOADS)


def test_container_installs_what_is_locked():
    """deploy/requirements.txt has every package of requirements.txt, in the same version."""
    locked, deployed = (
        set(re.findall(r"(?m)^[a-z0-9][^\s;]*==[^\s;]+", (ROOT / path).read_text(encoding="utf-8")))
        for path in ("requirements.txt", "deploy/requirements.txt")
    )
    assert locked
    assert locked <= deployed, "deploy/requirements.txt is not current; run: make lock"


def test_published_schema_breaks_nothing_that_clients_count_on():
    """Whatever is in the contract is in the schema, unchanged."""
    contract = build_schema(CONTRACT.read_text(encoding="utf-8"))
    assert find_breaking_changes(contract, build_schema(published())) == []


def test_everything_in_the_schema_is_described():
    """Every type, field, argument's input field and enumeration of ours says what it means."""
    schema = build_schema(published())
    silent = []
    for type_ in schema.type_map.values():
        if type_.name.startswith("__") or type_.name in {"Query", "ID", "Int", "Float", "String", "Boolean"}:
            continue
        if not type_.description:
            silent.append(type_.name)
        silent += [
            f"{type_.name}.{name}" for name, field in getattr(type_, "fields", {}).items() if not field.description
        ]
    assert silent == []


@pytest.fixture
def schema_dump(migrated: Addresses) -> str:
    """The migrated database as SQL, without what differs from server to server."""
    dump = subprocess.run(  # noqa: S603 - our own binary and arguments
        [str(binaries() / "pg_dump"), "--schema-only", "--no-comments", "--exclude-schema=jobs", migrated.owner],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    blocks = re.split(r"(?m)^--\n-- Name: ", dump)
    kept = [
        body
        for block in blocks[1:]
        for title, _, body in [block.partition("\n")]
        if not re.search(r"manual_events_\d{4}_\d{2}|yoyo", title)
    ]
    text = "".join(body.removeprefix("--\n") for body in kept)
    lines = [line for line in text.splitlines() if line and not line.startswith(("--", "SET ", "\\"))]
    return (
        "-- Generated from the migrations by 'make snapshots', for review. Monthly partitions are left out.\n\n"
        + "\n".join(lines)
        + "\n"
    )


def test_schema_dump_is_what_the_migrations_make(schema_dump: str, *, rewrite: bool):
    """sql/schema.sql is what the migrations, replayed on an empty database, leave behind."""
    _current(ROOT / "sql" / "schema.sql", schema_dump, rewrite=rewrite)
