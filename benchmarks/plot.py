"""The plots of a run, as SVG files that are equal for equal results."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

FLOOR = "sql"
COLOURS = {"gateway": "#d1495b", "stock": "#edae49", "postgraphile": "#30638e", "sql": "#8d99ae"}
STYLE = {
    "svg.hashsalt": "motomind",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
Results = Mapping[str, Any]


def draw(results: Results, directory: Path) -> None:
    """Draws latency.svg, throughput.svg, memory.svg and growth.svg, as far as they were measured."""
    directory.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context(STYLE):
        _latency(results, directory / "latency.svg")
        for connections in ("8", "64"):
            _throughput(results, connections, directory / f"throughput-{connections}.svg")
        _memory(results, directory / "memory.svg")
        _growth(results, directory / "growth.svg")


def _latency(results: Results, file: Path) -> None:
    groups = {
        name: {subject: told["median"] / found[FLOOR]["median"] for subject, told in found.items()}
        for name, found in results["latency"].items()
        if FLOOR in found and not name.endswith("-narrow")
    }
    _bars(groups, "Median latency; one hand-written SQL statement is 1 (shorter is better)", file)


def _throughput(results: Results, connections: str, file: Path) -> None:
    groups = {
        name: {subject: rate / rates[FLOOR] for subject, rate in rates.items()}
        for name, by_connections in results["throughput"].items()
        if (rates := by_connections.get(connections)) and rates.get(FLOOR)
    }
    _bars(groups, f"Requests a second, {connections} connections; one SQL statement is 1 (longer is better)", file)


def _memory(results: Results, file: Path) -> None:
    groups = {"20,000 vehicles": {name: told["peak"] for name, told in results["memory"].items()}}
    _bars(groups, "Peak memory of the server process, MB (shorter is better)", file)


def _bars(groups: Mapping[str, Mapping[str, float]], title: str, file: Path) -> None:
    """Groups of horizontal bars, each with its number; no file where there are none."""
    if not groups:
        return
    subjects = [name for name in COLOURS if any(name in group for group in groups.values())]
    height = 0.8 / len(subjects)
    figure = _figure(8, 0.8 + 0.28 * len(subjects) * len(groups))
    axes = figure.subplots()
    for number, subject in enumerate(subjects):
        places = [
            (at + number * height, group[subject]) for at, group in enumerate(groups.values()) if subject in group
        ]
        drawn = axes.barh([y for y, _ in places], [x for _, x in places], height, color=COLOURS[subject], label=subject)
        axes.bar_label(drawn, fmt="{:.3g}", padding=3, fontsize=8)
    axes.set_yticks([at + 0.4 - height / 2 for at in range(len(groups))], list(groups))
    axes.invert_yaxis()
    axes.margins(x=0.08)
    axes.set_title(title, fontsize=10, loc="left")
    axes.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    save(figure, file)


def _growth(results: Results, file: Path) -> None:
    """Time of one unit over the size; a flat line is linear growth."""
    figure = _figure(10, 3.2)
    all_axes = figure.subplots(1, len(results["growth"]), squeeze=False)
    for axes, series in zip(all_axes[0], results["growth"].values(), strict=True):
        sizes = [int(size) for size in series["medians"]]
        for subject, colour in COLOURS.items():
            times = [medians.get(subject) for medians in series["medians"].values()]
            if None not in times:
                per_unit = [1000 * time / size for time, size in zip(times, sizes, strict=True)]
                axes.plot(sizes, per_unit, marker="o", color=colour, label=subject)
        axes.set_xscale("log")
        axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
        axes.minorticks_off()
        axes.set_ylim(bottom=0)
        axes.set_title(series["title"], fontsize=9, loc="left")
        axes.set_xlabel(f"{series['unit']}s")
        axes.set_ylabel(f"microseconds for one {series['unit']}")
        axes.legend(frameon=False, fontsize=8)
    save(figure, file)


def _figure(width: float, height: float) -> Figure:
    return Figure(figsize=(width, height), layout="constrained")


def save(figure: Figure, file: Path) -> None:
    """Writes a figure as SVG, without what differs from run to run."""
    figure.savefig(file, metadata={"Date": None})
    file.write_text("\n".join(line.rstrip() for line in file.read_text(encoding="utf-8").splitlines()) + "\n", "utf-8")
