"""Plot of each row's deviation in units of its bound, with its interval."""

from __future__ import annotations

import math
from typing import Final

from matplotlib.figure import Figure

from bench.analysis.validation import Validation
from bench.narrative.validation import summary
from bench.report.plots.style import FAINT, INK, OTHER, PAPER, QUIET, SHADE, blank, describe
from bench.stats.agreement import Verdict
from loadgen.cli.picture import RED

COLOURS: Final = {Verdict.AGREES: INK, Verdict.DISAGREES: RED, Verdict.DISTURBED: OTHER}
MARKERS: Final = {Verdict.AGREES: "o", Verdict.DISAGREES: "D", Verdict.DISTURBED: "o"}
NAME: Final = "deviations"
_FARTHEST: Final = 3.0  # bounds; deviations beyond it are drawn as an arrow at the edge
_ROW_IN, _HEAD_IN, _WIDTH_IN = 0.19, 0.9, 10.5


def draw(validation: Validation) -> Figure:
    """Return the figure, a line for each row."""
    results = validation.results
    figure = blank(_WIDTH_IN, _HEAD_IN + _ROW_IN * max(1, len(results)))
    axes = figure.add_axes((0.42, 0.45 / figure.get_figheight(), 0.56, 1 - _HEAD_IN / figure.get_figheight()))
    axes.axvspan(-1, 1, color=SHADE, zorder=0)
    axes.axvline(0, color=QUIET, linewidth=0.8, zorder=1)
    for place, result in enumerate(results):
        scale, found = result.bound or 1.0, result.estimate
        if math.isnan(found.mean):
            axes.text(0, place, "not observed", ha="center", va="center", fontsize=7.5, color=QUIET)
            continue
        colour = COLOURS[result.verdict]
        mean, low, high = (
            max(-_FARTHEST, min(_FARTHEST, value / scale)) for value in (found.mean, found.low, found.high)
        )
        if not math.isnan(found.low):
            axes.plot((low, high), (place, place), color=colour, linewidth=1.6, zorder=2)
        past = abs(found.mean / scale) > _FARTHEST
        marker = MARKERS[result.verdict] if not past else (">" if found.mean > 0 else "<")
        face = PAPER if result.verdict is Verdict.DISTURBED else colour
        axes.plot(mean, place, marker, color=colour, markerfacecolor=face, zorder=3)
    axes.set_yticks(range(len(results)), [result.name for result in results], fontsize=7.5, color=INK)
    axes.set_ylim(len(results) - 0.4, -0.6)
    axes.set_xlim(-_FARTHEST - 0.15, _FARTHEST + 0.15)
    axes.set_xlabel("deviation from the known value, in units of the row's bound, with 95% interval")
    axes.grid(axis="y", color=FAINT)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_title("Within the shaded band, figures agree with the known value")
    describe(figure, f"Deviations of {len(results)} figures from the known value: {summary(validation)}.")
    return figure
