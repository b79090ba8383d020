"""Plots of a history: each cell over the runs, and over the versions of CPython."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from bench.analysis.history.changes import Change
from bench.analysis.history.series import RATIO, THROUGHPUT, Point, Series
from bench.narrative import wording
from bench.report.plots import style
from bench.report.plots.head import figure_with_head, place
from bench.report.plots.labels import Label, label_line_ends
from bench.schema.cell import Group
from bench.stats.ratios import Ratio, ratio_of_logs

# Inches.
PANEL: Final = (2.1, 1.4)
LABELS: Final = 1.3
LEFT, TOP, BOTTOM, BETWEEN = 0.8, 0.26, 0.5, 0.62
COLUMNS: Final = 3
MOST_PANELS: Final = 24
_MARKERS: Final = ("o", "s", "D", "v", "^", "P")


class _Panel(NamedTuple):
    axes: Axes
    group: Group
    series: list[Series]


def draw_over_time(series: Sequence[Series], found: Sequence[Change], figure: str) -> Figure | None:
    """Return a panel for each cell, a line for each interpreter, runs along x; ``None`` if no cell has two runs.

    Args:
        series: all of one machine.
        found: changes to mark.
        figure: which of the series' figures to draw.
    """
    drawn = [one for one in series if one.figure == figure and len(one.points) > 1]
    if not drawn:
        return None
    order = sorted({(point.at, point.run) for one in drawn for point in one.points})
    places = {run: place for place, (_, run) in enumerate(order)}
    title, unit = _TITLES[figure]
    here = [change for change in found if change.series in drawn]
    picture, panels = _grid(
        drawn,
        found,
        _title(title, drawn, here),
        "bars: 95% confidence interval over launches; dashed: a change",
    )
    labelled = []
    for panel in panels:
        labels = [_line(panel.axes, one, places, appearance) for appearance, one in enumerate(panel.series)]
        for change in found:
            if change.series in panel.series:
                panel.axes.axvline(
                    places[change.after.run] - 0.5, color=style.QUIET, linestyle=(0, (4, 3)), linewidth=1
                )
        _runs_axis(panel.axes, [f"{at:%m-%d %H:%M}" for at, _ in order])
        _values_axis(panel.axes, [point.value for one in panel.series for point in one.points], figure)
        panel.axes.set_ylabel(unit, fontsize=8)
        labelled.append((panel.axes, labels))
    for axes, labels in labelled:
        label_line_ends(axes, labels)
    return picture


def draw_over_versions(series: Sequence[Series]) -> Figure | None:
    """Return a panel for each cell: every run's ratio to its baseline, by the interpreter's version.

    ``None`` with fewer than two versions in addition to the baseline's.
    """
    drawn = [one for one in series if one.figure == RATIO]
    versions = sorted({_version(point) for one in drawn for point in one.points}, key=_order)
    if len(versions) < 2:
        return None
    bases = sorted({one.baseline for one in drawn})
    picture, panels = _grid(
        drawn,
        (),
        _differ(drawn, bases),
        f"requests per second relative to the baseline ({', '.join(bases)}) of the same run; small: one run with its "
        "95% confidence interval; large: mean of several runs",
    )
    for panel in panels:
        points = [point for one in panel.series for point in one.points]
        axes, colour = panel.axes, style.colour(panel.group[0])
        for x, version in enumerate(versions):
            here = [point for point in points if _version(point) == version]
            for number, point in enumerate(here):
                _interval(axes, x + 0.3 * ((number + 0.5) / len(here) - 0.5), point.value, colour, small=True)
            mean = ratio_of_logs([math.log(point.value.ratio) for point in here])
            if mean is not None and len(here) > 1:
                axes.plot([x], [mean.ratio], "D", color=colour, markersize=6, markeredgecolor=style.PAPER)
        axes.axhline(1, color=style.QUIET, linewidth=0.8)
        axes.set_xlim(-0.5, len(versions) - 0.5)
        axes.set_xticks(range(len(versions)), versions, fontsize=8)
        if len(versions) > 4:
            for label in axes.get_xticklabels():
                label.set(rotation=30, horizontalalignment="right")
        _values_axis(axes, [point.value for point in points], RATIO)
        axes.set_ylabel("ratio (log scale)", fontsize=8)
    return picture


_TITLES: Final = {
    THROUGHPUT: ("Throughput", "requests/s (log scale)"),
    RATIO: ("Ratio to the baseline of the same run", "ratio (log scale)"),
}


def _title(what: str, drawn: Sequence[Series], found: Sequence[Change]) -> list[str]:
    """Return titles: how many series changed, and the last run with a change."""
    of = f"{len(drawn)} series"
    if not found:
        return [f"{what}: no change found in {of}", f"{what}: no change found"]
    changed = len({change.series.name for change in found})
    last = max(found, key=lambda change: change.after.at).after.run
    return [
        f"{what}: changed in {changed} of {of}, last in {last}",
        f"{what}: changed in {changed} of {of}",
    ]


def _differ(drawn: Sequence[Series], bases: Sequence[str]) -> list[str]:
    """Return titles: in how many series the last run differs from the baseline, by its interval."""
    last = [one.points[-1].value for one in drawn]
    faster = sum(value.has_interval and value.low > 1 for value in last)
    slower = sum(value.has_interval and value.high < 1 for value in last)
    against = f"than {', '.join(bases)}"
    rest = f"{slower} slower, {len(last) - faster - slower} tied"
    return [
        f"In their last runs, {faster} of {len(last)} series are faster {against}, {rest}",
        f"{faster} faster {against}, {rest}",
    ]


def _grid(
    drawn: Sequence[Series], found: Sequence[Change], titles: str | Sequence[str], subtitle: str
) -> tuple[Figure, list[_Panel]]:
    groups = list(dict.fromkeys(one.group for one in drawn))
    changed = {change.series.group for change in found}
    chosen = sorted(groups, key=lambda group: (group not in changed, groups.index(group)))[:MOST_PANELS]
    chosen.sort(key=groups.index)
    if len(chosen) < len(groups):
        subtitle += f"; {len(chosen)} of {len(groups)} cells, those with changes first"
    rows = math.ceil(len(chosen) / COLUMNS)
    columns = math.ceil(len(chosen) / rows)
    body = TOP + rows * (PANEL[1] + BETWEEN) - BETWEEN + BOTTOM
    picture = figure_with_head(max(LEFT + columns * (PANEL[0] + LABELS), 6.4), body, titles, subtitle)
    panels = []
    for number, group in enumerate(chosen):
        row, column = divmod(number, columns)
        left, bottom = LEFT + column * (PANEL[0] + LABELS), body - TOP - PANEL[1] - row * (PANEL[1] + BETWEEN)
        axes = place(picture, left, bottom, *PANEL)
        axes.set_title(f"{group[0]}, {group[1]}, {wording.plural(group[2], 'client')}", fontsize=9)
        panels.append(_Panel(axes, group, [one for one in drawn if one.group == group]))
    return picture, panels


def _line(axes: Axes, one: Series, places: dict[str, int], appearance: int) -> Label:
    colour, free = style.colour(one.group[0]), one.points[-1].free
    marker, line = _MARKERS[appearance % len(_MARKERS)], "--" if free else "-"
    x = [places[point.run] for point in one.points]
    axes.plot(x, [point.value.ratio for point in one.points], line, color=colour, linewidth=1, alpha=0.6)
    for at, point in zip(x, one.points, strict=True):
        _interval(axes, at, point.value, colour, marker=marker, filled=not free)
    return Label.of(one.group[0], x[-1], one.points[-1].value.ratio, text=style.short_name(one.interpreter))


def _interval(
    axes: Axes, x: float, value: Ratio, colour: str, *, marker: str = "o", filled: bool = True, small: bool = False
) -> None:
    if value.has_interval:
        axes.plot([x, x], [value.low, value.high], color=colour, linewidth=0.9, alpha=0.8)
    face = colour if filled else style.PAPER
    axes.plot([x], [value.ratio], marker, color=colour, markerfacecolor=face, markersize=2.5 if small else 3.6)


def _runs_axis(axes: Axes, names: list[str]) -> None:
    last = len(names) - 1
    axes.set_xlim(-0.6, last + 0.6)
    axes.xaxis.set_major_locator(FixedLocator([0, last]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda place, _: names[round(place)]))
    first, end = axes.get_xticklabels()
    if last > 2:  # of few, the ends are far from the panel's edges
        first.set_horizontalalignment("left")
        end.set_horizontalalignment("right")
    axes.tick_params(axis="x", labelsize=8)
    axes.grid(visible=False, axis="x")


def _values_axis(axes: Axes, values: Sequence[Ratio], figure: str) -> None:
    ends = [end for value in values for end in (value.ratio, value.low, value.high) if not math.isnan(end)]
    low, high = min(ends), max(ends)
    if figure == RATIO:
        low, high = min(low, 1.0), max(high, 1.0)
    low, high = low / 1.06, high * 1.06
    axes.set_yscale("log")
    axes.set_ylim(low, high)
    ticks = list(_ticks(low, high))
    axes.yaxis.set_major_locator(FixedLocator(ticks))
    axes.yaxis.set_minor_locator(NullLocator())
    shown = wording.rate if figure == THROUGHPUT else "{:.3g}".format
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: shown(value)))


def _ticks(low: float, high: float) -> Iterator[float]:
    """Yield three to seven round numbers."""
    for step in (5.0, 2.0, 1.0, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01):
        unit = step * 10 ** math.floor(math.log10(high))
        first = math.ceil(low / unit)
        ticks = [unit * number for number in range(first, math.floor(high / unit) + 1) if number]
        if len(ticks) >= 3:
            yield from ticks[:: math.ceil(len(ticks) / 6)]
            return


def _version(point: Point) -> str:
    return f"{point.version}{'t' * point.free}"


def _order(version: str) -> tuple[list[int], str]:
    return [int(part) for part in re.findall(r"\d+", version)], version
