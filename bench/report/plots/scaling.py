"""Scaling laws: measured points, the fitted law and, over cores, its predictions.

A panel shows one workload on one interpreter. Lines are laws and points are measurements; dashed lines in the grey part
of a panel over cores are predictions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from bench.analysis.load import Run
from bench.analysis.overlap import COMPUTES
from bench.analysis.scaling.choice import Scaling, laws
from bench.analysis.scaling.fit import Estimate
from bench.analysis.scaling.series import OVER_CLIENTS, OVER_CORES
from bench.narrative import wording
from bench.narrative.scaling import interval
from bench.report.plots import grid, style
from bench.report.plots.labels import Label
from bench.report.plots.throughput import short_rate

_MARGIN: Final = 1.6  # below and above the data, as a factor: room for a word
DASHED: Final = (0, (3.5, 2))
CURVE_POINTS: Final = 25
MOST_MODELS_NAMED: Final = 3


class ScalingPanel(NamedTuple):
    """Content of one panel: the series of all models over clients or cores."""

    over: str
    interpreter: str
    workload: str
    scalings: tuple[Scaling, ...]


def draw(run: Run) -> Figure | None:
    """Return the figure; ``None`` with fewer than three numbers of clients, unless servers were pinned to CPUs."""
    panels = _panels(run)
    if not panels:
        return None
    sheet = _make(run, panels)
    of = {(panel.workload, panel.interpreter): panel for panel in panels}
    labelled = []
    for drawn in sheet.panels:
        panel, axes = of[drawn.workload, drawn.interpreter], drawn.axes
        _axis(run, axes, panel, named=drawn.first)
        _heights(axes, [other for other in panels if other.workload == panel.workload])
        labelled.append((drawn, [_draw_one(run, axes, one, named=sheet.every) for one in panel.scalings]))
    grid.label_all(labelled)
    return sheet.figure


def _panels(run: Run) -> list[ScalingPanel]:
    """Return the panels by row: over cores where servers were pinned, with most clients; else over clients."""
    every = [one for one in laws(run) if one.several]
    pinned = [one for one in every if one.series.over == OVER_CORES]
    most = max((one.series.clients or 0 for one in pinned), default=None)
    shown = [one for one in pinned if one.series.clients == most] or every
    keys = dict.fromkeys((one.series.over, one.series.interpreter, one.series.workload) for one in shown)
    return [
        ScalingPanel(
            *key, tuple(one for one in shown if (one.series.over, one.series.interpreter, one.series.workload) == key)
        )
        for key in keys
    ]


def _make(run: Run, panels: Sequence[ScalingPanel]) -> grid.Grid:
    every = [_name(one) for panel in panels for one in panel.scalings]
    return grid.make_grid(
        run,
        _titles(panels),
        f"points: measured, {grid.passes_note(run)}{_note(panels)}",
        "requests/s (log scale)",
        cells=[(panel.workload, panel.interpreter) for panel in panels],
        names=every,
        along=f"{_unit(panels[0])} (log scale)",
    )


def _note(panels: Sequence[ScalingPanel]) -> str:
    every = [one for panel in panels for one in panel.scalings]
    lines = (
        "; lines: the law that fits best; ▾: its peak; <: its ceiling" if any(one.chosen.good for one in every) else ""
    )
    if any(one.outlook.predictions for one in every):
        return f"{lines}; dashed: prediction with its 95% band"
    why = next((one.outlook.refused for one in every if one.outlook.refused), "")
    if panels[0].over == OVER_CLIENTS:
        return f"{lines}; the serial share includes the limited number of CPUs"
    return lines + (f"; no prediction: {why}" if why else "")


def _unit(panel: ScalingPanel) -> str:
    if panel.over == OVER_CLIENTS:
        return "clients"
    return f"CPUs of the server, {wording.plural(panel.scalings[0].series.clients or 0, 'client')}"


def _axis(run: Run, axes: Axes, panel: ScalingPanel, *, named: bool) -> None:
    counts = sorted({n for one in panel.scalings for n in one.series.counts})
    made = sorted({each.cores for one in panel.scalings for each in one.outlook.predictions})
    grid.clients_axis(axes, [*counts, *made])
    if made:
        axes.axvspan(counts[-1], axes.get_xlim()[1], color=style.FAINT, alpha=0.45, linewidth=0, zorder=0)
        place: dict[str, Any] = {"transform": axes.transAxes, "ha": "right", "va": "bottom"}
        axes.text(0.98, 0.03, "prediction", fontsize=7.5, color=style.QUIET, **place)
    grid.cpus_mark(axes, panel.scalings[0].series.cpus if panel.over == OVER_CLIENTS else run.cpus, named=named)


def _heights(axes: Axes, alike: Sequence[ScalingPanel]) -> None:
    """Give panels of one workload the same scale, so that interpreters can be compared by eye."""
    figures = [rate for panel in alike for one in panel.scalings for rate in one.series.rates.tolist()]
    figures += [
        end for panel in alike for one in panel.scalings for p in one.outlook.predictions for end in (p.low, p.high)
    ]
    low, high = min(figures) / _MARGIN, max(figures) * _MARGIN
    axes.set_yscale("log")
    axes.set_ylim(low, high)
    axes.yaxis.set_major_locator(FixedLocator(style.log_ticks(low, high)))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(short_rate))


def _draw_one(run: Run, axes: Axes, one: Scaling, *, named: bool) -> Label:
    """Draw a series with its law, and return the label of its end, with the law's result if ``named``."""
    series, fit = one.series, one.chosen
    colour, appearance = style.colour(series.model), style.appearances(run)[series.like]
    middles, ends = [], []
    for n in series.counts:
        rates = [value.rate for value in series.values if value.n == n]
        middles.append(float(np.median(rates)))
        ends.append((middles[-1] - min(rates), max(rates) - middles[-1]))
    bar: dict[str, Any] = {
        "elinewidth": 1.1,
        "linestyle": "none",
        "markerfacecolor": appearance.face(colour),
    }
    axes.errorbar(series.counts, middles, yerr=np.transpose(ends), color=colour, marker=appearance.marker, **bar)
    end = (float(series.counts[-1]), middles[-1])
    if fit.good:
        places = np.geomspace(fit.counts[0], fit.counts[-1], CURVE_POINTS)
        axes.plot(places, fit.predict(places), color=colour, linewidth=1.5, zorder=2)
        end = (float(places[-1]), float(fit.predict(places[-1:])[0]))
    if one.outlook.predictions:
        law = one.outlook.fit
        places = np.geomspace(law.counts[-1], one.outlook.predictions[-1].cores, CURVE_POINTS)
        low, high = law.band(places)
        axes.fill_between(places, low, high, color=colour, alpha=0.16, linewidth=0, zorder=1.5)
        axes.plot(places, law.predict(places), color=colour, linestyle=DASHED, linewidth=1.3, zorder=2)
        end = (float(places[-1]), float(law.predict(places[-1:])[0]))
    peak = fit.peak
    if fit.good and peak and not fit.flat and fit.counts[0] <= peak.n <= end[0]:
        axes.plot([peak.n], [peak.rate * 1.04], marker="v", color=colour, markersize=6, zorder=4)
    return Label.of(series.model, *end, text=_name(one) if named else series.model)


