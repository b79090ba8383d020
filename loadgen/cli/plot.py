"""Plots of a run over time and of a search for capacity."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from loadgen.capacity import Capacity
from loadgen.cli.picture import BLUE, ORANGE, QUIET, RED, blank, headline, plain, render
from loadgen.cli.summary import clients
from loadgen.errors import GilbenchError
from loadgen.result import LoadResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_BANDS: Final = ((50.0, "p50", 1.0), (90.0, "p90", 0.55), (99.0, "p99", 0.3), (100.0, "max", 0.15))


def draw_run(result: LoadResult, name: str) -> bytes:
    """Plot percentiles of latency over time, above throughput; SVG or PNG, according to the suffix of ``name``.

    Raises:
        GilbenchError: nothing was answered, or Matplotlib is not installed.
    """
    shown = [one for one in result.intervals if one.latency.max_ns is not None]
    if not shown:
        raise GilbenchError("no request was answered, so there is nothing to plot")
    figure, (above, below) = blank((2, 1))
    edges = [one.at_s for one in shown] + [shown[-1].at_s + shown[-1].seconds]
    latencies = [one.latency.decompress() for one in shown]
    last = 0.0
    previous = np.array([(one.min_ns or 0) / 1e6 for one in latencies])
    for percent, title, strength in _BANDS:
        values = np.array([(one.percentile_ns(percent) or 0) / 1e6 for one in latencies])
        above.fill_between(
            edges, _steps(previous), _steps(values), step="post", color=BLUE, alpha=strength, linewidth=0
        )
        last = _label(above, (edges[-1], float(values[-1])), title, last)
        previous = values
    above.set_yscale("log")
    above.yaxis.set_major_formatter(plain)
    above.set_ylabel("latency, ms (log scale)")
    below.stairs([one.throughput_rps for one in shown], edges, color=BLUE, linewidth=1.6, baseline=None)
    if result.load.schedule:
        at_s = 0.0
        for stage in result.load.schedule:
            below.plot(
                [at_s, at_s + stage.duration_s], [stage.from_rps, stage.to_rps], ":", color=ORANGE, linewidth=1.4
            )
            at_s += stage.duration_s
        below.text(0.01, 0.06, "dotted: intended", transform=below.transAxes, fontsize=8, color=ORANGE)
    failed = [sum(one.errors.values()) / one.seconds for one in shown]
    if any(failed):
        below.stairs(failed, edges, color=RED, linewidth=1.2, baseline=None)
        below.text(0.99, 0.06, "red: failed", transform=below.transAxes, fontsize=8, color=RED, ha="right")
    below.set_ylim(bottom=0)
    below.set_ylabel("requests/s")
    below.set_xlabel("seconds")
    below.set_xlim(0, edges[-1])
    load = result.load
    kind = f"open loop, {load.arrivals} arrivals" if load.schedule else f"closed loop, {clients(load.connections)}"
    p50, p99 = ((result.latency.percentile_ns(percent) or 0) / 1e6 for percent in (50.0, 99.0))
    headline(
        figure,
        f"{result.throughput_rps:,.0f} requests/s, half of them within {p50:.3g} ms, 99% within {p99:.3g} ms",
        f"{load.host}:{load.port}, {kind}, {load.spoken.name} protocol; one step per interval, percentiles shaded",
    )
    return render(figure, name)


def draw_capacity(found: Capacity, name: str) -> bytes:
    """Plot latency against rate for each rate that was tried.

    Raises:
        GilbenchError: no step was completed, or Matplotlib is not installed.
    """
    steps = [step for step in sorted(found.steps, key=lambda step: step.rate_rps) if step.result.latency.max_ns]
    if not steps:
        raise GilbenchError("no step was completed, so there is nothing to plot")
    figure, (axes,) = blank((1,))
    rates = [step.rate_rps for step in steps]
    last = 0.0
    for percent, title, strength in _BANDS[:3]:
        values = [(step.result.latency.percentile_ns(percent) or 0) / 1e6 for step in steps]
        axes.plot(rates, values, "-", color=BLUE, alpha=0.25 + 0.75 * strength, linewidth=1.6)
        last = _label(axes, (rates[0], values[0]), title, last, left=True)
        for step, value in zip(steps, values, strict=True):
            axes.plot(
                step.rate_rps,
                value,
                "o",
                color=BLUE if step.holds else ORANGE,
                fillstyle="full" if step.holds else "none",
            )
    for objective in found.objectives:
        if objective.figure[0] in "pm":
            axes.axhline(objective.bound / 1e6, color=QUIET, linewidth=0.9, linestyle=(0, (3, 3)))
            bound_ms = objective.bound / 1e6
            axes.annotate(
                objective.text,
                (0.99, bound_ms),
                xycoords=("axes fraction", "data"),
                ha="right",
                va="bottom",
                fontsize=8,
                color=QUIET,
            )
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.xaxis.set_major_formatter(plain)
    axes.yaxis.set_major_formatter(plain)
    axes.set_xlabel("intended rate, requests/s (log scale)")
    axes.set_ylabel("latency, ms (log scale)")
    wanted = ", ".join(one.text for one in found.objectives)
    holds = f"{found.holds_rps:,.0f}/s" if found.holds_rps else "no rate tried"
    headline(figure, f"{wanted} holds at {holds}", "one point per step; hollow: does not hold")
    return render(figure, name)


def _label(axes: Axes, at: tuple[float, float], text: str, last: float, *, left: bool = False) -> float:
    """Label a line at its end unless the label would touch the one below; return the height of the highest label."""
    if last and at[1] < last * 1.6:
        return last
    away, side = (-7, "right") if left else (5, "left")
    where = {"xytext": (away, 0), "textcoords": "offset points", "ha": side, "va": "center"}
    axes.annotate(text, at, fontsize=8, color=BLUE, **where)  # type: ignore[arg-type]
    return at[1]


def _steps(values: Any) -> Any:
    return np.append(values, values[-1])
