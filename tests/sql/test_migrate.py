"""Migrations: forward only, each once, and again without harm."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from sql.embedded import Addresses
from sql.errors import DatabaseUnavailableError
from sql.migrate import migrate, pending
from tests.conftest import Databases

pytestmark = pytest.mark.database


def test_migrations_are_applied_once_and_replaying_them_changes_nothing(databases: Databases):
    """A new database takes all of them; the second time there is nothing left to do."""
    addresses = databases.make()
    try:
        told: list[str] = []
        applied = migrate(addresses.owner, told.append)
        assert applied == len(told) > 0
        assert told == sorted(told)
        assert pending(addresses.owner) == []
        assert migrate(addresses.owner) == 0
    finally:
        databases.drop(addresses)


def test_migrating_makes_the_event_partitions_of_the_months_ahead(make_database: Callable[[], Addresses]):
    """This month and the next three have their partitions, and the default one is empty."""
    with psycopg.connect(make_database().owner) as connection:
        ahead = connection.execute(
            "select count(*) from generate_series(date_trunc('month', now()), now() + interval '3 months', '1 month') m"
            " where to_regclass('manual_events_' || to_char(m at time zone 'UTC', 'YYYY_MM')) is not null"
        ).fetchone()
        assert ahead is not None
        assert ahead[0] >= 3


def test_a_database_that_does_not_answer_is_told_with_what_to_do():
    """Nobody listens there."""
    with pytest.raises(DatabaseUnavailableError, match="DATABASE_URL"):
        migrate("postgresql://motomind@127.0.0.1:1/nowhere")
