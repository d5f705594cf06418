"""The explorer's example queries: each is valid, says what it is about, and is answered on the demo."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from graphql import build_schema, parse, validate

from tests.conftest import DEMO_UNTIL, Ask

ROOT = Path(__file__).resolve().parents[1]
FILES = sorted((ROOT / "explorer" / "examples").glob("*.graphql"))
TODAY = DEMO_UNTIL - timedelta(days=1)  # the last day that the demo has
CALLER = "owner@enterprise.example"


def _month(today: date, back: int) -> str:
    """The first day of the month so many months back."""
    month = today.year * 12 + today.month - 1 - back
    return date(month // 12, month % 12 + 1, 1).isoformat()


def variables(text: str, today: date = TODAY) -> dict[str, Any]:
    """What explorer/src/periods.ts fills in for a document's variables."""

    def value(name: str, count: int) -> Any:
        match name:
            case "month":
                return {"start": _month(today, count), "end": _month(today, count - 1)}
            case "months":
                return {"start": _month(today, count), "end": _month(today, 0)}
            case "days":
                first, end = today - timedelta(days=count - 1), today + timedelta(days=1)
                return {"start": first.isoformat(), "end": end.isoformat()}
        moment = datetime(today.year, today.month, today.day, tzinfo=UTC) - timedelta(days=count)
        return moment.isoformat()

    found = re.findall(r"\$(month|months|days|since)(\d+)\s*:", text)
    return {name + count: value(name, int(count)) for name, count in found}


def rows(data: Any) -> int:
    """How many objects are in lists, anywhere."""
    match data:
        case dict():
            return sum(rows(value) for value in data.values())
        case list():
            return sum(1 + rows(item) for item in data if isinstance(item, dict))
    return 0


def test_there_are_examples_for_the_questions_of_bi():
    """Costs, service, economy, the tree and the audit trail are among them."""
    assert {path.stem for path in FILES} >= {
        *("costs_by_group_and_month", "cost_per_vehicle", "vehicles_due_for_service", "declining_fuel_economy"),
        "vehicles_losing_economy",
        *("fleet_tree", "latest_events", "audit_trail"),
    }


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_example_is_valid_and_says_what_it_is_about(path: Path):
    """Valid against the published schema, one named operation, a title and a sentence above it."""
    text = path.read_text(encoding="utf-8")
    document = parse(text)
    assert validate(build_schema((ROOT / "schema.graphql").read_text(encoding="utf-8")), document) == []
    operations = [one for one in document.definitions if one.kind == "operation_definition"]
    assert [bool(one.name) for one in operations] == [True]
    title, about, *_ = text.splitlines()
    assert re.fullmatch(r"# [A-Z][^.]+", title)
    assert re.fullmatch(r"# [A-Z].+\.", about)
    declared = {one.variable.name.value for one in operations[0].variable_definitions or ()}
    assert declared == set(variables(text)), "the explorer fills in every variable"


@pytest.mark.database
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
async def test_example_is_answered_on_the_demo(path: Path, ask: Ask):
    """Without errors and with rows, for the owner of the largest tenant."""
    text = path.read_text(encoding="utf-8")  # noqa: ASYNC240 - a small file, in a test
    answer = await ask(text, CALLER, **variables(text))
    assert answer.errors == []
    assert rows(answer.data) > 0
