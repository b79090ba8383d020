"""The closed loop: every client asks again as soon as it is answered."""

from __future__ import annotations

from typing import Any

from numba import types

from loadgen import connection, libc
from loadgen.compiled import compiled, inlined
from loadgen.wires import SCAN

_TIMER_NS = 10_000_000  # how often pauses and time-outs are looked at

_SIGNATURE = types.void(connection.WORKSPACE, types.FunctionType(SCAN))


@inlined
def _in_flight(w: Any, now_ns: int) -> tuple[int, int, int]:
    """Return the sum of the ages of all requests in flight, the highest age, both in ns, and their number."""
    total_ns, oldest_ns, number = 0, 0, 0
    for index in range(len(w.connections)):
        c = w.connections[index]
        if c.state != connection.PAUSED:
            total_ns += now_ns - c.since_ns
            oldest_ns = max(oldest_ns, now_ns - c.since_ns)
            number += 1
    return total_ns, oldest_ns, number


@compiled(_SIGNATURE)
def closed_loop(w: Any, scan: Any) -> None:
    """Put the load on until ``settings.end_ns`` or ``tally.cancel``; connections stay open for :func:`hang_up`.

    What completes from ``settings.begin_ns`` on is counted. However late the window begins, it keeps its length.
    """
    settings, tally = w.settings[0], w.tally[0]
    now_ns = libc.clock_ns(libc.MONOTONIC, w.clock)
    for index in range(len(w.connections)):
        w.connections[index].since_ns = now_ns
        connection.open_connection(w, index, now_ns)
    timer_ns = now_ns + _TIMER_NS
    cpu_ns = 0
    edge_ns = settings.begin_ns
    while (tally.measuring == 0 or now_ns < edge_ns) and tally.cancel == 0:
        if tally.measuring == 0 and now_ns >= edge_ns:
            settings.end_ns += now_ns - settings.begin_ns
            edge_ns = settings.end_ns
            cpu_ns = libc.clock_ns(libc.THREAD_CPU, w.clock)
            tally.waited_ns = 0
            tally.began_ns = now_ns
            tally.age_before_ns, _, _ = _in_flight(w, now_ns)
            tally.measuring = 1
        if now_ns >= timer_ns:
            for index in range(len(w.connections)):
                if w.connections[index].until_ns <= now_ns:
                    connection.on_timer(w, index, now_ns)
            timer_ns = now_ns + _TIMER_NS
        # Whole milliseconds, rounded up: an edge is never waited past by more than one.
        wait_ms = (min(timer_ns, edge_ns) - now_ns) // 1_000_000 + 1
        before_ns = libc.clock_ns(libc.MONOTONIC, w.clock)
        ready = libc.epoll_wait(settings.epoll, w.events.ctypes.data, len(w.events), wait_ms)
        now_ns = libc.clock_ns(libc.MONOTONIC, w.clock)
        tally.waited_ns += now_ns - before_ns
        for i in range(ready):
            event = w.events[i]
            connection.on_event(w, scan, event.index, event.events)
    if tally.measuring:
        tally.cpu_ns = libc.clock_ns(libc.THREAD_CPU, w.clock) - cpu_ns
    tally.ended_ns = now_ns
    tally.age_after_ns, tally.oldest_ns, tally.unfinished = _in_flight(w, now_ns)


@compiled(types.void(connection.WORKSPACE))
def hang_up(w: Any) -> None:
    """Close what is open."""
    for index in range(len(w.connections)):
        if w.connections[index].fd >= 0:
            libc.close(w.connections[index].fd)
            w.connections[index].fd = -1
