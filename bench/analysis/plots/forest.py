"""Every ratio with its interval, a row a cell: which interpreter serves what faster, and where it is not known."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from bench.analysis.comparison import Compared, Comparison, Verdict, within
from bench.analysis.load import Run
from bench.analysis.plots import style

ROW_IN: Final = 0.24
MOST_ROWS: Final = 120
ZONE: Final = "#d1d5db"


class Mark(NamedTuple):
    """How a verdict looks: shape and colour both tell."""

    marker: str
    colour: str
    filled: bool


MARKS: Final = {
    Verdict.FASTER: Mark("^", "#0072B2", filled=True),
    Verdict.SLOWER: Mark("v", "#D55E00", filled=True),
    Verdict.SAME: Mark("s", "#1f2328", filled=True),
    Verdict.UNDECIDED: Mark("o", "#6b7280", filled=False),
}


def draw(run: Run) -> Figure | None:
    """Return the figure; ``None`` if there is one target only, or one start."""
    return of(within(run, metrics=["throughput"])) if len(run.values("target")) > 1 else None


def of(comparison: Comparison) -> Figure | None:
    """Return the figure of a comparison's throughputs; ``None`` if it has no interval."""
    rows = [row for row in comparison.rows if row.metric == "throughput" and row.ratio.has_interval][:MOST_ROWS]
    if not rows:
        return None
    lines = _lines(rows)
    figure = style.blank(8.6, 1.5 + ROW_IN * len(lines))
    height = figure.get_figheight()
    axes = figure.add_axes((0.33, 0.55 / height, 0.46, 1 - 1.5 / height))
    for place, line in enumerate(lines):
        if isinstance(line, str):
            axes.text(-0.02, place, line, transform=axes.get_yaxis_transform(), ha="right", va="center", weight="bold")
            continue
        mark = MARKS[line.verdict]
        axes.plot([line.ratio.low, line.ratio.high], [place, place], color=mark.colour, linewidth=1.4)
        face = mark.colour if mark.filled else "white"
        axes.plot([line.ratio.ratio], [place], mark.marker, color=mark.colour, markerfacecolor=face, zorder=3)
        edge = axes.get_yaxis_transform()
        axes.text(-0.02, place, _label(line, rows), transform=edge, ha="right", va="center", color=style.INK)
        told = f"{line.ratio.ratio:.3f} [{line.ratio.low:.3f}, {line.ratio.high:.3f}]{' ≠' if line.differs else ''}"
        axes.text(1.02, place, told, transform=edge, ha="left", va="center", color=style.INK, fontsize=8)
    _finish(figure, comparison, rows, len(lines))
    return figure


def _finish(figure: Figure, comparison: Comparison, rows: list[Compared], lines: int) -> None:
    (axes,) = figure.axes
    zone = comparison.same_within
    if zone:
        axes.axvspan(1 / (1 + zone), 1 + zone, color=ZONE, alpha=0.6, linewidth=0, zorder=0)
    axes.axvline(1, color=style.QUIET, linewidth=0.9, zorder=1)
    low, high = min(row.ratio.low for row in rows), max(row.ratio.high for row in rows)
    low, high = min(low, 1 / (1 + zone), 0.97), max(high, 1 + zone, 1.03)
    pad = (high / low) ** 0.04
    axes.set_xscale("log")
    axes.set_xlim(low / pad, high * pad)
    ticks = _ticks(low / pad, high * pad)
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.set_xticks([], minor=True)
    axes.set_ylim(lines - 0.4, -0.6)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    paired = "paired, measured side by side" if rows[0].paired else "unpaired, from two runs"
    built = "; ≠: built differently" if any(row.differs for row in rows) else ""
    candidates = {row.candidate for row in rows}
    over = style.short(candidates.pop()) if len(candidates) == 1 else "candidate"
    axes.set_xlabel(f"requests per second, {over} / {style.short(rows[0].baseline)} (log scale; {paired}{built})")
    height = figure.get_figheight()
    figure.text(0.02, 1 - 0.3 / height, "Which is faster, and how sure that is", fontsize=12, weight="bold")
    handles: list[Line2D | Patch] = [
        Line2D([], [], color=mark.colour, marker=mark.marker, markerfacecolor=mark.colour if mark.filled else "white",
               linewidth=1.4, label=str(verdict) if verdict is not Verdict.UNDECIDED else "not enough data")
        for verdict, mark in MARKS.items()
    ]  # fmt: skip
    if zone:
        handles.append(Patch(color=ZONE, alpha=0.6, label=f"same within {zone:.1%}"))
    figure.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(0.012, 1 - 0.4 / height),
        ncols=5,
        frameon=False,
        fontsize=8.5,
    )


def _lines(rows: list[Compared]) -> list[Compared | str]:
    """Return what stands in each line: the workloads' names, and their rows."""
    lines: list[Compared | str] = []
    for workload in dict.fromkeys(row.workload for row in rows):
        lines += [workload, *(row for row in rows if row.workload == workload)]
    return lines


def _label(row: Compared, rows: list[Compared]) -> str:
    model, _, clients = row.cell.split("/")
    several = len({one.candidate for one in rows}) > 1
    candidate = f" · {style.short(row.candidate)}" if several else ""
    return f"{model}, {clients} client{'' if clients == '1' else 's'}{candidate}"


def _ticks(low: float, high: float) -> list[float]:
    for step in (0.005, 0.01, 0.02, 0.05, 0.1, 0.25):
        first, last = math.ceil(low / step), math.floor(high / step)
        if last - first <= 7:
            return [round(number * step, 4) for number in range(first, last + 1)]
    return style.log_ticks(low, high)
