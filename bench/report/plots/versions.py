"""Every interpreter compared with the baseline, cell by cell and over all cells."""

from __future__ import annotations

import bisect
import itertools
import math
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.analysis.comparison import Comparison, Verdict, compare_interpreters
from bench.analysis.load import Run
from bench.analysis.overall import overall
from bench.narrative import wording
from bench.report.plots import style
from bench.report.plots.fitting import fitting
from bench.report.plots.head import EDGE, SMALL, Key, figure_with_head, place, wide
from bench.schema.cell import Group
from bench.stats.ratios import Ratio

FEWEST: Final = 3
VERDICT_SIGNS: Final = {Verdict.FASTER: " ▲", Verdict.SLOWER: " ▼", Verdict.SAME: " =", Verdict.UNDECIDED: ""}
RATIO_STEPS: Final = (
    1.02,
    1.1,
    1.3,
)  # lower bounds of the colours of faster ratios; slower ones use the inverses

# Inches.
CELL: Final = (1.15, 0.2)
NAMES_TOP: Final = 0.3
LAST: Final = 0.55
LEAST: Final = 0.6


def draw(run: Run) -> Figure | None:
    """Return the figure; ``None`` with fewer than three interpreters, for which the forest plot suffices."""
    interpreters = run.values("interpreter")
    if len(interpreters) < FEWEST:
        return None
    comparison = compare_interpreters(run, metrics=["throughput"])
    baseline = comparison.rows[0].baseline if comparison.rows else interpreters[0]
    every = list(dict.fromkeys(row.group for row in comparison.rows))
    groups, left_out = fitting(every)
    names = EDGE + max((wide(_label(group), SMALL) for group in groups), default=LEAST) + 0.15
    wide_cell = min(CELL[0], (style.WIDEST - names - EDGE) / len(interpreters))
    body = NAMES_TOP + CELL[1] * len(groups) + LAST
    overalls = {name: overall(run, name, baseline) for name in interpreters if name != baseline}
    short = style.short_names(interpreters)
    figure = figure_with_head(
        max(names + wide_cell * len(interpreters) + EDGE, 8.6),
        body,
        _titles(overalls, short, baseline, len(every)),
        f"requests per second relative to {short[baseline]}; rows: model, workload, clients{left_out}; ▲ faster and ▼ "
        "slower are significant, = is the same, no mark: not enough data; last row: geometric mean over all cells with "
        "its 95% confidence interval over launches",
        [Key(shown, colour) for shown, colour in zip(_steps(), style.RATIOS, strict=True)],
    )
    axes = place(figure, names, 0.1, wide_cell * len(interpreters), body - NAMES_TOP - 0.1)
    lines = (body - NAMES_TOP - 0.1) / CELL[1]
    axes.set_xlim(-0.5, len(interpreters) - 0.5)
    axes.set_ylim(lines - 0.5, -0.5)
    _cells(axes, comparison, interpreters, baseline, groups)
    _overall(axes, overalls, interpreters, len(groups))
    axes.set_xticks(range(len(interpreters)), [short[name] for name in interpreters], fontsize=8.5, color=style.INK)
    axes.xaxis.tick_top()
    axes.set_yticks(range(len(groups)), [_label(group) for group in groups], fontsize=SMALL, color=style.INK)
    axes.tick_params(length=0)
    axes.grid(visible=False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    return figure


def _titles(overalls: dict[str, Ratio | None], short: dict[str, str], baseline: str, cells: int) -> list[str]:
    """Return titles, longest first: which interpreters are significantly faster or slower over all cells."""
    shown: dict[str, list[str]] = {"faster": [], "slower": [], "no significant difference for": []}
    for name, ratio in overalls.items():
        if ratio is None or not ratio.has_interval or ratio.low <= 1 <= ratio.high:
            shown["no significant difference for"].append(short[name])
        else:
            shown["faster" if ratio.ratio > 1 else "slower"].append(f"{short[name]} {ratio.ratio:.2f}×")
    about = f"Mean over {wording.plural(cells, 'cell')}, relative to {short[baseline]}"
    said = [f"{how} {wording.join_words(names)}" for how, names in shown.items() if names]
    counts = [f"{how} {len(names)}" for how, names in shown.items() if names]
    return [
        f"{about}: {'; '.join(said)}",
        f"{about}, of {len(overalls)} interpreters: {', '.join(counts)}",
        f"Mean over {wording.plural(cells, 'cell')}: {', '.join(counts)}",
    ]


def _steps() -> list[str]:
    """Return the meaning of each colour, from slowest to fastest."""
    names = [f"{low:g}–{high:g}×" for low, high in itertools.pairwise(RATIO_STEPS)]
    back = [f"{1 / high:.2f}–{1 / low:.2f}×" for low, high in itertools.pairwise(RATIO_STEPS)]
    least, most = f"{1 / RATIO_STEPS[-1]:.2f}× or less", f"{RATIO_STEPS[-1]:g}× or more"
    return [least, *reversed(back), f"within {RATIO_STEPS[0] - 1:.0%}", *names, most]


def shade(ratio: float) -> str:
    """Return a ratio's colour."""
    step = bisect.bisect_right([math.log(one) for one in RATIO_STEPS], abs(math.log(ratio)))
    return style.RATIOS[len(RATIO_STEPS) + (step if ratio > 1 else -step)]


def _cells(axes: Axes, comparison: Comparison, interpreters: list[str], baseline: str, groups: list[Group]) -> None:
    rows = {(row.group, row.candidate): row for row in comparison.rows}
    middle = {"ha": "center", "va": "center", "fontsize": 8}
    for y, group in enumerate(groups):
        for x, interpreter in enumerate(interpreters):
            row = rows.get((group, interpreter))
            if row is None:
                axes.text(x, y, "1" if interpreter == baseline else "–", color=style.QUIET, **middle)  # type: ignore[arg-type]
                continue
            left, right = x - 0.49, x + 0.49
            axes.fill(
                [left, right, right, left],
                [y - 0.5, y - 0.5, y + 0.5, y + 0.5],
                color=shade(row.ratio.ratio),
                linewidth=0,
            )
            axes.text(x, y, f"{row.ratio.ratio:.2f}{VERDICT_SIGNS[row.verdict]}", color=style.INK, **middle)  # type: ignore[arg-type]


def _overall(axes: Axes, overalls: dict[str, Ratio | None], interpreters: list[str], below: int) -> None:
    axes.axhline(below - 0.3, color=style.QUIET, linewidth=0.8)
    edge = axes.get_yaxis_transform()
    axes.text(-0.01, below + 0.3, "all", transform=edge, ha="right", va="center", weight="bold", fontsize=SMALL)
    for x, interpreter in enumerate(interpreters):
        found = overalls.get(interpreter)
        if found is None:
            text = "–" if interpreter in overalls else "1"
            axes.text(x, below + 0.3, text, ha="center", va="center", color=style.QUIET)
            continue
        axes.text(x, below + 0.3, f"{found.ratio:.3f}", ha="center", va="center", weight="bold", fontsize=8.5)
        if found.has_interval:
            ends = f"[{found.low:.3f}, {found.high:.3f}]"
            axes.text(x, below + 1.15, ends, ha="center", va="center", fontsize=7.5, color=style.QUIET)


def _label(group: Group) -> str:
    return ", ".join(map(str, group))
