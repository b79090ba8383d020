"""What a record is made of, part by part: each is an object within its JSON object."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Latency:
    """Percentiles of the requests answered rightly in a window, in nanoseconds.

    Counted from the moment a client wants to send (for a conversation's first request: to connect) to the last byte
    of the reply. Requests that timed out are among them, at their time-out. All are ``None`` if nothing was answered.

    Attributes:
        min: the least.
        mean: exact, not from the histogram.
        p50: median.
        p90: 90th percentile.
        p99: 99th percentile.
        p999: 99.9th percentile.
        max: the greatest.
    """

    min: int | None
    mean: float | None
    p50: int | None
    p90: int | None
    p99: int | None
    p999: int | None
    max: int | None


@dataclass(frozen=True, slots=True)
class ConnectTime:
    """How long establishing a connection took, in nanoseconds; ``None`` if none was made in the window.

    The latency of a connection's first request includes it.

    Attributes:
        p50: median.
        p99: 99th percentile.
        max: the greatest.
    """

    p50: int | None
    p99: int | None
    max: int | None


@dataclass(frozen=True, slots=True)
class CpuTime:
    """CPU time.

    Attributes:
        user: spent in user mode, in seconds.
        system: spent in the kernel, in seconds.
    """

    user: float
    system: float

    @property
    def total(self) -> float:
        return self.user + self.system


@dataclass(frozen=True, slots=True)
class CpuInterval:
    """The interval that the server's CPU time was counted over: from one reading of its clocks to the other.

    Both readings are made under load, as close to the window's edges as the harness was let run. Whatever is divided by
    CPU time, or it by, counts from the same two instants.

    Attributes:
        wall_s: its length.
        requests: requests answered rightly within it; a fraction where some were answered during a reading.
        offset_s: by how much it may differ from the window, at both edges together.
    """

    wall_s: float
    requests: float
    offset_s: float


@dataclass(frozen=True, slots=True)
class ContextSwitches:
    """Context switches of the server's whole process tree within the window.

    Attributes:
        voluntary: gave the CPU up to wait; ``None`` where it is not known.
        involuntary: lost the CPU to somebody else; ``None`` where it is not known.
        estimated: threads or processes came and went, whose counts the kernel reports only for a server's lifetime;
            these are that life's, in proportion to the requests served.
    """

    voluntary: int | None
    involuntary: int | None
    estimated: bool


@dataclass(frozen=True, slots=True)
class PageFaults:
    """Page faults of the server's whole process tree within the window; ``None`` where not known.

    Attributes:
        minor: needed no disk: memory touched for the first time, or written to after a fork.
        major: needed the disk.
    """

    minor: int | None = None
    major: int | None = None


@dataclass(frozen=True, slots=True)
class ThreadStates:
    """Shares of the serving threads' time; they sum to 1. ``None`` where unknown, never 0 for it.

    Attributes:
        cpu: on a CPU.
        run_queue: waiting for a CPU.
        gil_wait: waiting for the GIL.
        lock_wait: waiting for another lock.
        blocked: in waits of the handler's own.
        idle: waiting for clients, or for work.
    """

    cpu: float | None = None
    run_queue: float | None = None
    gil_wait: float | None = None
    lock_wait: float | None = None
    blocked: float | None = None
    idle: float | None = None


@dataclass(frozen=True, slots=True)
class ThreadAccounting:
    """What the thread states rest on.

    Attributes:
        unknown: why there are no thread states; ``None`` if there is.
        roles: by role ("main", "worker", "event loop", "pool"): ``threads``, how many there were on average, and the
            shares of their time, as in :class:`ThreadStates`; idle is divided into ``client_wait`` (holds a client's
            connection and waits for its next request) and ``idle`` (waits for work).
        each: the same shares for each thread that was there all along, with its ``role``; the first 64 of them.
        errors: standard error of each share that rests on samples.
        samples: number of samples.
        overhead_cores: CPU-seconds per second that sampling took.
        waiting_connections: connections, on average, that no worker had taken yet; ``None`` where unknown.
        estimated: threads came and went within the window: their CPU time is exact in all, its division is not.
    """

    unknown: str | None = "windows too short to sample the server's threads"
    roles: dict[str, dict[str, float]] = field(default_factory=dict)
    each: list[dict[str, Any]] = field(default_factory=list)
    errors: dict[str, float] = field(default_factory=dict)
    samples: int = 0
    overhead_cores: float | None = None
    waiting_connections: float | None = None
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class BackgroundLoad:
    """Results of the clients that let the server compute while others are measured (workload ``mixed``).

    Attributes:
        clients: how many.
        requests: of theirs answered rightly in the window.
        errors: of theirs that failed, by kind.
        throughput_rps: theirs.
        latency_p50_ns: theirs; ``None`` if nothing was answered.
    """

    clients: int
    requests: int
    errors: dict[str, int]
    throughput_rps: float
    latency_p50_ns: int | None
