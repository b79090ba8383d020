"""Memory: what each model takes, and what each client more adds to it."""

from __future__ import annotations

from typing import Final

from matplotlib.figure import Figure

from bench.analysis import wording
from bench.analysis.load import Run
from bench.analysis.plots import bars
from bench.analysis.plots.bars import Look
from bench.analysis.stats import Spread, over_passes, pick

MIB: Final = 2**20
TAKES: Final = Look("peak resident memory of the server's processes", "#56B4E9")


def draw(run: Run) -> Figure | None:
    """Return the figure; ``None`` if no memory is known."""
    if run.windows["peak_rss_bytes"].dropna().empty:
        return None
    spreads = over_passes(run.windows, "peak_rss_bytes")
    few, many = run.values("clients")[0], run.values("clients")[-1]

    def of(model: str, workload: str, clients: int, target: str) -> Spread | None:
        return pick(spreads, (model, workload, clients, target))

    panels = bars.rows(run, spreads["median"].dropna().index, many)
    added = f"; right of it: what each client added, from {few} to {many}" if many > few else ""
    figure, axes = bars.make(
        f"Memory with {wording.plural(many, 'client')}",
        f"medians over passes, MiB; pages that processes share count in each of them{added}",
        [TAKES],
        panels,
    )
    for workload, rows in panels.items():
        for place, row in enumerate(rows):
            most, least = (of(row.model, workload, clients, row.target) for clients in (many, few))
            if most is None:
                continue
            axes[workload].barh(place, most.median / MIB, height=0.72, **TAKES.patch)
            text = f"{most.median / MIB:,.0f}"
            if least is not None and many > few:
                text += f"  ({(most.median - least.median) / (many - few) / MIB:+.2f})"
            bars.label(axes[workload], most.median / MIB, place, text)
        axes[workload].set_xlim(left=0)
        axes[workload].set_xlabel("MiB")
    return figure
