"""Panels of horizontal bars, one for each workload, a row for each model and target."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from bench.analysis.load import Run
from bench.analysis.plots import grid, style

# Inches.
BAR: Final = 0.19
WIDTH: Final = 3.1
LEFT: Final = 1.75  # at least, for the rows' names
LETTER: Final = 0.07
RIGHT: Final = 0.75
TOP: Final = 1.3
BETWEEN: Final = 0.78
LEGEND_ENTRY: Final = 1.85

COLUMNS: Final = 3


class Look(NamedTuple):
    """How a kind of bar is drawn, and its name."""

    title: str
    colour: str
    hatch: str = ""

    @property
    def patch(self) -> dict[str, Any]:
        """Return it as Matplotlib's arguments."""
        edge = style.QUIET if self.hatch else self.colour
        return {"facecolor": self.colour, "edgecolor": edge, "hatch": self.hatch, "linewidth": 0.4}


class Row(NamedTuple):
    """A cell, by its place in the figure."""

    name: str
    model: str
    target: str


def rows(run: Run, cells: pd.Index[Any], clients: int) -> dict[str, list[Row]]:
    """Return the rows of each workload: of the models and targets that are among ``cells`` with so many clients."""
    known = set(cells)
    several = len(run.values("target")) > 1
    found = {
        workload: [
            Row(f"{model} · {style.short(target)}" if several else model, model, target)
            for model in run.values("model")
            for target in run.values("target")
            if (model, workload, clients, target) in known
        ]
        for workload in run.values("workload")
    }
    return {workload: named for workload, named in found.items() if named}


def make(
    title: str, subtitle: str, looks: list[Look], panels: Mapping[str, list[Row]]
) -> tuple[Figure, dict[str, Axes]]:
    """Return a figure with a panel of empty rows for each workload.

    Args:
        title: of the whole figure.
        subtitle: below it, what is shown and how.
        looks: what the legend names.
        panels: the rows by workload.
    """
    columns = min(COLUMNS, len(panels))
    high = max(map(len, panels.values())) * BAR + 0.1
    room = max(LEFT, LETTER * max(len(row.name) for names in panels.values() for row in names) + 0.15)
    width = max(columns * (room + WIDTH + RIGHT), 8.0)
    height = TOP + math.ceil(len(panels) / columns) * (high + BETWEEN)
    figure = style.blank(width, height)
    grid.headline(figure, title, subtitle)
    figure.legend(
        handles=[Patch(label=look.title, **look.patch) for look in looks],
        loc="upper left",
        bbox_to_anchor=(0.12 / width, 1 - 0.62 / height),
        ncols=max(1, min(len(looks), int(width // LEGEND_ENTRY))),
        fontsize=8.5,
        frameon=False,
        handlelength=1.2,
        handleheight=0.9,
        columnspacing=1.4,
        borderpad=0,
    )
    drawn = {}
    for number, (workload, names) in enumerate(panels.items()):
        left = room + number % columns * (room + WIDTH + RIGHT)
        bottom = height - TOP - high - number // columns * (high + BETWEEN)
        axes = figure.add_axes((left / width, bottom / height, WIDTH / width, high / height))
        axes.set_ylim(len(names) - 0.5, -0.5)
        axes.set_yticks(range(len(names)), [row.name for row in names], fontsize=8, color=style.INK)
        axes.tick_params(axis="y", length=0)
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.grid(visible=False, axis="y")
        axes.set_title(workload)
        drawn[workload] = axes
    return figure, drawn


def label(axes: Axes, x: float, y: float, text: str) -> None:
    """Write a figure just right of where a bar ends."""
    axes.annotate(text, (x, y), xytext=(3, 0), textcoords="offset points", va="center", fontsize=7.5, color=style.QUIET)
