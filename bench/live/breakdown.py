"""Intervals become shares: a row per thread, the total, and the part of it that is in doubt.

Time in locks of which no snapshot was taken is divided as the thread's snapshots were: between waits for work and waits
for a lock. Without any it counts as lock wait, and the row says that it may be waiting for work (`lock or queue`),
unless the snapshots contradict it: a thread that spends its time waiting for work is met there. The bound on the share
of its time that it can spend so, given how often it was met, is the upper end of Wilson's interval (E. B. Wilson,
Probable Inference, Journal of the American Statistical Association 22, 1927).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from bench.live.interval import GIL, IDLE, KINDS, LOCK, OWN, UNCLEAR, WORK, Interval, Spent
from bench.threads.account import CPU, RUN_QUEUE

SHOWN: Final = (CPU, RUN_QUEUE, GIL, LOCK, OWN, IDLE)
ALL: Final = "all threads"
PASSING: Final = "came and went"

_LIKELY: Final = 1.645  # standard errors: met as seldom as this or more seldom by chance in one of 20 cases
_SURE: Final = 2.326  # in one of 100
_NOBODY: Final = 0.001  # threads: less is rounding
_DOUBTFUL: Final = 0.01  # of a thread's time


@dataclass(frozen=True, slots=True)
class Row:
    """What a thread did, or all of them.

    Attributes:
        pid: its process; ``None``: of several.
        tid: its id; ``None``: several threads.
        name: of it.
        threads: how many there were, on average.
        shares: of its time, by each of :data:`SHOWN`; they sum to 1.
        lock_or_queue: of its lock wait at least a hundredth of its time, and most of what is not known better, may be
            waiting for work.
    """

    pid: int | None
    tid: int | None
    name: str
    threads: float
    shares: dict[str, float]
    lock_or_queue: bool


@dataclass(frozen=True, slots=True)
class Breakdown:
    """What all threads did over some seconds.

    Attributes:
        seconds: how long that was.
        rows: by CPU, then GIL wait, the most first; threads that came and went stand together as one.
        total: of all.
        samples: number of samples.
        overhead_cores: what that cost.
        snapshots_cost_cores: what py-spy cost.
    """

    seconds: float
    rows: tuple[Row, ...]
    total: Row
    samples: int
    overhead_cores: float
    snapshots_cost_cores: float


def break_down(interval: Interval, name: Callable[[int], str]) -> Breakdown:
    """Return the shares of an interval, or of several added up.

    Args:
        interval: what was seen.
        name: of a thread by its id.
    """
    rows, all_times, in_doubt = [], dict.fromkeys(SHOWN, 0.0), False
    for tid, spent in interval.threads.items():
        times, doubt = _clear(spent)
        rows.append(_row((spent.pid, tid, name(tid)), times, interval.wall_s, doubt=doubt))
        all_times = _sum(all_times, times)
        in_doubt |= doubt
    rows.sort(key=lambda row: (-round(row.shares[CPU], 2), -round(row.shares[GIL], 2), row.pid, row.tid))
    times, doubt = _clear(interval.passing)
    all_times = _sum(all_times, times)
    passing = _row((None, None, PASSING), times, interval.wall_s, doubt=doubt)
    if passing.threads > _NOBODY:
        rows.append(passing)
        in_doubt |= doubt
    return Breakdown(
        seconds=interval.wall_s,
        rows=tuple(rows),
        total=_row((None, None, ALL), all_times, interval.wall_s, doubt=in_doubt),
        samples=interval.samples,
        overhead_cores=interval.cost_s / interval.wall_s,
        snapshots_cost_cores=interval.snapshots_cost_s / interval.wall_s,
    )


def _clear(spent: Spent) -> tuple[dict[str, float], bool]:
    """Return a thread's times without anything unclear, and whether its locks are in doubt."""
    times, met = spent.times, spent.work + spent.turn
    whole_s, unclear_s = sum(times[kind] for kind in KINDS), times[UNCLEAR]
    work_s = times[WORK] + (unclear_s * spent.work / met if met else 0.0)
    likely_s = min(unclear_s, _truncate(spent.work, spent.seen, _LIKELY) * whole_s)
    doubt = not met and unclear_s > _DOUBTFUL * whole_s and likely_s > unclear_s / 2
    excess_s = max(0.0, work_s - _truncate(spent.work, spent.seen, _SURE) * whole_s)
    idle_s = work_s - excess_s
    lock_s = max(0.0, times[LOCK] + times[WORK] + unclear_s - idle_s)
    return {kind: times[kind] for kind in SHOWN} | {LOCK: lock_s, IDLE: times[IDLE] + idle_s}, doubt


def _truncate(met: int, seen: int, errors: float) -> float:
    """Return the largest share of its time of which a thread that was met there so often is likely to be there."""
    if not seen:
        return 1.0
    share, square = met / seen, errors * errors
    spread = errors * math.sqrt(share * (1 - share) / seen + square / (4 * seen * seen))
    return min(1.0, (share + square / (2 * seen) + spread) / (1 + square / seen))


def _row(whose: tuple[int | None, int | None, str], times: dict[str, float], wall_s: float, *, doubt: bool) -> Row:
    whole_s = sum(times.values())
    shares = {kind: times[kind] / whole_s if whole_s else 0.0 for kind in SHOWN}
    return Row(*whose, whole_s / wall_s, shares, doubt)


def _sum(one: dict[str, float], other: dict[str, float]) -> dict[str, float]:
    return {kind: one[kind] + other[kind] for kind in SHOWN}
