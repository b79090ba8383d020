"""Does a result deserve belief? Each check is a row: a code, the figures behind it, and when it is said."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping
from typing import Any, Final

from loadgen.load import SPIN_S
from loadgen.result import LoadResult, summary

Figures = Mapping[str, Any]

GENERATOR_BUSY_ABOVE = 0.8
LITTLES_LAW_WITHIN = 0.02
FEW_REQUESTS = 100
STRADDLING_ABOVE = 0.5
LATE_ABOVE = 0.001
UNFINISHED_ABOVE = 0.01
TREND_ABOVE = 0.2
GAPS_WITHIN = 0.1
STEAL_ABOVE = 0.02
FOREIGN_CORES_ABOVE = 0.1
EDGES_WITHIN = 0.02


def warnings(result: LoadResult) -> list[dict[str, Any]]:
    """Return what spoils a result, each with a ``code`` and the figures behind it."""
    found = []
    for code, check in CHECKS.items():
        figures = check(result)
        if figures is not None:
            found.append({"code": code} | {k: round(v, 4) if isinstance(v, float) else v for k, v in figures.items()})
    return found


def trend(result: LoadResult) -> float | None:
    """Return how much higher the mean latency was in the last third of the intervals than in the first, as a share.

    ``None`` where there are fewer than six, where the rate was meant to change, or while the difference is within what
    their spread explains (Welch's t, two standard errors).
    """
    means = [one.latency.sum_ns / one.latency.total for one in result.intervals if one.latency.total]
    third = len(means) // 3
    if third < 2 or len(result.load.schedule) > 1 or any(s.from_rps != s.to_rps for s in result.load.schedule):
        return None
    first, last = means[:third], means[-third:]
    error = math.sqrt(statistics.variance(first) / third + statistics.variance(last) / third)
    difference = statistics.mean(last) - statistics.mean(first)
    return difference / statistics.mean(first) if abs(difference) > 2 * error else 0.0


def assess(result: LoadResult) -> dict[str, Any]:
    """Return the figures that the checks look at, whether or not they speak against the result."""
    beside = result.beside
    gaps = {"intended": result.gaps_intended, "sent": result.gaps_sent} if result.load.schedule else {}
    return {
        "ceiling_rps": result.ceiling_rps,
        "littles_law_residual": result.littles_law_residual,
        "latency_trend": trend(result),
        "gaps_ns": {name: summary(one, {"p50": 50.0, "p99": 99.0}) for name, one in gaps.items()} or None,
        "steal_share": beside.steal_share if beside else None,
        "foreign_cores": beside.foreign_cores if beside else None,
    }


def _errors(result: LoadResult) -> Figures | None:
    kinds = {kind: count for kind, count in result.errors.items() if kind != "late"}  # of which there is another check
    return {"kinds": kinds} if kinds else None


def _few_requests(result: LoadResult) -> Figures | None:
    return {"requests": result.requests} if result.requests < FEW_REQUESTS else None


def _generator_busy(result: LoadResult) -> Figures | None:
    return {"utilisation": result.utilisation} if result.utilisation > GENERATOR_BUSY_ABOVE else None


def _littles_law(result: LoadResult) -> Figures | None:
    residual = result.littles_law_residual
    if residual is None or (
        result.errors and not result.load.schedule
    ):  # clients in a closed loop pause after an error
        return None
    return {"residual": residual} if abs(residual) > LITTLES_LAW_WITHIN else None


def _short_window(result: LoadResult) -> Figures | None:
    share = result.straddling_share
    return {"straddling": share} if not result.load.schedule and share > STRADDLING_ABOVE else None


def _late(result: LoadResult) -> Figures | None:
    share = result.late_sends / max(1, result.lateness.total)
    return {"late": result.late_sends, "share": share, "bound_s": result.load.late_s} if share > LATE_ABOVE else None


def _unfinished(result: LoadResult) -> Figures | None:
    share = result.unfinished / max(1, result.requests + result.unfinished)
    many = result.load.schedule and share > UNFINISHED_ABOVE
    return {"unfinished": result.unfinished, "share": share, "oldest_s": result.oldest_unfinished_s} if many else None


def _near_ceiling(result: LoadResult) -> Figures | None:
    if result.ceiling_rps is None:
        return None
    share = result.throughput_rps / result.ceiling_rps
    return {"share": share, "ceiling_rps": result.ceiling_rps} if share > GENERATOR_BUSY_ABOVE else None


def _trend(result: LoadResult) -> Figures | None:
    change = trend(result)
    if change is None or abs(change) <= TREND_ABOVE:
        return None
    return {"change": change, "direction": "up" if change > 0 else "down"}


def _gaps(result: LoadResult) -> Figures | None:
    intended, sent = (gaps.percentile_ns(50) for gaps in (result.gaps_intended, result.gaps_sent))
    if intended is None or sent is None or len(result.load.schedule) != 1:
        return None
    off_ns = abs(sent - intended)
    spoiled = off_ns > GAPS_WITHIN * intended and off_ns > 2 * SPIN_S * 1e9 and not result.unfinished
    return {"intended_us": intended / 1e3, "sent_us": sent / 1e3} if spoiled else None


def _steal(result: LoadResult) -> Figures | None:
    share = result.beside.steal_share if result.beside else None
    return {"share": share} if share is not None and share > STEAL_ABOVE else None


def _foreign_cpu(result: LoadResult) -> Figures | None:
    cores = result.beside.foreign_cores if result.beside else None
    return {"cores": cores} if cores is not None and cores > FOREIGN_CORES_ABOVE else None


def _edges_late(result: LoadResult) -> Figures | None:
    server = result.beside.server if result.beside else None
    return None if server is None else edges_late(server.offset_s, result.wall_s)


def edges_late(offset_s: float, wall_s: float) -> Figures | None:
    """Return the figures of a warning if clocks were read too far from a window's edges; ``None`` if they were not."""
    share = offset_s / wall_s if wall_s else 0.0
    return {"offset_s": offset_s, "share": share} if share > EDGES_WITHIN else None


def _not_connected(result: LoadResult) -> Figures | None:
    missing = result.load.connections - result.connected
    return {"missing": missing, "connections": result.load.connections} if missing else None


CHECKS: Final[dict[str, Callable[[LoadResult], Figures | None]]] = {
    "errors": _errors,
    "not_connected": _not_connected,
    "few_requests": _few_requests,
    "generator_busy": _generator_busy,
    "near_ceiling": _near_ceiling,
    "late": _late,
    "gaps": _gaps,
    "unfinished": _unfinished,
    "littles_law": _littles_law,
    "short_window": _short_window,
    "trend": _trend,
    "steal": _steal,
    "foreign_cpu": _foreign_cpu,
    "edges_late": _edges_late,
}

WHEN: Final = {
    "errors": "requests failed",
    "not_connected": "connections could not be established before the timing began",
    "few_requests": f"fewer than {FEW_REQUESTS} requests were answered: high percentiles say little",
    "generator_busy": f"the generator was busy for more than {GENERATOR_BUSY_ABOVE:.0%} of the time and may have been "
    "the bottleneck",
    "near_ceiling": f"throughput was above {GENERATOR_BUSY_ABOVE:.0%} of what the generator can do on this machine",
    "late": f"more than {LATE_ABOVE:.1%} of the requests were sent late though a connection was free",
    "gaps": f"the median gap between sends was more than {GAPS_WITHIN:.0%} off, at a rate that was kept up with",
    "unfinished": f"open loop: more than {UNFINISHED_ABOVE:.0%} of the requests had no answer at the end",
    "littles_law": f"clients and throughput × latency differ by more than {LITTLES_LAW_WITHIN:.0%}",
    "short_window": f"closed loop: more than {STRADDLING_ABOVE:.0%} of the clients' time was in requests that "
    "straddle the window's edges",
    "trend": f"mean latency changed by more than {TREND_ABOVE:.0%} from the first third to the last, and by more than "
    "its spread explains",
    "steal": f"the machine's host took more than {STEAL_ABOVE:.0%} of the CPU time",
    "foreign_cpu": f"other programs used more than {FOREIGN_CORES_ABOVE:g} cores",
    "edges_late": "the server's CPU clocks were read at instants that differ from the window's edges by more than "
    f"{EDGES_WITHIN:.0%} of it, both edges together",
}
"""When each code is said."""
