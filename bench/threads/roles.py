"""What each thread of a server is for, from what it does: which threads serve, and which only belong to the server.

A server that nobody here wrote has threads that do not serve: supervisors, trackers, health checks, pools that nobody
uses. Their waits would dilute the shares of those that do, so they are counted, and are in no share of the whole.
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from bench.threads.sampler import Samples, StateAndPlace
from bench.threads.wait_state import State, is_event_loop

MAIN: Final = "main"
"""Accepts, or supervises, while others serve."""
WORKER: Final = "worker"
LOOP: Final = "event loop"
POOL: Final = "pool"
"""Works for an event loop in the server's first thread."""
HELPER: Final = "helper"
"""Hardly runs, and otherwise waits nearly always where it waits without load; or belongs to the kernel."""
BYSTANDER: Final = "never ran"
"""Was not put on a CPU once."""

SERVING: Final = frozenset({WORKER, LOOP, POOL})
HARDLY: Final = 0.1
"""A thread hardly runs if it uses less than this share of the mean CPU time of the threads that run."""
AWAY: Final = 0.02
"""Share of its time that a helper may wait elsewhere: it waits for the GIL when it wakes."""


def serving(names: Iterable[str]) -> frozenset[str]:
    """Return which of the roles of a server serve: where none of them is known to, all of them."""
    found = frozenset(names)
    return found & SERVING or found


def name_roles(samples: Samples, seen: Mapping[int, Counter[State]]) -> dict[int, str]:
    """Return the role of each thread.

    Args:
        samples: the samples of a window.
        seen: how often each of its threads was in each state.
    """
    apart = dict.fromkeys(samples.of_the_kernel, HELPER) | dict.fromkeys(_helpers(samples), HELPER)
    if samples.still != samples.exact_ns.keys():  # a server in which nothing ran has no load
        apart |= dict.fromkeys(samples.still, BYSTANDER)
    rest = {tid: states for tid, states in seen.items() if tid not in apart or tid == samples.root}
    loops = {tid for _, tid, doing in samples.rows if _turns(samples.doings[doing])}
    loops |= {tid for tid, places in samples.idle_places.items() if any(map(is_event_loop, places))}  # always busy
    loops -= apart.keys()
    helped = samples.root in loops
    alone = all(set(states) <= {State.IDLE} for tid, states in rest.items() if tid != samples.root)
    roles = {tid: name for tid, name in apart.items() if tid in seen}
    for tid in rest:
        if tid in loops:
            roles[tid] = LOOP
        elif helped:
            roles[tid] = POOL
        elif tid == samples.root and not alone:
            roles[tid] = MAIN
        else:
            roles.setdefault(tid, WORKER)
    return roles


def _helpers(samples: Samples) -> set[int]:
    """Return the threads that hardly ran and otherwise nearly always waited where they wait without load."""
    ran = {tid: cpu_ns for tid, (cpu_ns, _) in samples.exact_ns.items() if tid not in samples.still}
    met = Counter(tid for _, tid, _ in samples.rows)
    away = Counter(tid for _, tid, doing in samples.rows if not _at_rest(samples, tid, samples.doings[doing]))
    bound_ns = HARDLY * statistics.fmean(ran.values()) if ran else 0.0
    hardly = {tid for tid, cpu_ns in ran.items() if cpu_ns < bound_ns and tid in samples.idle_places}
    return {tid for tid in hardly if away[tid] <= AWAY * met[tid]}


def _at_rest(samples: Samples, tid: int, doing: StateAndPlace) -> bool:
    state, where = doing
    return state in {State.RUNNING, State.IDLE} or where in samples.idle_places.get(tid, ())


def _turns(doing: StateAndPlace) -> bool:
    """Return whether a thread was seen in its event loop's wait for the server's clients."""
    state, where = doing
    return state is State.IDLE and where is not None and is_event_loop(where)
