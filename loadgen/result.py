"""What a run of load measured."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from loadgen.engine.histogram import Histogram
from loadgen.interval import Interval
from loadgen.load import Load
from loadgen.validation.host_observer import HostMetrics

LATENCY_PERCENTILES = {"p50": 50.0, "p90": 90.0, "p99": 99.0, "p999": 99.9}
CONNECT_PERCENTILES = {"p50": 50.0, "p99": 99.0}


@dataclass(frozen=True, slots=True)
class EngineUse:
    """What one engine thread took.

    Attributes:
        cpu_s: its CPU time in the window.
        utilisation: share of the window that it did not spend waiting for events.
    """

    cpu_s: float
    utilisation: float


class Traced(NamedTuple):
    """One request of the window; times of the monotonic clock.

    Attributes:
        client: number of the client.
        since_ns: when the client wanted to send it.
        at_ns: when the last byte of the reply was there.
    """

    client: int
    since_ns: int
    at_ns: int


@dataclass(frozen=True, kw_only=True)
class LoadResult:
    """One window.

    In the closed loop a request belongs to the window if it is answered in it, in the open loop if it is intended in
    it.

    Attributes:
        load: what was asked for.
        began_s: when the window began, on the monotonic clock.
        wall_s: length of the window, shorter than asked for if it was cancelled.
        requests: requests answered rightly, and in the open loop sent on time.
        errors: failed requests by kind (:data:`loadgen.engine.error_kinds.ERRORS`); kinds that did not occur are left
            out.
        statuses: HTTP replies by class, as ``2xx``.
        latency: in ns, from when a request was wanted (closed loop) or intended (open loop) to the end of its reply; of
            the requests answered rightly, those sent late among them, and, at their time-out, of those that timed out.
        service: the same from when it was sent.
        connect: of the connections made in the window, in ns.
        lateness: open loop: how much later than intended each request was sent, in ns, for whatever reason.
        gaps_intended: open loop: times between one request and the next as intended, in ns, for each engine thread.
        gaps_sent: the same as they were sent.
        engines: what each engine thread took.
        connected: connections established before the timing began.
        late_sends: open loop: requests sent later than ``load.late_s`` by the generator's own fault.
        censored: requests that timed out, whose latencies are only known to be longer.
        censored_from_ns: the shortest of them; percentiles from here on are lower bounds.
        unfinished: requests in flight, or still in the schedule, at the end of the window.
        oldest_unfinished_s: how long the oldest of them had waited.
        age_before_ns: closed loop: sum of the ages of the requests in flight when the window began.
        age_after_ns: sum of the ages of the unfinished.
        mean_in_service: requests sent and not answered, mean over the window; ``None`` if there was no window.
        served_ns: sum of the parts of all service times that lie in the window.
        intervals: what was counted from second to second.
        trace: the first requests of the window, as many as the load asked for.
        cancelled: ended before its time.
        host_metrics: figures of the host and the server meanwhile.
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
        """Requests that were answered rightly, those that had been sent late among them."""
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
        """How far the time spent in requests is from what Little's law says, as a share of it.

        Little's law (1961): the mean number of requests in a system is their rate times the mean time each spends in
        it. In a closed loop that number is the clients; in an open loop it is the number sent and not answered, whose
        integral is kept. In a window either is exact once the parts of requests that lie outside of it are taken off
        and those not yet answered are added, so what is left is time that the instrument lost or, in the closed loop,
        that clients spent pausing after errors. ``None`` where there was nothing to compare.
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
        """Return the result of two loads that were put on side by side; histograms merge exactly.

        Of a rate the result says what was achieved; ``load`` remains this result's.
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
        """Tell whether a percentile of the latency falls among requests that timed out."""
        return value_ns is not None and self.censored_from_ns is not None and value_ns >= self.censored_from_ns


def summary(times: Histogram, percentiles: dict[str, float], *, ends: bool = False) -> dict[str, Any]:
    """Return the named percentiles and the maximum, with ``ends`` also minimum and mean, all in ns."""
    found: dict[str, Any] = {"min": times.min_ns, "mean": times.mean_ns} if ends else {}
    found |= {name: times.percentile_ns(percent) for name, percent in percentiles.items()}
    return found | {"max": times.max_ns}
