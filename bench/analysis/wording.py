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


def ratio(value: float) -> str:
    """Write a ratio with as many decimals as mean something."""
    if math.isnan(value):
        return UNKNOWN
    return f"{value:.2f}" if value < 2 else f"{value:.1f}" if value < 20 else f"{value:.0f}"


def rate(value: float) -> str:
    """Write requests per second, as 1,234."""
    if math.isnan(value):
        return UNKNOWN
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def share(value: float) -> str:
    """Write a share as a percentage, nothing of it as a dash in the middle."""
    if math.isnan(value):
        return UNKNOWN
    return "·" if value < 0.0005 else f"{value:.1%}" if value < 0.0995 else f"{value:.0%}"


def milliseconds(ns: float) -> str:
    """Write nanoseconds as milliseconds, three digits."""
    if math.isnan(ns):
        return UNKNOWN
    ms = ns / 1e6
    return f"{ms:,.0f}" if ms >= 100 else f"{ms:.1f}" if ms >= 10 else f"{ms:.2f}" if ms >= 0.1 else f"{ms:.3f}"


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
