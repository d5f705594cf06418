"""What a run found, as ratios: on the terminal, and as docs/performance.md with its plots."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from string import Template
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks import plot

TEMPLATE = Path(__file__).parent / "performance.md.template"
OURS = "gateway"
NONE = "-"
EDGE = {
    "bare": "anybody, of the bare endpoint",
    "person": "a person with a token, by the text",
    "partner": "a partner with a key, by an id, under a budget",
}
WRITE = {
    "sql": "one hand-written `INSERT`",
    "gateway": "`recordFuelPurchase`, by a person with a token",
}
Results = Mapping[str, Any]
Rows = list[list[str]]


def show(results: Results) -> None:
    """Prints the tables."""
    console = Console()
    for title, build in TABLES.items():
        header, *rows = build(results)
        if not rows:
            continue
        table = Table(*header, title=title, title_justify="left", title_style="bold")
        for row in rows:
            table.add_row(*row)
        console.print(table)


def write(results: Results, directory: Path) -> None:
    """Writes performance.md and performance/*.svg."""
    plot.draw(results, directory / "performance")
    tables = {name: markdown(build(results)) for name, build in SECTIONS.items()}
    facts = {"date": results["date"], "machine": results["machine"]}
    text = Template(TEMPLATE.read_text(encoding="utf-8")).substitute(tables | facts)
    (directory / "performance.md").write_text(text, encoding="utf-8")


def _ratios(results: Results, what: str) -> Rows:
    """The gateway's latency over each other subject's; by questions of the owner."""
    others = [name for name in results["subjects"] if name != OURS]
    rows = [["question", *(f"gateway / {name}" for name in others)]]
    for name, found in results.get("latency", {}).items():
        if OURS in found and not name.endswith("-narrow"):
            rows.append([_title(results, name), *(_ratio(found, OURS, other, what) for other in others)])
    return rows


def _narrow(results: Results) -> Rows:
    """What a viewer waits over what the owner waits, for the same number of rows."""
    rows = [["question", *results["subjects"]]]
    found = results.get("latency", {})
    for name in found:
        if f"{name}-narrow" in found:
            times = {
                subject: found[f"{name}-narrow"][subject]["median"] / found[name][subject]["median"]
                for subject in found[name]
            }
            rows.append([_title(results, name), *_cells(times, results["subjects"])])
    return rows


def _throughput(results: Results) -> Rows:
    """The gateway's requests a second over each other subject's."""
    others = [name for name in results["subjects"] if name != OURS]
    rows = [["question", "connections", *(f"gateway / {name}" for name in others)]]
    for name, by_connections in results.get("throughput", {}).items():
        for connections, rates in by_connections.items():
            if OURS in rates:
                ratios = [_number(rates[OURS] / rates[o]) if rates.get(o) else NONE for o in others]
                rows.append([_title(results, name), connections, *ratios])
    return rows


def _memory(results: Results) -> Rows:
    """Peaks over the gateway's, and megabytes."""
    rows = [["subject", "peak / gateway's peak", "peak, MB", "warm before it, MB", "answer, MB"]]
    found = results.get("memory", {})
    for name, told in found.items():
        ratio = _number(told["peak"] / found[OURS]["peak"]) if OURS in found else NONE
        rows.append([name, ratio, *(f"{told[key]:.0f}" for key in ("peak", "idle", "answer"))])
    return rows


def _growth(results: Results) -> Rows:
    """Time for one unit, relative to the reference size."""
    rows = [["what grows", "to", "gateway, time of one", "stock, time of one", "gateway / stock"]]
    for series in results.get("growth", {}).values():
        reference = series["medians"][str(series["reference"])]
        for size, medians in series["medians"].items():
            per_unit = {
                name: (median / int(size)) / (reference[name] / series["reference"]) for name, median in medians.items()
            }
            rows.append([series["title"], f"{int(size):,}", *_cells(per_unit, ("gateway", "stock")),
                         _ratio({n: {"median": m} for n, m in medians.items()}, OURS, "stock", "median")])  # fmt: skip
    return rows


def _edge(results: Results) -> Rows:
    """The point look-up through the whole edge over the bare endpoint's."""
    rows = [["who asks", "median / bare", "p95 / bare", "median, ms"]]
    found = results.get("edge", {})
    for name, told in found.items():
        ratios = [_ratio(found, name, "bare", what) for what in ("median", "p95")]
        rows.append([EDGE[name], *ratios, f"{told['median']:.2f}"])
    return rows


def _write(results: Results) -> Rows:
    """A fuel purchase through the gateway over the hand-written INSERT."""
    rows = [["who writes", "median / INSERT", "p95 / INSERT", "median, ms"]]
    found = results.get("write", {})
    for name in (name for name in WRITE if name in found):
        ratios = [_ratio(found, name, "sql", what) for what in ("median", "p95")]
        rows.append([WRITE[name], *ratios, f"{found[name]['median']:.2f}"])
    return rows


def _absolute(results: Results) -> Rows:
    rows = [["question", "rows", *results["subjects"]]]
    for name, found in results.get("latency", {}).items():
        cells = (f"{found[s]['median']:.1f}" if s in found else NONE for s in results["subjects"])
        rows.append([name, str(results["answers"][name]["rows"]), *cells])
    return rows


def _rates(results: Results) -> Rows:
    rows = [["question", "connections", *results["subjects"]]]
    for name, by_connections in results.get("throughput", {}).items():
        for connections, rates in by_connections.items():
            cells = (_number(rates[s]) if s in rates else NONE for s in results["subjects"])
            rows.append([name, connections, *cells])
    return rows


def _versions(results: Results) -> Rows:
    return [["what", "version"], *([name, version] for name, version in results["versions"].items())]


def _questions(results: Results) -> Rows:
    rows = [["name", "question", "rows"]]
    return rows + [[f"`{n}`", title, str(results["answers"][n]["rows"])] for n, title in results["queries"].items()]


SECTIONS: dict[str, Callable[[Results], Rows]] = {
    "questions": _questions,
    "median": lambda results: _ratios(results, "median"),
    "p95": lambda results: _ratios(results, "p95"),
    "narrow": _narrow,
    "throughput": _throughput,
    "memory": _memory,
    "growth": _growth,
    "edge": _edge,
    "write": _write,
    "absolute": _absolute,
    "rates": _rates,
    "versions": _versions,
}
"""The tables of performance.md, by the names that its template has for them."""

TABLES: dict[str, Callable[[Results], Rows]] = {
    "Median latency, ms": _absolute,
    "Median latency, ratios (below 1: the gateway is faster)": SECTIONS["median"],
    "p95 latency, ratios": SECTIONS["p95"],
    "A viewer's wait / the owner's, same number of rows": _narrow,
    "Throughput, ratios (above 1: the gateway answers more)": _throughput,
    "Peak memory serving 20,000 vehicles": _memory,
    "The edge on the point look-up": _edge,
    "A fuel purchase, written": _write,
    "Growth: time of one, relative to the middle": _growth,
}


def _title(results: Results, name: str) -> str:
    return f"{name}: {results['queries'][name]}"


def _ratio(found: Mapping[str, Mapping[str, float]], left: str, right: str, what: str) -> str:
    return _number(found[left][what] / found[right][what]) if left in found and right in found else NONE


def _cells(numbers: Mapping[str, float], names: Iterable[str]) -> list[str]:
    return [_number(numbers[name]) if name in numbers else NONE for name in names]


def _number(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:.0f}"


def markdown(rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown; the first row is its header."""
    header, *body = rows
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [header, ["---"] * len(header), *body])
