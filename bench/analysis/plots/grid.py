"""Small multiples: a column for each workload, a row for each target, the number of clients along x.

More workloads than fit beside each other stand below, with all their targets.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final, NamedTuple

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from bench.analysis.load import Run
from bench.analysis.plots import style
from bench.analysis.plots.labels import Label, at_line_ends
from bench.analysis.stats import pick

# Inches.
PANEL_WIDTH: Final = 2.35
PANEL_HEIGHT: Final = 2.1
LABELS: Final = 1.4  # right of a panel, for its lines' names and the next panel's figures
LEFT: Final = 0.85
TOP: Final = 0.95
BOTTOM: Final = 0.6
BETWEEN: Final = 0.6

COLUMNS: Final = 4


class Panel(NamedTuple):
    """The part of a grid that shows one workload on one target."""

    axes: Axes
    workload: str
    target: str


class Grid(NamedTuple):
    """A figure of panels."""

    figure: Figure
    panels: list[Panel]


def make(run: Run, title: str, subtitle: str, unit: str) -> Grid:
    """Return a figure with an empty panel for each workload and target that were measured together.

    Args:
        run: what is to be drawn.
        title: of the whole figure.
        subtitle: below it, what is shown and how.
        unit: label of the y axes.
    """
    workloads, rows = run.values("workload"), run.values("target")
    columns = min(len(workloads), COLUMNS)
    lines = math.ceil(len(workloads) / columns) * len(rows)
    width = LEFT + columns * (PANEL_WIDTH + LABELS)
    height = TOP + lines * (PANEL_HEIGHT + BETWEEN) - BETWEEN + BOTTOM
    width = max(width, 5.6)  # room for the title
    figure = style.blank(width, height)
    headline(figure, title, subtitle)
    measured = set(zip(run.windows["workload"], run.windows["target"], strict=True))
    panels = []
    for number, workload in enumerate(workloads):
        block, i = divmod(number, columns)
        for j, target in enumerate(rows):
            if (workload, target) not in measured:
                continue
            left = LEFT + i * (PANEL_WIDTH + LABELS)
            bottom = height - TOP - PANEL_HEIGHT - (block * len(rows) + j) * (PANEL_HEIGHT + BETWEEN)
            axes = figure.add_axes((left / width, bottom / height, PANEL_WIDTH / width, PANEL_HEIGHT / height))
            axes.set_title(f"{workload} · {style.short(target)}" if len(rows) > 1 else workload)
            if i == 0:
                axes.set_ylabel(unit)
            if j == len(rows) - 1:
                axes.set_xlabel("clients (log scale)" if len(run.values("clients")) > 1 else "clients")
            panels.append(Panel(axes, workload, target))
    return Grid(figure, panels)


def headline(figure: Figure, title: str, subtitle: str) -> None:
    """Write a figure's title and subtitle into its upper left corner."""
    width, height = figure.get_size_inches()
    for text, down, size, weight, colour in (
        (title, 0.16, 12.5, "bold", style.INK),
        (subtitle, 0.44, 8.5, "normal", style.QUIET),
    ):
        line = figure.text(0.2 / width, 1 - down / height, text, va="top", fontsize=size, weight=weight, color=colour)
        share = (width - 0.4) * figure.dpi / line.get_window_extent().width
        line.set_fontsize(size * min(share, 1))


def clients_axis(axes: Axes, clients: list[int]) -> None:
    """Make x the number of clients, on a log scale with a tick at each number measured."""
    axes.set_xscale("log", base=2)
    axes.set_xlim(min(clients) / 2**0.25, max(clients) * 2**0.25)
    axes.xaxis.set_major_locator(FixedLocator(_sparse(clients)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0f}"))
    axes.grid(visible=False, axis="x")


def _sparse(clients: list[int]) -> list[int]:
    """Leave out what would stand too near to the one before."""
    room = math.log2(max(clients) / min(clients)) / 8
    shown = [clients[0]]
    for one in clients[1:]:
        if math.log2(one / shown[-1]) >= room:
            shown.append(one)
    return shown


def lines(run: Run, panel: Panel, spreads: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield each model of a panel with its frame: index clients, columns median, low, high, passes."""
    for model in run.values("model"):
        found = {
            clients: spread
            for clients in run.values("clients")
            if (spread := pick(spreads, (model, panel.workload, clients, panel.target)))
        }
        if found:
            yield model, pd.DataFrame.from_dict(found, orient="index", columns=["median", "low", "high", "passes"])


def draw_lines(run: Run, panel: Panel, spreads: pd.DataFrame) -> list[Label]:
    """Draw a line with range bars for each model, and return the labels of their ends.

    Args:
        run: what is drawn.
        panel: where.
        spreads: of the run's cells, see :func:`bench.analysis.stats.over_passes`.
    """
    look = style.looks(run)[panel.target]
    labels = []
    for model, frame in lines(run, panel, spreads):
        colour = style.colour(model)
        ends = [(frame["median"] - frame["low"]).fillna(0), (frame["high"] - frame["median"]).fillna(0)]
        panel.axes.errorbar(
            frame.index,
            frame["median"],
            yerr=ends,
            color=colour,
            linestyle=look.line,
            marker=look.marker,
            markerfacecolor=colour if look.filled else "white",
            capsize=2.5,
            elinewidth=1.1,
        )
        labels.append(Label(model, float(frame.index[-1]), float(frame["median"].iloc[-1]), colour))
    return labels


def label_all(labelled: list[tuple[Panel, list[Label]]]) -> None:
    """Write the labels of all panels, once every limit is final."""
    for panel, labels in labelled:
        at_line_ends(panel.axes, labels)


def passes_note(run: Run) -> str:
    """Return how the bars are to be read."""
    passes = int(run.windows["pass"].nunique())
    return f"median and range over {passes} passes" if passes > 1 else "one pass, so no range"
