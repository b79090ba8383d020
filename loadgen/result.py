"""The result of a run of load."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple

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


_ADDED: Final = (
    *("requests", "connected", "connections_used", "connections_opened", "reconnections", "resumed", "sent_bytes"),
    *("received_bytes", "late_sends", "censored", "unfinished", "due", "in_flight_before"),
    *("in_flight_after", "age_before_ns", "age_after_ns", "mean_in_service", "served_ns"),
)
_HIGHEST: Final = ("wall_s", "oldest_unfinished_s", "oldest_sent_s")
_HISTOGRAMS: Final = ("latency", "service", "connect", "handshake", "lateness", "gaps_intended", "gaps_sent")
_COUNTED: Final = ("errors", "connect_errors", "status_codes")


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
        connect_errors: open loop: failed attempts to connect, by kind; they belong to no request. A request for which
            no connection is free waits in the schedule.
        status_codes: HTTP replies by status.
        latency: in ns, from when a request was wanted (closed loop) or intended (open loop) to the end of its reply; of
            the requests answered correctly, including those sent late, and of those that timed out, at their time-out.
        service: the same, from when each request was sent.
        connect: times to connect, in ns, before the timing began and in the window.
        handshake: times of TLS handshakes, in ns, over the same time.
        lateness: open loop: how much later than intended each request was sent, in ns, for any reason.
        gaps_intended: open loop: intended times between consecutive requests of each engine thread, in ns.
        gaps_sent: the same as they were sent.
        engines: CPU use of each engine thread.
        connected: connections established at the first attempt.
        connections_used: clients that had a connection, or tried to get one; fewer than ``load.connections`` only where
            connections are opened as needed.
        connections_opened: connections established in the window.
        reconnections: those that replaced one which the server had closed between two requests, without saying so.
        resumed: handshakes that resumed a session.
        handshake_error: why the last failed handshake failed.
        sent_bytes: of requests, in the window, before encryption.
        received_bytes: of replies, likewise.
        late_sends: open loop: requests sent more than ``load.late_s`` late through the generator's own fault.
        censored: requests that timed out, whose latencies are only known to be longer.
        censored_from_ns: the shortest of these latencies; percentiles from here on are lower bounds.
        unfinished: requests in flight, or still in the schedule, at the end of the window or, with ``load.drain_s``,
            once that is over.
        due: those of them that were never sent, since no connection was free.
        in_flight_before: requests sent and not yet answered when the window began.
        in_flight_after: and when it ended.
        oldest_unfinished_s: how long the oldest unfinished request had waited.
        oldest_sent_s: how long ago the oldest of those that were sent was sent.
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
    connect_errors: dict[str, int] = field(default_factory=dict)
    status_codes: dict[int, int] = field(default_factory=dict)
    latency: Histogram
    service: Histogram = field(default_factory=Histogram)
    connect: Histogram
    handshake: Histogram = field(default_factory=Histogram)
    lateness: Histogram = field(default_factory=Histogram)
    gaps_intended: Histogram = field(default_factory=Histogram)
    gaps_sent: Histogram = field(default_factory=Histogram)
    engines: tuple[EngineUse, ...]
    connected: int
    connections_used: int = 0
    connections_opened: int = 0
    reconnections: int = 0
    resumed: int = 0
    handshake_error: str | None = None
    sent_bytes: int = 0
    received_bytes: int = 0
    late_sends: int = 0
    censored: int = 0
    censored_from_ns: int | None = None
    unfinished: int
    due: int = 0
    in_flight_before: int = 0
    in_flight_after: int = 0
    oldest_unfinished_s: float
    oldest_sent_s: float = 0.0
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
    def statuses(self) -> dict[str, int]:
        """HTTP replies by class, for example ``2xx``."""
        classes: Counter[str] = Counter()
        for status, count in sorted(self.status_codes.items()):
            classes[f"{status // 100}xx"] += count
        return dict(classes)

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
        in it. In a closed loop that number is the number of clients; in an open loop, and where clients think or stop,
        it is the number of requests sent and not yet answered, whose integral is recorded. Over a window either is
        exact once the parts of requests outside it are subtracted and the requests not yet answered are added, so any
        residual is time that the
        instrument lost or, in the closed loop, that clients spent pausing after errors. ``None`` if there was nothing
        to compare.
        """
        if not self.wall_s:
            return None
        if self.load.schedule or self.load.think_s or self.load.count:
            expected_ns = (self.mean_in_service or 0.0) * self.wall_s * 1e9
            return self.served_ns / expected_ns - 1 if expected_ns else None
        inside_ns = self.latency.sum_ns - self.age_before_ns + self.age_after_ns
        return inside_ns / 1e9 / self.wall_s / self.load.connections - 1

    @property
    def straddling_share(self) -> float:
        """Closed loop: share of the clients' time in requests that began before the window or did not end in it."""
        if not self.wall_s:
            return 1.0
        straddling_s = (self.age_before_ns + self.age_after_ns) / 1e9
        return min(1.0, straddling_s / self.wall_s / self.load.connections)

    def merge(self, other: LoadResult) -> LoadResult:
        """Return the combined result of two loads that ran side by side; histograms merge exactly.

        The throughput is that of both together; ``load`` remains this result's.
        """
        froms = [r.censored_from_ns for r in (self, other) if r.censored_from_ns is not None]
        own: dict[str, Any] = {name: (getattr(self, name) or 0) + (getattr(other, name) or 0) for name in _ADDED}
        own |= {name: getattr(self, name) + getattr(other, name) for name in ("engines", "intervals", "trace")}
        own |= {name: max(getattr(self, name), getattr(other, name)) for name in _HIGHEST}
        own |= {name: getattr(self, name).merge(getattr(other, name)) for name in _HISTOGRAMS}
        own |= {name: dict(Counter(getattr(self, name)) + Counter(getattr(other, name))) for name in _COUNTED}
        return replace(
            self,
            **own,
            censored_from_ns=min(froms, default=None),
            handshake_error=self.handshake_error or other.handshake_error,
            cancelled=self.cancelled or other.cancelled,
        )

    def is_lower_bound(self, value_ns: float | None) -> bool:
        """Return whether a percentile of the latency falls among requests that timed out."""
        return value_ns is not None and self.censored_from_ns is not None and value_ns >= self.censored_from_ns


def summary(times: Histogram, percentiles: Mapping[str, float], *, ends: bool = False) -> dict[str, Any]:
    """Return the named percentiles and the maximum; with ``ends``, also minimum and mean; all in ns."""
    found: dict[str, Any] = {"min": times.min_ns, "mean": times.mean_ns} if ends else {}
    found |= {name: times.percentile_ns(percent) for name, percent in percentiles.items()}
    return found | {"max": times.max_ns}
