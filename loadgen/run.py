"""From a :class:`~loadgen.load.Load` to a :class:`~loadgen.result.LoadResult`."""

from __future__ import annotations

import contextlib
import os
import select
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import reduce
from typing import Any

import numpy as np

from loadgen import libc
from loadgen.engine import TIMER, drive, hang_up
from loadgen.errors import GilbenchError
from loadgen.files import allow_files
from loadgen.histogram import Histogram, empty_extremes
from loadgen.interval import Interval, Sparse
from loadgen.load import SPIN_S, Load
from loadgen.result import EngineUse, LoadResult
from loadgen.stages import Stage
from loadgen.witness import Testimony, Witness
from loadgen.workspace import (
    CONNECT,
    ERRORS,
    GAPS_INTENDED,
    GAPS_SENT,
    LATENCY,
    LATENESS,
    SERVICE,
    Workspace,
    allocate,
)

_POLL_S = 0.0005
_CANCEL_POLL_S = 0.02


def run(
    load: Load,
    *,
    on_begin: Callable[[], None] = lambda: None,
    on_end: Callable[[], None] = lambda: None,
    on_interval: Callable[[Interval], None] | None = None,
    interval_s: float = 1.0,
    server_pid: int | None = None,
    cancel: threading.Event | None = None,
) -> LoadResult:
    """Put ``load`` on a server and return what came of it, within its duration plus a moment.

    The engines run in threads of their own without the GIL. ``on_begin`` and ``on_end`` are called at the edges of the
    window from the caller's thread, ``on_end`` while all connections are still open; ``on_interval`` after every
    ``interval_s`` of it. With ``server_pid`` the server's CPU time and memory are told too. A server that fails ends in
    counted errors. ``cancel``, when set from wherever, ends the run with what was measured so far; Ctrl-C ends it too
    and is raised on.

    Raises:
        GilbenchError: the host does not resolve, or the system lets no more files be open.
    """
    if sys.platform != "linux":
        raise GilbenchError("the load engine needs Linux (epoll); run it in a Linux machine or container")
    cancel = cancel or threading.Event()
    allow_files(load.connections)
    with contextlib.ExitStack() as stack:
        engines = [_Engine(load, number, stack) for number in range(load.threads)]
        intervals: list[Interval] = []
        witness = Witness(server_pid)
        try:
            for engine in engines:
                engine.thread.start()
            _wait(engines, cancel, lambda tally: tally["ready"])
            for engine in engines:
                engine.tally["go"] = 1
            _wait(engines, cancel, lambda tally: tally["measuring"])
            witness.begin()
            on_begin()
            for interval in _intervals(engines, cancel, interval_s):
                intervals.append(interval)
                if on_interval:
                    on_interval(interval)
            on_end()
            beside = witness.end()
        finally:
            for engine in engines:
                engine.tally["cancel"] = 1
            for engine in engines:
                if engine.thread.ident is not None:
                    engine.thread.join()
                hang_up(engine.workspace)
    return _result(load, engines, intervals, beside)


class _Engine:
    """An engine thread and what it works on; of ``load`` it gets its share."""

    def __init__(self, load: Load, number: int, stack: contextlib.ExitStack) -> None:
        epoll = stack.enter_context(select.epoll())
        timer = libc.create_timer()
        stack.callback(os.close, timer)
        self.workspace = _workspace(load, number, epoll.fileno(), timer)
        event = np.array([(libc.READABLE | libc.EDGE, TIMER)], libc.EVENT)
        libc.watch(epoll.fileno(), timer, event)
        parse = load.spoken.parse
        self.thread = threading.Thread(target=drive, args=(self.workspace, parse), name=f"engine {number}")
        self.tally = self.workspace.tally[0]
        self.totals = _Totals()

    def drain(self) -> _Totals:
        """Return what has been counted since the last time, and let the engine count on the other side."""
        old = int(self.tally["side"])
        self.tally["side"] = 1 - old
        while self.thread.is_alive() and self.tally["side_seen"] == old:
            time.sleep(_POLL_S)
        drained = self._take(old)
        self.totals = self.totals.plus(drained)
        return drained

    def rest(self) -> _Totals:
        """Return what is left when the engine has ended."""
        left = self._take(0).plus(self._take(1))
        self.totals = self.totals.plus(left)
        return left

    def _take(self, side: int) -> _Totals:
        w = self.workspace
        requests, *errors = w.counted[side].tolist()
        w.counted[side] = 0
        kinds = Counter({kind: count for kind, count in zip(ERRORS, errors, strict=True) if count})
        return _Totals(requests, kinds, self.times(LATENCY + side, clear=True), self.times(SERVICE + side, clear=True))

    def times(self, row: int, *, clear: bool = False) -> Histogram:
        """Return a histogram of the workspace, and empty it there with ``clear``."""
        w = self.workspace
        taken = Histogram.of(w.times[row].copy(), w.extremes[row])
        if clear:
            w.times[row] = 0
            w.extremes[row : row + 1] = empty_extremes()
        return taken


class _Totals:
    """What is counted by interval."""

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

    def plus(self, other: _Totals) -> _Totals:
        return _Totals(
            self.requests + other.requests,
            self.errors + other.errors,
            self.latency.merge(other.latency),
            self.service.merge(other.service),
        )


def _wait(engines: Sequence[_Engine], cancel: threading.Event, until: Callable[[Any], Any]) -> None:
    # Not cancel.wait(): a signal handler that sets the event would wait for a lock that its own thread may hold.
    while not cancel.is_set() and not all(until(engine.tally) or not engine.thread.is_alive() for engine in engines):
        time.sleep(_POLL_S)


