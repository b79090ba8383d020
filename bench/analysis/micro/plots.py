"""Pictures of the microscope: ways to a singleton by speed and safety, and what threads add."""

from __future__ import annotations

import math
import statistics
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.analysis.micro.load import Micro
from bench.analysis.micro.tables import duration
from bench.analysis.plots import style
from bench.analysis.plots.grid import headline

WAYS: Final = (
    "instance made at import",
    "module",
    "double-checked locking",
    "__new__ with an RLock",
    "functools.cache",
    "metaclass",
    "__new__ without a lock",
)
SAFE: Final = ("#0072B2", "o")
UNSAFE: Final = ("#D55E00", "x")
PANEL_IN: Final = (2.5, 2.2)
NAMES_IN: Final = 1.95
ACROSS: Final = 4
WORKS: Final = ("pure Python", "GIL let go")
THREADS: Final = (1, 2, 4)


def singletons(micro: Micro) -> Figure | None:
    """Return a panel for each target: ways down, what a call costs along x; whether it ever made two by shape."""
    drawn = [(target, points) for target in micro.targets if (points := _ways(micro, target))]
    if not drawn:
        return None
    columns = min(ACROSS, len(drawn))
    rows = math.ceil(len(drawn) / columns)
    width, height = max(NAMES_IN + columns * (PANEL_IN[0] + 0.2), 8.4), 1.05 + rows * (PANEL_IN[1] + 0.75)
    figure = style.blank(width, height)
    headline(
        figure,
        "Singletons: what asking costs, and whether 8 threads that ask at once get more than one",
        "● never more than one; × several in so many of the raced rounds, the window widened by 0.5 ms; "
        "◇ a call when 4 threads ask",
    )
    fastest = min(hot for _, points in drawn for hot, _, _ in points.values())
    slowest = max(max(hot, shared) for _, points in drawn for hot, shared, _ in points.values())
    for number, (target, points) in enumerate(drawn):
        row, column = divmod(number, columns)
        left, bottom = NAMES_IN + column * (PANEL_IN[0] + 0.2), height - 1.0 - PANEL_IN[1] - row * (PANEL_IN[1] + 0.75)
        axes = figure.add_axes((left / width, bottom / height, PANEL_IN[0] / width, PANEL_IN[1] / height))
        axes.set_title(target)
        axes.set_xscale("log")
        axes.set_xlim(fastest / 1.5, slowest * 6)
        axes.set_ylim(len(WAYS) - 0.5, -0.5)
        axes.set_yticks(range(len(WAYS)), WAYS if column == 0 else [""] * len(WAYS), fontsize=8.5)
        axes.tick_params(axis="y", length=0, labelcolor=style.INK)
        axes.xaxis.set_major_formatter(lambda value, _: duration(value).replace(".0 ", " ").replace(".00 ", " "))
        axes.set_xlabel("a call once it is there (log scale)", fontsize=8)
        for way, (hot, shared, share) in points.items():
            _point(axes, WAYS.index(way), hot, shared, share)
    return figure


def _ways(micro: Micro, target: str) -> dict[str, tuple[float, float, float]]:
    """Return for each way what a call takes, what it takes when 4 threads ask, and the share of rounds with several."""
    timed, facts = micro.timed[micro.timed["target"] == target], micro.facts[micro.facts["target"] == target]
    found = {}
    for way in WAYS:
        hot, shared = (timed.loc[timed["name"] == f"hot call{by}: {way}", "seconds"] for by in ("", " by 4 threads"))
        raced = facts[facts["name"].str.startswith(f"{way}, raced for")]
        widened = raced[raced["name"].str.endswith("widened")]
        several = float(raced.loc[raced["figure"] == "rounds_with_several", "value"].sum())
        shown = float(widened.loc[widened["figure"] == "rounds_with_several", "value"].sum())
        rounds = float(widened.loc[widened["figure"] == "rounds", "value"].sum())
        if len(hot) and rounds:
            share = shown / rounds if several else 0.0
            found[way] = (float(hot.median()), float(shared.median()), share)
    return found


def _point(axes: Axes, y: int, hot: float, shared: float, share: float) -> None:
    colour, marker = UNSAFE if share else SAFE
    axes.plot([hot, shared], [y, y], color=colour, linewidth=0.8, alpha=0.5)
    axes.plot([shared], [y], "d", color=colour, markerfacecolor="white", markersize=4.5)
    axes.plot([hot], [y], marker, color=colour, markersize=6.5, markeredgewidth=2 if share else 1)
    told = f"{duration(hot)}, several in {share:.0%}" if share else duration(hot)
    axes.annotate(
        told, (max(hot, shared), y), xytext=(6, 0), textcoords="offset points", va="center", fontsize=7.5, color=colour
    )


def threads(micro: Micro) -> Figure | None:
    """Return the speed-up by threads of work in pure Python and of work that lets the GIL go."""
    speedups = {
        (target, work): [_seconds(micro, target, work, 1) / _seconds(micro, target, work, count) for count in THREADS]
        for target in micro.targets
        for work in WORKS
    }
    if all(math.isnan(one) for values in speedups.values() for one in values):
        return None
    figure = style.blank(8.8, 3.6)
    headline(
        figure,
        "What more threads get done in the same time",
        f"work by 1, 2 and 4 threads against 1, median over rounds; dashed: {micro.meta['machine'].get('cpus')} CPUs",
    )
    for place, work in enumerate(WORKS):
        axes = figure.add_axes((0.08 + 0.44 * place, 0.15, 0.3, 0.6))
        axes.set_title(work)
        for number, target in enumerate(micro.targets):
            free = micro.free(target)
            colour = _COLOURS[number % len(_COLOURS)]
            marker = "s" if free else "o"
            label = style.short(target)
            face = "white" if free else colour
            axes.plot(THREADS, speedups[target, work], "--" if free else "-", color=colour, linewidth=1.4)
            axes.plot(THREADS, speedups[target, work], marker, color=colour, markerfacecolor=face, label=label)
        axes.axhline(micro.meta["machine"].get("cpus") or 1, color=style.QUIET, linestyle=(0, (4, 3)), linewidth=0.9)
        axes.set_ylim(0, None)
        axes.set_xticks(THREADS)
        axes.set_xlabel("threads", fontsize=8)
        if place == 0:
            axes.set_ylabel("times the work of one", fontsize=8)
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="center right", frameon=False, fontsize=8)
    return figure


_COLOURS: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999933", "#882255")


def _seconds(micro: Micro, target: str, work: str, threads: int) -> float:
    rows = micro.timed[
        (micro.timed["target"] == target) & (micro.timed["name"] == f"work by threads: {work}, {threads}")
    ]
    return statistics.median(rows["seconds"].tolist()) if len(rows) else math.nan
