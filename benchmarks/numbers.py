"""A page of the demo's figures: questions, answers and plots. Run: python -m benchmarks.numbers.

It writes docs/demo-figures.md and docs/demo-figures/*.svg. The questions are asked of the graph, as the demo's owner.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from benchmarks.database import ROOT
from benchmarks.plot import COLOURS, STYLE, save
from benchmarks.report import markdown
from resolvers.execution import Engine
from resolvers.schema import build
from sql import embedded
from sql.database import Database, PoolSettings
from sql.demo import load_demo
from sql.migrate import migrate
from sql.people import member
from sql.session import Caller

UNTIL = date(2026, 11, 1)
OWNER, TENANT = "owner@enterprise.example", "Enterprise"
PAGE, PLOTS = ROOT / "docs" / "demo-figures.md", ROOT / "docs" / "demo-figures"
YEAR = 'period: {start: "2025-11-01", end: "2026-11-01"}'
ECONOMY = f"""{{
  metricsSeries(interval: MONTH, groupBy: [MAKE], measures: [FUEL_EFFICIENCY_MPG, MILES_DRIVEN], {YEAR}) {{
    start make fuelEfficiencyMpg milesDriven
  }}
}}"""
COSTS = f"""{{
  costBreakdown(groupBy: [GROUP], {YEAR}) {{
    fleetGroup {{ name }} vehicleCount milesDriven fuelCost maintenanceCost totalCostPerMile
  }}
}}"""
DECLINES = """{
  economyDeclines(first: 5, period: {start: "2026-08-01", end: "2026-11-01"}) {
    vehicle { label make model } mpg baselineMpg lastYearMpg changePct
  }
}"""
MAKES = 5
TEXT = """# The demo in figures

Written by `python -m benchmarks.numbers`; not edited by hand. The demo of {until}, asked as `{owner}` of
{tenant}. What each figure means, and its formula, is in [numbers.md](numbers.md); how predictions are calibrated, in
[predictions.md](predictions.md).

## Fuel economy over time

```graphql
{economy}
```

![Miles per gallon of the five makes with the most miles, month by month](demo-figures/economy.svg)

Of each month it is the miles over the gallons of the spans that end in it: total by total. The five makes with the most
miles:

{economy_rows}

## Costs by group

```graphql
{costs}
```

![Dollars a mile of each group, for fuel and for maintenance](demo-figures/costs.svg)

{costs_rows}

A group's row is of the vehicles that are in it themselves. The groups below it have rows of their own.

## Declining economy

```graphql
{declines}
```

