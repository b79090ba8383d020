"""Throughput against the number of clients."""

from __future__ import annotations

from typing import Final

from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from bench.analysis import wording
from bench.analysis.load import Run
from bench.analysis.plots import bars, grid, style
from bench.analysis.plots.bars import Look
from bench.analysis.stats import BASELINE, over_passes, pick

RATE: Final = Look("requests per second", "#56B4E9")
MARGIN: Final = 1.3  # above and below the data, as a factor


def draw(run: Run) -> Figure | None:
    """Return the figure; ``None`` if nothing was answered."""
    answered = run.windows[run.windows["throughput_rps"] > 0]
    if answered.empty:
        return None
    clients = run.values("clients")
    if len(clients) == 1:
        return _with_one_number(run, clients[0])
    marked = run.cpus is not None and min(clients) < run.cpus < max(clients)
    spreads = over_passes(run.windows, "throughput_rps")
    ideals = {
        (workload, target): single.median
        for workload in run.values("workload")
        for target in run.values("target")
        if len(clients) > 1 and (single := pick(spreads, (BASELINE, workload, 1, target)))
    }
    note = grid.passes_note(run) + ("; dotted: ideal, serial with one client × clients" if ideals else "")
    note += f"; grey: as many clients as CPUs ({run.cpus})" if marked else ""
    sheet = grid.make(run, "Throughput against clients", note, "requests per second (log)")
    labelled = []
    for panel in sheet.panels:
        axes = panel.axes
        grid.clients_axis(axes, clients)
        axes.set_yscale("log")
        # The same scale for all targets, so that they can be compared by eye.
        rates = answered.loc[answered["workload"] == panel.workload, "throughput_rps"]
        low, high = (float(rates.min()), float(rates.max())) if len(rates) else (1.0, 1.0)
        low, high = low / MARGIN, high * MARGIN
        axes.set_ylim(low, high)
        axes.yaxis.set_major_locator(FixedLocator(style.log_ticks(low, high)))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter(FuncFormatter(_short))
        ideal = ideals.get((panel.workload, panel.target))
        if ideal:
            axes.plot(clients, [ideal * n for n in clients], ":", color=style.QUIET, linewidth=1.2, zorder=1.5)
        if run.cpus and marked:
            axes.axvline(run.cpus, color="#d1d5db", linewidth=1.4, zorder=1)
        labelled.append((panel, grid.draw_lines(run, panel, spreads)))
    grid.label_all(labelled)
    return sheet.figure


def _with_one_number(run: Run, clients: int) -> Figure:
    """Return bars: lines need several numbers of clients."""
    spreads = over_passes(run.windows, "throughput_rps")
    panels = bars.rows(run, spreads.index, clients)
    title = f"Throughput with {wording.plural(clients, 'client')}"
    figure, axes = bars.make(title, grid.passes_note(run), [RATE], panels)
    for workload, rows in panels.items():
        for place, row in enumerate(rows):
            spread = pick(spreads, (row.model, workload, clients, row.target))
            if spread is None:
                continue
            ends = [[spread.median - spread.low], [spread.high - spread.median]] if spread.has_range else None
            axes[workload].barh(place, spread.median, height=0.72, xerr=ends, ecolor=style.INK, **RATE.patch)
            bars.label(axes[workload], max(spread.median, spread.high), place, wording.rate(spread.median))
        axes[workload].set_xlim(left=0)
        axes[workload].set_xlabel("requests per second")
    return figure


def _short(value: float, _: object = None) -> str:
    return f"{value / 1000:g}k" if value >= 1000 else f"{value:g}"
