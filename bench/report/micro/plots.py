"""Plots of the microbenchmarks: singleton implementations by speed and safety, and the speed-up by threads."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.analysis.micro import Micro, typical
from bench.narrative import wording
from bench.report.micro.tables import duration
from bench.report.plots import style
from bench.report.plots.head import Key, figure_with_head, place
from bench.report.plots.labels import Label, label_line_ends

WAYS: Final = (
    "instance made at import",
    "module",
    "double-checked locking",
    "__new__ with an RLock",
    "functools.cache",
    "metaclass",
    "__new__ without a lock",
)
SAFE: Final = (style.INK, "o")
UNSAFE: Final = (style.INK, "x")
PANEL_IN: Final = (2.5, 2.2)
NAMES_IN: Final = 1.95
ACROSS: Final = 4
WORKS: Final = ("pure Python", "GIL let go")
THREADS: Final = (1, 2, 4)


class Took(NamedTuple):
    """Geometric mean over rounds, and the lowest and highest; NaN if nothing was measured."""

    middle: float
    low: float
    high: float

    @classmethod
    def from_values(cls, values: Sequence[float]) -> Took:
        """Return the geometric mean and range of some values."""
        return cls(typical(values), min(values), max(values)) if values else cls(math.nan, math.nan, math.nan)


class Way(NamedTuple):
    """A singleton implementation: seconds per call, alone and with 4 threads, and the share of rounds with several."""

    hot: Took
    shared: Took
    share: float


def singletons(micro: Micro) -> Figure | None:
    """Return a panel for each interpreter: implementations down, time per call along x, several instances by shape."""
    drawn = [(interpreter, points) for interpreter in micro.interpreters if (points := _ways(micro, interpreter))]
    if not drawn:
        return None
    columns = min(ACROSS, len(drawn))
    rows = math.ceil(len(drawn) / columns)
    body = rows * (PANEL_IN[1] + 0.72) + 0.05
    figure = figure_with_head(
        max(NAMES_IN + columns * (PANEL_IN[0] + 0.2), 8.4),
        body,
        _several(dict(drawn)),
        "8 threads call at once, in many rounds, with the race window widened by 0.5 ms; x: time per call once the "
        "instance exists, geometric mean and range over rounds",
        [
            Key("never more than one instance", SAFE[0], marker=SAFE[1]),
            Key("several instances, with the share of race rounds", UNSAFE[0], marker=UNSAFE[1]),
            Key("time per call with 4 threads", style.QUIET, marker="d", filled=False),
        ],
    )
    every = [way for _, points in drawn for way in points.values()]
    fastest = min(way.hot.low for way in every)
    slowest = max(max(way.hot.high, way.shared.high) for way in every)
    for number, (interpreter, points) in enumerate(drawn):
        row, column = divmod(number, columns)
        left, bottom = NAMES_IN + column * (PANEL_IN[0] + 0.2), body - 0.28 - PANEL_IN[1] - row * (PANEL_IN[1] + 0.72)
        axes = place(figure, left, bottom, *PANEL_IN)
        axes.set_title(style.short_names(micro.interpreters)[interpreter])
        axes.set_xscale("log")
        axes.set_xlim(fastest / 1.5, slowest * 6)
        axes.set_ylim(len(WAYS) - 0.5, -0.5)
        axes.set_yticks(range(len(WAYS)), WAYS if column == 0 else [""] * len(WAYS), fontsize=8.5)
        axes.tick_params(axis="y", length=0, labelcolor=style.INK)
        axes.grid(visible=False, axis="y")
        axes.xaxis.set_major_formatter(lambda value, _: duration(value).replace(".0 ", " ").replace(".00 ", " "))
        axes.set_xlabel("time per call (log scale)", fontsize=8)
        for name, way in points.items():
            _point(axes, WAYS.index(name), way)
    return figure


def _several(drawn: dict[str, dict[str, Way]]) -> list[str]:
    """Return titles: which singleton implementations gave several instances, and on how many interpreters."""
    seen = {name: sum(points[name].share > 0 for points in drawn.values() if name in points) for name in WAYS}
    bad = [name for name, count in seen.items() if count]
    tried = sum(any(name in points for points in drawn.values()) for name in WAYS)
    if not bad:
        return [f"None of {tried} singleton implementations gave more than one instance"]
    where = "" if all(seen[name] == len(drawn) for name in bad) else ", not under every interpreter"
    return [
        f"Several instances: {', '.join(bad)}{where}",
        f"{len(bad)} of {tried} singleton implementations gave several instances{where}",
    ]


def _ways(micro: Micro, interpreter: str) -> dict[str, Way]:
    """Return for each implementation the time per call, alone and with 4 threads, and the share of bad rounds."""
    timed, facts = (
        micro.timed[micro.timed["interpreter"] == interpreter],
        micro.facts[micro.facts["interpreter"] == interpreter],
    )
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
            found[way] = Way(Took.from_values(hot.tolist()), Took.from_values(shared.tolist() or hot.tolist()), share)
    return found


def _point(axes: Axes, y: int, way: Way) -> None:
    colour, marker = UNSAFE if way.share else SAFE
    hot, shared = way.hot, way.shared
    axes.plot([hot.middle, shared.middle], [y, y], color=colour, linewidth=0.8, alpha=0.5)
    for took, below in ((hot, 0.28), (shared, 0.28)):
        axes.plot([took.low, took.high], [y + below] * 2, color=style.QUIET, linewidth=1)
    axes.plot([shared.middle], [y], "d", color=colour, markerfacecolor=style.PAPER, markersize=4.5)
    axes.plot([hot.middle], [y], marker, color=colour, markersize=6.5, markeredgewidth=2 if way.share else 1)
    texts = f"{duration(hot.middle)}, several in {way.share:.0%}" if way.share else duration(hot.middle)
    far = max(hot.middle, shared.middle)
    axes.annotate(texts, (far, y), xytext=(6, 0), textcoords="offset points", va="center", fontsize=8, color=colour)


def threads(micro: Micro) -> Figure | None:
    """Return the speed-up by threads of work in pure Python and of work that releases the GIL."""
    speedups = {
        (interpreter, work): [_speedup(micro, interpreter, work, count) for count in THREADS]
        for interpreter in micro.interpreters
        for work in WORKS
    }
    if all(math.isnan(one.middle) for values in speedups.values() for one in values):
        return None
    cpus, short = micro.meta.machine.usable_cpus, style.short_names(micro.interpreters)
    free = any(map(micro.free, micro.interpreters))
    figure = figure_with_head(
        8.8,
        2.75,
        _gains(micro, {interpreter: speedups[interpreter, WORKS[0]][-1] for interpreter in micro.interpreters}),
        f"work by 1, 2 and 4 threads relative to one in the same round, geometric mean and range over rounds; "
        f"dashed: {wording.plural(cpus, 'CPU')}{'; grey, hollow: no GIL' if free else ''}",
    )
    top = max([cpus, *(one.high for values in speedups.values() for one in values if not math.isnan(one.high))]) * 1.08
    for column, work in enumerate(WORKS):
        axes = place(figure, 0.7 + 4.1 * column, 0.5, 2.7, 1.9)
        axes.set_title(work)
        axes.set_ylim(0, top)
        axes.set_xlim(0.8, THREADS[-1] + 0.2)
        labels = []
        for number, interpreter in enumerate(micro.interpreters):
            colour = style.NO_GIL if micro.free(interpreter) else style.INK
            appearance = style.InterpreterStyle(
                "--" if micro.free(interpreter) else "-",
                style.MARKERS[number % len(style.MARKERS)],
                not micro.free(interpreter),
            )
            values = speedups[interpreter, work]
            middles = [one.middle for one in values]
            ends = [[one.middle - one.low for one in values], [one.high - one.middle for one in values]]
            axes.errorbar(
                THREADS, middles, yerr=ends, color=colour, linestyle=appearance.line, marker=appearance.marker,
                linewidth=1.4,
                markerfacecolor=appearance.face(colour), elinewidth=1,
            )  # fmt: skip
            if not math.isnan(middles[-1]):
                labels.append(Label(short[interpreter], THREADS[-1], middles[-1], colour, colour))
        axes.axhline(cpus, color=style.QUIET, linestyle=(0, (4, 3)), linewidth=0.9)
        axes.set_xticks(THREADS)
        axes.set_xlabel("threads")
        if column == 0:
            axes.set_ylabel("speed-up over one thread")
        label_line_ends(axes, labels)
    return figure


def _gains(micro: Micro, found: dict[str, Took]) -> list[str]:
    """Return titles: under which interpreters 4 threads of pure Python get more done than one."""
    short = style.short_names(micro.interpreters)
    gains = {interpreter: took for interpreter, took in found.items() if not math.isnan(took.middle)}
    if not gains:
        return [f"Speed-up of {THREADS[-1]} threads"]
    more = [
        f"{short[interpreter]} {wording.ratio(took.middle)}×" for interpreter, took in gains.items() if took.low > MORE
    ]
    about = f"{THREADS[-1]} threads of pure Python"
    if not more:
        return [f"{about} get no more done than one under any interpreter"]
    none = len(gains) - len(more)
    rest = f"; no more than one under {wording.plural(none, 'interpreter')}" if none else ""
    return [
        f"{about} get more done than one: {', '.join(more)}{rest}",
        f"{about} get more done than one: {', '.join(more)}",
    ]


MORE: Final = 1.2  # times the work of one thread; more than noise can cause


def _speedup(micro: Micro, interpreter: str, work: str, threads: int) -> Took:
    """Return the speed-up of a number of threads over one, round by round."""
    rows = micro.timed[micro.timed["interpreter"] == interpreter]
    one, many = (
        rows[rows["name"] == f"work by threads: {work}, {count}"].groupby("round")["seconds"].median()
        for count in (1, threads)
    )
    return Took.from_values((one / many).dropna().tolist())
