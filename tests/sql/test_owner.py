"""Working as the database's owner: addresses of somebody else, and databases that are not ready."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from sql.demo import DemoSize, load_demo
from sql.embedded import Addresses
from sql.errors import DatabaseError, DatabaseUnavailableError, SetupError
from sql.imports import import_groups
from sql.migrate import migrate
from sql.owner import connected
from tests.conftest import Databases

pytestmark = pytest.mark.database

Work = Callable[[str], object]


def silent(step, done, total):
    """Reports to nobody."""


@pytest.fixture(params=["import", "demo"])
def work(request: pytest.FixtureRequest, tmp_path: Path) -> Work:
    """Each way to work as the owner that does not migrate first."""
    if request.param == "demo":
        return lambda url: load_demo(url, size=DemoSize(1, 1, 1, 1), until=date(2026, 5, 1), progress=silent)
    path = tmp_path / "groups.csv"
    path.write_text("code,name\na,All\n", encoding="utf-8")
    return lambda url: import_groups(url, path, tenant="Acme", progress=silent)


def refusal(work: Work, url: str, kind: type[DatabaseError]) -> str:
    """The message that work is refused with."""
    with pytest.raises(kind) as refused:
        work(url)
    return str(refused.value)


def test_the_gateway_is_not_the_owner(work: Work, fresh_database: Addresses):
    """The message names both, and the setting."""
    message = refusal(work, fresh_database.gateway, SetupError)
    assert '"gateway"' in message
    assert "MOTOMIND_OWNER_DATABASE_URL=postgresql://motomind:" in message


def test_a_database_without_the_schema_is_told(work: Work, databases: Databases):
    """With the command that makes it."""
    empty = databases.make()
    try:
        assert "motomind migrate" in refusal(work, empty.owner, SetupError)
        assert '"gateway"' in refusal(migrate, empty.gateway, SetupError)
    finally:
        databases.drop(empty)


def test_a_database_that_does_not_answer_is_told(work: Work):
    """Nobody listens there."""
    assert "Check DATABASE_URL" in refusal(work, "postgresql://motomind@127.0.0.1:1/x", DatabaseUnavailableError)


def test_an_owner_without_a_right_is_not_sent_to_the_owner(fresh_database: Addresses):
    """What PostgreSQL says of it, and no setting that would not help."""

    def overreach(url: str) -> None:
        with connected(url) as connection:
            connection.execute("create role more")

    message = refusal(overreach, fresh_database.owner, SetupError)
    assert message.startswith('The database refuses its owner, "motomind": permission denied')
    assert "MOTOMIND_OWNER_DATABASE_URL" not in message
