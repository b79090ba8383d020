"""Panels of horizontal bars side by side, one for each workload, with a row for each model and interpreter."""

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
VALUE: Final = 0.62  # for the figure to the right of a bar
TOP: Final = 0.28
BOTTOM: Final = 0.5
BETWEEN: Final = 0.3

COLUMNS: Final = 4
NAME: Final = 8.0  # points


class BarStyle(NamedTuple):
    """Title and appearance of a kind of bar."""

    title: str
    colour: str
    hatch: str = ""

    @property
    def patch(self) -> dict[str, Any]:
        """The appearance as arguments of Matplotlib."""
        edge = {"edgecolor": style.QUIET, "hatch": self.hatch, "linewidth": 0.4}
        return {"facecolor": self.colour, **(edge if self.hatch else {"linewidth": 0})}

    @property
    def key(self) -> Key:
        """The entry in a figure's key."""
        return Key(self.title, self.colour, hatch=self.hatch)


class Row(NamedTuple):
    """A row of the figure: one model on one interpreter."""

    name: str
    model: str
    interpreter: str


def rows(run: Run, cells: pd.Index[Any], clients: int) -> dict[str, list[Row]]:
    """Return the rows of each workload: the models and interpreters in ``cells`` with this number of clients.

    All workloads have the same rows, so that names are written only once; a workload without any is left out.
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
        titles: titles of the whole figure; the first that fits is used.
        subtitle: what is shown and how, below the title.
        keys: meaning of colours that do not stand for models.
        panels: the rows by workload.
        value: inches for the figures to the right of the bars.
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


def draw_bars(  # noqa: PLR0917 - what is shown, from top to bottom
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
        run: run to draw.
        titles: see :func:`make_bars`.
        subtitle: see :func:`make_bars`.
        spreads: see :func:`bench.analysis.stats.pass_spreads`.
        clients: number of clients.
        unit: label below the panels.
        texts: formats a scaled figure.
        scale: factor from the figure's unit to the unit shown.
        more: returns further text for a row and workload.
        value: inches for figure and text.
    """
    panels = rows(run, spreads["middle"].dropna().index, clients)
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
            axes[workload].barh(at, spread.middle * scale, height=0.62 if free else 0.72, **appearance)
        ends = whiskers(axes[workload], known, scale)
        for at, row in enumerate(named):
            if at in known:
                label(axes[workload], ends[at], at, texts(known[at].middle * scale) + more(row, workload))
            else:
                missing(axes[workload], at)
        axes[workload].set_xlim(left=0)
        axes[workload].set_xlabel(unit)
    return figure


def whiskers(
    axes: Axes, spreads: Mapping[int, Spread] | Mapping[float, Spread], scale: float = 1.0, *, lined: bool = True
) -> dict[float, float]:
    """Draw the ranges of bars, with a white outline for dark bars; return where each range or its bar ends.

    Args:
        axes: axes to draw on.
        spreads: spreads by position along y.
        scale: factor from their unit to the unit shown.
        lined: whether to draw the white outline.
    """
    shown = {y: (one.low * scale, one.high * scale) for y, one in spreads.items() if one.has_range}
    if shown:
        lows, highs = zip(*shown.values(), strict=True)
        if lined:
            axes.hlines(list(shown), lows, highs, color=style.PAPER, linewidth=2.2, zorder=2.9)
        axes.hlines(list(shown), lows, highs, color=style.INK, linewidth=1, zorder=3)
        axes.plot([*lows, *highs], [*shown, *shown], "|", color=style.INK, markersize=5, markeredgewidth=1, zorder=3)
    return {
        y: max(one.middle * scale, *shown.get(y, ())) if y in shown else one.middle * scale
        for y, one in spreads.items()
    }


def missing(axes: Axes, y: float) -> None:
    """Mark a row as not measured."""
    axes.annotate(
        "not measured", (0, y), xytext=(3, 0), textcoords="offset points", va="center", fontsize=7.5, color=style.QUIET
    )


def label(axes: Axes, x: float, y: float, text: str) -> None:
    """Write a figure just to the right of a bar's end."""
    axes.annotate(text, (x, y), xytext=(4, 0), textcoords="offset points", va="center", fontsize=7.5, color=style.QUIET)
