"""The convoy effect: what quick requests get beside clients that let the same server compute."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from bench.analysis import wording
from bench.analysis.company import MIXED, beside
from bench.analysis.load import Run
from bench.analysis.plots import style
from bench.analysis.plots.grid import headline
from bench.analysis.stats import Spread, over_passes, pick

SWITCH_INTERVAL_MS: Final = 5.0  # CPython's own

# Inches.
PANEL: Final = (1.95, 1.5)
LEFT, TOP, BOTTOM, ACROSS, DOWN, RIGHT = 0.75, 1.45, 0.78, 0.72, 0.5, 0.3


class Column(NamedTuple):
    """A figure of the quick clients, or of the others.

    Attributes:
        title: of its panels.
        column: of the windows.
        scale: from its unit to what is shown.
        log: whether its axis is logarithmic.
        told: how a tick is written.
        from_: the least number of computing clients that it makes sense for.
    """

    title: str
    column: str
    scale: float
    log: bool
    told: Callable[[float], str]
    from_: int = 0


COLUMNS: Final = (
    Column("quick: p50, ms", "latency_p50_ns", 1e-6, True, "{:g}".format),
    Column("quick: p99, ms", "latency_p99_ns", 1e-6, True, "{:g}".format),
    Column("quick: requests/s", "throughput_rps", 1, True, wording.rate),
    Column("computing: requests/s", "beside_rps", 1, False, wording.rate, 1),
    Column("threads waiting for the GIL", "gil_waiting", 1, False, "{:g}".format),
)


def draw(run: Run) -> Figure | None:
    """Return the figure; ``None`` if the workload ``mixed`` was not measured with several numbers of clients."""
    numbers = sorted(beside(name) for name in run.values("workload") if name.startswith(MIXED))
    if len(numbers) < 2:
        return None
    windows = run.windows[run.windows["workload"].str.startswith(MIXED)].assign(gil_waiting=_waiting)
    clients = int(windows["clients"].min())
    spreads = [over_passes(windows, column.column) for column in COLUMNS]
    models = [model for model in run.values("model") if (windows["model"] == model).any()]
    figure, axes = _make(models, clients)
    for row, model in enumerate(models):
        for panel, kind, spread in zip(axes[row], COLUMNS, spreads, strict=True):
            for target in run.values("target"):
                places = [k for k in numbers if k >= kind.from_]
                found = [(numbers.index(k), pick(spread, (model, f"{MIXED}{k}", clients, target))) for k in places]
                _line(panel, kind, [(x, one) for x, one in found if one], style.colour(model), style.looks(run)[target])
            _axis(panel, kind, numbers)
            if kind.column.startswith("latency"):
                _switch_intervals(run, panel)
    _share_limits(axes)
    _legend(run, figure)
    note = "Beside none a round trip may take longer than beside one: a CPU that sleeps takes some 10 µs to wake."
    figure.text(0.2 / figure.get_figwidth(), 0.1 / figure.get_figheight(), note, color=style.QUIET, fontsize=8)
    return figure


def _waiting(windows: pd.DataFrame) -> pd.Series[float]:
    return windows["roles"].map(
        lambda roles: sum(role["threads"] * role["gil_wait"] for role in roles.values()) if roles else math.nan
    )


def _make(models: Sequence[str], clients: int) -> tuple[Figure, list[list[Axes]]]:
    width = LEFT + len(COLUMNS) * (PANEL[0] + ACROSS) - ACROSS + RIGHT
    height = TOP + len(models) * (PANEL[1] + DOWN) - DOWN + BOTTOM
    figure = style.blank(width, height)
    headline(
        figure,
        f"Beside clients that let the server compute: what {wording.plural(clients, 'client')} with quick requests get",
        "medians and ranges over passes; dotted: the switch interval, for which a thread may keep the GIL while others "
        "wait; each computing request takes about 10 ms",
    )
    axes = []
    for row, model in enumerate(models):
        line = []
        for column, kind in enumerate(COLUMNS):
            left, bottom = LEFT + column * (PANEL[0] + ACROSS), height - TOP - PANEL[1] - row * (PANEL[1] + DOWN)
            panel = figure.add_axes((left / width, bottom / height, PANEL[0] / width, PANEL[1] / height))
            if row == 0:
                above = 1 - (TOP - 0.28) / height
                figure.text(left / width, above, kind.title, fontsize=9, weight="bold", va="bottom", color=style.INK)
            if row == len(models) - 1:
                panel.set_xlabel("computing clients", fontsize=8)
            if column == 0:
                panel.set_title(model, fontsize=9, color=style.colour(model))
            line.append(panel)
        axes.append(line)
    return figure, axes


def _line(axes: Axes, kind: Column, points: Sequence[tuple[int, Spread]], colour: str, look: style.Look) -> None:
    points = [(x, spread) for x, spread in points if spread.median > 0 or not kind.log]
    for x, spread in points:
        if spread.has_range and (spread.low > 0 or not kind.log):
            ends = [spread.low * kind.scale, spread.high * kind.scale]
            axes.plot([x, x], ends, color=colour, linewidth=0.9, alpha=0.7)
    axes.plot(
        [x for x, _ in points],
        [spread.median * kind.scale for _, spread in points],
        look.line,
        marker=look.marker,
        color=colour,
        markerfacecolor=colour if look.filled else "white",
        markersize=4.5,
        linewidth=1.3,
    )


def _legend(run: Run, figure: Figure) -> None:
    handles = []
    for target, look in style.looks(run).items():
        face = style.INK if look.filled else "white"
        drawn: dict[str, Any] = {
            "linestyle": look.line,
            "marker": look.marker,
            "markerfacecolor": face,
            "linewidth": 1.3,
        }
        handles.append(Line2D([], [], color=style.INK, label=target, **drawn))
    place = (0.2 / figure.get_figwidth(), 1 - 0.62 / figure.get_figheight())
    settings: dict[str, Any] = {"frameon": False, "borderpad": 0, "fontsize": 8.5}
    figure.legend(handles=handles, loc="upper left", bbox_to_anchor=place, ncols=len(handles), **settings)


def _axis(axes: Axes, kind: Column, numbers: Sequence[int]) -> None:
    axes.set_xlim(-0.3, len(numbers) - 0.7)
    axes.set_xticks(range(len(numbers)), list(map(str, numbers)), fontsize=8)
    axes.tick_params(axis="y", labelsize=8)
    axes.grid(visible=False, axis="x")
    if kind.log:
        axes.set_yscale("log")


def _switch_intervals(run: Run, axes: Axes) -> None:
    for interval_ms in {_interval_ms(run, target) for target in run.values("target")}:
        axes.axhline(interval_ms, color=style.QUIET, linestyle=(0, (1, 2)), linewidth=1.2, zorder=1)


def _interval_ms(run: Run, target: str) -> float:
    build = run.section("targets").get(target)
    changed = str(build.get("variants") or "") if isinstance(build, dict) else ""
    given = [part.removeprefix("switch=") for part in changed.split("+") if part.startswith("switch=")]
    return float(given[0]) * 1e3 if given else SWITCH_INTERVAL_MS


def _share_limits(axes: Sequence[Sequence[Axes]]) -> None:
    """Give each column one scale, so that models can be compared down it."""
    for column, kind in enumerate(COLUMNS):
        panels = [row[column] for row in axes]
        low = min(panel.get_ylim()[0] for panel in panels)
        high = max(panel.get_ylim()[1] for panel in panels)
        ticks = style.log_ticks(low, high) if kind.log else None
        for panel in panels:
            panel.set_ylim((low if kind.log else 0.0), high if high > 0 else 1.0)
            if ticks is not None:
                panel.yaxis.set_major_locator(FixedLocator(ticks))
                panel.yaxis.set_minor_locator(NullLocator())
            panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _, told=kind.told: told(value)))
