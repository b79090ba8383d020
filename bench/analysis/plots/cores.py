"""Effective cores against the number of clients: 1 is concurrency only, more is parallelism."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from bench.analysis import wording
from bench.analysis.load import Run
from bench.analysis.plots import grid, style
from bench.analysis.stats import over_passes


def draw(run: Run) -> Figure | None:
    """Return the figure; ``None`` if no CPU time is known, or another plot shows it."""
    known = run.windows["effective_cores"].dropna()
    if known.empty or (len(run.values("clients")) == 1 and run.windows["roles"].map(bool).any()):
        return None  # one point a line: the plot of cores and the GIL has them all
    spreads = over_passes(run.windows, "effective_cores")
    every = f", and all {run.cpus} CPUs" if run.cpus and run.cpus > 1 else ""
    sheet = grid.make(
        run,
        _title(run, spreads),
        f"CPU-seconds of the server per second, {grid.passes_note(run)}; dashes: one core{every}",
        "effective cores",
    )
    top = max(float(known.max()), run.cpus or 1, 1.0)
    labelled = []
    for panel in sheet.panels:
        axes = panel.axes
        grid.clients_axis(axes, run.values("clients"))
        axes.set_ylim(0, top * 1.12)
        for height in {1, run.cpus or 1}:
            axes.axhline(height, color=style.QUIET, linewidth=0.8, linestyle=(0, (2, 2)), zorder=1.5)
        labelled.append((panel, grid.draw_lines(run, panel, spreads)))
    grid.label_all(labelled)
    return sheet.figure


def _title(run: Run, spreads: pd.DataFrame) -> str:
    """Return which cell used most, target by target."""
    medians = spreads["median"].dropna()
    parts = []
    for target in run.values("target"):
        here = medians[medians.index.get_level_values("target") == target]
        if not here.empty:
            model, workload, *_ = here.idxmax()
            parts.append(f"{wording.ratio(float(here.max()))} on {style.short(target)} ({model}, {workload})")
    return f"Most cores in use: {', '.join(parts[:3])}"
