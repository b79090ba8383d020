"""One engine thread: its share of a load, its workspace, and its counts."""

from __future__ import annotations

import contextlib
import os
import select
import threading
import time
from collections import Counter
from typing import Any

import numpy as np

from loadgen.engine.client_state import IDLE
from loadgen.engine.error_kinds import ERRORS
from loadgen.engine.loop import TIMER, drive
from loadgen.engine.transport import CLOSE, FREE
from loadgen.engine.transports import open_transport
from loadgen.engine.workspace import LATENCY, SERVICE, Workspace, allocate
from loadgen.errors import GilbenchError
from loadgen.histograms.histogram import Histogram, empty_extremes
from loadgen.host import addresses
from loadgen.limits import SPIN_S
from loadgen.load import Load
from loadgen.native import libc
from loadgen.result import Traced
from loadgen.stages import Stage

POLL_S = 0.0005
TICK_S, SHORTEST_TICK_S = 0.01, 0.0005
"""Longest and shortest interval between checks of time-outs; an eighth of the shorter time-out lies between them."""


class EngineThread:
    """An engine thread with its workspace and its share of ``load``."""

    def __init__(self, load: Load, number: int, stack: contextlib.ExitStack, overrun_s: float = 0.0) -> None:
        epoll = stack.enter_context(select.epoll())
        timer = libc.create_timer()
        stack.callback(os.close, timer)
        self._transport = stack.enter_context(open_transport(load.tls, load.host))
        self.workspace = _workspace(load, number, epoll.fileno(), timer)
        self.workspace.settings["context"] = self._transport.context
        self.workspace.settings["overrun_ns"] = 0 if load.schedule else overrun_s * 1e9
        event = np.array([(libc.READABLE | libc.EDGE, TIMER)], libc.EVENT)
        libc.watch(epoll.fileno(), timer, event)
        parse = load.spoken.parse
        carry = self._transport.carry
        self.thread = threading.Thread(target=drive, args=(self.workspace, parse, carry), name=f"engine {number}")
        self.counters = self.workspace.counters[0]
        self._at_end = self.workspace.counters[1]
        self.totals = Totals()
        self._number, self._of = number, load.threads

    def over(self) -> bool:
        """Return whether the window or the engine has ended."""
        return bool(self.counters["over"]) or not self.thread.is_alive()

    def end_s(self) -> float:
        """Return when the window is meant to end, on the monotonic clock."""
        return int(self.counters["began_ns"] + self.workspace.settings[0]["duration_ns"]) / 1e9

    def window(self) -> Any:
        """Return the counters as they were at the end of the window or, if it has not ended, as they are."""
        return self._at_end if self.counters["over"] else self.counters

    def drain(self) -> Totals:
        """Return what has been counted since the last call, and let the engine count in the other buffer."""
        old = int(self.counters["active_buffer"])
        self.counters["active_buffer"] = 1 - old
        while self.thread.is_alive() and self.counters["current_buffer"] == old:
            time.sleep(POLL_S)
        drained = self._take(old)
        self.totals = self.totals.plus(drained)
        return drained

    def rest(self) -> Totals:
        """Return what is left to count once the window has ended and what was in flight is drained."""
        while self.thread.is_alive() and not self.counters["closed"]:
            time.sleep(POLL_S)
        left = self._take(0).plus(self._take(1))
        self.totals = self.totals.plus(left)
        return left

    def _take(self, buffer: int) -> Totals:
        w = self.workspace
        requests, *errors = w.counted[buffer].tolist()
        w.counted[buffer] = 0
        kinds = Counter({kind: count for kind, count in zip(ERRORS, errors, strict=True) if count})
        return Totals(
            requests,
            kinds,
            self.times(LATENCY + buffer, clear=True),
            self.times(SERVICE + buffer, clear=True),
        )

    def close(self) -> None:
        """Close the connections; the thread must have ended."""
        connections, carry = self.workspace.connections, self._transport.carry
        for fd, channel in zip(connections["fd"].tolist(), connections["channel"].tolist(), strict=True):
            if fd >= 0:
                if channel:
                    carry(CLOSE, channel, fd, 0, 0)
                os.close(fd)
            if channel:
                carry(FREE, channel, fd, 0, 0)
        connections["fd"], connections["channel"] = -1, 0

    def handshake_error(self) -> str | None:
        """Return why the last handshake failed; ``None`` if none did."""
        reason = int(self.counters["handshake_error"])
        return self._transport.failure(reason) if reason else None

    def connections(self) -> int:
        """Return the number of connections established now."""
        return int(np.count_nonzero(self.workspace.connections["state"] >= IDLE))

    def trace(self) -> list[Traced]:
        """Return the requests that were recorded individually."""
        rows = self.workspace.trace[: int(self.window()["traced"])].tolist()
        return [Traced(self._number + client * self._of, since_ns, at_ns) for client, since_ns, at_ns in rows]

    def times(self, row: int, *, clear: bool = False) -> Histogram:
        """Return a histogram of the workspace; with ``clear``, also reset it there."""
        w = self.workspace
        taken = Histogram.of(w.times[row].copy(), w.extremes[row])
        if clear:
            w.times[row] = 0
            w.extremes[row : row + 1] = empty_extremes()
        return taken


