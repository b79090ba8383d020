"""Run a :class:`~loadgen.load.Load` and return a :class:`~loadgen.result.LoadResult`."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import reduce
from typing import Any

from loadgen.engine.answered import Answered
from loadgen.engine.error_kinds import ERRORS
from loadgen.engine.thread import EngineThread, Totals
from loadgen.engine.workspace import (
    CONNECT,
    GAPS_INTENDED,
    GAPS_SENT,
    HANDSHAKE,
    LATENESS,
)
from loadgen.errors import GilbenchError
from loadgen.files import allow_files
from loadgen.histograms.histogram import Histogram
from loadgen.host.host_observer import HostMetrics, HostObserver
from loadgen.interval import CompressedHistogram, Interval
from loadgen.load import OVERRUN_S, Load
from loadgen.result import EngineUse, LoadResult

# Intervals between checks for a cancellation; waking takes CPU time from the load: at one connection 3% of it at 20 ms.
_POLL_S = 0.1
_COUNT_POLL_S = 0.02  # where the number of requests decides when the window ends
_EDGE_POLL_S = 0.0002  # for an edge of the window that is about to come
_BEFORE_EDGE_S = 0.02


def run(
    load: Load,
    *,
    on_begin: Callable[[], None] | None = None,
    on_end: Callable[[], None] | None = None,
    on_interval: Callable[[Interval], None] | None = None,
    interval_s: float = 1.0,
    server_pid: int | None = None,
    answered: Answered | None = None,
    cancel: threading.Event | None = None,
) -> LoadResult:
    """Put ``load`` on a server and return the result, within its duration plus a moment.

    The engines run in their own threads without the GIL. The caller's thread calls ``on_begin`` and ``on_end`` at the
    edges of the window, and ``on_interval`` after every ``interval_s`` of it. At ``on_end`` all connections are still
    open; in the closed loop the load also continues, for up to :data:`~loadgen.load.OVERRUN_S`, so that a thread that a
    busy machine schedules late still reads a server under load. ``answered`` counts the requests of exactly the
    interval between two readings. With ``server_pid`` the server's CPU time and memory are measured too. Failures of
    the server are counted as errors. Setting ``cancel``, from any thread, ends the run with what was measured so far;
    Ctrl-C ends it too and is re-raised.

    Raises:
        GilbenchError: the system is not Linux, the host does not resolve, or the limit on open files is too low.
    """
    if sys.platform != "linux":
        raise GilbenchError("the load engine needs Linux (epoll): run it on a Linux machine or in a container")
    cancel = cancel or threading.Event()
    allow_files(load.connections)
    with contextlib.ExitStack() as stack:
        overrun_s = 0.0 if on_end is None and server_pid is None else OVERRUN_S
        engines = [EngineThread(load, number, stack, overrun_s) for number in range(load.threads)]
        intervals: list[Interval] = []
        answered = answered or Answered()
        answered.follow([engine.counters for engine in engines])
        observer = HostObserver(server_pid, answered)
        try:
            for engine in engines:
                engine.thread.start()
            _wait(engines, cancel, lambda counters: counters["ready"])
            for engine in engines:
                engine.counters["go"] = 1
            _sleep_through(load.warmup_s, cancel)
            _wait(engines, cancel, lambda counters: counters["measuring"] or counters["over"])
            _call(on_begin)
            observer.begin()
            host_metrics: list[HostMetrics | None] = []

            def end() -> None:
                _call(on_end)
                host_metrics.append(observer.end(*_window_s(engines)))

            poll_s = _COUNT_POLL_S if load.count else _POLL_S
            for interval in _intervals(engines, cancel, interval_s, poll_s, end):
                intervals.append(interval)
                if on_interval:
                    on_interval(interval)
        finally:
            for engine in engines:
                engine.counters["cancel"] = 1
            for engine in engines:
                if engine.thread.ident is not None:
                    engine.thread.join()
                engine.close()
    return _result(load, engines, intervals, host_metrics[0])


def _call(observer: Callable[[], None] | None) -> None:
    if observer:
        observer()


def _wait(engines: Sequence[EngineThread], cancel: threading.Event, until: Callable[[Any], Any]) -> None:
    # Not cancel.wait(): a signal handler that sets the event would wait for a lock that its own thread may hold.
    while not cancel.is_set() and not all(until(engine.counters) or not engine.thread.is_alive() for engine in engines):
        time.sleep(_EDGE_POLL_S)


def _sleep_through(warmup_s: float, cancel: threading.Event) -> None:
    """Sleep until shortly before the end of the warm-up."""
    end_s = time.monotonic() + warmup_s - _BEFORE_EDGE_S
    while not cancel.is_set() and (left_s := end_s - time.monotonic()) > 0:
        time.sleep(min(left_s, _POLL_S))


def _intervals(
    engines: Sequence[EngineThread],
    cancel: threading.Event,
    interval_s: float,
    poll_s: float,
    end: Callable[[], None],
) -> Iterator[Interval]:
    """Yield the counts of each interval; at the end of the window, call ``end`` before anything else."""
    began_s = min(int(engine.counters["began_ns"]) for engine in engines) / 1e9
    at_s = 0.0
    on = True
    while on:
        next_s = began_s + at_s + interval_s
        # Counts past the window's end belong to the last interval, however late the engine notices the end.
        while on and not next_s <= time.monotonic() < _end_s(engines):
            if cancel.is_set():
                for engine in engines:
                    engine.counters["cancel"] = 1
            _sleep(engines, next_s, poll_s)
            on = not all(engine.over() for engine in engines)
        if not on:
            end()
        # Before the end even if that passes meanwhile, so that the last interval has a length.
        now_s = min(time.monotonic(), _end_s(engines) - 1e-6)
        counted = reduce(Totals.plus, [engine.drain() if on else engine.rest() for engine in engines])
        if not on:
            now_s = max(int(engine.counters["ended_ns"]) for engine in engines) / 1e9
        seconds = now_s - began_s - at_s
        if seconds > 0:
            yield Interval(
                at_s,
                seconds,
                counted.requests,
                dict(counted.errors),
                sum(engine.connections() for engine in engines),
                CompressedHistogram.compress(counted.latency),
                CompressedHistogram.compress(counted.service),
            )
        at_s = now_s - began_s


def _window_s(engines: Sequence[EngineThread]) -> tuple[float, float]:
    """Return when the window began and ended, on the monotonic clock."""
    counters = [engine.window() for engine in engines]
    return min(int(one["began_ns"]) for one in counters) / 1e9, max(int(one["ended_ns"]) for one in counters) / 1e9


def _end_s(engines: Sequence[EngineThread]) -> float:
    """Return when the window is meant to end, on the monotonic clock."""
    return max(engine.end_s() for engine in engines)


def _sleep(engines: Sequence[EngineThread], until_s: float, poll_s: float) -> None:
    """Sleep until ``until_s`` or the end of the window, but for ``poll_s`` at most."""
    left_s = min(until_s, _end_s(engines)) - time.monotonic()
    time.sleep(min(left_s, poll_s) if left_s > 0 else _EDGE_POLL_S)


def _result(
    load: Load, engines: Sequence[EngineThread], intervals: Sequence[Interval], host_metrics: HostMetrics | None
) -> LoadResult:
    for engine in engines:
        engine.rest()
    totals = reduce(Totals.plus, [engine.totals for engine in engines])
    at_end = [engine.window() for engine in engines]  # what covers the window alone
    last = [engine.counters for engine in engines]  # what includes the answers after it
    measuring = [counters for counters in at_end if counters["measuring"]]
    walls_ns = [int(counters["ended_ns"] - counters["began_ns"]) for counters in measuring]
    wall_ns = max(walls_ns, default=0)
    statuses = sum(counters["statuses"] for counters in last)
    connect_errors = sum(counters["connect_errors"] for counters in last)
    busy_ns = sum(int(counters["busy_ns"]) for counters in measuring)

    def total(rows: Sequence[Any], name: str) -> int:
        return sum(int(counters[name]) for counters in rows)

    def highest_s(name: str) -> float:
        return max((int(counters[name]) for counters in last), default=0) / 1e9

    return LoadResult(
        load=load,
        began_s=min((int(counters["began_ns"]) for counters in measuring), default=0) / 1e9,
        wall_s=wall_ns / 1e9,
        requests=totals.requests,
        errors=dict(totals.errors),
        connect_errors={kind: int(n) for kind, n in zip(ERRORS, connect_errors, strict=True) if n},
        status_codes={status: int(n) for status, n in enumerate(statuses) if n},
        latency=totals.latency,
        service=totals.service,
        connect=_merge(engines, CONNECT),
        handshake=_merge(engines, HANDSHAKE),
        lateness=_merge(engines, LATENESS),
        gaps_intended=_merge(engines, GAPS_INTENDED),
        gaps_sent=_merge(engines, GAPS_SENT),
        engines=tuple(
            EngineUse(int(counters["cpu_ns"]) / 1e9, 1 - int(counters["waited_ns"]) / max(1, wall))
            for counters, wall in zip(measuring, walls_ns, strict=True)
        ),
        connected=total(last, "connected"),
        connections_used=total(last, "opened"),
        connections_opened=total(at_end, "opens"),
        reconnections=total(last, "reconnections"),
        resumed=total(last, "resumed"),
        handshake_error=next((one for engine in engines if (one := engine.handshake_error())), None),
        sent_bytes=total(at_end, "sent_bytes"),
        received_bytes=total(at_end, "received_bytes"),
        late_sends=total(last, "late_sends"),
        censored=total(last, "censored"),
        censored_from_ns=min((int(t["censored_min_ns"]) for t in last if t["censored"]), default=None),
        unfinished=total(last, "unfinished"),
        due=total(last, "due"),
        in_flight_before=total(at_end, "in_flight_before"),
        in_flight_after=total(measuring, "busy"),
        oldest_unfinished_s=highest_s("oldest_ns"),
        oldest_sent_s=highest_s("oldest_sent_ns"),
        age_before_ns=total(at_end, "age_before_ns"),
        age_after_ns=total(at_end, "age_after_ns"),
        mean_in_service=busy_ns / wall_ns if wall_ns else None,
        served_ns=total(measuring, "served_ns"),
        intervals=tuple(intervals),
        trace=tuple(traced for engine in engines for traced in engine.trace()),
        host_metrics=host_metrics if measuring else None,
        cancelled=wall_ns < int(load.window_s * 1e9) - 1_000_000
        and not (load.count is not None and total(last, "finished") >= load.count),
    )


def _merge(engines: Sequence[EngineThread], row: int) -> Histogram:
    return reduce(Histogram.merge, [engine.times(row) for engine in engines])
