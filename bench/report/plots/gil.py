"""Effective cores next to the threads that wait for a GIL."""

from __future__ import annotations

from typing import Final, cast

import pandas as pd
from matplotlib.figure import Figure

from bench.analysis.load import Run
from bench.analysis.stats import pass_spreads, pick
from bench.narrative import wording
from bench.report.plots import bars, grid, style
from bench.report.plots.bars import BarStyle
from bench.schema.thread_state import GIL_WAIT

CORES: Final = BarStyle("effective cores", style.STATES["cpu"])
WAITING: Final = BarStyle("threads waiting for the GIL, on average", GIL_WAIT.colour)
NOTHING: Final = 0.05  # threads; less than this counts as none


def draw(run: Run) -> Figure | None:
    """Return the figure; ``None`` without thread accounting."""
    known = run.windows[run.windows["roles"].map(bool)].assign(gil_waiting=_waiting)
    if known.empty:
        return None
    cores, waiting = pass_spreads(known, "effective_cores"), pass_spreads(known, "gil_waiting")
    clients = int(known["clients"].max())
    panels = bars.rows(run, cores.index, clients)
    figure, axes = bars.make_bars(
        _titles(run, waiting, clients),
        f"{grid.passes_note(run)}; dashes: one core"
        + (f", and all {run.cpus:g} CPUs" if run.cpus and run.cpus > 1 else ""),
        [CORES.key, WAITING.key],
        panels,
        value=0.25,
    )
    for workload, rows in panels.items():
        top = 1.0
        for spreads, appearance, offset in ((cores, CORES, -0.18), (waiting, WAITING, 0.18)):
            found = {
                place: pick(spreads, (row.model, workload, clients, row.interpreter)) for place, row in enumerate(rows)
            }
            seen = {place + offset: one for place, one in found.items() if one}
            axes[workload].barh(list(seen), [one.middle for one in seen.values()], height=0.36, **appearance.patch)
            shown = {y: one for y, one in seen.items() if one.high > NOTHING}
            top = max(
                top,
                *bars.whiskers(axes[workload], shown, lined=False).values(),
                *(one.middle for one in seen.values()),
            )
        for mark in {1, run.cpus or 1}:
            axes[workload].axvline(mark, color=style.QUIET, linewidth=0.8, linestyle=(0, (2, 2)), zorder=1.5)
        axes[workload].set_xlim(0, max(top, run.cpus or 1) * 1.08)
        axes[workload].set_xlabel("cores, threads")
    return figure


def _titles(run: Run, waiting: pd.DataFrame, clients: int) -> list[str]:
    """Return titles: the workload and cell in which most threads wait for the GIL."""
    known = waiting["middle"].dropna()
    known = known[known.index.get_level_values("clients") == clients]
    about = f"with {wording.plural(clients, 'client')}"
    if known.empty or float(known.max()) < NOTHING:
        return [f"No thread waits for a GIL {about}"]
    cell = cast("tuple[str, str, int, str]", known.idxmax())
    spread = pick(waiting, cell)
    ends = f" ({spread.low:.1f}–{spread.high:.1f})" if spread and spread.has_range else ", in one pass"
    on = f" on {style.short_names(run.values('interpreter'))[cell[3]]}" if len(run.values("interpreter")) > 1 else ""
    texts = f"{cell[0]}{on} has the most threads waiting for the GIL"
    many = f"{float(known.max()):.1f}{ends}"
    return [
        f"{texts}: {many}, with {cell[1]} and {wording.plural(clients, 'client')}",
        f"{many} threads of {cell[0]}{on} wait for the GIL with {cell[1]}",
        f"{many} threads wait for the GIL",
    ]


def _waiting(windows: pd.DataFrame) -> pd.Series[float]:
    return windows["roles"].map(lambda roles: sum(role["threads"] * role[GIL_WAIT.key] for role in roles.values()))
