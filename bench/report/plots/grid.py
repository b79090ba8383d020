"""Small multiples: a row for each workload, a column for each interpreter, the number of clients along x.

Panels of a row share the y axis, so that interpreters can be compared by eye; with one interpreter, its workloads are
side by side. Lines are named at their ends; if there is no room for that in every panel, in the last of a row and in
the key.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from bench.analysis.load import Run
from bench.analysis.stats import pick
from bench.narrative import wording
from bench.report.plots import style
from bench.report.plots.head import SMALL, Key, figure_with_head, place, wide
from bench.report.plots.labels import FONT, Label, label_line_ends

# Inches.
PANEL_WIDTHS: Final = (1.3, 2.9)  # at least, at most
NAMED: Final = 1.65  # at least, if lines are named in each panel
PANEL_HEIGHT: Final = 1.7
MANY_HEIGHT: Final = 1.35  # with more rows than MANY
MANY: Final = 4
LEFT: Final = 1.05
TICKS: Final = 0.5  # for a panel's tick labels
NARROW: Final = 0.14  # between panels that share them
LEADER: Final = 0.22
TOP: Final = 0.24
BOTTOM: Final = 0.52
BETWEEN: Final = 0.24


class Panel(NamedTuple):
    """The part of a grid that shows one workload on one interpreter; whether its lines and marks are named."""

    axes: Axes
    workload: str
    interpreter: str
    labelled: bool
    first: bool


class Grid(NamedTuple):
    """A figure of panels; whether there is room to name lines in every one."""

    figure: Figure
    panels: list[Panel]
    every: bool


def make_grid(
    run: Run,
    titles: str | Sequence[str],
    subtitle: str,
    unit: str,
    *,
    cells: Sequence[tuple[str, str]] | None = None,
    names: Sequence[str] = (),
    along: str = "",
    keys: Sequence[Key] = (),
) -> Grid:
    """Return a figure with an empty panel for each workload and interpreter that were measured together.

    Args:
        run: run to draw.
        titles: titles of the whole figure; the first that fits is used.
        subtitle: what is shown and how, below the title.
        unit: label of the y axes.
        cells: workload and interpreter of each panel; ``None``: what was measured.
        names: names of lines that need room; empty: the models'.
        along: label of the x axes; empty: clients.
        keys: keys in addition to those of the models.
    """
    if cells is None:
        cells = list(dict.fromkeys(zip(run.windows["workload"], run.windows["interpreter"], strict=True)))
    workloads = [name for name in run.values("workload") if any(name == one for one, _ in cells)]
    interpreters = list(dict.fromkeys(interpreter for _, interpreter in cells))
    order = run.values("interpreter")
    interpreters.sort(key=lambda name: order.index(name) if name in order else len(order))
    size = _size(run, len(workloads), len(interpreters), names)
    if not size.every:
        keys = [*(Key(model, style.colour(model), line="-") for model in run.values("model")), *keys]
    body = TOP + size.rows * (size.high + size.down) - size.down + BOTTOM
    figure = figure_with_head(size.width, body, titles, subtitle, keys)
    along = along or ("clients (log scale)" if len(run.values("clients")) > 1 else "clients")
    short, known, shared = style.short_names(interpreters), set(cells), len(interpreters) > 1
    panels = []
    for number, cell in enumerate((workload, interpreter) for workload in workloads for interpreter in interpreters):
        row, column = divmod(number, size.across)
        if cell not in known:
            continue
        left, bottom = LEFT + column * (size.panel + size.gap), body - TOP - size.high - row * (size.high + size.down)
        axes = place(figure, left, bottom, size.panel, size.high)
        if not shared:
            axes.set_title(cell[0])
        elif row == 0:
            axes.set_title(short[cell[1]])
        if column == 0:
            axes.set_ylabel(unit, fontsize=SMALL)
            if shared:
                at = (0.3 / size.width, (bottom + size.high / 2) / figure.get_figheight())
                figure.text(*at, cell[0], rotation=90, ha="center", va="center", weight="bold", fontsize=10)
        lowest = row == size.rows - 1 or (not shared and number + size.across >= len(workloads))
        axes.set_xlabel(along if lowest else "")
        axes.tick_params(labelbottom=lowest, labelleft=column == 0 or not shared)
        panels.append(Panel(axes, *cell, size.every or column == size.across - 1, row == 0))
    return Grid(figure, panels, size.every)


class _Size(NamedTuple):
    """Layout of a grid, in inches; whether lines are named in every panel."""

    across: int
    rows: int
    panel: float
    high: float
    gap: float
    down: float
    width: float
    every: bool


def _size(run: Run, workloads: int, interpreters: int, names: Sequence[str]) -> _Size:
    models, shared = run.values("model"), interpreters > 1
    label = LEADER + max((wide(name, FONT) for name in names or models), default=0.5) + 0.05
    across, every = _across(workloads, interpreters, label)
    if not every:
        label = LEADER + max(wide(name, FONT) for name in models) + 0.05
    rows = workloads if shared else math.ceil(workloads / across)
    gap = (NARROW if shared else TICKS) + (label if every else 0)
    room = style.WIDEST - LEFT - label - (across - 1) * gap
    panel = min(max(room / across, PANEL_WIDTHS[0]), PANEL_WIDTHS[1] * (1.5 if across == 1 else 1))
    width = max(LEFT + across * panel + (across - 1) * gap + label, 7.2)
    high, down = MANY_HEIGHT if rows > MANY else PANEL_HEIGHT, BETWEEN if shared else 0.42
    return _Size(across, rows, panel, high, gap, down, width, every)


def _across(workloads: int, interpreters: int, label: float) -> tuple[int, bool]:
    """Return the number of panels side by side, and whether there is room to name lines in each."""
    if interpreters > 1:
        need = LEFT + interpreters * (NAMED + label + NARROW)
        return interpreters, need <= style.WIDEST
    fit = int((style.WIDEST - LEFT + TICKS) // (NAMED + 0.35 + label + TICKS))
    return max(1, min(workloads, fit)), True


def clients_axis(axes: Axes, clients: list[int]) -> None:
    """Make x the number of clients, on a log scale with a tick at each number measured."""
    axes.set_xscale("log", base=2)
    axes.set_xlim(min(clients) / 2**0.25, max(clients) * 2**0.25)
    axes.xaxis.set_major_locator(FixedLocator(_sparse(clients)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0f}"))
    axes.grid(visible=False, axis="x")


def _sparse(clients: list[int]) -> list[int]:
    """Leave out numbers too close to the previous one."""
    room = math.log2(max(clients) / min(clients)) / 8
    shown = [clients[0]]
    for one in clients[1:]:
        if math.log2(one / shown[-1]) >= room:
            shown.append(one)
    return shown


def cpus_mark(axes: Axes, cpus: float | None, *, named: bool) -> None:
    """Mark as many clients as there are CPUs, if that is on the axis; with its name if ``named``."""
    low, high = axes.get_xlim()
    if not cpus or not low < cpus < high:
        return
    axes.axvline(cpus, color=style.ZONE, linewidth=1.4, zorder=1)
    if not named:
        return
    right = math.log(cpus / low) < math.log(high / low) * 0.7
    axes.annotate(
        wording.plural(cpus, "CPU"),
        (cpus, 0),
        xycoords=axes.get_xaxis_transform(),
        xytext=(3 if right else -3, 2),
        textcoords="offset points",
        ha="left" if right else "right",
        va="bottom",
        fontsize=7.5,
        color=style.QUIET,
    )


def lines(run: Run, panel: Panel, spreads: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield each model of a panel with its frame: index clients, columns median, low, high, passes."""
    numbers = run.values("clients")
    for model in run.values("model"):
        found = {
            clients: spread
            for clients in numbers
            if (spread := pick(spreads, (model, panel.workload, clients, panel.interpreter)))
        }
        if found:
            yield model, pd.DataFrame.from_dict(found, orient="index", columns=["middle", "low", "high", "passes"])


