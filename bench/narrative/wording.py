"""Formatting of figures, for the terminal and the page."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Final

from bench.analysis.load import Run
from bench.analysis.stats import Spread
from bench.schema.cell import Cell, parse_workload
from servers.deployed import EVERY
from servers.workloads import WORKLOADS

UNKNOWN = "–"

BUILD: Final = {
    "pgo": "PGO",
    "lto": "LTO",
    "bolt": "BOLT",
    "libc": "C library",
    "gil_enabled": "GIL",
    "jit": "JIT",
    "variants": "variant",
    "debug": "debug build",
    "packages": "versions of the server's packages",
}
"""Titles of the fields of a build, where they differ from their names in ``run.json``."""


DECIMALS: Final[dict[str, tuple[tuple[float, int], ...]]] = {
    "ratio": ((2, 2), (20, 1), (math.inf, 0)),
    "ms": ((0.1, 3), (10, 2), (100, 1), (math.inf, 0)),
    "us": ((100, 1), (math.inf, 0)),
    "share": ((0.0995, 1), (math.inf, 0)),
}
"""Number of decimals of a figure below each bound: the significant ones."""

WHOLE_RATE_FROM: Final = 100
"""Requests per second from which a rate has no decimals; lower rates have three digits."""

NO_SHARE_BELOW: Final = 0.0005


def formatting() -> dict[str, object]:
    """Return the rules for formatting figures, for the page's scripts; ``null`` means no bound."""
    rows = {
        kind: [[None if math.isinf(below) else below, decimals] for below, decimals in row]
        for kind, row in DECIMALS.items()
    }
    return {**rows, "whole_rate_from": WHOLE_RATE_FROM, "no_share_below": NO_SHARE_BELOW}


def decimals(kind: str, value: float) -> int:
    """Return the number of decimals of a figure, by a row of :data:`DECIMALS`."""
    return next(count for below, count in DECIMALS[kind] if value < below or math.isinf(below))


def ratio(value: float) -> str:
    """Format a ratio with its significant decimals."""
    return UNKNOWN if math.isnan(value) else f"{value:,.{decimals('ratio', value)}f}"


def rate(value: float) -> str:
    """Format requests per second, as 1,234."""
    if math.isnan(value):
        return UNKNOWN
    return f"{value:.3g}" if value < WHOLE_RATE_FROM else f"{value:,.0f}"


def share(value: float) -> str:
    """Format a share as a percentage, or as a middle dot if it is practically 0."""
    if math.isnan(value):
        return UNKNOWN
    return "·" if value < NO_SHARE_BELOW else f"{value:.{decimals('share', value)}%}"


def milliseconds(ns: float) -> str:
    """Format nanoseconds as milliseconds, with three digits."""
    if math.isnan(ns):
        return UNKNOWN
    ms = ns / 1e6
    return f"{ms:,.{decimals('ms', ms)}f}"


def span(low: float, high: float) -> str:
    """Format a range of ratios; a dash if there is none."""
    return UNKNOWN if math.isnan(low) else f"{ratio(low)}–{ratio(high)}"


def times(spread: Spread) -> str:
    """Format a ratio with its interval, as ``7.8× (7.6–7.9)``."""
    return f"{ratio(spread.middle)}× ({span(spread.low, spread.high) if spread.has_range else 'one pass'})"


def cell_name(run: Run, cell: Cell) -> str:
    """Name the model and interpreter of a cell, a pool with its size: ``subinterpreters (pool of 2) on 3.14``."""
    return f"{model_name(run, cell.model, cell.interpreter)} on {cell.interpreter}"


def model_name(run: Run, model: str, interpreter: str = "") -> str:
    """Name a model, a pool with its size under one interpreter, or under all if they agree."""
    size = _pool_size(run, model, [interpreter] if interpreter else run.values("interpreter"))
    return f"{model} (pool of {size})" if size else model


def model_summary(run: Run, model: str) -> str:
    """Describe what serves connections, a pool with its size: ``a pool of 2 threads``; empty if unknown."""
    if model not in EVERY:
        return ""
    size, summary = _pool_size(run, model, run.values("interpreter")), EVERY[model].summary
    return summary.replace("a pool of", f"a pool of {size}") if size else summary


def _pool_size(run: Run, model: str, interpreters: Sequence[str]) -> int | None:
    """Return the size of a model's pool under some interpreters; ``None``: it has none, or they differ."""
    sizes = {size for each in interpreters if (size := run.pool_size(model, each))}
    return sizes.pop() if len(sizes) == 1 else None


def work(workload: str) -> str:
    """Describe what a request of a workload does; a user handler is named."""
    served, computing = parse_workload(workload)
    does = WORKLOADS[served].summary if served in WORKLOADS else f"calls {served}"
    return does if computing is None else f"{does} ({plural(computing, 'client')} of it)"


def plural(count: float, noun: str) -> str:
    """Write a number of things, as ``1 client`` and ``8 clients``."""
    return f"{count:g} {noun}" if count == 1 else f"{count:g} {noun}{'es' if noun.endswith('s') else 's'}"


def join_words(names: Iterable[str], link: str = "and") -> str:
    """Join names as ``a, b and c``."""
    every: Sequence[str] = list(names)
    return every[0] if len(every) == 1 else f"{', '.join(every[:-1])} {link} {every[-1]}" if every else "none"
