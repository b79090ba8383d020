"""Panels of horizontal bars next to each other, one for each workload, a row for each model and interpreter."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from bench.analysis.load import Run
from bench.analysis.stats import Spread, pick
from bench.report.plots import style
from bench.report.plots.head import Key, figure_with_head, place, wide

# Inches.
BAR: Final = 0.19
WIDTHS: Final = (1.3, 4.5)  # of a panel, at least and at most
EDGE: Final = 0.2
VALUE: Final = 0.62  # for the figure right of a bar
TOP: Final = 0.28
BOTTOM: Final = 0.5
BETWEEN: Final = 0.3

COLUMNS: Final = 4
NAME: Final = 8.0  # points


class BarStyle(NamedTuple):
    """How a kind of bar is drawn, and its name."""

    title: str
    colour: str
    hatch: str = ""

    @property
    def patch(self) -> dict[str, Any]:
        """Return it as Matplotlib's arguments."""
        edge = {"edgecolor": style.QUIET, "hatch": self.hatch, "linewidth": 0.4}
        return {"facecolor": self.colour, **(edge if self.hatch else {"linewidth": 0})}

    @property
    def key(self) -> Key:
        """Return it as a part of a figure's key."""
        return Key(self.title, self.colour, hatch=self.hatch)


class Row(NamedTuple):
    """A cell, by its place in the figure."""

    name: str
    model: str
    interpreter: str


def rows(run: Run, cells: pd.Index[Any], clients: int) -> dict[str, list[Row]]:
    """Return the rows of each workload: of the models and interpreters that ``cells`` has with these clients.

    All workloads have the same rows, so that their names need to stand once; a workload without any is left out.
    """
    names = style.short_names(run.values("interpreter"))
    workloads, several = run.values("workload"), len(names) > 1
    known = {cell for cell in cells if cell[2] == clients}
    met = {(model, interpreter) for model, _, _, interpreter in known}
    every = [
        Row(f"{model} · {names[interpreter]}" if several else model, model, interpreter)
        for model in run.values("model")
        for interpreter in names
        if (model, interpreter) in met
    ]
    return {workload: every for workload in workloads if any(cell[1] == workload for cell in known)}


def make_bars(
    titles: str | Sequence[str],
    subtitle: str,
    keys: Sequence[Key],
    panels: Mapping[str, list[Row]],
    *,
    value: float = VALUE,
) -> tuple[Figure, dict[str, Axes]]:
    """Return a figure with a panel of empty rows for each workload.

    Args:
        titles: of the whole figure; the first that fits.
        subtitle: below it, what is shown and how.
        keys: what colours mean, where they do not mean models.
        panels: the rows by workload.
        value: inches for the figures right of the bars.
    """
    names = next(iter(panels.values()))
    across = math.ceil(len(panels) / math.ceil(len(panels) / COLUMNS))
    high = len(names) * BAR + 0.1
    room = EDGE + max(wide(row.name, NAME) for row in names) + 0.12
    panel = min(max((style.WIDEST - room) / across - value, WIDTHS[0]), WIDTHS[1])
    down = math.ceil(len(panels) / across)
    body = down * (TOP + high + BOTTOM) + (down - 1) * BETWEEN * 0.5
    figure = figure_with_head(max(room + across * (panel + value), 7.2), body, titles, subtitle, keys)
    drawn = {}
    for number, workload in enumerate(panels):
        row, column = divmod(number, across)
        bottom = body - TOP - high - row * (TOP + high + BOTTOM + BETWEEN * 0.5)
        axes = place(figure, room + column * (panel + value), bottom, panel, high)
        axes.set_ylim(len(names) - 0.5, -0.5)
        axes.set_yticks(
            range(len(names)), [one.name for one in names] if column == 0 else [], fontsize=NAME, color=style.INK
        )
        axes.tick_params(axis="y", length=0)
        axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
        axes.grid(visible=False, axis="y")
        axes.set_title(workload)
        drawn[workload] = axes
    return figure, drawn


