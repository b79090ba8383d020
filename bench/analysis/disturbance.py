"""What was disturbed, judged by what the disturbance can have done to the cell.

Steal, throttling, a quota, paging, a changing clock and edges read late can change any figure. Other programs' CPU time
cannot if CPUs were idle for them and the server's threads hardly had to queue for one: waiting is concluded from while
a browser runs, computing on all CPUs is not.
"""

from __future__ import annotations

import functools
from typing import Final

import numpy as np
import pandas as pd

from bench.analysis import launches
from bench.analysis.load import Run
from bench.analysis.stats import BASELINE
from bench.schema.cell import Cell
from bench.schema.warning_codes import DISTURBING, FOREIGN_CPU
from bench.stats import ratios

IDLE_CPUS: Final = 0.25
"""CPUs that were idle on average, from which other programs are taken to have found a CPU of their own."""

QUEUED_BELOW: Final = 0.02
"""Share of the serving threads' time in the run queue: what other programs can have cost, for an exact figure."""

COSTS_LITTLE: Final = 0.15
"""The same for a conclusion from a whole cell, such as that requests overlap, which a factor decides."""

MOST: Final = 0.5
"""Share of disturbed windows from which nothing is concluded from a cell."""


@functools.lru_cache(maxsize=8)
def disturbed_windows(run: Run, queued_below: float = QUEUED_BELOW) -> pd.Series[bool]:
    """Return for each window whether something else may have changed its figures, programs by more than a share."""
    codes = run.windows["warnings"].map(lambda shown: {one.get("code") for one in shown})
    certain = codes.map(lambda here: bool(here & (DISTURBING - {FOREIGN_CPU})))
    foreign = codes.map(lambda here: FOREIGN_CPU in here)
    return certain | (foreign & ~_unaffected(run, queued_below))


def _unaffected(run: Run, queued_below: float) -> pd.Series[bool]:
    """Return for each window whether other programs had CPUs of their own; not if that is unknown."""
    windows = run.windows
    pinned = windows["interpreter"].map({name: run.pinned_cpus(name) for name in run.values("interpreter")})
    shared = np.where(pinned.isna(), windows["generator_cpu_s"], 0.0) + windows["foreign_cpu_s"]
    cpus = pinned.astype(float).fillna(np.nan if run.cpus is None else run.cpus)
    idle = cpus - windows["effective_cores"] - shared / windows["wall_s"]
    unaffected: pd.Series[bool] = (idle >= IDLE_CPUS) & (windows["thread_run_queue_share"] < queued_below)
    return unaffected


@functools.lru_cache(maxsize=4)
def disturbed_visits(run: Run) -> dict[Cell, frozenset[ratios.Visit]]:
    """Return the disturbed launches and rounds of each cell."""
    disturbed = disturbed_windows(run)
    found = {}
    for cell, windows in launches.windows_by_cell(run).items():
        hit = windows[disturbed[windows.index]]
        found[cell] = frozenset(zip(hit["pass"].tolist(), hit["round"].tolist(), strict=True))
    return found


@functools.lru_cache(maxsize=4)
def disturbed_cells(run: Run) -> frozenset[Cell]:
    """Return the cells from which nothing is concluded."""
    disturbed = disturbed_windows(run, COSTS_LITTLE)
    windows = launches.windows_by_cell(run)
    return frozenset(cell for cell, here in windows.items() if disturbed[here.index].mean() >= MOST)


def is_speedup_disturbed(run: Run, cell: Cell) -> bool:
    """Return whether nothing is concluded from a cell's speed-up: it was disturbed, or serial was."""
    return not disturbed_cells(run).isdisjoint({cell, cell._replace(model=BASELINE)})


def disturbed_share(run: Run) -> float:
    """Return the share of a run's windows that were disturbed."""
    return float(disturbed_windows(run).mean())
