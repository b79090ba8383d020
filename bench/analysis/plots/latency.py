"""Latency at the highest number of clients: median, 99th and 99.9th percentile."""

from __future__ import annotations

import math
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from bench.analysis import wording
from bench.analysis.load import Run
from bench.analysis.plots import grid, style
from bench.analysis.stats import over_passes, pick

P999_FROM: Final = 1000  # requests in a window; with fewer, the 99.9th percentile is just the slowest
ROW: Final = 0.27  # inches
PANEL: Final = 2.75
GAP: Final = 0.3
HEAD: Final = 1.0
FOOT: Final = 0.95
BETWEEN: Final = 0.85

COLUMNS: Final = 4


def draw(run: Run) -> Figure | None:
    """Return the figure; ``None`` if no request was answered."""
    clients = max(run.values("clients"))
    windows = run.windows[(run.windows["clients"] == clients) & run.windows["latency_p50_ns"].notna()]
    if windows.empty:
        return None
    rows = [(model, target) for model in run.values("model") for target in run.values("target")]
    workloads = [name for name in run.values("workload") if name in set(windows["workload"])]
    names = [f"{model} · {style.short(target)}" for model, target in rows]
    left = 0.35 + 0.072 * max(map(len, names))
    columns = min(len(workloads), COLUMNS)
    blocks = math.ceil(len(workloads) / columns)
    width = max(left + columns * (PANEL + GAP) + 0.1, 5.6)
    height = HEAD + blocks * (ROW * len(rows) + BETWEEN) - BETWEEN + FOOT
    figure = style.blank(width, height)
    grid.headline(
        figure,
        f"Latency with {wording.plural(clients, 'client')}",
        "a closed loop: clients wait for their answers, so stalls count once; medians over passes",
    )
    spreads = {name: over_passes(windows, name) for name in (*_PERCENTILES, "requests")}
    for number, workload in enumerate(workloads):
        block, i = divmod(number, columns)
        bottom = FOOT + (blocks - 1 - block) * (ROW * len(rows) + BETWEEN)
        axes = figure.add_axes(
            ((left + i * (PANEL + GAP)) / width, bottom / height, PANEL / width, ROW * len(rows) / height)
        )
        axes.set_title(workload)
        axes.set_xscale("log")
        axes.set_xlabel("ms (log scale)")
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.set_yticks(range(len(rows)), names if i == 0 else [])
        axes.tick_params(axis="y", length=0, labelcolor=style.INK)
        axes.spines["left"].set_visible(False)
        axes.grid(visible=False, axis="y")
        for y, (model, target) in enumerate(rows):
            key = (model, workload, clients, target)
            p50, p99, p999 = (pick(spreads[name], key) for name in _PERCENTILES)
            requests = pick(spreads["requests"], key)
            if p50 is None or p99 is None:
                continue
            colour = style.colour(model)
            x50, x99 = p50.median / 1e6, p99.median / 1e6
            axes.plot([x50, x99], [y, y], color=colour, linewidth=3, solid_capstyle="butt", alpha=0.55)
            if p999 and requests and requests.median >= P999_FROM:
                axes.plot([x99, p999.median / 1e6], [y, y], color=colour, linewidth=1)
                axes.plot([p999.median / 1e6], [y], "|", color=colour, markersize=6)
            axes.plot([x99], [y], "|", color=colour, markersize=9, markeredgewidth=2)
            filled = not style.is_free(run, target)
            axes.plot([x50], [y], "o", color=colour, markerfacecolor=colour if filled else "white")
        _ticks(axes)
    _legend(figure, 0.2 / width, 0.08 / height)
    return figure


_PERCENTILES: Final = ("latency_p50_ns", "latency_p99_ns", "latency_p999_ns")


def _ticks(axes: Axes) -> None:
    axes.xaxis.set_major_locator(FixedLocator(style.log_ticks(*axes.get_xlim())))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def _legend(figure: Figure, x: float, y: float) -> None:
    """Explain the marks below the panels, where no data can be."""
    marks = [
        Line2D([], [], color=style.QUIET, marker="o", linestyle=""),
        Line2D([], [], color=style.QUIET, marker="|", markersize=9, markeredgewidth=2, linestyle=""),
        Line2D([], [], color=style.QUIET, marker="|", markersize=6, linestyle=""),
    ]
    figure.legend(
        marks,
        ["median (hollow: no GIL)", "p99", f"p99.9, from {P999_FROM} requests"],
        loc="lower left",
        bbox_to_anchor=(x, y),
        ncols=3,
        frameon=False,
        fontsize=8,
        labelcolor=style.QUIET,
        borderaxespad=0,
        borderpad=0,
        handletextpad=0.3,
    )
