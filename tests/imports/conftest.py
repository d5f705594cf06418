"""Files to import, and a tenant with some vehicles to import them into."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from api.imports.bulk import BulkReport, import_file
from api.imports.column_map import ColumnMap, read_map
from sql.embedded import Addresses

VEHICLES = "label,vin,external_id\nVan,1HGCM82633A004352,V1\nBus,,V2\nTwin,,\n"
EVENTS = "vehicle,event_type,occurred_at,gallons,price_per_gallon,total_cost,odometer_miles\n"
Import = Callable[..., BulkReport]


@dataclass(frozen=True)
class Rows:
    """What is in a database, as its owner sees it."""

    owner: str

    def __call__(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        with psycopg.connect(self.owner) as connection:
            return connection.execute(query, parameters).fetchall()


@pytest.fixture
def rows(fresh_database: Addresses) -> Rows:
    """What is in the test's database."""
    return Rows(fresh_database.owner)


@pytest.fixture
def load(fresh_database: Addresses, tmp_path: Path) -> Import:
    """Imports a text or bytes as a file of a kind; ``map`` is the text of a map."""

    def load(
        kind: Any, content: str | bytes, *, name: str = "", map: str = "", dry: bool = False, tenant: str = "Acme"
    ) -> BulkReport:
        path = tmp_path / (name or f"{kind}.csv")
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        given = ColumnMap()
        if map:
            (tmp_path / "map.toml").write_text(map, encoding="utf-8")
            given = read_map(tmp_path / "map.toml")
        report = BulkReport(kind, dry)
        import_file(fresh_database.owner, path, given, report, tenant=tenant, progress=lambda *_: None)
        return report

    return load


@pytest.fixture
def fleet(load: Import) -> Import:
    """The same, into a tenant with three vehicles."""
    assert load("vehicles", VEHICLES, name="fleet.csv").added == 3
    return load
