"""What a server left undone in an open loop, apart from replies that simply were in flight."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from loadgen.result import LoadResult


@dataclass(frozen=True, slots=True)
class Backlog:
    """What a server left undone in an open loop, apart from replies that simply were in flight.

    Attributes:
        fallen_behind: figures, if more was in flight at the end than the service time explains.
        waiting: figures, if requests were never sent because every connection was busy.
    """

    fallen_behind: Mapping[str, Any] | None
    waiting: Mapping[str, Any] | None


def backlog(result: LoadResult, above: float) -> Backlog | None:
    """Return what is more than a share ``above`` of the requests; ``None`` in the closed loop.

    By Little's law the number in flight is the rate times the mean service time, give or take the square root of it
    times 3 for random arrivals, or what was in flight when the window began. What is left after ``load.drain_s`` is all
    too much.
    """
    if not result.load.schedule:
        return None
    in_flight = result.unfinished - result.due
    everything = max(1, result.requests + result.failed + result.unfinished)
    rate = (everything - result.due) / result.wall_s if result.wall_s else 0.0
    expected = max(float(result.in_flight_before), rate * (result.service.mean_ns or 0.0) / 1e9)
    late = max(result.in_flight_after, in_flight) - expected
    drained_not = in_flight if result.load.drain_s else 0
    behind = max(late if late > 3 * math.sqrt(expected) else 0.0, drained_not) > above * everything
    return Backlog(
        {"in_flight": in_flight or result.in_flight_after, "expected": expected, "oldest_s": result.oldest_sent_s}
        if behind
        else None,
        {
            "connections": result.load.connections,
            "due": result.due,
            "share": result.due / everything,
            "oldest_s": result.oldest_unfinished_s,
        }
        if result.due > above * everything and not result.connect_errors
        else None,
    )
