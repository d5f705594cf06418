"""The plot of a back-test: what was said against what came, as an SVG file that is equal for equal results."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.plot import COLOURS, STYLE, save

BINS = 8
QUANTILES = (0.1, 0.5, 0.9)


@dataclass(frozen=True)
class Chance:
    """What was held for likely, and whether it came."""

    said: float
    came: bool


def draw(dates: Mapping[str, Sequence[int]], chances: Mapping[str, Sequence[Chance]], file: Path) -> None:
    """Draws how often days came before the earliest, the expected and the latest, and chances in bins of equal size.

    ``dates`` are by series the places of the days that came: 0 before the earliest, 1 before the expected, 2 to the
    latest, 3 after it.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(10, 4.6), layout="constrained")
        of_dates, of_chances = figure.subplots(1, 2)
        _ideal(of_dates, "The day came before the earliest (P10), the expected, the latest (P90)")
        for name, places in dates.items():
            shares = [statistics.fmean(place <= limit for place in places) for limit in range(3)]
            of_dates.plot(QUANTILES, shares, marker="o", label=name)
        _ideal(of_chances, "Chances of the next 30 days")
        for (name, some), colour in zip(chances.items(), COLOURS.values(), strict=False):
            said, came = zip(*_bins(some), strict=True)
            of_chances.plot(said, came, marker="o", color=colour, label=name)
        for axes in (of_dates, of_chances):
            axes.legend(frameon=False, fontsize=8)
        save(figure, file)


def _ideal(axes: Axes, title: str) -> None:
    axes.plot([0, 1], [0, 1], color="#cccccc", linewidth=1, zorder=0)
    axes.set_title(title, fontsize=9, loc="left")
    axes.set_xlabel("said")
    axes.set_ylabel("came")


def _bins(chances: Sequence[Chance]) -> list[tuple[float, float]]:
    """The mean of what was said and of what came, of as many chances in each bin, from the least to the greatest."""
    ordered = sorted(chances, key=lambda chance: chance.said)
    edges = [len(ordered) * number // BINS for number in range(BINS + 1)]
    parts = [ordered[low:high] for low, high in pairwise(edges) if high > low]
    return [(statistics.fmean(c.said for c in part), statistics.fmean(c.came for c in part)) for part in parts]
