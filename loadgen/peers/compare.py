"""Figures from records: medians, and ratios paired within a round, with their intervals."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import Final, NamedTuple

from loadgen.peers.plan import Record

OURS: Final = "gilbench"


class Estimate(NamedTuple):
    """A median and its 95% confidence interval, which is ``None`` if there are too few rounds for one."""

    median: float
    low: float | None
    high: float | None


class Row(NamedTuple):
    """The figures of one generator on one server, at one number of connections.

    Attributes:
        tool: which generator.
        rounds: number of rounds with a result.
        per_cpu_s: requests per CPU-second of the generator.
        ahead: ratio of gilbench's to this generator's, within a round.
        throughput_rps: median.
        busy: median share of one CPU that the generator used.
        p50_ns: median of what it reports; ``None`` if it reports none.
        p99_ns: likewise.
        errors: messages of the rounds without a result.
    """

    tool: str
    rounds: int
    per_cpu_s: Estimate | None
    ahead: Estimate | None
    throughput_rps: float | None
    busy: float | None
    p50_ns: float | None
    p99_ns: float | None
    errors: tuple[str, ...]


def estimate(values: Sequence[float]) -> Estimate | None:
    """Return the median of ``values`` and its interval, by order statistics; ``None`` without values.

    The number of values below the true median is binomial, so the interval lies between the narrowest ranks that
    enclose the median at least 95 times out of 100; that needs six values. Source: Conover, Practical Nonparametric
    Statistics, section 3.2.
    """
    if not values:
        return None
    ordered, number = sorted(values), len(values)
    rank, below = 0, 0.0
    while (below := below + math.comb(number, rank) / 2**number) <= 0.025:
        rank += 1
    low, high = (ordered[rank - 1], ordered[number - rank]) if rank else (None, None)
    return Estimate(statistics.median(ordered), low, high)


def rows(records: Sequence[Record], server: str, connections: int, tools: Sequence[str]) -> list[Row]:
    """Return a row for each generator that was run."""
    at = [r for r in records if (r["kind"], r["server"], r["connections"]) == ("cost", server, connections)]
    ours = {r["round"]: _per_cpu_s(r) for r in at if r["tool"] == OURS and "error" not in r}
    found = []
    for tool in tools:
        tried = [r for r in at if r["tool"] == tool]
        done = [r for r in tried if "error" not in r]
        if not tried:
            continue
        found.append(
            Row(
                tool,
                len(done),
                estimate([_per_cpu_s(r) for r in done]),
                estimate([ours[r["round"]] / _per_cpu_s(r) for r in done if r["round"] in ours]),
                _median([r["requests"] / r["wall_s"] for r in done]),
                _median([r["cpu_s"] / r["wall_s"] for r in done]),
                _median([r["p50_ns"] for r in done if r["p50_ns"] is not None]),
                _median([r["p99_ns"] for r in done if r["p99_ns"] is not None]),
                tuple(r["error"] for r in tried if "error" in r),
            )
        )
    return found


def _per_cpu_s(record: Record) -> float:
    return float(record["requests"] / record["cpu_s"])


def _median(values: Sequence[float]) -> float | None:
    return statistics.median(values) if values else None
