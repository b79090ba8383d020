"""Exact times and samples become shares: how the time of a server's threads divides.

CPU and run queue are the kernel's own counts. The rest of a thread's time it was blocked, and its samples say in what,
in proportion. Threads that lived at one edge of the window only, or within it, are known by their samples alone: their
CPU time is what the tree used in all less what the others did, and they make the account an estimate.

The error of a share is that of batch means: the window in a row of batches, each with a share of its own, whose spread
tells that of the whole even where one look is like the next (Alexopoulos and Seila, Output Data Analysis, in Handbook
of Simulation, 1998).
"""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from bench.schema import thread_state
from bench.threads.sampler import Doing, Looks
from bench.threads.wait_state import State, in_event_loop

BATCHES: Final = 16

MAIN: Final = "main"
WORKER: Final = "worker"
LOOP: Final = "event loop"
POOL: Final = "pool"

CPU: Final = thread_state.CPU.key
RUN_QUEUE: Final = thread_state.RUN_QUEUE.key
BLOCKED: Final = tuple(state for state in State if state is not State.RUNNING)
STATES: Final = (CPU, RUN_QUEUE, *(state.value for state in BLOCKED))

Times = dict[str, float]
"""Seconds by each of :data:`STATES`."""


@dataclass(frozen=True, slots=True)
class Role:
    """What a group of threads did.

    Attributes:
        name: "main" (accepts, or supervises), "worker", "event loop" or "pool".
        threads: how many there were, on average over the window.
        shares: of their time, by each of :data:`STATES`; they sum to 1.
    """

    name: str
    threads: float
    shares: Times


@dataclass(frozen=True, slots=True)
class Account:
    """How a server's time divides.

    Attributes:
        wall_s: length of the window.
        roles: by role.
        each: the same for each thread that lived at both edges, by its id.
        errors: standard error of each share that rests on samples, over the serving threads.
        looks: how often was looked.
        cost_cores: what looking cost.
        waiting: mean number of connections that no worker had taken; ``None`` where unknown.
        estimated: threads came and went.
    """

    wall_s: float
    roles: tuple[Role, ...]
    each: dict[int, Role]
    errors: Times
    looks: int
    cost_cores: float
    waiting: float | None
    estimated: bool

    @property
    def serving(self) -> Role:
        """Those that serve, as one: all but a main thread that has others to serve for it."""
        return _together("serving", [role for role in self.roles if _serves(role.name, self.roles)])


def account(looks: Looks, cpu_s: float) -> Account | None:
    """Return the account of a window; ``None`` if nothing was seen.

    Args:
        looks: what was seen.
        cpu_s: CPU time of the whole tree within the window.
    """
    seen = _seen(looks)
    if not seen or looks.wall_s <= 0:
        return None
    roles = _roles(looks, seen)
    exact_cpu_s = sum(cpu for cpu, _ in looks.exact_ns.values()) / 1e9
    passing = [tid for tid in seen if tid not in looks.exact_ns]
    # A running thread's count lags by up to a tick; the clocks of the processes do not.
    scale = cpu_s / exact_cpu_s if not passing and exact_cpu_s > 0 else 1.0
    per_role: dict[str, list[Times]] = defaultdict(list)
    each = {}
    for tid in seen.keys() & looks.exact_ns.keys():
        times = _exact(looks, seen[tid], tid, scale)
        per_role[roles[tid]].append(times)
        each[tid] = _role(roles[tid], looks.wall_s, [times])
    left_s = max(0.0, cpu_s - exact_cpu_s)
    for name, times in _passing(looks, {tid: seen[tid] for tid in passing}, roles, left_s):
        per_role[name].append(times)
    found = tuple(_role(name, looks.wall_s, times) for name, times in sorted(per_role.items()))
    serving = {tid for tid, name in roles.items() if _serves(name, found)}
    return Account(
        wall_s=looks.wall_s,
        roles=found,
        each=each,
        errors=_errors(looks, serving),
        looks=looks.count,
        cost_cores=looks.cost_s / looks.wall_s,
        waiting=statistics.fmean(looks.waiting) if looks.waiting else None,
        estimated=bool(passing),
    )


def _state(looks: Looks, tid: int, doing: int) -> State:
    """Return a sample's state; who waits where an idle server waits is idle, whatever the kernel calls it."""
    state, where = looks.doings[doing]
    unclear = state in {State.LOCK, State.OWN} and where is not None
    return State.IDLE if unclear and where in looks.idle_places.get(tid, ()) else state


