"""The engine: one thread's clients, in a closed or an open loop, from connecting to the end of the window."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types

from loadgen.engine import connection, schedule
from loadgen.engine.workspace import EVENTS_AT_ONCE, WORKSPACE
from loadgen.native import libc
from loadgen.native.compiled import compile_function, inline
from loadgen.protocols.parser import PARSE

TIMER = -1  # stands for the timer among the numbers of connections

_TICK_NS = 10_000_000  # interval between checks of pauses and time-outs
_GO_NS = 200_000  # interval between checks, before the load begins, whether it may
_OVER_NS = 1_000_000  # interval between checks, while the load outlasts the window, whether it may end


@inline
def _dispatch(w: Any, now_ns: int) -> None:
    """Send the requests that are due, as long as connections are free."""
    counters = w.counters[0]
    while counters.next_ns <= now_ns:
        index = schedule.longest_idle(w, connection.IDLE)
        if index < 0:
            return
        now_ns = libc.clock_ns(libc.MONOTONIC, w.scratch)
        c, intended_ns = w.connections[index], counters.next_ns
        c.late = schedule.note_sending(w, intended_ns, c.idle_ns, now_ns)
        schedule.advance(w)
        c.owed = 1
        connection.start_request(w, index, intended_ns, now_ns)


@inline
def _start(w: Any, now_ns: int) -> None:
    """Let the clients send: in the closed loop at once, in the open loop when a request is due."""
    w.counters[0].started = 1
    if w.settings[0].open_loop:
        return
    w.counters[0].idle_count = 0
    for index in range(len(w.connections)):
        w.connections[index].since_ns = now_ns
        if w.connections[index].state == connection.IDLE:
            connection.start_request(w, index, now_ns, now_ns)


@inline
def _wait(w: Any, until_ns: int) -> tuple[int, int]:
    """Wait for events until ``until_ns`` at most; return their number and the time.

    A timer wakes the engine, since epoll_wait() counts in whole ms, and since re-arming a time-out at every call costs
    more than the call. In the open loop it fires ``spin_ns`` early, since a sleeping thread takes a while to wake; in
    the closed loop the engine polls for ``spin_ns`` after each event.
    """
    settings, counters = w.settings[0], w.counters[0]
    before_ns = libc.clock_ns(libc.MONOTONIC, w.scratch)
    wake_ns = until_ns - settings.spin_ns if settings.open_loop else until_ns
    polling = wake_ns <= before_ns or (not settings.open_loop and before_ns - counters.heard_ns < settings.spin_ns)
    if not polling and wake_ns != counters.armed_ns:
        libc.set_timer(settings.timer, wake_ns, w.scratch)
        counters.armed_ns = wake_ns
    ready = libc.epoll_wait(settings.epoll, w.events.ctypes.data, EVENTS_AT_ONCE, 0 if polling else -1)
    now_ns = libc.clock_ns(libc.MONOTONIC, w.scratch)
    if ready == 0 or not polling:
        counters.waited_ns += now_ns - before_ns
    if ready:
        counters.heard_ns = now_ns
    return ready, now_ns


@inline
def _begin_window(w: Any, began_ns: int, now_ns: int) -> None:
    counters = w.counters[0]
    counters.began_ns = began_ns
    counters.cpu_began_ns = libc.clock_ns(libc.THREAD_CPU, w.scratch)
    counters.waited_ns = 0
    counters.age_before_ns, _, _ = _count_in_flight(w, now_ns)
    counters.busy_since_ns = now_ns
    counters.busy_ns = 0
    counters.served_ns = 0
    counters.measuring = 1


@inline
def _end_window(w: Any, ended_ns: int, now_ns: int) -> None:
    counters = w.counters[0]
    if not counters.measuring:
        return
    counters.cpu_ns = libc.clock_ns(libc.THREAD_CPU, w.scratch) - counters.cpu_began_ns
    counters.ended_ns = ended_ns
    counters.age_after_ns, counters.oldest_ns, counters.unfinished = _count_in_flight(w, ended_ns)
    connection.note_busy(w, 0, now_ns)
    for index in range(len(w.connections)):
        c = w.connections[index]
        if c.state in (connection.SENDING, connection.WAITING):
            counters.served_ns += now_ns - max(c.sent_ns, counters.began_ns)
    while counters.next_ns < ended_ns:  # requests still in the schedule
        age_ns = ended_ns - counters.next_ns
        if schedule.is_counted(w, counters.next_ns):
            counters.age_after_ns += age_ns
            counters.oldest_ns = max(counters.oldest_ns, age_ns)
            counters.unfinished += 1
        schedule.advance(w)
    w.counters[1] = w.counters[0]
    counters.measuring = 0  # from now on nothing counts
    counters.over = 1


@inline
def _count_in_flight(w: Any, now_ns: int) -> tuple[int, int, int]:
    """Return the sum of the ages of all requests in flight and the highest age, both in ns, and their number."""
    total_ns, oldest_ns, number = 0, 0, 0
    for index in range(len(w.connections)):
        c = w.connections[index]
        asked = (
            c.owed and schedule.is_counted(w, c.since_ns) if w.settings[0].open_loop else c.state != connection.PAUSED
        )
        if asked and c.since_ns < now_ns:
            total_ns += now_ns - c.since_ns
            oldest_ns = max(oldest_ns, now_ns - c.since_ns)
            number += 1
    return total_ns, oldest_ns, number


@compile_function(types.void(WORKSPACE, types.FunctionType(PARSE)))
def drive(w: Any, parse: Any) -> None:
    """Connect, warm up, and run the load for as long as ``settings`` say, or until ``counters.cancel``.

    Connections stay open for :func:`half_close`. The warm-up begins when ``counters.go`` is set from outside, after
    every engine has set ``counters.ready``: by then every connection is established or has failed.

    In the closed loop the load continues after the window until ``counters.cancel``, for ``settings.overrun_ns`` at
    most: the server's clocks are read at the end of the window, and on a busy machine that may be late.
    """
    settings, counters = w.settings[0], w.counters[0]
    np.random.seed(settings.seed)
    now_ns = libc.clock_ns(libc.MONOTONIC, w.scratch)
    opened, open_ns, tick_ns = 0, now_ns, now_ns + _TICK_NS
    begin_ns, end_ns, stop_ns = schedule.NEVER_NS, schedule.NEVER_NS, schedule.NEVER_NS
    counters.next_ns = schedule.NEVER_NS
    while counters.cancel == 0 and now_ns < stop_ns:
        counters.current_buffer = counters.active_buffer
        while opened < len(w.connections) and open_ns <= now_ns:
            w.connections[opened].since_ns = now_ns
            connection.open_connection(w, opened, now_ns)
            open_ns += settings.connect_gap_ns
            opened += 1
        if begin_ns == schedule.NEVER_NS:
            counters.ready = counters.tried == len(w.connections)
            if counters.ready and counters.go:
                begin_ns = now_ns + settings.warmup_ns
                if settings.open_loop:
                    schedule.begin(w, now_ns)
                    end_ns = stop_ns = begin_ns + settings.duration_ns
        if begin_ns != schedule.NEVER_NS and not counters.started:
            _start(w, now_ns)
        if counters.measuring == 0 and counters.over == 0 and now_ns >= begin_ns:
            # A closed loop's window begins now, an open loop's when the schedule says.
            began_ns = begin_ns if settings.open_loop else now_ns
            end_ns = began_ns + settings.duration_ns
            stop_ns = end_ns if settings.open_loop else schedule.NEVER_NS
            _begin_window(w, began_ns, now_ns)
        elif counters.measuring and now_ns >= end_ns:
            _end_window(w, end_ns, now_ns)
            stop_ns = now_ns + settings.overrun_ns
            if settings.overrun_ns == 0:
                break
        if now_ns >= tick_ns:
            for index in range(opened):
                if w.connections[index].until_ns <= now_ns:
                    connection.on_timer(w, index, now_ns)
            tick_ns = now_ns + _TICK_NS
        _dispatch(w, now_ns)
        if counters.over:
            until_ns = min(tick_ns, stop_ns, now_ns + _OVER_NS)
        else:
            until_ns = min(tick_ns, end_ns, begin_ns if counters.measuring == 0 else schedule.NEVER_NS)
        if opened < len(w.connections):
            until_ns = min(until_ns, open_ns)
        if counters.ready and not counters.started:
            until_ns = min(until_ns, now_ns + _GO_NS)
        if counters.idle_count:
            until_ns = min(until_ns, counters.next_ns)
        ready, now_ns = _wait(w, until_ns)
        for i in range(ready):
            event = w.events[i]
            if event.index != TIMER:
                connection.on_event(w, parse, event.index, event.events)
                if counters.next_ns <= now_ns:
                    _dispatch(w, now_ns)
    _end_window(w, now_ns if counters.cancel else end_ns, now_ns)


@compile_function(types.void(WORKSPACE))
def half_close(w: Any) -> None:
    """Close all open connections."""
    for index in range(len(w.connections)):
        if w.connections[index].fd >= 0:
            libc.close(w.connections[index].fd)
            w.connections[index].fd = -1
