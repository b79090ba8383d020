"""The engine: one thread's clients, in a closed or an open loop, from connecting to the end of the window."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types

from loadgen import connection, libc, schedule
from loadgen.compiled import compiled, inlined
from loadgen.wires.parser import PARSE
from loadgen.workspace import EVENTS_AT_ONCE, WORKSPACE

TIMER = -1  # the timer's place among the connections' numbers

_TICK_NS = 10_000_000  # how often pauses and time-outs are looked at
_GO_NS = 200_000  # how often, before the load begins, whether it may
_OVER_NS = 1_000_000  # how often, while the load outlasts the window, whether it may end
_NEVER_NS = schedule.NEVER_NS


@inlined
def _dispatch(w: Any, now_ns: int) -> None:
    """Send what the schedule says is due, as far as connections are free."""
    tally = w.tally[0]
    while tally.next_ns <= now_ns:
        index = schedule.longest_idle(w, connection.IDLE)
        if index < 0:
            return
        now_ns = libc.clock_ns(libc.MONOTONIC, w.scratch)
        c, intended_ns = w.connections[index], tally.next_ns
        c.late = schedule.note_sending(w, intended_ns, c.idle_ns, now_ns)
        schedule.advance(w)
        c.owed = 1
        connection.start_request(w, index, intended_ns, now_ns)


@inlined
def _start(w: Any, now_ns: int) -> None:
    """Let the clients ask: those of a closed loop at once, those of an open one when it is their turn."""
    w.tally[0].started = 1
    if w.settings[0].open_loop:
        return
    w.tally[0].idle_count = 0
    for index in range(len(w.connections)):
        w.connections[index].since_ns = now_ns
        if w.connections[index].state == connection.IDLE:
            connection.start_request(w, index, now_ns, now_ns)


@inlined
def _wait(w: Any, until_ns: int) -> tuple[int, int]:
    """Wait for events, until a time at most, and return how many there are and what time it is.

    A timer wakes the engine, since epoll_wait() counts in whole ms, and since arming a time-out anew at every call
    costs more than the call. In the open loop it does so ``spin_ns`` early, for a sleeper takes a while to wake; in
    the closed loop there is that much looking after each event.
    """
    settings, tally = w.settings[0], w.tally[0]
    before_ns = libc.clock_ns(libc.MONOTONIC, w.scratch)
    wake_ns = until_ns - settings.spin_ns if settings.open_loop else until_ns
    looking = wake_ns <= before_ns or (not settings.open_loop and before_ns - tally.heard_ns < settings.spin_ns)
    if not looking and wake_ns != tally.armed_ns:
        libc.wake_at(settings.timer, wake_ns, w.scratch)
        tally.armed_ns = wake_ns
    ready = libc.epoll_wait(settings.epoll, w.events.ctypes.data, EVENTS_AT_ONCE, 0 if looking else -1)
    now_ns = libc.clock_ns(libc.MONOTONIC, w.scratch)
    if ready == 0 or not looking:
        tally.waited_ns += now_ns - before_ns
    if ready:
        tally.heard_ns = now_ns
    return ready, now_ns


@inlined
def _begin_window(w: Any, began_ns: int, now_ns: int) -> None:
    tally = w.tally[0]
    tally.began_ns = began_ns
    tally.cpu_began_ns = libc.clock_ns(libc.THREAD_CPU, w.scratch)
    tally.waited_ns = 0
    tally.age_before_ns, _, _ = _in_flight(w, now_ns)
    tally.busy_since_ns = now_ns
    tally.busy_ns = 0
    tally.served_ns = 0
    tally.measuring = 1


@inlined
def _end_window(w: Any, ended_ns: int, now_ns: int) -> None:
    tally = w.tally[0]
    if not tally.measuring:
        return
    tally.cpu_ns = libc.clock_ns(libc.THREAD_CPU, w.scratch) - tally.cpu_began_ns
    tally.ended_ns = ended_ns
    tally.age_after_ns, tally.oldest_ns, tally.unfinished = _in_flight(w, ended_ns)
    connection.note_busy(w, 0, now_ns)
    for index in range(len(w.connections)):
        c = w.connections[index]
        if c.state in (connection.SENDING, connection.WAITING):
            tally.served_ns += now_ns - max(c.sent_ns, tally.began_ns)
    while tally.next_ns < ended_ns:  # those still in the schedule
        age_ns = ended_ns - tally.next_ns
        if schedule.counted(w, tally.next_ns):
            tally.age_after_ns += age_ns
            tally.oldest_ns = max(tally.oldest_ns, age_ns)
            tally.unfinished += 1
        schedule.advance(w)
    w.tally[1] = w.tally[0]
    tally.measuring = 0  # from now on nothing counts
    tally.over = 1


@inlined
def _in_flight(w: Any, now_ns: int) -> tuple[int, int, int]:
    """Return the sum of the ages of all requests in flight, the highest age, both in ns, and their number."""
    total_ns, oldest_ns, number = 0, 0, 0
    for index in range(len(w.connections)):
        c = w.connections[index]
        asked = c.owed and schedule.counted(w, c.since_ns) if w.settings[0].open_loop else c.state != connection.PAUSED
        if asked and c.since_ns < now_ns:
            total_ns += now_ns - c.since_ns
            oldest_ns = max(oldest_ns, now_ns - c.since_ns)
            number += 1
    return total_ns, oldest_ns, number


@compiled(types.void(WORKSPACE, types.FunctionType(PARSE)))
def drive(w: Any, parse: Any) -> None:
    """Connect, warm up, and put the load on for as long as ``settings`` say, or until ``tally.cancel``.

    Connections stay open for :func:`hang_up`. The warm-up begins when ``tally.go`` is set from outside, which waits
    for every engine's ``tally.ready``: all connections are established by then, or have failed to be.

    In the closed loop the load stays on after the window until ``tally.cancel``, for ``settings.overrun_ns`` at most:
    the server's clocks are read at the window's end, and on a busy machine that may be late.
    """
    settings, tally = w.settings[0], w.tally[0]
    np.random.seed(settings.seed)
    now_ns = libc.clock_ns(libc.MONOTONIC, w.scratch)
    opened, open_ns, tick_ns = 0, now_ns, now_ns + _TICK_NS
    begin_ns, end_ns, stop_ns = _NEVER_NS, _NEVER_NS, _NEVER_NS
    tally.next_ns = _NEVER_NS
    while tally.cancel == 0 and now_ns < stop_ns:
        tally.side_seen = tally.side
        while opened < len(w.connections) and open_ns <= now_ns:
            w.connections[opened].since_ns = now_ns
            connection.open_connection(w, opened, now_ns)
            open_ns += settings.connect_gap_ns
            opened += 1
        if begin_ns == _NEVER_NS:
            tally.ready = tally.tried == len(w.connections)
            if tally.ready and tally.go:
                begin_ns = now_ns + settings.warmup_ns
                if settings.open_loop:
                    schedule.begin(w, now_ns)
                    end_ns = stop_ns = begin_ns + settings.duration_ns
        if begin_ns != _NEVER_NS and not tally.started:
            _start(w, now_ns)
        if tally.measuring == 0 and tally.over == 0 and now_ns >= begin_ns:
            # A closed window begins when it begins; an open one when the schedule says.
            began_ns = begin_ns if settings.open_loop else now_ns
            end_ns = began_ns + settings.duration_ns
            stop_ns = end_ns if settings.open_loop else _NEVER_NS
            _begin_window(w, began_ns, now_ns)
        elif tally.measuring and now_ns >= end_ns:
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
        if tally.over:
            until_ns = min(tick_ns, stop_ns, now_ns + _OVER_NS)
        else:
            until_ns = min(tick_ns, end_ns, begin_ns if tally.measuring == 0 else _NEVER_NS)
        if opened < len(w.connections):
            until_ns = min(until_ns, open_ns)
        if tally.ready and not tally.started:
            until_ns = min(until_ns, now_ns + _GO_NS)
        if tally.idle_count:
            until_ns = min(until_ns, tally.next_ns)
        ready, now_ns = _wait(w, until_ns)
        for i in range(ready):
            event = w.events[i]
            if event.index != TIMER:
                connection.on_event(w, parse, event.index, event.events)
                if tally.next_ns <= now_ns:
                    _dispatch(w, now_ns)
    _end_window(w, now_ns if tally.cancel else end_ns, now_ns)


@compiled(types.void(WORKSPACE))
def hang_up(w: Any) -> None:
    """Close what is open."""
    for index in range(len(w.connections)):
        if w.connections[index].fd >= 0:
            libc.close(w.connections[index].fd)
            w.connections[index].fd = -1
