"""Memory of each model, and what each additional client adds."""

from __future__ import annotations

from typing import Final

from matplotlib.figure import Figure

from bench.analysis.load import Run
from bench.analysis.stats import pass_spreads, pick
from bench.narrative import wording
from bench.report.plots import bars, grid, titles
from bench.report.plots.bars import Row

MIB: Final = 2**20
_SAYS: Final = {
    "pss_bytes": "memory of the server's processes at the end of a window; pages that they share count once",
    "peak_rss_bytes": "peak resident memory of the server's processes; pages that they share count in each of them",
}


def draw(run: Run) -> Figure | None:
    """Return the figure; ``None`` if no memory is known."""
    if run.windows[run.memory_column].dropna().empty:
        return None
    spreads = pass_spreads(run.windows, run.memory_column)
    few, many = run.values("clients")[0], run.values("clients")[-1]

    def memory_added(row: Row, workload: str) -> str:
        most, least = (pick(spreads, (row.model, workload, clients, row.interpreter)) for clients in (many, few))
        if most is None or least is None or many == few:
            return ""
        each = (most.middle - least.middle) / (many - few) / MIB
        return f" ({each:+.1f})" if abs(each) >= 0.05 else " (0)"

    workload = titles.choose_workload(run)
    about = f"Most memory for {workload} with {wording.plural(many, 'client')}"
    each = f"; in brackets: added per client, from {few} to {many}" if many > few else ""
    return bars.draw_bars(
        run,
        titles.leaders(run, spreads, workload, many, about, lambda value: f"{value / MIB:,.0f} MiB"),
        f"{_SAYS[run.memory_column]}; {grid.passes_note(run)}{each}",
        spreads,
        many,
        "MiB",
        "{:,.0f}".format,
        scale=1 / MIB,
        more=memory_added,
        value=0.85 if many > few else bars.VALUE,
    )