def draw_lines(run: Run, panel: Panel, spreads: pd.DataFrame) -> list[Label]:
    """Draw a line with range bars for each model, and return the labels of their ends.

    Args:
        run: run to draw.
        panel: panel to draw into.
        spreads: spreads of the run's cells, see :func:`bench.analysis.stats.pass_spreads`.
    """
    appearance = style.appearances(run)[panel.interpreter]
    labels = []
    for model, frame in lines(run, panel, spreads):
        colour = style.colour(model)
        ends = [(frame["middle"] - frame["low"]).fillna(0), (frame["high"] - frame["middle"]).fillna(0)]
        panel.axes.errorbar(
            frame.index,
            frame["middle"],
            yerr=ends,
            color=colour,
            linestyle=appearance.line,
            marker=appearance.marker,
            markerfacecolor=appearance.face(colour),
            elinewidth=1.1,
        )
        labels.append(Label.of(model, float(frame.index[-1]), float(frame["middle"].iloc[-1])))
    return labels


def label_all(labelled: list[tuple[Panel, list[Label]]]) -> None:
    """Write the labels of all panels that have room for them, once every limit is final."""
    for panel, labels in labelled:
        if panel.labelled:
            label_line_ends(panel.axes, labels)


def passes_note(run: Run) -> str:
    """Return the meaning of the bars."""
    passes = int(run.windows["pass"].nunique())
    return f"median and range over {passes} passes" if passes > 1 else "one pass, so no range"