def _name(one: Scaling) -> str:
    """Return a model with the result of its law."""
    fit = one.chosen
    if not fit.good:
        return f"{one.series.model}: no law" if fit.estimates else one.series.model
    if fit.peak_in_range:
        return f"{one.series.model} {f'▾{fit.peak.n:.0f}' if fit.peak else f'< {short_rate(fit.ceiling_rps)}'}"
    return one.series.model


def _titles(panels: Sequence[ScalingPanel]) -> list[str]:
    """Return titles: the serial share of the computing workload (else the first) by model, on the first interpreter.

    With 95% confidence intervals; longest title first.
    """
    first = next((panel for panel in panels if panel.workload == COMPUTES), panels[0])
    good = [one for one in first.scalings if one.chosen.good]
    about = f"Over {first.over}, serial share of {first.workload}"
    if not good:
        few = not any(one.chosen.estimates for one in first.scalings)
        return [f"Over {first.over}: " + ("too few points for a law" if few else f"no law fits {first.workload}")]
    shares: list[tuple[Estimate, str]] = []
    for one in good:
        known = one.chosen.estimates
        shares.append((known["contention" if "contention" in known else "serial"], one.series.model))
    shares.sort(key=lambda pair: pair[0].value)
    texts = [f"{model} {interval(share)}" for share, model in shares]
    on = f"{about} on {style.short_name(first.interpreter)}"
    return [f"{on}: {', '.join(texts[:count])}" for count in range(min(MOST_MODELS_NAMED, len(texts)), 0, -1)]
