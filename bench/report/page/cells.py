"""Data for the page's script: columns with a value for each cell, and comparisons between cells."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from bench.analysis import comparison, launches
from bench.analysis.load import Run
from bench.analysis.metrics import METRICS
from bench.analysis.rankings import rankings
from bench.analysis.stats import CELL
from bench.analysis.verdict import Verdict
from bench.narrative import wording
from bench.narrative.run_warnings import WarningSummary
from bench.report.comparison import MARKS
from bench.report.explore import round_figures
from bench.schema.cell import Cell
from bench.schema.thread_state import THREAD_STATES
from loadgen.histograms.histogram import Histogram, bucket_index

PERCENTS: Final = (0, 10, 25, 50, 75, 90, 95, 99, 99.9, 99.99)
_RANGED: Final = (
    *("throughput_rps", "speedup", "latency_p50_ns", "latency_p99_ns", "latency_p999_ns", "connect_p99_ns"),
    *("effective_cores", "cpu_s_per_request", "peak_rss_bytes", "pss_bytes"),
)
_PLAIN: Final = (
    *("requests", "errors", "generator_utilisation"),
    *(f"thread_{state.key}_share" for state in THREAD_STATES),
    "thread_share_error",
)
BOUNDS_MS: Final = (1, 10, 100, 1000)
"""Bounds of the ranges that latencies are divided into."""
LATENCY_DIGITS: Final = 4  # of percentiles, known to 0.1%
_FEWEST_BEYOND: Final = 10  # requests above a percentile: with fewer it says little

_VERDICTS: Final = {
    Verdict.FASTER: "better",
    Verdict.SLOWER: "worse",
    Verdict.SAME: "the same",
    Verdict.UNDECIDED: "not enough data",
}


def explorer_data(
    run: Run, summary: pd.DataFrame, warned: Sequence[WarningSummary], profiled: Mapping[str, str]
) -> dict[str, Any]:
    """Return the data of the page, see :mod:`bench.report.explore`.

    Args:
        run: the run.
        summary: a row for each cell, see :func:`bench.analysis.summary.summarise`; the order of the cells.
        warned: the warnings.
        profiled: anchor of each profiled cell on the page, by the cell's name.
    """
    cells = [Cell(*row) for row in summary[CELL].itertuples(index=False)]
    place = {cell: index for index, cell in enumerate(cells)}
    codes = [warning.code for warning in warned]
    dims = {name: run.values(name) for name in ("workload", "model", "interpreter", "clients")}
    return {
        "dims": dims,
        "decimals": wording.formatting(),
        "cpus": run.cpus,
        "passes": int(run.windows["pass"].nunique()),
        "pools": {model: wording.model_name(run, model) for model in run.meta.pools},
        "free": [interpreter for interpreter in dims["interpreter"] if run.is_free(interpreter)],
        "thread_states": {state.key: state.label for state in THREAD_STATES},
        "codes": [{"code": warning.code, "says": warning.says} for warning in warned],
        "cells": {
            **{
                name: [dims[name].index(cell[CELL.index(name)]) for cell in cells] for name in CELL if name != "clients"
            },
            "clients": [cell[2] for cell in cells],
            **{name: _figures(summary[name]) for name in _columns()},
            "thread_accounting_estimated": [bool(value) for value in summary["thread_accounting_estimated"]],
            "warnings": [[codes.index(code) for code in text.split() if code in codes] for text in summary["warnings"]],
            "profile": [profiled.get(cell.name, "") for cell in cells],
        },
        "percents": PERCENTS,
        "bounds_ms": BOUNDS_MS,
        **_window_columns(run, cells),
        "rankings": [
            {
                "workload": dims["workload"].index(one.workload),
                "clients": one.clients,
                "cells": [place[cell] for cell in one.cells],
                "left_out": [place[cell] for cell in one.left_out],
                "shown": one.bits(),
            }
            for one in rankings(run)
        ],
        **_ratios(run, place),
    }


def _columns() -> Iterable[str]:
    for name in _RANGED:
        yield from (name, f"{name}_low", f"{name}_high")
    yield from _PLAIN


def _window_columns(run: Run, cells: Sequence[Cell]) -> dict[str, Any]:
    """Return the latency distribution of each cell, and each window's time, throughput, p50 and p99."""
    of_cell = launches.windows_by_cell(run)
    began_s = float(run.windows["at_s"].min())
    latencies, windows = [], []
    for cell in cells:
        here = of_cell[cell]
        latencies.append(_latency(here))
        at, rates = here["at_s"] - began_s, here["throughput_rps"]
        p50, p99 = here["latency_p50_ns"] / 1e6, here["latency_p99_ns"] / 1e6
        windows.append([round_figures(each) for each in zip(at, rates, p50, p99, strict=True)])
    return {"latency": latencies, "windows": windows}


def _latency(windows: pd.DataFrame) -> dict[str, Any] | None:
    """Return percentiles of a cell, medians over passes with their range, and the share of requests in each range.

    ``None`` if no request was answered.
    """
    by_pass = [Histogram.decode(*texts) for _, texts in windows.groupby("pass")["latency_hdr"]]
    together = functools.reduce(Histogram.merge, by_pass)
    if not together.total:
        return None
    each = np.array([_percentiles(histogram, together.total) for histogram in by_pass if histogram.total])
    ranged = len(each) > 1
    ends = [bucket_index(bound * 1_000_000) for bound in BOUNDS_MS]
    shares = [part.sum() / together.total for part in np.split(together.counts, ends)]
    return {
        "ns": round_figures(np.median(each, axis=0), LATENCY_DIGITS),
        "low": round_figures(each.min(axis=0), LATENCY_DIGITS) if ranged else None,
        "high": round_figures(each.max(axis=0), LATENCY_DIGITS) if ranged else None,
        "shares": round_figures(shares, LATENCY_DIGITS),
    }


def _percentiles(histogram: Histogram, requests: int) -> list[float]:
    """Return the percentiles that have enough requests in all passes together; NaN for the others."""
    shown = (percent for percent in PERCENTS if requests * (1 - percent / 100) >= _FEWEST_BEYOND or percent <= 50)
    found = {percent: histogram.percentile_ns(percent) for percent in shown}
    return [math.nan if (ns := found.get(percent)) is None else float(ns) for percent in PERCENTS]


def _ratios(run: Run, place: Mapping[Cell, int]) -> dict[str, Any]:
    compared = comparison.compare_interpreters(run).rows if len(run.values("interpreter")) > 1 else ()
    verdicts = list(_VERDICTS)
    columns: dict[str, list[Any]] = {
        "cell": [place[Cell(*row.group, row.candidate)] for row in compared],
        "metric": [row.metric for row in compared],
        **{name: round_figures(getattr(row.ratio, name) for row in compared) for name in ("ratio", "low", "high")},
        "verdict": [verdicts.index(row.verdict) for row in compared],
        "p": [None if math.isnan(row.p_adjusted) else float(f"{row.p_adjusted:.2g}") for row in compared],
    }
    return {
        "baseline": compared[0].baseline if compared else "",
        "metrics": {name: metric.title for name, metric in METRICS.items()},
        "verdicts": _VERDICTS,
        "marks": MARKS,
        "ratios": columns,
    }


def _figures(column: pd.Series[Any]) -> list[float | None]:
    return round_figures(column.astype(float))
