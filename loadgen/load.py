"""The load to put on a server."""

from __future__ import annotations

from dataclasses import dataclass, field

from loadgen.errors import GilbenchError
from loadgen.host.addresses import UNIX
from loadgen.limits import (
    ARRIVALS,
    MAX_CONNECTIONS,
    MAX_COUNT,
    MAX_REQUESTS_PER_CONNECTION,
    MAX_RPS,
    MAX_THREADS,
    MAX_TRACE,
    MIN_RPS,
    ORDERS,
)
from loadgen.protocols import PROTOCOLS, Protocol
from loadgen.stages import Stage

OVERRUN_S = 2.0
"""The longest time that a closed loop continues after its window while the clocks at its end are read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """How to encrypt.

    Attributes:
        verify: whether the server's certificate must be valid for its name.
        ca: file with the certificates to trust; ``None``: those of the system.
        resume: whether a client's next connection resumes its session.
    """

    verify: bool = True
    ca: str | None = None
    resume: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Clients in a closed loop or, with a rate or stages, requests on a schedule in an open loop.

    Attributes:
        host: name or address of the server, or ``unix:`` and the path of a Unix socket.
        port: its TCP port; 0 of a Unix socket.
        protocol: a key of :data:`loadgen.protocols.PROTOCOLS`, or a protocol.
        connections: number of clients; each has one connection at a time and one request in flight.
        initial_connections: open loop: connections opened before the timing begins; others, up to ``connections``,
            when a request is due and none is free. ``None``: all.
        duration_s: length of the measured window; with stages, their sum counts instead.
        warmup_s: length of the same load before the window, not measured; in the open loop at the rate with which the
            window begins.
        requests_per_connection: requests before a client reconnects; ``None``: keep-alive.
        timeout_s: how long a reply may take before the request counts as an error.
        connect_timeout_s: how long connecting may take; ``None``: as long as a reply.
        rate_rps: open loop: requests per second.
        stages: open loop: rates over time.
        arrivals: open loop: "constant" gaps between requests, or "poisson".
        seed: of Poisson arrivals and of the random order.
        order: in which requests are sent if there are several: "sequence" or "random".
        threads: engine threads, which share the connections and the rate.
        connect_rate: connections opened per second before the timing begins, so that no backlog overflows.
        late_s: open loop: a request sent later than this through the generator's own fault is an error of the kind
            ``late``.
        spin_s: how long to poll for events before sleeping: in the open loop before a send is due, by default 50 µs, so
            that it is on time; in the closed loop after each event, by default not at all (see docs/loadgen.md).
        trace: number of requests, from the beginning of the window, to record individually.
        count: number of requests after which the window ends, before ``duration_s``; ``None``: no limit.
        drain_s: how long, after the window, what is in flight is waited for. In the open loop the answers count.
        think_s: closed loop: how long a client waits from a reply to its next request.
        bind: addresses of this machine to connect from, in turn.
        every_address: whether to connect to all addresses of ``host``, in turn, instead of to the first that accepts.
        tls: how to encrypt; ``None``: not at all.

    Raises:
        GilbenchError: a value is invalid; the message says which are valid.
    """

    host: str
    port: int
    protocol: str | Protocol = "line"
    connections: int = 1
    initial_connections: int | None = None
    duration_s: float = 1.0
    warmup_s: float = 0.0
    requests_per_connection: int | None = None
    timeout_s: float = 5.0
    connect_timeout_s: float | None = None
    rate_rps: float | None = None
    stages: tuple[Stage, ...] = field(default=())
    arrivals: str = "constant"
    seed: int = 1
    order: str = "sequence"
    threads: int = 1
    connect_rate: float = 5000.0
    late_s: float = 0.01
    spin_s: float | None = None
    trace: int = 0
    count: int | None = None
    drain_s: float = 0.0
    think_s: float = 0.0
    bind: tuple[str, ...] = ()
    every_address: bool = False
    tls: Tls | None = None

    def __post_init__(self) -> None:
        protocols = ", ".join(PROTOCOLS)
        patience_s = self.timeout_s if self.connect_timeout_s is None else self.connect_timeout_s
        for wrong, remedy in (
            (
                isinstance(self.protocol, str) and self.protocol not in PROTOCOLS,
                f"unknown protocol {self.protocol!r}: choose from {protocols}",
            ),
            (
                not 0 < self.port < 65536 and not self.host.startswith(UNIX),
                f"port {self.port} is not between 1 and 65535",
            ),
            (not 0 < self.connections <= MAX_CONNECTIONS, f"connections must be from 1 to {MAX_CONNECTIONS:,}"),
            (
                self.initial_connections is not None
                and not self.threads <= self.initial_connections <= self.connections,
                "the connections opened first must be at least one for each thread, and no more than all",
            ),
            (not 0 < self.duration_s <= 86400, "the duration must be above 0 and at most a day"),
            (not 0 <= self.warmup_s <= 86400, "the warm-up must be 0 or more and at most a day"),
            (not 0 < self.timeout_s <= 3600, "the time-out must be above 0 and at most an hour"),
            (not 0 < patience_s <= 3600, "the time-out for connecting must be above 0 and at most an hour"),
            (
                self.requests_per_connection is not None
                and not 0 < self.requests_per_connection <= MAX_REQUESTS_PER_CONNECTION,
                f"requests per connection must be from 1 to {MAX_REQUESTS_PER_CONNECTION:,}",
            ),
            (self.rate_rps is not None and bool(self.stages), "give a rate or stages, not both"),
            (
                self.rate_rps is not None and not MIN_RPS <= self.rate_rps <= MAX_RPS,
                "a rate must be from 1e-5 to 1e8 per second",
            ),
            (
                not all(rps == 0 or MIN_RPS <= rps <= MAX_RPS for rps in self._rates),
                "the rates of stages must be 0, or from 1e-5 to 1e8 per second",
            ),
            (any(not stage.duration_s > 0 for stage in self.stages), "a stage must last longer than 0 s"),
            (
                bool(self.stages) and not any(stage.requests for stage in self.stages),
                "at least one stage must have a rate above 0",
            ),
            (bool(self.stages) and self.window_s > 86400, "stages must end within a day"),
            (self.arrivals not in ARRIVALS, f"invalid arrivals {self.arrivals!r}: use {' or '.join(ARRIVALS)}"),
            (self.order not in ORDERS, f"invalid order {self.order!r}: use {' or '.join(ORDERS)}"),
            (not 0 <= self.seed < 2**31, "the seed must be from 0 to 2^31 - 1"),
            (not 0 < self.threads <= MAX_THREADS, f"threads must be from 1 to {MAX_THREADS}"),
            (
                self.threads > self.connections,
                "each thread needs at least one connection: use fewer threads",
            ),
            (not 0 < self.connect_rate <= 1e6, "connections per second must be above 0 and at most 1e6"),
            (not 0 < self.late_s <= 60, "the limit for late sends must be above 0 and at most 60 s"),
            (not 0 <= (self.spin_s or 0) <= 0.01, "the spin time must be from 0 to 10 ms"),
            (not 0 <= self.trace <= MAX_TRACE, f"the number of traced requests must be from 0 to {MAX_TRACE:,}"),
            (
                self.count is not None and not self.threads <= self.count <= MAX_COUNT,
                f"the number of requests must be from 1 for each thread to {MAX_COUNT:,}",
            ),
            (not 0 <= self.drain_s <= 3600, "the time to drain must be from 0 to an hour"),
            (not 0 <= self.think_s <= 3600, "the time to think must be from 0 to an hour"),
            (
                self.think_s > 0 and bool(self.schedule),
                "a time to think needs the closed loop: leave it out, or the rate and stages",
            ),
            (
                self.initial_connections is not None and not self.schedule,
                "connections are opened as needed in the open loop only: give their number",
            ),
            (
                bool(self.bind) and self.host.startswith(UNIX),
                "a Unix socket has no addresses to bind: leave them out",
            ),
        ):
            if wrong:
                raise GilbenchError(remedy)

    @property
    def _rates(self) -> list[float]:
        return [rps for stage in self.stages for rps in (stage.from_rps, stage.to_rps)]

    @property
    def where(self) -> str:
        """Return the server's address as it is shown."""
        shown = f"[{self.host}]" if ":" in self.host else self.host
        return self.host if self.host.startswith(UNIX) else f"{shown}:{self.port}"

    @property
    def loop(self) -> str:
        return "open" if self.schedule else "closed"

    @property
    def schedule(self) -> tuple[Stage, ...]:
        """Return the stages of the window; none in the closed loop."""
        if self.rate_rps is not None:
            return (Stage(self.rate_rps, self.rate_rps, self.duration_s),)
        return self.stages

    @property
    def window_s(self) -> float:
        """Return the length of the measured window."""
        return sum(stage.duration_s for stage in self.stages) if self.stages else self.duration_s

    @property
    def intended_rps(self) -> float | None:
        """Return the mean intended rate over the window; ``None`` in the closed loop."""
        return sum(stage.requests for stage in self.schedule) / self.window_s if self.schedule else None

    @property
    def spoken(self) -> Protocol:
        """Return the protocol itself."""
        return PROTOCOLS[self.protocol] if isinstance(self.protocol, str) else self.protocol
