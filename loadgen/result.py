"""The result of a run of load."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from loadgen.histograms.histogram import Histogram
from loadgen.host.host_observer import HostMetrics
from loadgen.interval import Interval
from loadgen.load import Load

LATENCY_PERCENTILES = {"p50": 50.0, "p90": 90.0, "p99": 99.0, "p999": 99.9}
CONNECT_PERCENTILES = {"p50": 50.0, "p99": 99.0}


@dataclass(frozen=True, slots=True)
class EngineUse:
    """CPU use of one engine thread.

    Attributes:
        cpu_s: its CPU time in the window.
        utilisation: share of the window that it did not spend waiting for events.
    """

    cpu_s: float
    utilisation: float


class Traced(NamedTuple):
    """One request of the window, with times of the monotonic clock.

    Attributes:
        client: number of the client.
        since_ns: when the client wanted to send it.
        at_ns: when the last byte of the reply arrived.
    """

    client: int
    since_ns: int
    at_ns: int


@dataclass(frozen=True, kw_only=True)
class LoadResult:
    """The measurements of one window.

    In the closed loop a request belongs to the window in which it is answered, in the open loop to the window in which
    it is intended.

    Attributes:
        load: the load that was run.
        began_s: when the window began, on the monotonic clock.
        wall_s: length of the window; shorter than requested if it was cancelled.
        requests: requests answered correctly and, in the open loop, sent on time.
        errors: failed requests by kind (:data:`loadgen.engine.error_kinds.ERRORS`); kinds that did not occur are left
            out.
        statuses: HTTP replies by class, for example ``2xx``.
        latency: in ns, from when a request was wanted (closed loop) or intended (open loop) to the end of its reply; of
            the requests answered correctly, including those sent late, and of those that timed out, at their time-out.
        service: the same, from when each request was sent.
        connect: times to connect, in ns, before the timing began and in the window.
        lateness: open loop: how much later than intended each request was sent, in ns, for any reason.
        gaps_intended: open loop: intended times between consecutive requests of each engine thread, in ns.
        gaps_sent: the same as they were sent.
        engines: CPU use of each engine thread.
        connected: connections established before the timing began.
        late_sends: open loop: requests sent more than ``load.late_s`` late through the generator's own fault.
        censored: requests that timed out, whose latencies are only known to be longer.
        censored_from_ns: the shortest of these latencies; percentiles from here on are lower bounds.
        unfinished: requests in flight, or still in the schedule, at the end of the window.
        oldest_unfinished_s: how long the oldest of them had waited.
        age_before_ns: closed loop: sum of the ages of the requests in flight when the window began.
        age_after_ns: sum of the ages of the unfinished requests.
        mean_in_service: mean number of requests sent and not yet answered, over the window; ``None`` without a window.
        served_ns: sum of the parts of all service times that lie in the window.
        intervals: the counts of each interval.
        trace: the first requests of the window, as many as ``load.trace``.
        cancelled: whether the window ended early.
        host_metrics: figures of the host and the server during the window.
        ceiling_rps: the rate at which the engine threads would be busy all of the time
            (:mod:`loadgen.validation.ceiling`).
    """

    load: Load
    began_s: float = 0.0
    wall_s: float
    requests: int
    errors: dict[str, int]
    statuses: dict[str, int] = field(default_factory=dict)
    latency: Histogram
    service: Histogram = field(default_factory=Histogram)
    connect: Histogram
    lateness: Histogram = field(default_factory=Histogram)
    gaps_intended: Histogram = field(default_factory=Histogram)
    gaps_sent: Histogram = field(default_factory=Histogram)
    engines: tuple[EngineUse, ...]
    connected: int
    late_sends: int = 0
    censored: int = 0
    censored_from_ns: int | None = None
    unfinished: int
    oldest_unfinished_s: float
    age_before_ns: int
    age_after_ns: int
    mean_in_service: float | None = None
    served_ns: int = 0
    intervals: tuple[Interval, ...] = ()
    trace: tuple[Traced, ...] = ()
    cancelled: bool
    host_metrics: HostMetrics | None = None
    ceiling_rps: float | None = None

    @property
    def throughput_rps(self) -> float:
        return self.requests / self.wall_s if self.wall_s else 0.0

    @property
    def answered(self) -> int:
        """Requests answered correctly, including those sent late."""
        return self.requests + self.errors.get("late", 0)

    @property
    def failed(self) -> int:
        return sum(self.errors.values())

    @property
    def cpu_s(self) -> float:
        """CPU time of all engine threads."""
        return sum(engine.cpu_s for engine in self.engines)

    @property
    def utilisation(self) -> float:
        """Share of the window that the busiest engine thread did not spend waiting for events."""
        return max((engine.utilisation for engine in self.engines), default=0.0)

    @property
    def littles_law_residual(self) -> float | None:
        """Relative difference between the time spent in requests and what Little's law predicts.

        Little's law (1961): the mean number of requests in a system is their rate times the mean time that each spends
        in it. In a closed loop that number is the number of clients; in an open loop it is the number of requests sent
        and not yet answered, whose integral is recorded. Over a window either is exact once the parts of requests
        outside it are subtracted and the requests not yet answered are added, so any residual is time that the
        instrument lost or, in the closed loop, that clients spent pausing after errors. ``None`` if there was nothing
        to compare.
        """
        if not self.wall_s:
            return None
        if self.load.schedule:
            expected_ns = (self.mean_in_service or 0.0) * self.wall_s * 1e9
            return self.served_ns / expected_ns - 1 if expected_ns else None
        inside_ns = self.latency.sum_ns - self.age_before_ns + self.age_after_ns
        return inside_ns / 1e9 / self.wall_s / self.load.connections - 1

    @property
    def straddling_share(self) -> float:
        """Closed loop: share of the clients' time in requests that began before the window or did not end in it."""
        if not self.wall_s:
            return 1.0
        return (self.age_before_ns + self.age_after_ns) / 1e9 / self.wall_s / self.load.connections

    def merge(self, other: LoadResult) -> LoadResult:
        """Return the combined result of two loads that ran side by side; histograms merge exactly.

        The throughput is that of both together; ``load`` remains this result's.
        """
        froms = [r.censored_from_ns for r in (self, other) if r.censored_from_ns is not None]
        return replace(
            self,
            wall_s=max(self.wall_s, other.wall_s),
            requests=self.requests + other.requests,
            errors=dict(Counter(self.errors) + Counter(other.errors)),
            statuses=dict(Counter(self.statuses) + Counter(other.statuses)),
            latency=self.latency.merge(other.latency),
            service=self.service.merge(other.service),
            connect=self.connect.merge(other.connect),
            lateness=self.lateness.merge(other.lateness),
            gaps_intended=self.gaps_intended.merge(other.gaps_intended),
            gaps_sent=self.gaps_sent.merge(other.gaps_sent),
            engines=self.engines + other.engines,
            connected=self.connected + other.connected,
            late_sends=self.late_sends + other.late_sends,
            censored=self.censored + other.censored,
            censored_from_ns=min(froms, default=None),
            unfinished=self.unfinished + other.unfinished,
            oldest_unfinished_s=max(self.oldest_unfinished_s, other.oldest_unfinished_s),
            age_before_ns=self.age_before_ns + other.age_before_ns,
            age_after_ns=self.age_after_ns + other.age_after_ns,
            mean_in_service=(self.mean_in_service or 0.0) + (other.mean_in_service or 0.0),
            served_ns=self.served_ns + other.served_ns,
            intervals=self.intervals + other.intervals,
            trace=self.trace + other.trace,
            cancelled=self.cancelled or other.cancelled,
        )

    def is_lower_bound(self, value_ns: float | None) -> bool:
        """Return whether a percentile of the latency falls among requests that timed out."""
        return value_ns is not None and self.censored_from_ns is not None and value_ns >= self.censored_from_ns


def summary(times: Histogram, percentiles: dict[str, float], *, ends: bool = False) -> dict[str, Any]:
    """Return the named percentiles and the maximum; with ``ends``, also minimum and mean; all in ns."""
    found: dict[str, Any] = {"min": times.min_ns, "mean": times.mean_ns} if ends else {}
    found |= {name: times.percentile_ns(percent) for name, percent in percentiles.items()}
    return found | {"max": times.max_ns}
