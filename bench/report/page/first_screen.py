"""First screen of the page: what overlaps waiting and what overlaps computing, how sure that is, and what serves best.

The two dot plots are tables of HTML with positions in percent: text stays text, they fit any width, and the choice of
the number of clients moves the dots without a script.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import pandas as pd

from bench.analysis.decisions import decisions
from bench.analysis.disturbance import disturbed_windows, is_speedup_disturbed
from bench.analysis.load import Run
from bench.analysis.overlap import COMPUTES, WAITS
from bench.analysis.resolution import resolution
from bench.analysis.stats import BASELINE, Spread, pick, speedups
from bench.narrative import wording
from bench.narrative.run_warnings import WarningSummary
from bench.report.plots.style import MARKERS, appearances, short_names
from bench.schema.cell import Cell

_ROOM: Final = 1.05  # of the scale beyond what is largest on it
_STEPS: Final = (0.5, 1, 2, 4, 5, 10, 20, 50, 100, 200, 500)
_MOST_TICKS: Final = 6
_SHAPES: Final = ("circle", "square", "diamond")


class Plot(NamedTuple):
    """One of the two plots.

    Attributes:
        id: part of its elements' ids.
        workload: name of its workload.
        title: the concept.
        definition: the concept, in a sentence around the word that ``verb`` gives.
        verb: what its requests do.
    """

    id: str
    workload: str
    title: str
    definition: tuple[str, str]
    verb: str


PLOTS: Final = (
    Plot("concurrency", WAITS, "Concurrency", ("While one request", ", others go on."), "waits"),
    Plot("parallelism", COMPUTES, "Parallelism", ("Several requests", " at the same instant."), "compute"),
)


def overlap(run: Run) -> dict[str, Any] | None:
    """Return the two plots for the template; ``None`` without serial, several clients, or either workload."""
    found = speedups(run.windows)
    clients = [count for count in run.values("clients") if count > 1 and _measured(found, count)]
    if not clients:
        return None
    plots = [_plot(run, plot, found, clients) for plot in PLOTS if plot.workload in run.values("workload")]
    names = short_names(run.values("interpreter"))
    return {
        "plots": plots,
        "clients": clients,
        "interpreters": [(names[name], _marker(run, name), run.is_free(name)) for name in names],
    }


def _measured(found: pd.DataFrame, clients: int) -> bool:
    rows = found.index.to_frame(index=False)
    return bool(
        ((rows["clients"] == clients) & rows["workload"].isin([WAITS, COMPUTES]) & (rows["model"] != BASELINE)).any()
    )


def _plot(run: Run, plot: Plot, found: pd.DataFrame, clients: list[int]) -> dict[str, Any]:
    spreads = {
        cell: spread
        for cell in run.cells
        if cell.workload == plot.workload and cell.clients in clients and (spread := pick(found, cell))
    }
    limits = (
        dict.fromkeys(clients, run.cpus) if plot.workload == COMPUTES else {count: float(count) for count in clients}
    )
    ends = [end for one in spreads.values() for end in (one.middle, one.high) if not math.isnan(end)]
    top = max([2.0, *(limit for limit in limits.values() if limit), *(end for end in ends if end < _far(ends))]) * _ROOM
    return {
        **plot._asdict(),
        "does": wording.work(plot.workload),
        "rows": list(_rows(run, spreads, clients, top)),
        "ticks": [(f"{tick:g}×", _percent(tick, top)) for tick in _ticks(top)],
        "one": _percent(1.0, top),
        "limits": {count: _percent(limit, top) for count, limit in limits.items() if limit},
        "limit_texts": {
            count: wording.plural(limit, "CPU" if plot.workload == COMPUTES else "client")
            for count, limit in limits.items()
            if limit
        },
    }


def _far(ends: list[float]) -> float:
    """Return where an interval is cut off rather than let it squeeze all the others."""
    return 3 * sorted(ends)[len(ends) // 2] + 8 if ends else math.inf


def _rows(run: Run, spreads: dict[Cell, Spread], clients: list[int], top: float) -> Iterator[dict[str, Any]]:
    names = short_names(run.values("interpreter"))
    for model in run.values("model"):
        lines = []
        for interpreter in run.values("interpreter"):
            if not any((one.model, one.interpreter) == (model, interpreter) for one in run.cells):
                continue
            at = {}
            for cell, spread in spreads.items():
                if (cell.model, cell.interpreter) == (model, interpreter):
                    at[cell.clients] = _mark(spread, top, disturbed=is_speedup_disturbed(run, cell))
            lines.append(
                {
                    "interpreter": names[interpreter],
                    "marker": _marker(run, interpreter),
                    "free": run.is_free(interpreter),
                    "at": at,
                    "style": "".join(
                        f"--a{count}:{mark['at']}%;--l{count}:{mark['low']}%;--w{count}:{mark['width']}%;"
                        for count, mark in at.items()
                    )
                    + "".join(f"--v{count}:hidden;" for count in clients if count not in at),
                }
            )
        summary = wording.model_summary(run, model)
        gap = next((one.reason for one in run.meta.gaps if one.model == model), "")
        yield {"model": model, "summary": summary, "gap": gap, "lines": lines}


def _mark(spread: Spread, top: float, *, disturbed: bool) -> dict[str, Any]:
    low, high = (spread.low, spread.high) if spread.has_range else (spread.middle, spread.middle)
    begin, end = _percent(max(low, 0.0), top), _percent(min(high, top), top)
    interval = f" ({wording.span(spread.low, spread.high)})" if spread.has_range else " (one pass)"
    return {
        "at": _percent(min(spread.middle, top), top),
        "low": begin,
        "width": round(end - begin, 1),
        "text": f"{wording.ratio(spread.middle)}×",
        "interval": interval,
        "disturbed": disturbed,
    }


def _marker(run: Run, interpreter: str) -> str:
    """Return the shape of an interpreter's dots, the same as in the plots as far as there are as many shapes."""
    return _SHAPES[MARKERS.index(appearances(run)[interpreter].marker) % len(_SHAPES)]


