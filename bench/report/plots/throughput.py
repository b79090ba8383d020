"""Throughput over the number of clients."""

from __future__ import annotations

from typing import Final

from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from bench.analysis.load import Run
from bench.analysis.stats import BASELINE, pass_spreads, pick
from bench.narrative import wording
from bench.report.plots import bars, grid, style, titles

_MARGIN: Final = 1.3  # above and below the data, as a factor


def draw(run: Run) -> Figure | None:
    """Return the figure; ``None`` if nothing was answered."""
    answered = run.windows[run.windows["throughput_rps"] > 0]
    if answered.empty:
        return None
    clients = run.values("clients")
    spreads = pass_spreads(run.windows, "throughput_rps")
    workload = titles.choose_workload(run, answered["workload"])
    about = f"Most {workload} requests/s with {wording.plural(clients[-1], 'client')}"
    shown = titles.leaders(run, spreads, workload, clients[-1], about, lambda value: f"{wording.rate(value)}/s")
    if len(clients) == 1:
        return bars.draw_bars(
            run, shown, grid.passes_note(run), spreads, clients[0], "requests per second", wording.rate
        )
    ideals = {
        (workload, interpreter): single.middle
        for workload in run.values("workload")
        for interpreter in run.values("interpreter")
        if (single := pick(spreads, (BASELINE, workload, 1, interpreter)))
    }
    note = grid.passes_note(run) + ("; dotted: ideal, serial with one client × clients" if ideals else "")
    sheet = grid.make_grid(run, shown, note, "requests/s (log scale)")
    labelled = []
    for panel in sheet.panels:
        axes = panel.axes
        grid.clients_axis(axes, clients)
        axes.set_yscale("log")
        # The same scale for all interpreters, so that they can be compared by eye.
        rates = answered.loc[answered["workload"] == panel.workload, "throughput_rps"]
        low, high = (float(rates.min()), float(rates.max())) if len(rates) else (1.0, 1.0)
        low, high = low / _MARGIN, high * _MARGIN
        axes.set_ylim(low, high)
        axes.yaxis.set_major_locator(FixedLocator(style.log_ticks(low, high)))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter(FuncFormatter(short_rate))
        ideal = ideals.get((panel.workload, panel.interpreter))
        if ideal:
            axes.plot(clients, [ideal * n for n in clients], ":", color=style.QUIET, linewidth=1.2, zorder=1.5)
        grid.cpus_mark(axes, run.cpus, named=panel.first)
        labelled.append((panel, grid.draw_lines(run, panel, spreads)))
    grid.label_all(labelled)
    return sheet.figure


def short_rate(value: float, _: object = None) -> str:
    """Format a rate for an axis, as 5k."""
    return f"{value / 1000:.3g}k" if value >= 1000 else f"{value:.3g}"
