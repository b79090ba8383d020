"""The checks of a result: for each warning code, a function that returns the figures behind it if it applies."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping
from typing import Any, Final

from loadgen.backlog import backlog
from loadgen.limits import SPIN_S
from loadgen.result import LoadResult, summary
from loadgen.validation.warning_codes import (
    EDGES_WITHIN,
    FEW_REQUESTS,
    FOREIGN_CORES_ABOVE,
    GAPS_WITHIN,
    GENERATOR_BUSY_ABOVE,
    LATE_ABOVE,
    LITTLES_LAW_WITHIN,
    RECONNECTED_ABOVE,
    STEAL_ABOVE,
    STRADDLING_ABOVE,
    TREND_ABOVE,
    UNFINISHED_ABOVE,
)

Figures = Mapping[str, Any]


def warnings(result: LoadResult) -> list[dict[str, Any]]:
    """Return the warnings about a result, each with a ``code`` and the figures behind it."""
    found = []
    for code, check in CHECKS.items():
        figures = check(result)
        if figures is not None:
            found.append({"code": code} | {k: round(v, 4) if isinstance(v, float) else v for k, v in figures.items()})
    return found


def trend(result: LoadResult) -> float | None:
    """Return how much higher the mean latency was in the last third of the intervals than in the first, as a share.

    ``None`` if there are fewer than six intervals or if the rate was meant to change; 0 if their spread explains the
    difference (Welch's t, two standard errors).
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
    """Return the figures that the checks use, whether or not they warn."""
    host_metrics = result.host_metrics
    gaps = {"intended": result.gaps_intended, "sent": result.gaps_sent} if result.load.schedule else {}
    return {
        "ceiling_rps": result.ceiling_rps,
        "littles_law_residual": result.littles_law_residual,
        "latency_trend": trend(result),
        "gaps_ns": {name: summary(one, {"p50": 50.0, "p99": 99.0}) for name, one in gaps.items()} or None,
        "steal_share": host_metrics.steal_share if host_metrics else None,
        "foreign_cores": host_metrics.foreign_cores if host_metrics else None,
    }


def _errors(result: LoadResult) -> Figures | None:
    kinds = {kind: count for kind, count in result.errors.items() if kind != "late"}  # it has its own check
    return {"kinds": kinds} if kinds else None


def _few_requests(result: LoadResult) -> Figures | None:
    return {"requests": result.requests} if 0 < result.requests < FEW_REQUESTS else None


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


def _check_unfinished(result: LoadResult) -> Figures | None:
    found = backlog(result, UNFINISHED_ABOVE)
    return found.fallen_behind if found else None


def _connections_limit(result: LoadResult) -> Figures | None:
    found = backlog(result, UNFINISHED_ABOVE)
    return found.waiting if found else None


def _reconnected(result: LoadResult) -> Figures | None:
    share = result.reconnections / max(1, result.answered)
    many = share > RECONNECTED_ABOVE and result.load.requests_per_connection != 1
    return {"reconnections": result.reconnections, "share": share} if many else None


def _unreachable(result: LoadResult) -> Figures | None:
    kinds = result.connect_errors
    return {"kinds": kinds, "where": result.load.where} if kinds else None


def _nothing_due(result: LoadResult) -> Figures | None:
    wanted = result.requests + result.failed + result.unfinished
    return {"wall_s": result.wall_s} if result.load.schedule and result.wall_s and not wanted else None


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
    share = result.host_metrics.steal_share if result.host_metrics else None
    return {"share": share} if share is not None and share > STEAL_ABOVE else None


def _foreign_cpu(result: LoadResult) -> Figures | None:
    cores = result.host_metrics.foreign_cores if result.host_metrics else None
    return {"cores": cores} if cores is not None and cores > FOREIGN_CORES_ABOVE else None


def _edges_late(result: LoadResult) -> Figures | None:
    server = result.host_metrics.server if result.host_metrics else None
    return None if server is None else edges_late(server.offset_s, result.wall_s)


def edges_late(offset_s: float, wall_s: float) -> Figures | None:
    """Return the figures of a warning if clocks were read too far from a window's edges, else ``None``."""
    share = offset_s / wall_s if wall_s else 0.0
    return {"offset_s": offset_s, "share": share} if share > EDGES_WITHIN else None


def _not_connected(result: LoadResult) -> Figures | None:
    opened = result.load.connections if result.load.initial_connections is None else result.connections_used
    missing = opened - result.connected
    return {"missing": missing, "connections": opened} if missing > 0 else None


CHECKS: Final[dict[str, Callable[[LoadResult], Figures | None]]] = {
    "unreachable": _unreachable,
    "nothing_due": _nothing_due,
    "errors": _errors,
    "not_connected": _not_connected,
    "few_requests": _few_requests,
    "generator_busy": _generator_busy,
    "near_ceiling": _near_ceiling,
    "late": _late,
    "gaps": _gaps,
    "unfinished": _check_unfinished,
    "connections_limit": _connections_limit,
    "reconnected": _reconnected,
    "littles_law": _littles_law,
    "short_window": _short_window,
    "trend": _trend,
    "steal": _steal,
    "foreign_cpu": _foreign_cpu,
    "edges_late": _edges_late,
}
