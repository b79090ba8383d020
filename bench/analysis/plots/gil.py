"""Effective cores beside the threads that wait for a GIL: what computes, and what is kept from computing."""

from __future__ import annotations

from typing import Final

import pandas as pd
from matplotlib.figure import Figure

from bench.analysis import wording
from bench.analysis.load import Run
from bench.analysis.plots import bars, style
from bench.analysis.plots.bars import Look
from bench.analysis.stats import over_passes, pick

CORES: Final = Look("effective cores", "#0072B2")
WAITING: Final = Look("threads waiting for the GIL, on average", "#D55E00")


def draw(run: Run) -> Figure | None:
    """Return the figure; ``None`` if no accounts are known."""
    known = run.windows[run.windows["roles"].map(bool)].assign(gil_waiting=_waiting)
    if known.empty:
        return None
    cores, waiting = over_passes(known, "effective_cores"), over_passes(known, "gil_waiting")
    clients = int(known["clients"].max())
    panels = bars.rows(run, cores.index, clients)
    figure, axes = bars.make(
        f"Cores in use, and threads kept from them by the GIL, with {wording.plural(clients, 'client')}",
        "medians over passes; dashes: one core" + (f", and all {run.cpus} CPUs" if run.cpus and run.cpus > 1 else ""),
        [CORES, WAITING],
        panels,
    )
    for workload, rows in panels.items():
        top = 1.0
        for place, row in enumerate(rows):
            for spreads, look, offset in ((cores, CORES, -0.18), (waiting, WAITING, 0.18)):
                spread = pick(spreads, (row.model, workload, clients, row.target))
                value = spread.median if spread else 0.0
                axes[workload].barh(place + offset, value, height=0.36, **look.patch)
                top = max(top, value)
        for mark in {1, run.cpus or 1}:
            axes[workload].axvline(mark, color=style.QUIET, linewidth=0.8, linestyle=(0, (2, 2)), zorder=1.5)
        axes[workload].set_xlim(0, max(top, run.cpus or 1) * 1.08)
        axes[workload].set_xlabel("cores, threads")
    return figure


def _waiting(windows: pd.DataFrame) -> pd.Series[float]:
    return windows["roles"].map(lambda roles: sum(role["threads"] * role["gil_wait"] for role in roles.values()))
