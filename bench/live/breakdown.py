"""Shares of time over one or more intervals: a row per thread, the total, and the part that is uncertain.

Time in locks without a snapshot is divided like the thread's snapshots: between waits for work and waits for a lock. If
there are none, it counts as lock wait, and the row notes that it may be waiting for work (`lock or queue`), unless the
snapshots contradict that: a thread that spends its time waiting for work is found doing so. The bound on the share of
time that a thread can spend waiting for work, given how often it was found doing so, is the upper end of Wilson's
interval (E. B. Wilson, Probable Inference, Journal of the American Statistical Association 22, 1927).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from bench.live.blocked import BLOCKED_IN
from bench.live.interval import GIL, IDLE, KINDS, LOCK, OWN, UNCLEAR, WORK, Interval, Spent
from bench.live.tasks import Awaited, TaskSamples
from bench.threads.account import CPU, RUN_QUEUE

SHOWN: Final = (CPU, RUN_QUEUE, GIL, LOCK, OWN, IDLE)
ALL: Final = "all threads"
PASSING: Final = "came and went"

_LIKELY: Final = 1.645  # standard errors: found this rarely or more rarely by chance in one of 20 cases
_SURE: Final = 2.326  # in one of 100
_NOBODY: Final = 0.001  # threads: less is rounding
_DOUBTFUL: Final = 0.01  # of a thread's time


@dataclass(frozen=True, slots=True)
class Row:
    """Shares of the time of one thread, or of several.

    Attributes:
        pid: its process; ``None``: several processes.
        tid: its id; ``None``: several threads.
        name: its name.
        threads: mean number of threads.
        shares: of its time, by each of :data:`SHOWN`; they sum to 1.
        lock_or_queue: part of its lock wait, at least a hundredth of its time and most of the unclear wait, may be
            waiting for work.
        blocked_in: how the share that it was blocked divides, by those of :data:`~bench.live.blocked.BLOCKED_IN` that
            were met.
    """

    pid: int | None
    tid: int | None
    name: str
    threads: float
    shares: dict[str, float]
    lock_or_queue: bool
    blocked_in: dict[str, float]


class TaskRow(NamedTuple):
    """What some asyncio tasks awaited.

    Attributes:
        awaited: what, and where.
        tasks: mean number of them.
    """

    awaited: Awaited
    tasks: float


@dataclass(frozen=True, slots=True)
class Breakdown:
    """Shares of the time of all threads over some seconds.

    Attributes:
        seconds: length of that time.
        rows: sorted by CPU, then GIL wait, largest first; threads that came and went share one row.
        total: row of all threads that ran; of all, if none did.
        still: number of threads that did not run once; they are in no share of the total.
        samples: number of samples.
        overhead_cores: CPU-seconds per second that sampling took.
        snapshots_cost_cores: CPU-seconds per second that py-spy took.
        tasks: what asyncio tasks awaited, the most frequent first; empty: there are none, or they cannot be read.
    """

    seconds: float
    rows: tuple[Row, ...]
    total: Row
    samples: int
    overhead_cores: float
    snapshots_cost_cores: float
    tasks: tuple[TaskRow, ...] = ()
    still: int = 0


def break_down(interval: Interval, name: Callable[[int], str]) -> Breakdown:
    """Return the shares of an interval, or of several added up.

    Args:
        interval: the interval, or the sum of several.
        name: returns the name of a thread by its id.
    """
    rows, all_times, in_doubt = [], dict.fromkeys(SHOWN, 0.0), False
    all_blocked: Counter[str] = Counter()
    nobody_ran = not any(spent.ran for spent in interval.threads.values())
    for tid, spent in interval.threads.items():
        times, doubt = _clear(spent)
        rows.append(_row((spent.pid, tid, name(tid)), times, spent.blocked, interval.wall_s, doubt=doubt))
        if spent.ran or nobody_ran:
            all_times = _sum(all_times, times)
            all_blocked.update(spent.blocked)
            in_doubt |= doubt
    rows.sort(key=lambda row: (-round(row.shares[CPU], 2), -round(row.shares[GIL], 2), row.pid, row.tid))
    times, doubt = _clear(interval.passing)
    all_times = _sum(all_times, times)
    all_blocked.update(interval.passing.blocked)
    passing = _row((None, None, PASSING), times, interval.passing.blocked, interval.wall_s, doubt=doubt)
    if passing.threads > _NOBODY:
        rows.append(passing)
        in_doubt |= doubt
    return Breakdown(
        seconds=interval.wall_s,
        rows=tuple(rows),
        total=_row((None, None, ALL), all_times, all_blocked, interval.wall_s, doubt=in_doubt),
        samples=interval.samples,
        overhead_cores=interval.cost_s / interval.wall_s,
        snapshots_cost_cores=interval.snapshots_cost_s / interval.wall_s,
        tasks=_tasks(interval.tasks),
        still=0 if nobody_ran else sum(not spent.ran for spent in interval.threads.values()),
    )


def _tasks(samples: TaskSamples | None) -> tuple[TaskRow, ...]:
    if samples is None or not samples.samples:
        return ()
    return tuple(TaskRow(awaited, seen / samples.samples) for awaited, seen in samples.tasks.most_common())


def _clear(spent: Spent) -> tuple[dict[str, float], bool]:
    """Return a thread's times with unclear time assigned, and whether its lock wait is uncertain."""
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
    """Return the largest likely share of a thread's time in a state that ``met`` of ``seen`` snapshots showed."""
    if not seen:
        return 1.0
    share, square = met / seen, errors * errors
    spread = errors * math.sqrt(share * (1 - share) / seen + square / (4 * seen * seen))
    return min(1.0, (share + square / (2 * seen) + spread) / (1 + square / seen))


def _row(
    whose: tuple[int | None, int | None, str],
    times: dict[str, float],
    blocked: Mapping[str, float],
    wall_s: float,
    *,
    doubt: bool,
) -> Row:
    whole_s = sum(times.values())
    shares = {kind: times[kind] / whole_s if whole_s else 0.0 for kind in SHOWN}
    blocked_in = {kind: blocked[kind] / whole_s for kind in BLOCKED_IN if kind in blocked} if whole_s else {}
    return Row(*whose, whole_s / wall_s, shares, doubt, blocked_in)


def _sum(one: dict[str, float], other: dict[str, float]) -> dict[str, float]:
    return {kind: one[kind] + other[kind] for kind in SHOWN}
