"""Arguments of costs and series that are wrong: each a GraphQL error with a stable code."""

from __future__ import annotations

import pytest

from tests.api.conftest import Client
from tests.api.test_inputs import NOBODY, error_code

pytestmark = pytest.mark.database

LONG = ", ".join(['"a"'] * 21)
COSTS = {
    "groupBy: [DAY]": "GRAPHQL_VALIDATION_FAILED",
    "groupBy: [null]": "GRAPHQL_VALIDATION_FAILED",
    "groupBy: null": "GRAPHQL_VALIDATION_FAILED",
    'groupBy: [], period: {start: "2026-02-30", end: "2026-03-01"}': "GRAPHQL_VALIDATION_FAILED",
    'groupBy: [], period: {start: "2026-03-01"}': "GRAPHQL_VALIDATION_FAILED",
    'groupBy: [], period: {start: "2026-03-01", end: "2026-03-01"}': "INVALID_PERIOD",
    'groupBy: [], period: {start: "2026-03-02", end: "2026-03-01"}': "INVALID_PERIOD",
    'groupBy: [], groupId: "Europe"': "INVALID_ID",
    'groupBy: [], filter: {fleetGroupId: "x"}': "INVALID_ID",
    'groupBy: [], filter: {make: {eq: "\\u0000"}}': "INVALID_ARGUMENT",
    "groupBy: [], first: -1": "INVALID_ARGUMENT",
    "groupBy: [], first: 10001": "INVALID_ARGUMENT",
    "groupBy: [], includeDescendants: null": "GRAPHQL_VALIDATION_FAILED",
    "groupBy: [COST_CENTRE], costCentrePath: []": "INVALID_ARGUMENT",
    f"groupBy: [COST_CENTRE], costCentrePath: [{LONG}]": "INVALID_ARGUMENT",
    'groupBy: [COST_CENTRE], costCentrePath: ["a", "\\u0000"]': "INVALID_ARGUMENT",
    "groupBy: [COST_CENTRE], costCentrePath: [null]": "GRAPHQL_VALIDATION_FAILED",
}
SERIES = {
    "interval: HOUR, measures: [MILES_DRIVEN]": "GRAPHQL_VALIDATION_FAILED",
    "measures: [MILES_DRIVEN]": "GRAPHQL_VALIDATION_FAILED",
    "interval: DAY": "GRAPHQL_VALIDATION_FAILED",
    "interval: DAY, measures: []": "INVALID_ARGUMENT",
    "interval: DAY, measures: [MPH]": "GRAPHQL_VALIDATION_FAILED",
    "interval: DAY, measures: [FUEL_COST], groupBy: [MONTH]": "GRAPHQL_VALIDATION_FAILED",
    "interval: DAY, measures: [FUEL_COST], first: 10001": "INVALID_ARGUMENT",
    "interval: DAY, measures: [MILES_DRIVEN], groupBy: [VEHICLE]": "TOO_MANY_ROWS",
    'interval: DAY, measures: [MILES_DRIVEN], period: {start: "2026-03-02", end: "2026-03-01"}': "INVALID_PERIOD",
    'interval: DAY, measures: [MILES_DRIVEN], groupId: "1"': "INVALID_ID",
}


@pytest.mark.parametrize("arguments", COSTS)
async def test_wrong_arguments_of_costs_are_told(client: Client, arguments: str):
    """With the code that says what kind of mistake it is."""
    assert await error_code(client, f"costBreakdown({arguments}) {{ totalCost }}") == COSTS[arguments]


@pytest.mark.parametrize("arguments", SERIES)
async def test_wrong_arguments_of_series_are_told(client: Client, arguments: str):
    """With the code that says what kind of mistake it is."""
    assert await error_code(client, f"metricsSeries({arguments}) {{ start }}") == SERIES[arguments]


async def test_what_is_odd_but_no_mistake_is_answered(client: Client):
    """A dimension twice, a group of nobody's, the first and last days that there are, and none of the rows."""
    whole = 'period: {start: "0001-01-01", end: "9999-12-31"}'
    response = await client.post(
        f"""{{ once: costBreakdown(groupBy: [MAKE], {whole}) {{ make totalCost }}
               twice: costBreakdown(groupBy: [MAKE, MAKE]) {{ make totalCost }}
               nobody: costBreakdown(groupBy: [], groupId: "{NOBODY}") {{ totalCost }}
               years: metricsSeries(interval: YEAR, measures: [MILES_DRIVEN, MILES_DRIVEN], {whole}) {{ milesDriven }}
               none: metricsSeries(interval: DAY, measures: [MILES_DRIVEN], first: 0) {{ milesDriven }} }}"""
    )
    data = response.json()["data"]
    assert data["once"] == data["twice"] != []
    assert data["nobody"] == data["none"] == []
    assert data["years"]
