"""The convoy effect: quick requests next to clients that make the same server compute."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from bench.analysis.load import Run
from bench.analysis.stats import Spread, pass_spreads, pick
from bench.narrative import wording
from bench.report.plots import style
from bench.report.plots.grid import passes_note
from bench.report.plots.head import Key, figure_with_head, place
from bench.schema.cell import MIXED

SWITCH_INTERVAL_MS: Final = 5.0  # CPython's default

# Inches.
PANEL: Final = (1.5, 1.3)
LEFT, TOP, BOTTOM, ACROSS, DOWN, RIGHT = 0.75, 0.5, 0.45, 0.62, 0.45, 0.25


class Column(NamedTuple):
    """A figure of the quick clients, or of the computing ones.

    Attributes:
        title: title of its panels.
        column: column of the windows.
        scale: factor from its unit to the unit shown.
        log: whether its axis is logarithmic.
        write: formats a tick.
        from_: the smallest number of computing clients that it applies to.
    """

    title: str
    column: str
    scale: float
    log: bool
    write: Callable[[float], str]
    from_: int = 0


CONVOY_COLUMNS: Final = (
    Column("quick: p50, ms (log)", "latency_p50_ns", 1e-6, True, "{:g}".format),
    Column("quick: p99, ms (log)", "latency_p99_ns", 1e-6, True, "{:g}".format),
    Column("quick: requests/s (log)", "throughput_rps", 1, True, wording.rate),
    Column("computing: requests/s", "background_rps", 1, False, wording.rate, 1),
    Column("threads waiting for GIL", "gil_waiting", 1, False, "{:g}".format),
)


def draw(run: Run) -> Figure | None:
    """Return the figure; ``None`` if the workload ``mixed`` was not measured with several numbers of clients."""
    numbers = run.computing_clients()
    if len(numbers) < 2:
        return None
    windows = run.windows[run.windows["workload"].str.startswith(MIXED)].assign(gil_waiting=_waiting)
    clients = int(windows["clients"].min())
    spreads = [pass_spreads(windows, column.column) for column in CONVOY_COLUMNS]
    models = [model for model in run.values("model") if (windows["model"] == model).any()]
    figure, axes = _make(run, models, spreads, numbers)
    for row, model in enumerate(models):
        for panel, kind, spread in zip(axes[row], CONVOY_COLUMNS, spreads, strict=True):
            for interpreter in run.values("interpreter"):
                places = [k for k in numbers if k >= kind.from_]
                found = [
                    (numbers.index(k), pick(spread, (model, f"{MIXED}+{k}", clients, interpreter))) for k in places
                ]
                _line(
                    panel,
                    kind,
                    [(x, one) for x, one in found if one],
                    style.colour(model),
                    style.appearances(run)[interpreter],
                )
            _axis(panel, kind, numbers)
            if kind.column.startswith("latency"):
                _switch_intervals(run, panel)
    _share_limits(axes)
    return figure


def _waiting(windows: pd.DataFrame) -> pd.Series[float]:
    return windows["roles"].map(
        lambda roles: sum(role["threads"] * role["gil_wait"] for role in roles.values()) if roles else math.nan
    )


def _titles(run: Run, p99: pd.DataFrame, numbers: Sequence[int], clients: int) -> list[str]:
    """Return titles: the largest and smallest effect of the first number of computing clients on the quick p99.

    An effect is reported if the ranges over passes do not overlap.
    """
    before, after = numbers[0], numbers[1]
    names, several = style.short_names(run.values("interpreter")), len(run.values("interpreter")) > 1
    rises: dict[str, float] = {}
    alike = []
    for model in run.values("model"):
        for interpreter in run.values("interpreter"):
            one, other = (pick(p99, (model, f"{MIXED}+{number}", clients, interpreter)) for number in (before, after))
            if not one or not other or not one.middle:
                continue
            name = f"{model} on {names[interpreter]}" if several else model
            if other.low > one.high if one.has_range and other.has_range else other.middle > one.middle:
                rises[name] = other.middle / one.middle
            else:
                alike.append(name)
    next_to = f"Next to {wording.plural(after, 'computing client')}"
    if not rises:
        return [f"{next_to}, p99 of quick requests does not clearly rise"]
    once = "" if run.windows["pass"].nunique() > 1 else ", in one pass"
    order = sorted(rises, key=lambda name: -rises[name])
    most = f"{next_to}, p99 of quick requests rises up to {wording.ratio(rises[order[0]])}× ({order[0]}{once})"
    least = f"; {alike[0]}: no clear rise" if alike else f"; least: {wording.ratio(rises[order[-1]])}× ({order[-1]})"
    return [most + least, most] if len(rises) + len(alike) > 1 else [most]


def _make(
    run: Run, models: Sequence[str], spreads: Sequence[pd.DataFrame], numbers: Sequence[int]
) -> tuple[Figure, list[list[Axes]]]:
    clients = int(run.windows.loc[run.windows["workload"].str.startswith(MIXED), "clients"].min())
    width = LEFT + len(CONVOY_COLUMNS) * (PANEL[0] + ACROSS) - ACROSS + RIGHT
    body = TOP + len(models) * (PANEL[1] + DOWN) - DOWN + BOTTOM
    figure = figure_with_head(
        width,
        body,
        _titles(run, spreads[1], numbers, clients),
        f"{wording.plural(clients, 'client')} with quick requests, next to clients whose requests compute for about "
        f"10 ms each; {passes_note(run)}; dotted: the switch interval, for which a thread may keep the GIL while "
        "others wait; with no computing client a round trip may take longer than with one, since an idle CPU takes "
        "some 10 µs to wake",
        [
            Key(interpreter, style.INK, marker=appearance.marker, line=appearance.line, filled=appearance.filled)
            for interpreter, appearance in style.appearances(run).items()
        ],
    )
    height = figure.get_figheight()
    axes = []
    for row, model in enumerate(models):
        line = []
        for column, kind in enumerate(CONVOY_COLUMNS):
            left, bottom = LEFT + column * (PANEL[0] + ACROSS), body - TOP - PANEL[1] - row * (PANEL[1] + DOWN)
            panel = place(figure, left, bottom, *PANEL)
            if row == 0:
                above = (body - 0.22) / height
                figure.text(left / width, above, kind.title, fontsize=8.5, weight="bold", va="bottom", color=style.INK)
            if row == len(models) - 1:
                panel.set_xlabel("computing clients", fontsize=8)
            if column == 0:
                panel.set_title(model, fontsize=9, color=style.label_colour(model))
            line.append(panel)
        axes.append(line)
    return figure, axes


def _line(
    axes: Axes, kind: Column, points: Sequence[tuple[int, Spread]], colour: str, appearance: style.InterpreterStyle
) -> None:
    points = [(x, spread) for x, spread in points if spread.middle > 0 or not kind.log]
    for x, spread in points:
        if spread.has_range and (spread.low > 0 or not kind.log):
            ends = [spread.low * kind.scale, spread.high * kind.scale]
            axes.plot([x, x], ends, color=colour, linewidth=0.9, alpha=0.7)
    axes.plot(
        [x for x, _ in points],
        [spread.middle * kind.scale for _, spread in points],
        appearance.line,
        marker=appearance.marker,
        color=colour,
        markerfacecolor=appearance.face(colour),
        markersize=4.5,
        linewidth=1.3,
    )


def _axis(axes: Axes, kind: Column, numbers: Sequence[int]) -> None:
    axes.set_xlim(-0.3, len(numbers) - 0.7)
    axes.set_xticks(range(len(numbers)), list(map(str, numbers)), fontsize=8)
    axes.tick_params(axis="y", labelsize=8)
    axes.grid(visible=False, axis="x")
    if kind.log:
        axes.set_yscale("log")


def _switch_intervals(run: Run, axes: Axes) -> None:
    for interval_ms in {_interval_ms(run, interpreter) for interpreter in run.values("interpreter")}:
        axes.axhline(interval_ms, color=style.QUIET, linestyle=(0, (1, 2)), linewidth=1.2, zorder=1)


def _interval_ms(run: Run, interpreter: str) -> float:
    parts = run.variants(interpreter).split("+")
    given = [part.removeprefix("switch=") for part in parts if part.startswith("switch=")]
    return float(given[0]) * 1e3 if given else SWITCH_INTERVAL_MS


def _share_limits(axes: Sequence[Sequence[Axes]]) -> None:
    """Give each column one scale, so that models can be compared down it."""
    for column, kind in enumerate(CONVOY_COLUMNS):
        panels = [row[column] for row in axes]
        low = min(panel.get_ylim()[0] for panel in panels)
        high = max(panel.get_ylim()[1] for panel in panels)
        ticks = style.log_ticks(low, high) if kind.log else None
        for panel in panels:
            panel.set_ylim((low if kind.log else 0.0), high if high > 0 else 1.0)
            if ticks is not None:
                panel.yaxis.set_major_locator(FixedLocator(ticks))
                panel.yaxis.set_minor_locator(NullLocator())
            panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _, write=kind.write: write(value)))
