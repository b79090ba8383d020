"""When each request is sent: the open loop's schedule, and the connections that are free for it.

Intended times depend only on the stages (and, for Poisson arrivals, the seed), never on when the engine wakes. A
request that is due while no connection is free stays in the schedule; nothing is skipped.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from loadgen.engine.stage_table import when_ns
from loadgen.engine.workspace import GAPS_INTENDED, GAPS_SENT, LATENESS
from loadgen.histograms import recording
from loadgen.native.compiled import inline

NEVER_NS = 1 << 62


@inline
def _exponential() -> float:
    """Draw as ``numpy.random.RandomState`` does; Numba's own takes longer to compile."""
    return -math.log(1.0 - np.random.random())


@inline
def begin(w: Any, now_ns: int) -> None:
    """Begin the first stage."""
    counters, settings = w.counters[0], w.settings[0]
    counters.schedule_ns = now_ns
    counters.began_ns = now_ns + settings.warmup_ns
    counters.arrived = settings.first
    if settings.poisson:
        counters.arrived = settings.step * _exponential()
    _plan(w)


@inline
def advance(w: Any) -> None:
    """Advance to the next request."""
    gap = _exponential() if w.settings[0].poisson else 1.0
    w.counters[0].arrived += w.settings[0].step * gap
    _plan(w)


@inline
def _plan(w: Any) -> None:
    counters = w.counters[0]
    after_ns = when_ns(w.stages, counters.arrived)
    counters.next_ns = NEVER_NS if after_ns < 0 else counters.schedule_ns + after_ns


@inline
def is_counted(w: Any, since_ns: int) -> bool:
    """Return whether a request belongs to the window.

    In the open loop, and if the number of requests is limited: wanted in it, whether or not the engine has noticed yet
    that it began. Otherwise: ended in it.
    """
    counters, settings = w.counters[0], w.settings[0]
    if settings.open_loop or settings.count:
        return bool(counters.closed == 0 and counters.began_ns != 0 and since_ns >= counters.began_ns)
    return bool(counters.measuring != 0)


@inline
def may_send(w: Any) -> bool:
    """Return whether a client may send another request."""
    counters, settings = w.counters[0], w.settings[0]
    if settings.count and counters.began_ns and counters.issued >= settings.count:
        return False
    return bool(counters.over == 0 or settings.drain_ns == 0)


@inline
def rest(w: Any, index: int, now_ns: int) -> None:
    """Queue a connection for a request, behind those that already wait."""
    c, counters = w.connections[index], w.counters[0]
    c.idle_ns = now_ns
    c.reused = 1
    if not c.queued:
        c.queued = 1
        w.connections[(counters.idle_head + counters.idle_count) % len(w.connections)].idle = index
        counters.idle_count += 1


@inline
def longest_idle(w: Any, idle_state: int) -> int:
    """Return the connection that has waited longest; -1 if none waits.

    Connections that were dropped while they waited leave the queue.
    """
    counters = w.counters[0]
    while counters.idle_count > 0:
        index = w.connections[counters.idle_head].idle
        if w.connections[index].state == idle_state:
            return index  # type: ignore[no-any-return]
        leave(w)
    return -1


@inline
def leave(w: Any) -> None:
    """Take the connection that has waited longest out of the queue."""
    counters = w.counters[0]
    w.connections[w.connections[counters.idle_head].idle].queued = 0
    counters.idle_head = (counters.idle_head + 1) % len(w.connections)
    counters.idle_count -= 1


@inline
def note_sending(w: Any, intended_ns: int, idle_ns: int, now_ns: int) -> bool:
    """Record when a request is sent, and return whether that is late through the generator's own fault."""
    counters = w.counters[0]
    if not is_counted(w, intended_ns):
        return False
    recording.count(w.times[LATENESS], w.extremes[LATENESS], now_ns - intended_ns)
    # Until a connection was free, the server was late.
    late = now_ns - max(intended_ns, idle_ns) > w.settings[0].late_ns
    counters.late_sends += late
    if counters.previous_ns:
        recording.count(w.times[GAPS_INTENDED], w.extremes[GAPS_INTENDED], intended_ns - counters.previous_ns)
        recording.count(w.times[GAPS_SENT], w.extremes[GAPS_SENT], now_ns - counters.previous_sent_ns)
    counters.previous_ns = intended_ns
    counters.previous_sent_ns = now_ns
    return bool(late)
