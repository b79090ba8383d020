"""The life of a request: one bar for each model and target, its parts from computing to waiting in the queue."""

from __future__ import annotations

import math
from typing import Any, Final, cast

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.analysis import wording
from bench.analysis.life import LATENCY, UNEXPLAINED, life
from bench.analysis.load import Run
from bench.analysis.plots import bars
from bench.analysis.plots.bars import Look

WORTH_NAMING: Final = 0.002  # of a latency

# What costs a CPU is blue, what waits for a turn is warm, what overlaps is green, what is outside is grey.
LOOKS: Final = {
    "cpu": Look("computing", "#0072B2"),
    "run_queue": Look("queue for a CPU", "#7FC4EA"),
    "gil_wait": Look("GIL", "#D55E00"),
    "lock_wait": Look("lock", "#F0C24A"),
    "own_wait": Look("the handler's own wait", "#009E73"),
    "overlapped": Look("overlapped waits, on no thread", "#A8DCC9", "////"),
    "turn": Look("while the loop serves others", "#CC79A7"),
    "queue": Look("before a worker took it", "#9AA0A8"),
    "accepted": Look("being accepted", "#6B7280"),
    "on_the_way": Look("kernel, loopback, client", "#D5D8DC"),
    UNEXPLAINED: Look("unexplained", "#FFFFFF", "xxxx"),
}


def draw(run: Run) -> Figure | None:
    """Return the figure; ``None`` if no accounts are known."""
    lives = life(run)
    if lives.empty:
        return None
    clients = int(lives.index.get_level_values("clients").max())
    panels = bars.rows(run, lives.index, clients)
    met = [look for part, look in LOOKS.items() if (lives[part].abs() > WORTH_NAMING * lives[LATENCY]).any()]
    figure, axes = bars.make(
        f"The life of a request with {wording.plural(clients, 'client')}: where its time goes",
        "mean latency, by what the server's threads did in it and by what it waited for beside; "
        "left of 0: what is counted twice, since parts overlap",
        met,
        panels,
    )
    for workload, rows in panels.items():
        _panel(axes[workload], [_of(lives, (row.model, workload, clients, row.target)) for row in rows])
    return figure


def _of(lives: pd.DataFrame, cell: tuple[str, str, int, str]) -> pd.Series[float]:
    return cast("pd.Series[float]", lives.loc[cast("Any", cell)])


def _panel(axes: Axes, lives: list[pd.Series[float]]) -> None:
    longest = max(float(one[LATENCY]) for one in lives)
    scale, unit = (1e3, "ms") if longest >= 0.002 else (1e6, "µs")
    furthest = longest * scale
    for place, one in enumerate(lives):
        edge = 0.0
        for part, look in LOOKS.items():
            size = float(one[part]) * scale
            if math.isnan(size) or not size:
                continue
            axes.barh(place, size, left=edge if size > 0 else 0.0, height=0.72, **look.patch)
            edge += max(size, 0.0)
        furthest = max(furthest, edge)
        bars.label(axes, edge, place, f"{one[LATENCY] * scale:,.3g}")
    least = min(0.0, *(float(one[UNEXPLAINED]) for one in lives if not math.isnan(one[UNEXPLAINED])), 0.0)
    axes.set_xlim(least * scale, furthest * 1.05)
    axes.set_xlabel(f"{unit} per request")
