"""The engine: one thread's clients, in a closed or an open loop, from connecting to the end of the window."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types

from loadgen.engine import connection, counting, schedule
from loadgen.engine.client_state import IDLE, PAUSED, SENDING, WAITING
from loadgen.engine.transport import TRANSPORT
from loadgen.engine.workspace import EVENTS_AT_ONCE, WORKSPACE
from loadgen.native import libc
from loadgen.native.compiled import compile_function, inline
from loadgen.protocols.parser import PARSE

TIMER = -1  # stands for the timer among the numbers of connections

_GO_NS = 200_000  # interval between checks, before the load begins, whether it may
_OVER_NS = 1_000_000  # interval between checks, while the load outlasts the window, whether it may end


@inline
def _dispatch(w: Any, transport: Any, now_ns: int) -> None:
    """Send the requests that are due, as long as connections are free."""
    counters, settings = w.counters[0], w.settings[0]
    if settings.think_ns:
        _end_thinking(w, transport, now_ns)
        return
    while counters.next_ns <= now_ns:
        if not schedule.may_send(w):
            counters.next_ns = schedule.NEVER_NS
            return
        index = schedule.longest_idle(w, IDLE)
        if index < 0:
            if _may_grow(w):
                connection.open_connection(w, transport, counters.opened, now_ns)
                counters.opened += 1
            return
        schedule.leave(w)
        now_ns = libc.clock_ns(libc.MONOTONIC, w.scratch)
        c, intended_ns = w.connections[index], counters.next_ns
        c.late = schedule.note_sending(w, intended_ns, c.idle_ns, now_ns)
        schedule.advance(w)
        c.owed = 1
        connection.start_request(w, transport, index, intended_ns, now_ns)


@inline
def _may_grow(w: Any) -> bool:
    """Return whether to open another connection for a request that is due: at most twice as many in each round trip."""
    counters = w.counters[0]
    left = len(w.connections) - counters.opened
    return left > 0 and counters.connecting < counters.established  # type: ignore[no-any-return]


@inline
def _end_thinking(w: Any, transport: Any, now_ns: int) -> None:
    """Let the clients send whose time to think is over; all think for as long, so they wait in order."""
    counters, think_ns = w.counters[0], w.settings[0].think_ns
    counters.next_ns = schedule.NEVER_NS
    while counters.started and schedule.may_send(w):
        index = schedule.longest_idle(w, IDLE)
        if index < 0:
            return
        wanted_ns = w.connections[index].idle_ns + think_ns
        if wanted_ns > now_ns:
            counters.next_ns = wanted_ns
            return
        schedule.leave(w)
        connection.start_request(w, transport, index, wanted_ns, now_ns)


@inline
def _start(w: Any, transport: Any, now_ns: int) -> None:
    """Let the clients send: in the closed loop at once, in the open loop when a request is due.

    Clients that think start one after another, over the time that they think.
    """
    w.counters[0].started = 1
    if w.settings[0].open_loop:
        return
    w.counters[0].idle_count = 0
    think_ns = w.settings[0].think_ns
    for index in range(len(w.connections)):
        c = w.connections[index]
        c.since_ns = now_ns
        c.queued = 0
        if c.state == IDLE and think_ns:
            schedule.rest(w, index, now_ns - think_ns + think_ns * index // len(w.connections))
        elif c.state == IDLE and schedule.may_send(w):
            connection.start_request(w, transport, index, now_ns, now_ns)


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
    counters.sent_bytes, counters.received_bytes = 0, 0
    counters.age_before_ns, _, _ = _count_in_flight(w, now_ns)
    counters.in_flight_before = counters.busy
    counters.busy_since_ns, counters.served_since_ns = now_ns, now_ns
    counters.busy_ns, counters.served_ns = 0, 0
    counters.measuring = 1


@inline
def _end_window(w: Any, ended_ns: int, now_ns: int) -> None:
    """Read the clocks and what is in service; requests of the window may still be answered until :func:`_close`."""
    counters = w.counters[0]
    if not counters.measuring:
        return
    counters.cpu_ns = libc.clock_ns(libc.THREAD_CPU, w.scratch) - counters.cpu_began_ns
    counters.ended_ns = ended_ns
    counters.age_after_ns, _, _ = _count_in_flight(w, ended_ns)
    counting.note_busy(w, 0, now_ns)
    for index in range(len(w.connections)):
        c = w.connections[index]
        if c.state in (SENDING, WAITING):
            counters.served_ns += now_ns - max(c.sent_ns, counters.served_since_ns)
    while w.settings[0].open_loop and schedule.may_send(w) and counters.next_ns < ended_ns:  # still in the schedule
        age_ns = ended_ns - counters.next_ns
        if schedule.is_counted(w, counters.next_ns):
            counters.age_after_ns += age_ns
            counters.oldest_ns = max(counters.oldest_ns, age_ns)
            counters.due += 1
        schedule.advance(w)
    w.counters[1] = w.counters[0]
    counters.measuring = 0
    counters.over = 1


@inline
def _close(w: Any, now_ns: int) -> None:
    """Count what has no answer; from now on nothing counts."""
    counters = w.counters[0]
    if counters.closed or not counters.over:
        return
    _, oldest_ns, number = _count_in_flight(w, now_ns)
    counters.unfinished = counters.due + number
    counters.oldest_ns = max(counters.oldest_ns, oldest_ns)
    for index in range(len(w.connections)):
        c = w.connections[index]
        if c.state in (SENDING, WAITING):
            counters.oldest_sent_ns = max(counters.oldest_sent_ns, now_ns - c.sent_ns)
    counters.closed = 1


@inline
def _count_in_flight(w: Any, now_ns: int) -> tuple[int, int, int]:
    """Return the sum of the ages of all requests in flight and the highest age, both in ns, and their number."""
    total_ns, oldest_ns, number = 0, 0, 0
    for index in range(len(w.connections)):
        c = w.connections[index]
        if w.settings[0].open_loop:
            asked = c.owed and schedule.is_counted(w, c.since_ns)
        elif schedule.may_send(w):
            asked = c.state not in (PAUSED, IDLE)
        else:  # a client that connects wants nothing more
            asked = c.state in (SENDING, WAITING)
        if asked and c.since_ns < now_ns:
            total_ns += now_ns - c.since_ns
            oldest_ns = max(oldest_ns, now_ns - c.since_ns)
            number += 1
    return total_ns, oldest_ns, number


@inline
def _has_finished(w: Any) -> bool:
    """Return whether as many requests as were asked for have been answered or have failed."""
    return w.settings[0].count and w.counters[0].finished >= w.settings[0].count  # type: ignore[no-any-return]


@inline
def _is_drained(w: Any) -> bool:
    """Return whether every request of the window has been answered or has failed."""
    counters, settings = w.counters[0], w.settings[0]
    if settings.open_loop or settings.count:
        return counters.finished >= counters.issued  # type: ignore[no-any-return]
    return counters.busy == 0  # type: ignore[no-any-return]


@compile_function(types.void(WORKSPACE, types.FunctionType(PARSE), types.FunctionType(TRANSPORT)))
def drive(w: Any, parse: Any, transport: Any) -> None:
    """Connect, warm up, and run the load for as long as ``settings`` say, or until ``counters.cancel``.

    Connections stay open. The warm-up begins when ``counters.go`` is set from outside, after every engine has set
    ``counters.ready``: by then every connection is established or has failed.

    In the closed loop the load continues after the window until ``counters.cancel``, for ``settings.overrun_ns`` at
    most: the server's clocks are read at the end of the window, and on a busy machine that may be late. With
    ``settings.drain_ns`` no more requests are sent, and those in flight are waited for.
    """
    settings, counters = w.settings[0], w.counters[0]
    np.random.seed(settings.seed)
    now_ns = libc.clock_ns(libc.MONOTONIC, w.scratch)
    open_ns, tick_ns = now_ns, now_ns + settings.tick_ns
    begin_ns, end_ns, stop_ns = schedule.NEVER_NS, schedule.NEVER_NS, schedule.NEVER_NS
    counters.next_ns = schedule.NEVER_NS
    while counters.cancel == 0 and now_ns < stop_ns:
        counters.current_buffer = counters.active_buffer
        while counters.opened < settings.initial and open_ns <= now_ns:
            w.connections[counters.opened].since_ns = now_ns
            connection.open_connection(w, transport, counters.opened, now_ns)
            open_ns += settings.connect_gap_ns
            counters.opened += 1
        if begin_ns == schedule.NEVER_NS:
            counters.ready = counters.tried == settings.initial
            if counters.ready and counters.go:
                begin_ns = now_ns + settings.warmup_ns
                if settings.open_loop:
                    schedule.begin(w, now_ns)
                    end_ns = begin_ns + settings.duration_ns
        if counters.measuring == 0 and counters.over == 0 and now_ns >= begin_ns:
            # A closed loop's window begins now, an open loop's when the schedule says.
            began_ns = begin_ns if settings.open_loop else now_ns
            end_ns = began_ns + settings.duration_ns
            _begin_window(w, began_ns, now_ns)
        if begin_ns != schedule.NEVER_NS and not counters.started:
            _start(w, transport, now_ns)
        finished = _has_finished(w)
        if counters.measuring and (finished or now_ns >= end_ns):
            ended_ns = counters.finished_ns if finished else end_ns
            _end_window(w, ended_ns, now_ns)
            stop_ns = now_ns + max(settings.overrun_ns, settings.drain_ns)
            if settings.drain_ns == 0:
                _close(w, ended_ns)
                if settings.overrun_ns == 0:
                    break
        if counters.over and settings.drain_ns and counters.closed == 0 and _is_drained(w):
            _close(w, now_ns)
            if settings.overrun_ns == 0:
                break
        if now_ns >= tick_ns:
            for index in range(counters.opened):
                if w.connections[index].until_ns <= now_ns:
                    connection.on_timer(w, transport, index, now_ns)
            tick_ns = now_ns + settings.tick_ns
        _dispatch(w, transport, now_ns)
        if counters.over:
            until_ns = min(tick_ns, stop_ns, now_ns + _OVER_NS)
        else:
            until_ns = min(tick_ns, end_ns, begin_ns if counters.measuring == 0 else schedule.NEVER_NS)
        if counters.opened < settings.initial:
            until_ns = min(until_ns, open_ns)
        if counters.ready and not counters.started:
            until_ns = min(until_ns, now_ns + _GO_NS)
        if counters.idle_count or _may_grow(w):
            until_ns = min(until_ns, counters.next_ns)
        ready, now_ns = _wait(w, until_ns)
        for i in range(ready):
            event = w.events[i]
            if event.index != TIMER:
                connection.on_event(w, parse, transport, event.index, event.events)
                if counters.next_ns <= now_ns:
                    _dispatch(w, transport, now_ns)
    _end_window(w, now_ns if counters.cancel else end_ns, now_ns)
    _close(w, now_ns)
