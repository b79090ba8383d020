"""The parts of a record: each is an object within its JSON object."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Latency:
    """Latency of the requests answered correctly in a window, in nanoseconds.

    It is counted from the moment a client wants to send (for a connection's first request: to connect) to the last byte
    of the reply. Requests that timed out are included, at their timeout. All are ``None`` if nothing was answered.

    Attributes:
        min: the smallest.
        mean: exact, not from the histogram.
        p50: median.
        p90: 90th percentile.
        p99: 99th percentile.
        p999: 99.9th percentile.
        max: the largest.
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
    """Time to establish a connection, in nanoseconds; ``None`` if none was made in the window.

    The latency of a connection's first request includes it.

    Attributes:
        p50: median.
        p99: 99th percentile.
        max: the largest.
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

    Both readings are made under load, as close to the window's edges as the harness got to run. Ratios of CPU time and
    other figures count both between the same two instants.

    Attributes:
        wall_s: its length.
        requests: requests answered correctly within it; a fraction if some were answered during a reading.
        offset_s: how far it may differ from the window, at both edges together.
    """

    wall_s: float
    requests: float
    offset_s: float


@dataclass(frozen=True, slots=True)
class ContextSwitches:
    """Context switches of the server's whole process tree within the window.

    Attributes:
        voluntary: gave up the CPU to wait; ``None`` where unknown.
        involuntary: lost the CPU to another thread; ``None`` where unknown.
        estimated: threads or processes came and went, whose counts the kernel reports only for a server's lifetime;
            these are that life's, in proportion to the CPU time used.
    """

    voluntary: int | None
    involuntary: int | None
    estimated: bool


@dataclass(frozen=True, slots=True)
class PageFaults:
    """Page faults of the server's whole process tree within the window; ``None`` where unknown.

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
        blocked: in I/O, a sleep or another service.
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
    """What the thread states are based on.

    Attributes:
        unknown: why there are no thread states; ``None`` if there are.
        roles: by role ("main", "worker", "event loop", "pool", "helper", "never ran"; the serving threads are workers,
            loops and pools): ``threads``, their mean number, and the shares of their time, as in
            :class:`ThreadStates`; idle is divided into ``client_wait`` (holds a client's connection and waits for its
            next request) and ``idle`` (waits for work).
        each: the same shares for each thread that existed at both edges, with its ``role``; the first 64 of them.
        errors: standard error of each share that is based on samples.
        samples: number of samples.
        overhead_cores: CPU-seconds per second that sampling took.
        waiting_connections: mean number of connections that no worker had accepted yet; ``None`` where unknown.
        estimated: threads came and went within the window: their CPU time is exact in total, its division is not.
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
    """Results of the clients that make the server compute while others are measured (workload ``mixed``).

    Attributes:
        clients: number of these clients.
        requests: their requests answered correctly in the window.
        errors: their failed requests, by kind.
        throughput_rps: their throughput.
        latency_p50_ns: their median latency; ``None`` if nothing was answered.
    """

    clients: int
    requests: int
    errors: dict[str, int]
    throughput_rps: float
    latency_p50_ns: int | None
