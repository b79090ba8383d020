"""Latency at the highest number of clients: median, 99th and 99.9th percentile, with their ranges over passes."""

from __future__ import annotations

import math
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from bench.analysis.load import Run
from bench.analysis.stats import Spread, pass_spreads, pick
from bench.narrative import wording
from bench.report.plots import bars, grid, style, titles
from bench.report.plots.head import Key

P999_FROM: Final = 1000  # requests in a window; with fewer, the 99.9th percentile is just the slowest
RANGE: Final = 0.3  # below a row's middle, in rows


def draw(run: Run) -> Figure | None:
    """Return the figure; ``None`` if no request was answered."""
    clients = max(run.values("clients"))
    windows = run.windows[(run.windows["clients"] == clients) & run.windows["latency_p50_ns"].notna()]
    if windows.empty:
        return None
    spreads = {name: pass_spreads(windows, name) for name in (*_PERCENTILES, "requests")}
    panels = bars.rows(run, spreads["latency_p50_ns"].index, clients)
    workload = titles.choose_workload(run, panels)
    about = f"Lowest p99 latency of {workload} with {wording.plural(clients, 'client')}"
    p99s = spreads["latency_p99_ns"]
    several = windows["pass"].nunique() > 1
    figure, axes = bars.make_bars(
        titles.leaders(run, p99s, workload, clients, about, lambda ns: f"{wording.milliseconds(ns)} ms", most=False),
        f"closed loop: clients wait for their replies, so each stall counts once; {grid.passes_note(run)}",
        _keys(hollow=any(run.is_free(interpreter) for interpreter in run.values("interpreter")), several=several),
        panels,
        value=0.28,
    )
    for name, rows in panels.items():
        place = axes[name]
        place.set_xscale("log")
        place.set_xlabel("ms (log scale)")
        place.spines["left"].set_visible(False)
        known: dict[int, list[Spread | None]] = {}
        for y, row in enumerate(rows):
            cell = (row.model, name, clients, row.interpreter)
            requests = pick(spreads["requests"], cell)
            found = [pick(spreads[one], cell) for one in _PERCENTILES]
            if found[0] and found[1]:
                enough = requests is not None and requests.middle >= P999_FROM
                known[y] = found if enough else found[:2]
            else:
                place.text(
                    0.01,
                    y,
                    "not measured",
                    transform=place.get_yaxis_transform(),
                    va="center",
                    fontsize=7.5,
                    color=style.QUIET,
                )
        for model in dict.fromkeys(row.model for row in rows):
            _model(place, model, {y: one for y, one in known.items() if rows[y].model == model})
        for y, (p50, *_) in known.items():
            colour, free = style.colour(rows[y].model), run.is_free(rows[y].interpreter)
            if p50:
                place.plot([p50.middle / 1e6], [y], "o", color=colour, markerfacecolor=style.PAPER if free else colour)
        ranges = [
            (y + RANGE, one) for y, ones in known.items() for one in ones if one and one.has_range and one.low > 0
        ]
        lows, highs = [one.low / 1e6 for _, one in ranges], [one.high / 1e6 for _, one in ranges]
        place.hlines([y for y, _ in ranges], lows, highs, color=style.QUIET, linewidth=1)
        _ticks(place)
    return figure


_PERCENTILES: Final = ("latency_p50_ns", "latency_p99_ns", "latency_p999_ns")


def _model(axes: Axes, model: str, rows: dict[int, list[Spread | None]]) -> None:
    """Draw a model's rows: lines from the median to p99 and on to p99.9, and their marks."""
    colour = style.colour(model)
    ms = {y: [one.middle / 1e6 for one in ones if one] for y, ones in rows.items()}
    axes.hlines(
        list(ms),
        [one[0] for one in ms.values()],
        [one[1] for one in ms.values()],
        color=colour,
        linewidth=3,
        alpha=0.55,
    )
    long = {y: one for y, one in ms.items() if len(one) > 2}
    axes.hlines(
        list(long), [one[1] for one in long.values()], [one[2] for one in long.values()], color=colour, linewidth=1
    )
    axes.plot([one[2] for one in long.values()], list(long), "|", color=colour, markersize=5)
    axes.plot([one[1] for one in ms.values()], list(ms), "|", color=colour, markersize=8, markeredgewidth=2)


def _ticks(axes: Axes) -> None:
    low, high = axes.get_xlim()
    ticks = style.log_ticks(low, high)
    axes.xaxis.set_major_locator(FixedLocator(ticks[:: math.ceil(len(ticks) / 6)]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def _keys(*, hollow: bool, several: bool) -> list[Key]:
    return [
        Key("median (hollow: no GIL)" if hollow else "median", style.QUIET, marker="o"),
        Key("p99", style.QUIET, marker="|", size=8),
        Key(f"p99.9, with at least {P999_FROM} requests per window", style.QUIET, marker="|", size=5),
        *([Key("range over passes", style.QUIET, line="-")] if several else []),
    ]
