"""Forest plot: the ratios of each candidate to the baseline with their intervals, largest significant change first."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.analysis.comparison import Compared, Comparison, compare_interpreters
from bench.analysis.load import Run
from bench.analysis.verdict import Verdict
from bench.analysis.verdict_counts import order_by_size
from bench.narrative import wording
from bench.report.plots import style
from bench.report.plots.head import EDGE, SMALL, Key, figure_with_head, place, wide
from bench.stats.ratios import Ratio

MOST_ROWS: Final = 18
"""Rows of a candidate: its significant changes by size, then what is the same, then what is undecided."""

# Inches.
ROW: Final = 0.2
TOP, BOTTOM = 0.34, 0.42
FIGURES: Final = 1.5
BETWEEN: Final = 0.25
ACROSS: Final = 2

ZOOM: Final = 4.0  # a scale extends at most by this factor beyond all ratios; intervals cut off end in an arrow


class Mark(NamedTuple):
    """Marker of a verdict, distinct in shape; hues are those of models."""

    marker: str
    colour: str
    filled: bool


VERDICT_MARKERS: Final = {
    Verdict.FASTER: Mark("^", style.INK, filled=True),
    Verdict.SLOWER: Mark("v", style.INK, filled=True),
    Verdict.SAME: Mark("s", style.INK, filled=True),
    Verdict.UNDECIDED: Mark("o", style.QUIET, filled=False),
}


def draw(run: Run) -> Figure | None:
    """Return the figure; ``None`` with only one interpreter or one launch."""
    return draw_comparison(compare_interpreters(run)) if len(run.values("interpreter")) > 1 else None


def draw_comparison(comparison: Comparison) -> Figure | None:
    """Return the figure of a comparison's throughputs; ``None`` if it has no interval.

    A panel for each candidate, all with one scale; each has its own rows, see :data:`MOST_ROWS`.
    """
    every = [row for row in comparison.rows if row.metric == "throughput" and row.ratio.has_interval]
    if not every:
        return None
    candidates = list(dict.fromkeys(row.candidate for row in every))
    panels = {name: order_by_size([row for row in every if row.candidate == name])[:MOST_ROWS] for name in candidates}
    shown = [row for rows in panels.values() for row in rows]
    names = max(wide(row.group.name, SMALL) for row in shown) + 0.2
    across = min(ACROSS, len(candidates))
    room = (style.WIDEST - EDGE) / across
    panel = min(max(room - names - FIGURES - BETWEEN, 1.2), 4.2)
    column = names + panel + FIGURES + BETWEEN
    lines = max(len(rows) for rows in panels.values()) + 1
    height = TOP + ROW * lines + BOTTOM
    down = math.ceil(len(candidates) / across)
    figure = figure_with_head(
        max(EDGE + across * column, 7.4), down * height, _titles(every), _subtitle(every), _keys(comparison)
    )
    short = style.short_names([*candidates, every[0].baseline])
    limits = _limits(shown, comparison.same_within)
    for number, (candidate, rows) in enumerate(panels.items()):
        bottom = (down - 1 - number // across) * height + BOTTOM
        axes = place(figure, EDGE + names + number % across * column, bottom, panel, ROW * lines)
        mean = comparison.means.get((candidate, "throughput"))
        _column(axes, rows, mean, limits, comparison.same_within)
        axes.set_ylim(lines - 0.4, -0.6)
        axes.set_title(f"{short[candidate]} / {short[every[0].baseline]}", pad=4)
        axes.set_xlabel(f"ratio of requests/s (log scale){_left_out(every, candidate, len(rows))}")
    return figure


def _left_out(rows: Sequence[Compared], candidate: str, shown: int) -> str:
    every = [row for row in rows if row.candidate == candidate]
    return f"; {len(every) - shown} more cells are not shown" if len(every) > shown else ""


def _titles(rows: Sequence[Compared]) -> list[str]:
    """Return titles, longest first: in how many cells each candidate is faster and slower."""
    candidates = list(dict.fromkeys(row.candidate for row in rows))
    short = style.short_names([*candidates, rows[0].baseline])
    against = f"than {short[rows[0].baseline]}"
    shown, brief = [], []
    for candidate in candidates:
        verdicts = [row.verdict for row in rows if row.candidate == candidate]
        faster, slower = verdicts.count(Verdict.FASTER), verdicts.count(Verdict.SLOWER)
        shown.append(f"{short[candidate]} faster in {faster}, slower in {slower}")
        brief.append(f"{short[candidate]} {faster} ▲ {slower} ▼")
    cells = len({row.group for row in rows})
    if all(row.verdict in {Verdict.UNDECIDED, Verdict.SAME} for row in rows):
        same = sum(row.verdict is Verdict.SAME for row in rows)
        alike = f"; the same in {same}" if same else ""
        return [f"No significant difference from {short[rows[0].baseline]} in {wording.plural(cells, 'cell')}{alike}"]
    of_all = wording.plural(cells, "cell")
    if len(candidates) == 1:
        counts = {verdict: sum(row.verdict is verdict for row in rows) for verdict in Verdict}
        rest = f"; not enough data in {counts[Verdict.UNDECIDED]}" if counts[Verdict.UNDECIDED] else ""
        found = f"in {counts[Verdict.FASTER]} of {of_all}, slower in {counts[Verdict.SLOWER]}"
        return [f"{short[candidates[0]]} is faster {against} {found}{rest}", f"{brief[0]} of {of_all}"]
    return [
        f"Of {of_all}, compared with {short[rows[0].baseline]}: {'; '.join(shown)}",
        f"Of {of_all}, significant: {', '.join(brief)}",
    ]


def _subtitle(rows: Sequence[Compared]) -> str:
    paired = "paired, measured side by side" if rows[0].paired else "unpaired, from two runs"
    built = "; ≠: built differently" if any(row.differs for row in rows) else ""
    return f"ratio of requests per second with its 95% confidence interval over launches, {paired}{built}"


def _keys(comparison: Comparison) -> list[Key]:
    shown = {verdict: str(verdict) for verdict in Verdict} | {Verdict.UNDECIDED: "not enough data"}
    keys = [
        Key(shown[verdict], mark.colour, marker=mark.marker, line="-", filled=mark.filled)
        for verdict, mark in VERDICT_MARKERS.items()
    ]
    return [*keys, Key(f"same within {comparison.same_within:.1%}", style.ZONE)] if comparison.same_within else keys


def _column(axes: Axes, rows: Sequence[Compared], mean: Ratio | None, limits: tuple[float, float], zone: float) -> None:
    low, high = limits
    for line, row in enumerate(rows):
        _row(axes, line, row.group.name, row.ratio, VERDICT_MARKERS[row.verdict], limits, " ≠" if row.differs else "")
    if mean is not None and mean.has_interval:
        _row(axes, len(rows) + 0.15, "mean of all cells", mean, _MEAN, limits, "")
    if zone:
        axes.axvspan(1 / (1 + zone), 1 + zone, color=style.ZONE, linewidth=0, zorder=0)
    axes.axvline(1, color=style.QUIET, linewidth=0.9, zorder=1)
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    ticks = _ticks(low, high, 7 if axes.bbox.width / axes.figure.dpi > 2 else 4)
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.set_xticks([], minor=True)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)


_MEAN: Final = Mark("D", style.INK, filled=True)


def _row(  # noqa: PLR0917 - where, what, and how
    axes: Axes, line: float, name: str, ratio: Ratio, mark: Mark, limits: tuple[float, float], built: str
) -> None:
    low, high = limits
    edge = axes.get_yaxis_transform()
    left = -0.07 / (axes.bbox.width / axes.figure.dpi)
    axes.text(left, line, name, transform=edge, ha="right", va="center", fontsize=SMALL)
    axes.plot([max(ratio.low, low), min(ratio.high, high)], [line] * 2, color=mark.colour, linewidth=1.4)
    for cut, end, arrow in ((ratio.low < low, low, "<"), (ratio.high > high, high, ">")):
        if cut:
            axes.plot([end], [line], arrow, color=mark.colour, markersize=4)
    face = mark.colour if mark.filled else style.PAPER
    at = min(max(ratio.ratio, low), high)
    axes.plot([at], [line], mark.marker, color=mark.colour, markerfacecolor=face, zorder=3)
    text = f"{ratio.ratio:.3f} [{ratio.low:.3f}, {ratio.high:.3f}]{built}"
    axes.text(1.02, line, text, transform=edge, ha="left", va="center", color=style.INK, fontsize=8)


def _limits(rows: Sequence[Compared], zone: float) -> tuple[float, float]:
    """Return the ends of the scale: all intervals, unless one of them is so wide that it would hide the others."""
    medians = [row.ratio.ratio for row in rows]
    low = max(min(row.ratio.low for row in rows), min(medians) / ZOOM)
    high = min(max(row.ratio.high for row in rows), max(medians) * ZOOM)
    low, high = min(low, 1 / (1 + zone), 0.97), max(high, 1 + zone, 1.03)
    pad = (high / low) ** 0.04
    return low / pad, high * pad


def _ticks(low: float, high: float, most: int) -> list[float]:
    for step in (0.005, 0.01, 0.02, 0.05, 0.1, 0.2):
        first, last = math.ceil(low / step), math.floor(high / step)
        if last - first <= most and high / low < 1.6:
            return [round(number * step, 4) for number in range(first, last + 1)]
    for choice in _CHOICES:
        ticks = [tick for tick in choice if low <= tick <= high]
        if len(ticks) <= most:
            return ticks
    return style.log_ticks(low, high)


_CHOICES: Final = (
    (0.25, 0.33, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.25, 1.5, 2, 2.5, 3, 4),
    (0.25, 0.5, 0.75, 1, 1.5, 2, 3, 4, 6, 8),
    (0.25, 0.5, 1, 2, 4, 8, 16),
)
