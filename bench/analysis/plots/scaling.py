"""Scaling laws: measured points, the law through them, and over cores what it predicts.

A panel shows one workload on one target. Lines are laws and points are measurements; what is dashed, in the grey part
of a panel over cores, is a prediction.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from bench.analysis import wording
from bench.analysis.findings import COMPUTES
from bench.analysis.load import Run
from bench.analysis.plots import grid, style
from bench.analysis.plots.labels import Label, at_line_ends
from bench.analysis.scaling.limits import Scaling, laws
from bench.analysis.scaling.series import OVER_CLIENTS, OVER_CORES

MARGIN: Final = 1.6  # below and above the data, as a factor: room for a word
RIGHT: Final = 0.25  # inches: these labels are longer than a model's name
DASHED: Final = (0, (3.5, 2))
STEPS: Final = 80
TOLD: Final = 3


class Panel(NamedTuple):
    """What stands in one panel: the series of all models over one thing."""

    over: str
    target: str
    workload: str
    scalings: tuple[Scaling, ...]


def draw(run: Run) -> Figure | None:
    """Return the figure; ``None`` with fewer than three numbers of clients, unless servers were pinned to CPUs."""
    panels = _panels(run)
    if not panels:
        return None
    figure, axes = _make(run, panels)
    labelled = []
    for panel, place in zip(panels, axes, strict=True):
        _axis(run, place, panel)
        _heights(place, [other for other in panels if (other.over, other.workload) == (panel.over, panel.workload)])
        labelled.append((place, [_draw_one(run, place, one) for one in panel.scalings]))
    for place, labels in labelled:
        at_line_ends(place, labels)
    return figure


def _panels(run: Run) -> list[Panel]:
    """Return the panels by row: over cores where servers were pinned, with most clients; else over clients."""
    every = [one for one in laws(run) if one.several]
    pinned = [one for one in every if one.series.over == OVER_CORES]
    most = max((one.series.clients or 0 for one in pinned), default=None)
    shown = [one for one in pinned if one.series.clients == most] or every
    keys = dict.fromkeys((one.series.over, one.series.target, one.series.workload) for one in shown)
    return [
        Panel(*key, tuple(one for one in shown if (one.series.over, one.series.target, one.series.workload) == key))
        for key in keys
    ]


def _make(run: Run, panels: Sequence[Panel]) -> tuple[Figure, list[Axes]]:
    workloads = list(dict.fromkeys(panel.workload for panel in panels))
    targets = list(dict.fromkeys(panel.target for panel in panels))
    columns = min(len(workloads), grid.COLUMNS)
    lines = math.ceil(len(workloads) / columns) * len(targets)
    width = max(grid.LEFT + columns * (grid.PANEL_WIDTH + grid.LABELS) + RIGHT, 7.2)
    height = grid.TOP + lines * (grid.PANEL_HEIGHT + grid.BETWEEN) - grid.BETWEEN + grid.BOTTOM
    figure = style.blank(width, height)
    grid.headline(figure, _title(panels), f"points: measured, {grid.passes_note(run)}{_note(panels)}")
    axes = []
    for panel in panels:
        block, column = divmod(workloads.index(panel.workload), columns)
        row = block * len(targets) + targets.index(panel.target)
        left = grid.LEFT + column * (grid.PANEL_WIDTH + grid.LABELS)
        bottom = height - grid.TOP - grid.PANEL_HEIGHT - row * (grid.PANEL_HEIGHT + grid.BETWEEN)
        size = (grid.PANEL_WIDTH / width, grid.PANEL_HEIGHT / height)
        place = figure.add_axes((left / width, bottom / height, *size))
        place.set_title(f"{panel.workload} · {style.short(panel.target)}" if len(targets) > 1 else panel.workload)
        if column == 0:
            place.set_ylabel("requests per second (log)")
        if panel.target == targets[-1]:
            place.set_xlabel(f"{_unit(panel)} (log scale)")
        axes.append(place)
    return figure, axes


def _note(panels: Sequence[Panel]) -> str:
    every = [one for panel in panels for one in panel.scalings]
    lines = (
        "; lines: the law that fits best; ▾: its peak; <: its ceiling" if any(one.chosen.good for one in every) else ""
    )
    if any(one.outlook.predictions for one in every):
        return f"{lines}; dashed: prediction with its 95% band"
    why = next((one.outlook.refused for one in every if one.outlook.refused), "")
    if panels[0].over == OVER_CLIENTS:
        return f"{lines}; the number of CPUs is a part of what is serial"
    return lines + (f"; no prediction: {why}" if why else "")


def _unit(panel: Panel) -> str:
    if panel.over == OVER_CLIENTS:
        return "clients"
    return f"CPUs of the server, {wording.plural(panel.scalings[0].series.clients or 0, 'client')}"


def _axis(run: Run, axes: Axes, panel: Panel) -> None:
    counts = sorted({n for one in panel.scalings for n in one.series.counts})
    made = sorted({each.cores for one in panel.scalings for each in one.outlook.predictions})
    grid.clients_axis(axes, [*counts, *made])
    if made:
        axes.axvspan(counts[-1], axes.get_xlim()[1], color=style.FAINT, alpha=0.45, linewidth=0, zorder=0)
        place: dict[str, Any] = {"transform": axes.transAxes, "ha": "right", "va": "bottom"}
        axes.text(0.98, 0.03, "prediction", fontsize=7.5, color=style.QUIET, **place)
    cpus = panel.scalings[0].series.cpus if panel.over == OVER_CLIENTS else run.cpus
    low, high = axes.get_xlim()
    if cpus and low <= cpus <= high:
        axes.axvline(cpus, color="#9ca3af", linewidth=1.2, zorder=1)
        mark = (cpus, 0.97)
        right = math.log(cpus / low) < math.log(high / low) * 0.7
        axes.annotate(
            wording.plural(cpus, "CPU"),
            mark,
            xycoords=axes.get_xaxis_transform(),
            xytext=(3 if right else -3, 0),
            textcoords="offset points",
            ha="left" if right else "right",
            va="top",
            fontsize=7.5,
            color=style.QUIET,
        )


def _heights(axes: Axes, alike: Sequence[Panel]) -> None:
    """Give panels of one workload the same scale, so that targets can be compared by eye."""
    figures = [rate for panel in alike for one in panel.scalings for rate in one.series.rates.tolist()]
    figures += [
        end for panel in alike for one in panel.scalings for p in one.outlook.predictions for end in (p.low, p.high)
    ]
    low, high = min(figures) / MARGIN, max(figures) * MARGIN
    axes.set_yscale("log")
    axes.set_ylim(low, high)
    axes.yaxis.set_major_locator(FixedLocator(style.log_ticks(low, high)))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(_short))


def _draw_one(run: Run, axes: Axes, one: Scaling) -> Label:
    """Draw a series with its law, and return the label of its end."""
    series, fitted = one.series, one.chosen
    colour, look = style.colour(series.model), style.looks(run)[series.like]
    for n in series.counts:
        rates = [value.rate for value in series.values if value.n == n]
        middle = float(np.median(rates))
        ends = [[middle - min(rates)], [max(rates) - middle]]
        face = colour if look.filled else "white"
        bar: dict[str, Any] = {"capsize": 2.5, "elinewidth": 1.1, "linestyle": "none"}
        axes.errorbar([n], [middle], yerr=ends, color=colour, marker=look.marker, markerfacecolor=face, **bar)
    end = (float(n), middle)
    if fitted.good:
        places = np.geomspace(fitted.counts[0], fitted.counts[-1], STEPS)
        axes.plot(places, fitted.at(places), color=colour, linewidth=1.5, zorder=2)
        end = (float(places[-1]), float(fitted.at(places[-1:])[0]))
    if one.outlook.predictions:
        law = one.outlook.fit
        places = np.geomspace(law.counts[-1], one.outlook.predictions[-1].cores, STEPS)
        low, high = law.band(places)
        axes.fill_between(places, low, high, color=colour, alpha=0.16, linewidth=0, zorder=1.5)
        axes.plot(places, law.at(places), color=colour, linestyle=DASHED, linewidth=1.3, zorder=2)
        end = (float(places[-1]), float(law.at(places[-1:])[0]))
    peak = fitted.peak
    if fitted.good and peak and not fitted.flat and fitted.counts[0] <= peak.n <= end[0]:
        axes.plot([peak.n], [peak.rate * 1.04], marker="v", color=colour, markersize=6, zorder=4)
    return Label(_name(one), *end, colour)


def _name(one: Scaling) -> str:
    """Return a model with what its law comes to."""
    fitted = one.chosen
    if not fitted.good:
        return f"{one.series.model}: no law" if fitted.estimates else one.series.model
    if fitted.in_sight:
        return f"{one.series.model} {f'▾{fitted.peak.n:.0f}' if fitted.peak else f'< {_short(fitted.ceiling_rps)}'}"
    return one.series.model


def _title(panels: Sequence[Panel]) -> str:
    """Return how much of the computing workload (else of the first) is serial, model by model, on the first target."""
    first = next((panel for panel in panels if panel.workload == COMPUTES), panels[0])
    good = [one for one in first.scalings if one.chosen.good]
    where = f"Over {first.over}, serial share of {first.workload}"
    if not good:
        few = not any(one.chosen.estimates for one in first.scalings)
        return f"Over {first.over}: " + ("too few points for a law" if few else f"no law fits {first.workload}")
    shares = []
    for one in good:
        known = one.chosen.estimates
        shares.append((known["contention" if "contention" in known else "serial"].value, one.series.model))
    told = ", ".join(f"{model} {wording.share(share)}" for share, model in sorted(shares)[:TOLD])
    return f"{where} on {style.short(first.target)}: {told}"


def _short(value: float, _: object = None) -> str:
    return f"{value / 1000:.3g}k" if value >= 1000 else f"{value:.3g}"
