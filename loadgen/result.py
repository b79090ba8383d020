"""What a run of load measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from loadgen.histogram import Histogram
from loadgen.load import Load

GENERATOR_BUSY_ABOVE = 0.8
LITTLES_LAW_WITHIN = 0.02
FEW_REQUESTS = 100
STRADDLING_ABOVE = 0.5

LATENCY_PERCENTILES = {"p50": 50.0, "p90": 90.0, "p99": 99.0, "p999": 99.9}
CONNECT_PERCENTILES = {"p50": 50.0, "p99": 99.0}


@dataclass(frozen=True, kw_only=True)
class LoadResult:
    """One window.

    Attributes:
        load: what was asked for.
        wall_s: length of the window, shorter than asked for if it was cancelled.
        requests: requests answered rightly in the window.
        errors: failed requests by kind (:data:`loadgen.connection.ERRORS`); kinds that did not occur are left out.
        latency: of the requests answered rightly, in ns.
        connect: of the connections made in the window, in ns.
        cpu_s: CPU time of the engine's thread in the window.
        utilisation: share of the window that the engine's thread did not spend waiting for events.
        unfinished: requests in flight at the end of the window.
        oldest_unfinished_s: how long the oldest of them had waited.
        age_before_ns: sum of the ages of the requests in flight when the window began.
        age_after_ns: the same when it ended.
        cancelled: ended before its time.
    """

    load: Load
    wall_s: float
    requests: int
    errors: dict[str, int]
    latency: Histogram
    connect: Histogram
    cpu_s: float
    utilisation: float
    unfinished: int
    oldest_unfinished_s: float
    age_before_ns: int
    age_after_ns: int
    cancelled: bool

    @property
    def throughput_rps(self) -> float:
        return self.requests / self.wall_s if self.wall_s else 0.0

    @property
    def littles_law_residual(self) -> float | None:
        """How far the time spent in requests is from clients × wall time, as a share of it.

        Little's law (1961): in a closed loop throughput × mean latency is the number of clients. In a window that is
        exact once the parts of requests that lie outside of it are taken off and those not yet answered are added, so
        what is left is time that the instrument lost or clients spent pausing after errors.
        """
        if not self.wall_s:
            return None
        inside_ns = self.latency.sum_ns - self.age_before_ns + self.age_after_ns
        return inside_ns / 1e9 / self.wall_s / self.load.connections - 1

    @property
    def straddling_share(self) -> float:
        """Share of the clients' time in requests that began before the window or did not end in it."""
        if not self.wall_s:
            return 1.0
        return (self.age_before_ns + self.age_after_ns) / 1e9 / self.wall_s / self.load.connections

    def warnings(self) -> list[dict[str, Any]]:
        """Return what spoils this result, each with a ``code`` and the figures behind it."""
        found: list[dict[str, Any]] = []
        if self.errors:
            found.append({"code": "errors", "kinds": self.errors})
        if self.requests < FEW_REQUESTS:
            found.append({"code": "few_requests", "requests": self.requests})
        if self.utilisation > GENERATOR_BUSY_ABOVE:
            found.append({"code": "generator_busy", "utilisation": round(self.utilisation, 4)})
        residual = self.littles_law_residual
        if not self.errors and residual is not None and abs(residual) > LITTLES_LAW_WITHIN:
            found.append({"code": "littles_law", "residual": round(residual, 4)})
        if self.straddling_share > STRADDLING_ABOVE:
            found.append({"code": "short_window", "straddling": round(self.straddling_share, 4)})
        return found

    def to_dict(self) -> dict[str, Any]:
        """Return the result as the JSON object of the command line."""
        return {
            "requests": self.requests,
            "errors": self.errors,
            "wall_s": self.wall_s,
            "throughput_rps": self.throughput_rps,
            "latency_ns": summary(self.latency, LATENCY_PERCENTILES, ends=True),
            "connect_ns": summary(self.connect, CONNECT_PERCENTILES),
            "cpu_s": self.cpu_s,
            "utilisation": self.utilisation,
            "connections": self.load.connections,
            "threads": 1,
            "loop": "closed",
            "conversation": self.load.conversation,
            "intended_rps": None,
            "late_sends": None,
            "unfinished": self.unfinished,
            "cancelled": self.cancelled,
            "warnings": self.warnings(),
        }


def summary(times: Histogram, percentiles: dict[str, float], *, ends: bool = False) -> dict[str, Any]:
    """Return the named percentiles and the maximum, with ``ends`` also minimum and mean, all in ns."""
    found: dict[str, Any] = {"min": times.min_ns, "mean": times.mean_ns} if ends else {}
    found |= {name: times.percentile_ns(percent) for name, percent in percentiles.items()}
    return found | {"max": times.max_ns}
