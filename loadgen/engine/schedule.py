"""The open loop's schedule: when each request is intended, and which connections are free for it.

Intended times depend only on the stages (and, for Poisson arrivals, the seed), never on when the engine wakes. A
request that is due while no connection is free stays in the schedule; nothing is skipped.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from loadgen.engine.workspace import GAPS_INTENDED, GAPS_SENT, LATENESS
from loadgen.histograms import histogram
from loadgen.native.compiled import inline
from loadgen.stages import when_ns

NEVER_NS = 1 << 62


@inline
def begin(w: Any, now_ns: int) -> None:
    """Begin the first stage."""
    counters, settings = w.counters[0], w.settings[0]
    counters.schedule_ns = now_ns
    counters.arrived = settings.first
    if settings.poisson:
        counters.arrived = settings.step * np.random.exponential()
    _plan(w)


@inline
def advance(w: Any) -> None:
    """Advance to the next request."""
    gap = np.random.exponential() if w.settings[0].poisson else 1.0
    w.counters[0].arrived += w.settings[0].step * gap
    _plan(w)


@inline
def _plan(w: Any) -> None:
    counters = w.counters[0]
    after_ns = when_ns(w.stages, counters.arrived)
    counters.next_ns = NEVER_NS if after_ns < 0 else counters.schedule_ns + after_ns


@inline
def is_counted(w: Any, since_ns: int) -> bool:
    """Return whether a request belongs to the window: intended in it or, in the closed loop, ended in it."""
    counters = w.counters[0]
    return counters.measuring != 0 and (not w.settings[0].open_loop or since_ns >= counters.began_ns)


@inline
def rest(w: Any, index: int, now_ns: int) -> None:
    """Queue a connection for a request, behind those that already wait."""
    c, counters = w.connections[index], w.counters[0]
    c.idle_ns = now_ns
    if not c.queued:
        c.queued = 1
        w.connections[(counters.idle_head + counters.idle_count) % len(w.connections)].idle = index
        counters.idle_count += 1


@inline
def longest_idle(w: Any, idle_state: int) -> int:
    """Take the connection that has waited longest out of the queue and return it; -1 if none waits.

    Connections that were dropped while they waited are skipped.
    """
    counters = w.counters[0]
    while counters.idle_count > 0:
        index = w.connections[counters.idle_head].idle
        counters.idle_head = (counters.idle_head + 1) % len(w.connections)
        counters.idle_count -= 1
        w.connections[index].queued = 0
        if w.connections[index].state == idle_state:
            return index  # type: ignore[no-any-return]
    return -1


@inline
def note_sending(w: Any, intended_ns: int, idle_ns: int, now_ns: int) -> bool:
    """Record when a request is sent, and return whether that is late through the generator's own fault."""
    counters = w.counters[0]
    if not is_counted(w, intended_ns):
        return False
    histogram.count(w.times[LATENESS], w.extremes[LATENESS], now_ns - intended_ns)
    # Until a connection was free, the server was late.
    late = now_ns - max(intended_ns, idle_ns) > w.settings[0].late_ns
    counters.late_sends += late
    if counters.previous_ns:
        histogram.count(w.times[GAPS_INTENDED], w.extremes[GAPS_INTENDED], intended_ns - counters.previous_ns)
        histogram.count(w.times[GAPS_SENT], w.extremes[GAPS_SENT], now_ns - counters.previous_sent_ns)
    counters.previous_ns = intended_ns
    counters.previous_sent_ns = now_ns
    return bool(late)
