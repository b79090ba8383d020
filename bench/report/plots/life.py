"""The life of a request: one bar for each model and interpreter, with parts from computing to waiting in the queue."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, Final, NamedTuple, cast

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.analysis.life import ACCEPTED, LATENCY_S, ON_THE_WAY, OVERLAPPED, QUEUE, TURN, UNEXPLAINED, life
from bench.analysis.load import Run
from bench.analysis.stats import pass_spreads, pick
from bench.narrative import wording
from bench.report.plots import bars, style, titles
from bench.report.plots.bars import BarStyle, Row
from bench.schema.thread_state import BUSY_STATES

WORTH_NAMING: Final = 0.002  # of a latency


class _Part(NamedTuple):
    """Title, short title and hatching of a part."""

    title: str
    brief: str
    hatch: str = ""


_PARTS: Final = {
    **{state.key: _Part(state.phrase, state.label) for state in BUSY_STATES},
    OVERLAPPED: _Part("overlapped waits, on no thread", "overlapped waits", "////"),
    TURN: _Part("while the loop serves others", "queue for the loop"),
    QUEUE: _Part("before a worker took it", "queue for a worker"),
    ACCEPTED: _Part("being accepted", "being accepted"),
    ON_THE_WAY: _Part("kernel, loopback, client", "kernel and client"),
    UNEXPLAINED: _Part("unexplained", "unexplained", "xxxx"),
}
APPEARANCES: Final = {part: BarStyle(each.title, style.STATES[part], each.hatch) for part, each in _PARTS.items()}
"""How each part is drawn."""


def draw(run: Run) -> Figure | None:
    """Return the figure; ``None`` without thread accounting."""
    lives = life(run)
    if lives.empty:
        return None
    clients = int(lives.index.get_level_values("clients").max())
    panels = bars.rows(run, lives.index, clients)
    met = [
        appearance
        for part, appearance in APPEARANCES.items()
        if (lives[part].abs() > WORTH_NAMING * lives[LATENCY_S]).any()
    ]
    several = run.windows["pass"].nunique() > 1
    figure, axes = bars.make_bars(
        _titles(run, clients, panels),
        "mean latency, divided by what the server's threads did and what else the request waited for"
        f"{'; thin: range over passes' if several else ''}; left of 0: time counted twice, since parts overlap",
        [appearance.key for appearance in met],
        panels,
    )
    means = pass_spreads(run.windows, "latency_mean_ns")
    for workload, rows in panels.items():
        _panel(axes[workload], lives, means, [(row.model, workload, clients, row.interpreter) for row in rows])
    return figure


def _titles(run: Run, clients: int, panels: dict[str, list[Row]]) -> list[str]:
    """Return titles: the largest part of a request for each model on the first interpreter, if all passes agree."""
    workload = titles.choose_workload(run, panels)
    passes = [
        life(dataclasses.replace(run, windows=run.windows[run.windows["pass"] == number]))
        for number in sorted(run.windows["pass"].unique())
    ]
    interpreter = panels[workload][0].interpreter
    shown: dict[str, list[str]] = {}
    for row in panels[workload]:
        cell = (row.model, workload, clients, row.interpreter)
        most = {
            str(one.loc[cast("Any", cell), list(APPEARANCES)].abs().idxmax()) for one in passes if cell in one.index
        }
        if row.interpreter == interpreter and most:
            shown.setdefault(_PARTS[most.pop()].brief if len(most) == 1 else "differs by pass", []).append(row.model)
    interpreters = run.values("interpreter")
    on = f" on {style.short_names(interpreters)[interpreter]}" if len(interpreters) > 1 else ""
    about = f"{'In one pass, largest' if len(passes) == 1 else 'Largest'} part of {workload} latency{on}"
    with_ = f" with {wording.plural(clients, 'client')}"
    said = ", ".join(f"{what} ({', '.join(models)})" for what, models in shown.items())
    brief = f"{workload}{on}, {'in one pass ' if len(passes) == 1 else ''}largest part: {said}"
    return [f"{about}{with_}: {said}", f"{about}: {said}", brief, f"{about}: {', '.join(shown)}"]


def _panel(axes: Axes, lives: pd.DataFrame, means: pd.DataFrame, cells: list[tuple[str, str, int, str]]) -> None:
    known = {place: lives.loc[cast("Any", cell)] for place, cell in enumerate(cells) if cell in lives.index}
    longest = max(float(one[LATENCY_S]) for one in known.values())
    scale, unit = (1e3, "ms") if longest >= 0.002 else (1e6, "µs")
    furthest, least = longest * scale, 0.0
    edges = dict.fromkeys(known, 0.0)
    for part, appearance in APPEARANCES.items():
        sizes = {
            place: float(one[part]) * scale for place, one in known.items() if one[part] and not math.isnan(one[part])
        }
        lefts = [edges[place] if size > 0 else 0.0 for place, size in sizes.items()]
        axes.barh(list(sizes), list(sizes.values()), left=lefts, height=0.72, **appearance.patch)
        least = min(least, *sizes.values(), 0.0)
        for place, size in sizes.items():
            edges[place] += max(size, 0.0)
    spreads = {place: pick(means, cells[place]) for place in known}
    ends = bars.whiskers(axes, {place: one for place, one in spreads.items() if one}, scale / 1e9)
    for place in range(len(cells)):
        if place not in known:
            bars.missing(axes, place)
            continue
        end = max(edges[place], ends.get(place, 0.0))
        furthest = max(furthest, end)
        bars.label(axes, end, place, wording.rate(known[place][LATENCY_S] * scale))
    axes.set_xlim(least, furthest * 1.05)
    axes.set_xlabel(f"{unit} per request")