def _seen(looks: Looks) -> dict[int, Counter[State]]:
    seen: dict[int, Counter[State]] = defaultdict(Counter)
    for _, tid, doing in looks.samples:
        seen[tid][_state(looks, tid, doing)] += 1
    return dict(seen)


def _roles(looks: Looks, seen: dict[int, Counter[State]]) -> dict[int, str]:
    loops = {tid for _, tid, doing in looks.samples if _turns(looks.doings[doing])}
    loops |= {tid for tid, places in looks.idle_places.items() if any(map(in_event_loop, places))}  # one always busy
    helped = looks.root in loops
    alone = all(set(states) <= {State.IDLE} for tid, states in seen.items() if tid != looks.root)
    roles = {}
    for tid in seen:
        if tid in loops:
            roles[tid] = LOOP
        elif helped:
            roles[tid] = POOL
        else:
            roles[tid] = MAIN if tid == looks.root and not alone else WORKER
    return roles


def _turns(doing: Doing) -> bool:
    """Tell whether a thread was seen in its event loop's wait for the server's clients."""
    state, where = doing
    return state is State.IDLE and where is not None and in_event_loop(where)


def _serves(name: str, roles: Iterable[Role]) -> bool:
    return name != MAIN or all(role.name == MAIN for role in roles)


def _exact(looks: Looks, states: Counter[State], tid: int, scale: float) -> Times:
    cpu_ns, queued_ns = looks.exact_ns[tid]
    wall_s = looks.wall_s
    cpu_s = min(cpu_ns / 1e9 * scale, wall_s)
    queued_s = min(queued_ns / 1e9, wall_s - cpu_s)
    return {CPU: cpu_s, RUN_QUEUE: queued_s} | _divided(wall_s - cpu_s - queued_s, states)


def _passing(
    looks: Looks, seen: dict[int, Counter[State]], roles: dict[int, str], cpu_s: float
) -> Iterable[tuple[str, Times]]:
    """Yield the times of those that came and went, role by role."""
    by_role: dict[str, Counter[State]] = defaultdict(Counter)
    for tid, states in seen.items():
        by_role[roles[tid]] += states
    look_s = looks.wall_s / looks.count
    running = sum(states[State.RUNNING] for states in by_role.values())
    for name, states in by_role.items():
        running_s = states[State.RUNNING] * look_s
        used_s = cpu_s * states[State.RUNNING] / running if running else cpu_s / len(by_role)
        blocked_s = (states.total() - states[State.RUNNING]) * look_s
        yield name, {CPU: used_s, RUN_QUEUE: max(0.0, running_s - used_s)} | _divided(blocked_s, states)


def _divided(blocked_s: float, states: Counter[State]) -> Times:
    """Divide time among the states in which a thread was blocked, as they were seen."""
    blocked = sum(states[state] for state in BLOCKED)
    if not blocked:  # too short for any look to meet it
        return {state.value: blocked_s * (state is State.IDLE) for state in BLOCKED}
    return {state.value: blocked_s * states[state] / blocked for state in BLOCKED}


def _role(name: str, wall_s: float, all_times: list[Times]) -> Role:
    total_s = sum(map(sum, (times.values() for times in all_times)))
    shares = {state: sum(times[state] for times in all_times) / total_s if total_s else 0.0 for state in STATES}
    return Role(name, total_s / wall_s, shares)


def _together(name: str, roles: list[Role]) -> Role:
    threads = sum(role.threads for role in roles)
    shares = {
        state: sum(role.shares[state] * role.threads for role in roles) / threads if threads else 0.0
        for state in STATES
    }
    return Role(name, threads, shares)


def _errors(looks: Looks, serving: set[int]) -> Times:
    batches = min(BATCHES, looks.count)
    counts = [Counter[State]() for _ in range(batches)]
    for look, tid, doing in looks.samples:
        if tid in serving:
            counts[look * batches // looks.count][_state(looks, tid, doing)] += 1
    shares = [{state: batch[state] / batch.total() for state in BLOCKED} for batch in counts if batch.total()]
    if len(shares) < 2:
        return {}
    return {state.value: statistics.stdev(share[state] for share in shares) / len(shares) ** 0.5 for state in BLOCKED}