def _percent(value: float, top: float) -> float:
    return round(100 * value / top, 1)


def _ticks(top: float) -> list[float]:
    step = next((step for step in _STEPS if top / step <= _MOST_TICKS), _STEPS[-1])
    return [1.0, *(step * number for number in range(1, int(top / step) + 1) if step * number > 1)]


def assertions(run: Run) -> list[tuple[bool, str]]:
    """Return whether each workload meets the objective's bound on latency; empty without one."""
    return [
        (
            decision.best is not None,
            f"{run.objective}: {decision.workload}" + ("" if decision.best else ", by no cell"),
        )
        for decision in decisions(run)
        if decision.objective.p99_below_ns is not None
    ]


def how_sure(run: Run, warned: Sequence[WarningSummary]) -> list[tuple[str, str, str]]:
    """Return how sure the first screen is: texts, each with a link and ``plain``, ``disturbed`` or ``warning``."""
    passes = int(run.windows["pass"].nunique())
    over = wording.plural(passes, "pass")
    shown = [
        f"dots: means of {over}, lines: 95% intervals" if passes > 1 else "one pass, so no interval: measure more",
    ]
    hit, windows = int(disturbed_windows(run).sum()), len(run.windows)
    shown.append(f"{hit:,} of {wording.plural(windows, 'window')} disturbed")
    found = resolution(run)
    if found:
        each = ", ".join(f"{_digits(share)} ({workload})" for workload, share in found.items())
        shown.append(f"differences between interpreters show from {each}")
    rows = [(text, "", "disturbed" if text.endswith(" disturbed") else "plain") for text in shown]
    rows += [(text, "#warning-different_builds", "warning") for text in _built_differently(run)]
    return rows + [(one.says, f"#warning-{one.code}", "warning") for one in warned if one.code in _STRIP]


_STRIP: Final = ("gil_returned", "unsteady", "cpu_quota")
"""Warnings of the strip; those of a run that is partial or failed have a banner."""


def _built_differently(run: Run) -> Iterator[str]:
    """Yield the interpreters that were built differently from the baseline, and in what."""
    builds = run.meta.interpreters
    fields: dict[tuple[str, ...], list[str]] = {}
    for name in run.values("interpreter"):
        if run.baseline in builds and name in builds and (found := builds[name].differences(builds[run.baseline])):
            fields.setdefault(found, []).append(name)
    for differ, names in fields.items():
        titles = ", ".join(wording.BUILD.get(field, field) for field in differ)
        were = "was" if len(names) == 1 else "were"
        yield (
            f"≠ {wording.join_words(names)} {were} built differently from {run.baseline} ({titles}): "
            "a difference is not due to the version alone"
        )


def _digits(share: float) -> str:
    return f"{share:.1%}" if share < 0.1 else f"{share:.0%}"