{declines_rows}
"""


def main() -> None:
    """Writes the page and its plots."""
    with tempfile.TemporaryDirectory() as directory, embedded.database(Path(directory)) as addresses:
        migrate(addresses.owner)
        load_demo(addresses.owner, until=UNTIL, progress=lambda *_: None)
        economy, costs, declines = asyncio.run(answers(addresses))
    makes = by_make(economy)
    PLOTS.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context(STYLE):
        draw_economy(makes, PLOTS / "economy.svg")
        draw_costs(costs, PLOTS / "costs.svg")
    months = sorted({row["start"] for row in economy})
    PAGE.write_text(
        TEXT.format(
            until=UNTIL, owner=OWNER, tenant=TENANT, economy=ECONOMY, costs=COSTS, declines=DECLINES,
            economy_rows=markdown([
                ["make", *(month[:7] for month in months)],
                *([make, *(number(found.get(month), 1) for month in months)] for make, found in makes.items()),
            ]),
            costs_rows=markdown([
                ["group", "vehicles", "miles", "fuel, $", "maintenance, $", "$ a mile"],
                *(
                    [name(row), number(row["vehicleCount"]), number(row["milesDriven"]), number(row["fuelCost"]),
                     number(row["maintenanceCost"]), number(row["totalCostPerMile"], 3)]
                    for row in costs
                ),
            ]),
            declines_rows=markdown([
                ["vehicle", "mpg now", "baseline", "last year", "change"],
                *(
                    [f"{row['vehicle']['label']}, {row['vehicle']['make']} {row['vehicle']['model']}",
                     *(number(row[figure], 1) for figure in ("mpg", "baselineMpg", "lastYearMpg")),
                     f"{number(row['changePct'], 1)} %"]
                    for row in declines
                ),
            ]) if declines else "No vehicle's economy declines in these months.",
        ),
        "utf-8",
    )  # fmt: skip
    print(f"Written: {PAGE.relative_to(ROOT)}")


async def answers(addresses: embedded.Addresses) -> list[list[dict[str, Any]]]:
    """The rows that the graph answers each question with."""
    engine = Engine(build())
    found = await member(addresses.owner, OWNER, TENANT)
    database = await Database.connect(addresses.gateway, PoolSettings(max_size=1))
    told = []
    for question in (ECONOMY, COSTS, DECLINES):
        async with database.session(Caller(found.user_id, found.tenant_id)) as session:
            result = await engine.execute(engine.document(question), session, {}, None)
        if result.errors:
            raise SystemExit(f"{result.errors}")
        (rows,) = json.loads(json.dumps(result.data, default=str)).values()
        told.append(rows)
    await database.close()
    return told


def by_make(rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """Miles per gallon by make and month, of the makes with the most miles."""
    miles: dict[str, int] = {}
    found: dict[str, dict[str, float]] = {}
    for row in rows:
        miles[row["make"]] = miles.get(row["make"], 0) + (row["milesDriven"] or 0)
        if row["fuelEfficiencyMpg"] is not None:
            found.setdefault(row["make"], {})[row["start"]] = row["fuelEfficiencyMpg"]
    return {make: found[make] for make in sorted(found, key=lambda make: -miles[make])[:MAKES]}


def draw_economy(makes: Mapping[str, Mapping[str, float]], file: Path) -> None:
    """A line for each make over the months."""
    figure = Figure(figsize=(8, 3.4), layout="constrained")
    axes = figure.subplots()
    months = sorted({month for found in makes.values() for month in found})
    for make, found in makes.items():
        known = [month for month in months if month in found]
        axes.plot([months.index(month) for month in known], [found[month] for month in known], marker="o", label=make)
    axes.set_xticks(range(len(months)), [month[:7] for month in months], rotation=45, ha="right", fontsize=8)
    axes.set_ylim(bottom=0)
    axes.set_ylabel("miles per gallon")
    axes.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    save(figure, file)


def draw_costs(rows: Sequence[Mapping[str, Any]], file: Path) -> None:
    """A bar for each group that drove: dollars a mile, fuel and then maintenance."""
    driven = [row for row in rows if row["milesDriven"]]
    figure = Figure(figsize=(8, 0.8 + 0.32 * len(driven)), layout="constrained")
    axes = figure.subplots()
    left = [0.0] * len(driven)
    for figure_name, label, colour in (
        ("fuelCost", "fuel", COLOURS["postgraphile"]),
        ("maintenanceCost", "maintenance", COLOURS["stock"]),
    ):
        widths = [float(row[figure_name] or 0) / row["milesDriven"] for row in driven]
        axes.barh(range(len(driven)), widths, left=left, color=colour, label=label)
        left = [a + b for a, b in zip(left, widths, strict=True)]
    axes.set_yticks(range(len(driven)), [name(row) for row in driven], fontsize=8)
    axes.invert_yaxis()
    axes.set_xlabel("US dollars a mile")
    axes.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    save(figure, file)


def name(row: Mapping[str, Any]) -> str:
    """The name of a row's group."""
    return row["fleetGroup"]["name"] if row["fleetGroup"] else "without a group"


def number(value: Any, digits: int = 0) -> str:
    """A figure for people; nothing where it is null."""
    return "" if value is None else f"{float(value):,.{digits}f}"


if __name__ == "__main__":
    main()
