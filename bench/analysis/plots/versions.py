"""Every interpreter against the baseline, cell by cell and over all: what changes from one CPython to the next."""

from __future__ import annotations

import math
from typing import Final

from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure

from bench.analysis.comparison import Comparison, Verdict, within
from bench.analysis.load import Run
from bench.analysis.overall import overall
from bench.analysis.plots import style

FEWEST: Final = 3
CELL_IN: Final = (0.86, 0.27)
WIDEST: Final = math.log(2)  # colours end at twice and at half
MARKS: Final = {Verdict.FASTER: " ▲", Verdict.SLOWER: " ▼", Verdict.SAME: " =", Verdict.UNDECIDED: ""}


def draw(run: Run) -> Figure | None:
    """Return the figure; ``None`` with fewer than three targets, where the forest plot says it all."""
    targets = run.values("target")
    if len(targets) < FEWEST:
        return None
    comparison = within(run, metrics=["throughput"])
    baseline = comparison.rows[0].baseline if comparison.rows else targets[0]
    cells = list(dict.fromkeys(row.cell for row in comparison.rows))
    width, height = 2.9 + CELL_IN[0] * len(targets), 2.1 + CELL_IN[1] * (len(cells) + 2)
    figure = style.blank(max(width, 7.2), height)
    axes = figure.add_axes(
        (
            2.5 / figure.get_figwidth(),
            0.55 / height,
            CELL_IN[0] * len(targets) / figure.get_figwidth(),
            1 - 1.75 / height,
        )
    )
    _cells(axes, comparison, targets, baseline, cells)
    _overall(axes, run, targets, baseline, len(cells))
    axes.set_xlim(-0.5, len(targets) - 0.5)
    axes.set_ylim(len(cells) + 1.6, -0.5)
    axes.set_xticks(range(len(targets)), [style.short(name) for name in targets])
    axes.xaxis.tick_top()
    axes.set_yticks(range(len(cells)), [_label(cell) for cell in cells])
    axes.tick_params(length=0)
    axes.grid(visible=False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    figure.text(0.02, 1 - 0.32 / height, f"Throughput, times that of {baseline}", fontsize=12, weight="bold")
    figure.text(
        0.02,
        1 - 0.58 / height,
        "▲ faster and ▼ slower are shown, = is the same, the rest is not known well enough",
        color=style.QUIET,
    )
    figure.text(
        0.02,
        0.12 / height,
        "Rows: model, workload, clients. Last: geometric mean over all rows, and its confidence interval over starts.",
        color=style.QUIET,
        fontsize=8,
    )
    return figure


def _cells(axes: Axes, comparison: Comparison, targets: list[str], baseline: str, cells: list[str]) -> None:
    colours, norm = colormaps["PuOr"], TwoSlopeNorm(0, -WIDEST, WIDEST)
    rows = {(row.cell, row.candidate): row for row in comparison.rows}
    for y, cell in enumerate(cells):
        for x, target in enumerate(targets):
            row = rows.get((cell, target))
            if row is None:
                axes.text(x, y, "1" if target == baseline else "–", ha="center", va="center", color=style.QUIET)
                continue
            share = float(norm(math.log(row.ratio.ratio)))
            colour = colours(0.5 + (min(max(share, 0), 1) - 0.5) * 0.8)
            axes.fill(
                [x - 0.5, x + 0.5, x + 0.5, x - 0.5], [y - 0.5, y - 0.5, y + 0.5, y + 0.5], color=colour, linewidth=0
            )
            dark = 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2] < 0.5
            text = f"{row.ratio.ratio:.2f}{MARKS[row.verdict]}"
            axes.text(x, y, text, ha="center", va="center", fontsize=8, color="white" if dark else style.INK)


def _overall(axes: Axes, run: Run, targets: list[str], baseline: str, below: int) -> None:
    axes.axhline(below - 0.4, color=style.QUIET, linewidth=0.8)
    axes.text(-0.62, below + 0.3, "all", ha="right", va="center", weight="bold")
    for x, target in enumerate(targets):
        found = None if target == baseline else overall(run, target, baseline)
        if found is None:
            axes.text(x, below + 0.3, "1" if target == baseline else "–", ha="center", va="center", color=style.QUIET)
            continue
        axes.text(x, below + 0.1, f"{found.ratio:.3f}", ha="center", va="center", weight="bold", fontsize=8.5)
        if found.has_interval:
            ends = f"[{found.low:.2f}, {found.high:.2f}]"
            axes.text(x, below + 0.95, ends, ha="center", va="center", fontsize=7, color=style.QUIET)


def _label(cell: str) -> str:
    model, workload, clients = cell.split("/")
    return f"{model}, {workload}, {clients}"