class Totals:
    """Counts that are kept per interval."""

    def __init__(
        self,
        requests: int = 0,
        errors: Counter[str] | None = None,
        latency: Histogram | None = None,
        service: Histogram | None = None,
    ) -> None:
        self.requests = requests
        self.errors = errors or Counter()
        self.latency = latency or Histogram()
        self.service = service or Histogram()

    def plus(self, other: Totals) -> Totals:
        """Return the sum of both."""
        return Totals(
            self.requests + other.requests,
            self.errors + other.errors,
            self.latency.merge(other.latency),
            self.service.merge(other.service),
        )


def _workspace(load: Load, number: int, epoll_fd: int, timer_fd: int) -> Workspace:
    targets = addresses.resolve(load.host, load.port, load.timeout_s, every=load.every_address)
    sources = addresses.bind_addresses(load.bind)
    if len({addresses.family(one) for one in (*targets, *sources)}) > 1 and sources:
        raise GilbenchError("an address to bind and one of the server are of different families: use IPv4 for IPv4")
    protocol = load.spoken
    connect_timeout_s = load.timeout_s if load.connect_timeout_s is None else load.connect_timeout_s
    spin_s = load.spin_s if load.spin_s is not None else SPIN_S if load.schedule else 0.0
    stages = load.schedule
    if stages and load.warmup_s:
        stages = (Stage(stages[0].from_rps, stages[0].from_rps, load.warmup_s), *stages)

    def share(whole: int) -> int:
        return whole // load.threads + (number < whole % load.threads)

    workspace = allocate(
        share(load.connections),
        requests=protocol.requests,
        kinds=protocol.kinds,
        quit_with=protocol.quit,
        targets=targets,
        sources=sources,
        stages=stages,
        memory=protocol.memory,
        numbers=protocol.numbers,
        trace=load.trace // load.threads,
    )
    for name, value in {
        "epoll": epoll_fd,
        "timer": timer_fd,
        "open_loop": bool(stages),
        "poisson": load.arrivals == "poisson",
        "random_order": load.order == "random",
        "may_close": protocol.may_close,
        "initial": share(load.connections if load.initial_connections is None else load.initial_connections),
        "timeout_ns": load.timeout_s * 1e9,
        "connect_timeout_ns": connect_timeout_s * 1e9,
        "connect_gap_ns": 1e9 * load.threads / load.connect_rate,
        "tick_ns": min(TICK_S, max(SHORTEST_TICK_S, min(load.timeout_s, connect_timeout_s) / 8)) * 1e9,
        "requests_per_connection": -1 if load.requests_per_connection is None else load.requests_per_connection,
        "warmup_ns": load.warmup_s * 1e9,
        "duration_ns": load.window_s * 1e9,
        "drain_ns": load.drain_s * 1e9,
        "think_ns": load.think_s * 1e9,
        "count": share(load.count or 0),
        "late_ns": load.late_s * 1e9,
        "spin_ns": spin_s * 1e9,
        "seed": load.seed * 257 + number,
        "first": number,
        "step": load.threads,
    }.items():
        workspace.settings[name] = value
    return workspace
