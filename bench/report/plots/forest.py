"""Forest plot: every ratio with its interval, one row per cell."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.analysis.comparison import Compared, Comparison, Verdict, compare_interpreters
from bench.analysis.load import Run
from bench.narrative import wording
from bench.report.plots import style
from bench.report.plots.fitting import fitting
from bench.report.plots.head import EDGE, SMALL, Key, figure_with_head, place, wide
from bench.schema.cell import Group

# Inches.
ROW: Final = 0.2
TOP, BOTTOM = 0.3, 0.52
FIGURES: Final = 1.65
BETWEEN: Final = 0.25
WIDTHS: Final = (1.2, 4.2)

ZOOM: Final = 4.0  # a scale extends at most by this factor beyond all medians; intervals cut off end in an arrow


class Mark(NamedTuple):
    """Marker of a verdict, distinct in both shape and colour."""

    marker: str
    colour: str
    filled: bool


VERDICT_MARKERS: Final = {
    Verdict.FASTER: Mark("^", style.FASTER, filled=True),
    Verdict.SLOWER: Mark("v", style.SLOWER, filled=True),
    Verdict.SAME: Mark("s", style.INK, filled=True),
    Verdict.UNDECIDED: Mark("o", style.QUIET, filled=False),
}


def draw(run: Run) -> Figure | None:
    """Return the figure; ``None`` with only one interpreter or one launch."""
    return (
        draw_comparison(compare_interpreters(run, metrics=["throughput"]))
        if len(run.values("interpreter")) > 1
        else None
    )


def draw_comparison(comparison: Comparison) -> Figure | None:
    """Return the figure of a comparison's throughputs; ``None`` if it has no interval.

    A column for each candidate, all with one scale and the same rows; if not all cells fit, those with most clients.
    """
    every = [row for row in comparison.rows if row.metric == "throughput" and row.ratio.has_interval]
    if not every:
        return None
    kept, left_out = fitting(list(dict.fromkeys(row.group for row in every)))
    rows = [row for row in every if row.group in set(kept)]
    candidates = list(dict.fromkeys(row.candidate for row in rows))
    lines = _lines(rows)
    names = EDGE + max(wide(_label(group), SMALL) for _, group in lines if group) + 0.15
    figures = FIGURES if len(candidates) == 1 else 0.0
    panel = (style.WIDEST - names - len(candidates) * (figures + BETWEEN)) / len(candidates)
    panel = min(max(panel, WIDTHS[0]), WIDTHS[1])
    body = TOP + ROW * len(lines) + BOTTOM
    figure = figure_with_head(
        max(names + len(candidates) * (panel + figures + BETWEEN), 7.4),
        body,
        _titles(every),
        _subtitle(every) + left_out,
        _keys(comparison),
    )
    short = style.short_names([*candidates, rows[0].baseline])
    limits = _limits(rows, comparison.same_within)
    for column, candidate in enumerate(candidates):
        axes = place(figure, names + column * (panel + figures + BETWEEN), BOTTOM, panel, ROW * len(lines))
        here = {row.group: row for row in rows if row.candidate == candidate}
        _column(axes, lines, here, limits, comparison.same_within, shown=bool(figures), named=column == 0)
        axes.set_title(f"{short[candidate]} / {short[rows[0].baseline]}", pad=4)
        axes.set_xlabel("ratio of requests/s (log scale)" if panel > 2 else "ratio (log scale)")
    return figure


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


def _column(
    axes: Axes,
    lines: list[tuple[str, Group | None]],
    rows: dict[Group, Compared],
    limits: tuple[float, float],
    zone: float,
    *,
    shown: bool,
    named: bool,
) -> None:
    low, high = limits
    edge = axes.get_yaxis_transform()
    for place_, (head, group) in enumerate(lines):
        if named:
            text, weight = (_label(group), "normal") if group else (head, "bold")
            axes.text(
                -0.07 / (axes.bbox.width / axes.figure.dpi),
                place_,
                text,
                transform=edge,
                ha="right",
                va="center",
                weight=weight,
                fontsize=SMALL,
            )
        row = rows.get(group) if group else None
        if row is None:
            continue
        mark = VERDICT_MARKERS[row.verdict]
        ends = [max(row.ratio.low, low), min(row.ratio.high, high)]
        axes.plot(ends, [place_] * 2, color=mark.colour, linewidth=1.4)
        for cut, end, arrow in ((row.ratio.low < low, low, "<"), (row.ratio.high > high, high, ">")):
            if cut:
                axes.plot([end], [place_], arrow, color=mark.colour, markersize=4)
        face = mark.colour if mark.filled else style.PAPER
        axes.plot(
            [min(max(row.ratio.ratio, low), high)],
            [place_],
            mark.marker,
            color=mark.colour,
            markerfacecolor=face,
            zorder=3,
        )
        if shown:
            text = f"{row.ratio.ratio:.3f} [{row.ratio.low:.3f}, {row.ratio.high:.3f}]{' ≠' if row.differs else ''}"
            axes.text(1.02, place_, text, transform=edge, ha="left", va="center", color=style.INK, fontsize=8)
    if zone:
        axes.axvspan(1 / (1 + zone), 1 + zone, color=style.ZONE, linewidth=0, zorder=0)
    axes.axvline(1, color=style.QUIET, linewidth=0.9, zorder=1)
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    ticks = _ticks(low, high, 7 if axes.bbox.width / axes.figure.dpi > 2 else 4)
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.set_xticks([], minor=True)
    axes.set_ylim(len(lines) - 0.4, -0.6)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)


def _limits(rows: Sequence[Compared], zone: float) -> tuple[float, float]:
    """Return the ends of the scale: all intervals, unless one of them is so wide that it would hide the others."""
    medians = [row.ratio.ratio for row in rows]
    low = max(min(row.ratio.low for row in rows), min(medians) / ZOOM)
    high = min(max(row.ratio.high for row in rows), max(medians) * ZOOM)
    low, high = min(low, 1 / (1 + zone), 0.97), max(high, 1 + zone, 1.03)
    pad = (high / low) ** 0.04
    return low / pad, high * pad


def _lines(rows: Sequence[Compared]) -> list[tuple[str, Group | None]]:
    """Return the content of each line: a workload's name, or a group of cells."""
    lines: list[tuple[str, Group | None]] = []
    for workload in dict.fromkeys(row.workload for row in rows):
        lines.append((workload, None))
        lines += [("", group) for group in dict.fromkeys(row.group for row in rows if row.workload == workload)]
    return lines


def _label(group: Group) -> str:
    return f"{group.model}, {wording.plural(group.clients, 'client')}"


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
