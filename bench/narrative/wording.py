"""How figures are written, in a terminal and on a page alike."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Final

from bench.analysis.stats import Spread

UNKNOWN = "–"

BUILD: Final = {
    "pgo": "PGO",
    "lto": "LTO",
    "bolt": "BOLT",
    "libc": "C library",
    "gil_enabled": "GIL",
    "jit": "JIT",
    "variants": "changed",
    "debug": "debug build",
}
"""Titles of what is known of a build, where they differ from its name in ``run.json``."""


DECIMALS: Final[dict[str, tuple[tuple[float, int], ...]]] = {
    "ratio": ((2, 2), (20, 1), (math.inf, 0)),
    "ms": ((0.1, 3), (10, 2), (100, 1), (math.inf, 0)),
    "us": ((100, 1), (math.inf, 0)),
    "share": ((0.0995, 1), (math.inf, 0)),
}
"""Decimals of a figure below each bound: as many as mean something."""

WHOLE_RATE_FROM: Final = 100
"""Requests per second from which a rate is written without decimals, below with three digits."""

NO_SHARE_BELOW: Final = 0.0005


def formatting() -> dict[str, object]:
    """Return how figures are written, for the page's scripts; ``null`` is no bound."""
    rows = {
        kind: [[None if math.isinf(below) else below, decimals] for below, decimals in row]
        for kind, row in DECIMALS.items()
    }
    return {**rows, "whole_rate_from": WHOLE_RATE_FROM, "no_share_below": NO_SHARE_BELOW}


def decimals(kind: str, value: float) -> int:
    """Return the number of decimals of a figure, by a row of :data:`DECIMALS`."""
    return next(count for below, count in DECIMALS[kind] if value < below or math.isinf(below))


def ratio(value: float) -> str:
    """Write a ratio with as many decimals as mean something."""
    return UNKNOWN if math.isnan(value) else f"{value:,.{decimals('ratio', value)}f}"


def rate(value: float) -> str:
    """Write requests per second, as 1,234."""
    if math.isnan(value):
        return UNKNOWN
    return f"{value:.3g}" if value < WHOLE_RATE_FROM else f"{value:,.0f}"


def share(value: float) -> str:
    """Write a share as a percentage, nothing of it as a dash in the middle."""
    if math.isnan(value):
        return UNKNOWN
    return "·" if value < NO_SHARE_BELOW else f"{value:.{decimals('share', value)}%}"


def milliseconds(ns: float) -> str:
    """Write nanoseconds as milliseconds, three digits."""
    if math.isnan(ns):
        return UNKNOWN
    ms = ns / 1e6
    return f"{ms:,.{decimals('ms', ms)}f}"


def span(low: float, high: float) -> str:
    """Write a range of ratios; a dash if there is none."""
    return UNKNOWN if math.isnan(low) else f"{ratio(low)}–{ratio(high)}"


def times(spread: Spread) -> str:
    """Write a ratio with its range, as ``7.8× (7.6–7.9)``."""
    return f"{ratio(spread.median)}× ({span(spread.low, spread.high) if spread.has_range else 'one pass'})"


def plural(count: int, noun: str) -> str:
    """Write a number of things, as ``1 client`` and ``8 clients``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}{'es' if noun.endswith('s') else 's'}"


def join_words(names: Iterable[str], link: str = "and") -> str:
    """Write names as ``a, b and c``."""
    every: Sequence[str] = list(names)
    return every[0] if len(every) == 1 else f"{', '.join(every[:-1])} {link} {every[-1]}" if every else "none"