def draw_bars(  # noqa: PLR0917 - what is shown, in the order in which it stands
    run: Run,
    titles: str | Sequence[str],
    subtitle: str,
    spreads: pd.DataFrame,
    clients: int,
    unit: str,
    texts: Callable[[float], str],
    *,
    scale: float = 1.0,
    more: Callable[[Row, str], str] = lambda *_: "",
    value: float = VALUE,
) -> Figure:
    """Return bars of one figure of each cell, in the models' colours, with their ranges.

    Args:
        run: what is drawn.
        titles: see :func:`make_bars`.
        subtitle: see :func:`make_bars`.
        spreads: see :func:`bench.analysis.stats.pass_spreads`.
        clients: of which number of clients.
        unit: below the panels.
        texts: writes a figure, scaled.
        scale: from the figure's unit to what is shown.
        more: what else is to be said of a row and workload.
        value: inches for all this.
    """
    panels = rows(run, spreads["median"].dropna().index, clients)
    hollow = any(run.is_free(interpreter) for interpreter in run.values("interpreter"))
    figure, axes = make_bars(titles, subtitle + ("; hollow: no GIL" if hollow else ""), [], panels, value=value)
    for workload, named in panels.items():
        spreads_here = {
            at: pick(spreads, (row.model, workload, clients, row.interpreter)) for at, row in enumerate(named)
        }
        known = {at: spread for at, spread in spreads_here.items() if spread is not None}
        for at, spread in known.items():
            colour, free = style.colour(named[at].model), run.is_free(named[at].interpreter)
            appearance = (
                {"facecolor": style.PAPER, "edgecolor": colour, "linewidth": 1.2} if free else {"facecolor": colour}
            )
            axes[workload].barh(at, spread.median * scale, height=0.62 if free else 0.72, **appearance)
        ends = whiskers(axes[workload], known, scale)
        for at, row in enumerate(named):
            if at in known:
                label(axes[workload], ends[at], at, texts(known[at].median * scale) + more(row, workload))
            else:
                missing(axes[workload], at)
        axes[workload].set_xlim(left=0)
        axes[workload].set_xlabel(unit)
    return figure


def whiskers(
    axes: Axes, spreads: Mapping[int, Spread] | Mapping[float, Spread], scale: float = 1.0, *, lined: bool = True
) -> dict[float, float]:
    """Draw the ranges of bars, lined with white to be seen on dark ones; return where each or its bar ends.

    Args:
        axes: where.
        spreads: by the place along y.
        scale: from their unit to what is shown.
        lined: with white.
    """
    shown = {y: (one.low * scale, one.high * scale) for y, one in spreads.items() if one.has_range}
    if shown:
        lows, highs = zip(*shown.values(), strict=True)
        if lined:
            axes.hlines(list(shown), lows, highs, color=style.PAPER, linewidth=2.2, zorder=2.9)
        axes.hlines(list(shown), lows, highs, color=style.INK, linewidth=1, zorder=3)
        axes.plot([*lows, *highs], [*shown, *shown], "|", color=style.INK, markersize=5, markeredgewidth=1, zorder=3)
    return {
        y: max(one.median * scale, *shown.get(y, ())) if y in shown else one.median * scale
        for y, one in spreads.items()
    }


def missing(axes: Axes, y: float) -> None:
    """Say that there is no bar since nothing was measured."""
    axes.annotate(
        "not measured", (0, y), xytext=(3, 0), textcoords="offset points", va="center", fontsize=7.5, color=style.QUIET
    )


def label(axes: Axes, x: float, y: float, text: str) -> None:
    """Write a figure just right of where a bar ends."""
    axes.annotate(text, (x, y), xytext=(4, 0), textcoords="offset points", va="center", fontsize=7.5, color=style.QUIET)