def _intervals(engines: Sequence[_Engine], cancel: threading.Event, interval_s: float) -> Iterator[Interval]:
    """Yield what has been counted, interval by interval, until every engine has ended."""
    began_s = min(int(engine.tally["began_ns"]) for engine in engines) / 1e9
    at_s = 0.0
    alive = True
    while alive:
        next_s = began_s + at_s + interval_s
        while alive and (left_s := next_s - time.monotonic()) > 0:
            if cancel.is_set():
                for engine in engines:
                    engine.tally["cancel"] = 1
            engines[0].thread.join(min(left_s, _CANCEL_POLL_S))
            alive = any(engine.thread.is_alive() for engine in engines)
        counted = reduce(_Totals.plus, [engine.drain() if alive else engine.rest() for engine in engines])
        now_s = time.monotonic() if alive else max(int(engine.tally["ended_ns"]) for engine in engines) / 1e9
        seconds = now_s - began_s - at_s
        if seconds > 0:
            yield Interval(
                at_s,
                seconds,
                counted.requests,
                dict(counted.errors),
                Sparse.of(counted.latency),
                Sparse.of(counted.service),
            )
        at_s = now_s - began_s


def _workspace(load: Load, number: int, epoll_fd: int, timer_fd: int) -> Workspace:
    family, address = libc.address_of(load.host, load.port, load.timeout_s)
    wire = load.spoken
    connect_timeout_s = load.timeout_s if load.connect_timeout_s is None else load.connect_timeout_s
    spin_s = load.spin_s if load.spin_s is not None else SPIN_S if load.schedule else 0.0
    stages = load.schedule
    if stages and load.warmup_s:
        stages = (Stage(stages[0].from_rps, stages[0].from_rps, load.warmup_s), *stages)
    workspace = allocate(
        load.connections // load.threads + (number < load.connections % load.threads),
        requests=wire.requests,
        quit_with=wire.quit,
        address=address,
        stages=stages,
        memory=wire.memory,
        numbers=wire.numbers,
    )
    for name, value in {
        "epoll": epoll_fd,
        "timer": timer_fd,
        "family": family,
        "open_loop": bool(stages),
        "poisson": load.arrivals == "poisson",
        "random_order": load.order == "random",
        "timeout_ns": load.timeout_s * 1e9,
        "connect_timeout_ns": connect_timeout_s * 1e9,
        "connect_gap_ns": 1e9 * load.threads / load.connect_rate,
        "conversation": -1 if load.conversation is None else load.conversation,
        "warmup_ns": load.warmup_s * 1e9,
        "duration_ns": load.window_s * 1e9,
        "late_ns": load.late_s * 1e9,
        "spin_ns": spin_s * 1e9,
        "seed": load.seed * 257 + number,
        "first": number,
        "step": load.threads,
    }.items():
        workspace.settings[name] = value
    return workspace


def _result(
    load: Load, engines: Sequence[_Engine], intervals: Sequence[Interval], beside: Testimony | None
) -> LoadResult:
    for engine in engines:
        engine.rest()
    totals = reduce(_Totals.plus, [engine.totals for engine in engines])
    tallies = [engine.tally for engine in engines]
    measuring = [tally for tally in tallies if tally["measuring"]]
    walls_ns = [int(tally["ended_ns"] - tally["began_ns"]) for tally in measuring]
    wall_ns = max(walls_ns, default=0)
    statuses = sum(tally["statuses"] for tally in tallies)
    busy_ns = sum(int(tally["busy_ns"]) for tally in measuring)
    return LoadResult(
        load=load,
        wall_s=wall_ns / 1e9,
        requests=totals.requests,
        errors=dict(totals.errors),
        statuses={f"{group}xx": int(n) for group, n in enumerate(statuses) if n},
        latency=totals.latency,
        service=totals.service,
        connect=_merged(engines, CONNECT),
        lateness=_merged(engines, LATENESS),
        gaps_intended=_merged(engines, GAPS_INTENDED),
        gaps_sent=_merged(engines, GAPS_SENT),
        engines=tuple(
            EngineUse(int(tally["cpu_ns"]) / 1e9, 1 - int(tally["waited_ns"]) / max(1, wall))
            for tally, wall in zip(measuring, walls_ns, strict=True)
        ),
        connected=sum(int(tally["connected"]) for tally in tallies),
        late_sends=sum(int(tally["late_sends"]) for tally in tallies),
        censored=sum(int(tally["censored"]) for tally in tallies),
        censored_from_ns=min((int(t["censored_min_ns"]) for t in tallies if t["censored"]), default=None),
        unfinished=sum(int(tally["unfinished"]) for tally in tallies),
        oldest_unfinished_s=max((int(tally["oldest_ns"]) for tally in tallies), default=0) / 1e9,
        age_before_ns=sum(int(tally["age_before_ns"]) for tally in tallies),
        age_after_ns=sum(int(tally["age_after_ns"]) for tally in tallies),
        mean_in_service=busy_ns / wall_ns if wall_ns else None,
        served_ns=sum(int(tally["served_ns"]) for tally in measuring),
        intervals=tuple(intervals),
        beside=beside if measuring else None,
        cancelled=wall_ns < int(load.window_s * 1e9) - 1_000_000,
    )


def _merged(engines: Sequence[_Engine], row: int) -> Histogram:
    return reduce(Histogram.merge, [engine.times(row) for engine in engines])
