"""Shares of the time of a server's threads, from exact times and samples.

CPU and run-queue times are the kernel's own counts. For the rest of its time a thread was blocked; that time is divided
in proportion to what its samples show. Threads that existed at only one edge of the window, or only between the edges,
are known from their samples alone: their CPU time is that of the tree minus that of the other threads, and they make
the account an estimate.

The error of a share is estimated by batch means: the window is divided into consecutive batches, each with its own
share, and their spread estimates the error of the whole even if successive samples are alike (Alexopoulos and Seila,
Output Data Analysis, in Handbook of Simulation, 1998).
"""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from bench.schema import thread_state
from bench.threads.roles import name_roles, serving
from bench.threads.sampler import Samples
from bench.threads.wait_state import State

BATCHES: Final = 16

CPU: Final = thread_state.CPU.key
RUN_QUEUE: Final = thread_state.RUN_QUEUE.key
BLOCKED: Final = tuple(state for state in State if state is not State.RUNNING)
STATES: Final = (CPU, RUN_QUEUE, *(state.value for state in BLOCKED))

Times = dict[str, float]
"""Seconds by each of :data:`STATES`."""


@dataclass(frozen=True, slots=True)
class Role:
    """Shares of the time of a group of threads.

    Attributes:
        name: one of :mod:`bench.threads.roles`.
        threads: mean number of threads over the window.
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
        roles: the shares by role.
        each: the same for each thread that existed at both edges, by its id.
        errors: standard error of each share that is based on samples, over the serving threads.
        samples: number of samples.
        overhead_cores: CPU-seconds per second that sampling took.
        waiting: mean number of connections that no worker had taken; ``None`` where unknown.
        estimated: threads came and went.
    """

    wall_s: float
    roles: tuple[Role, ...]
    each: dict[int, Role]
    errors: Times
    samples: int
    overhead_cores: float
    waiting: float | None
    estimated: bool

    @property
    def serving(self) -> Role:
        """The serving threads as one role, see :func:`bench.threads.roles.serving`."""
        return _together("serving", [role for role in self.roles if role.name in serving(self._names)])

    @property
    def _names(self) -> list[str]:
        return [role.name for role in self.roles]


def account(samples: Samples, cpu_s: float) -> Account | None:
    """Return the account of a window; ``None`` if no thread was sampled.

    Args:
        samples: samples of the window.
        cpu_s: CPU time of the whole tree within the window.
    """
    seen = _count_states(samples)
    if not seen or samples.wall_s <= 0:
        return None
    roles = name_roles(samples, seen)
    exact_cpu_s = sum(cpu for cpu, _ in samples.exact_ns.values()) / 1e9
    passing = [tid for tid in seen if tid not in samples.exact_ns]
    # A running thread's counter lags by up to a tick; the processes' clocks do not.
    scale = cpu_s / exact_cpu_s if not passing and exact_cpu_s > 0 else 1.0
    per_role: dict[str, list[Times]] = defaultdict(list)
    each = {}
    for tid in seen.keys() & samples.exact_ns.keys():
        times = _exact(samples, seen[tid], tid, scale)
        per_role[roles[tid]].append(times)
        each[tid] = _role(roles[tid], samples.wall_s, [times])
    left_s = max(0.0, cpu_s - exact_cpu_s)
    for name, times in _passing(samples, {tid: seen[tid] for tid in passing}, roles, left_s):
        per_role[name].append(times)
    found = tuple(_role(name, samples.wall_s, times) for name, times in sorted(per_role.items()))
    serve = serving(role.name for role in found)
    return Account(
        wall_s=samples.wall_s,
        roles=found,
        each=each,
        errors=_errors(samples, {tid for tid, name in roles.items() if name in serve}),
        samples=samples.count,
        overhead_cores=samples.cost_s / samples.wall_s,
        waiting=statistics.fmean(samples.waiting) if samples.waiting else None,
        estimated=bool(passing),
    )


def _state(samples: Samples, tid: int, doing: int) -> State:
    """Return a sample's state; a thread that waits where it waits in an idle server is idle."""
    state, where = samples.doings[doing]
    unclear = state in {State.LOCK, State.OWN} and where is not None
    return State.IDLE if unclear and where in samples.idle_places.get(tid, ()) else state


def _count_states(samples: Samples) -> dict[int, Counter[State]]:
    seen: dict[int, Counter[State]] = defaultdict(Counter)
    for _, tid, doing in samples.rows:
        seen[tid][_state(samples, tid, doing)] += 1
    return dict(seen)


def _exact(samples: Samples, states: Counter[State], tid: int, scale: float) -> Times:
    cpu_ns, queued_ns = samples.exact_ns[tid]
    wall_s = samples.wall_s
    cpu_s = min(cpu_ns / 1e9 * scale, wall_s)
    queued_s = min(queued_ns / 1e9, wall_s - cpu_s)
    return {CPU: cpu_s, RUN_QUEUE: queued_s} | _divide(wall_s - cpu_s - queued_s, states)


def _passing(
    samples: Samples, seen: dict[int, Counter[State]], roles: dict[int, str], cpu_s: float
) -> Iterable[tuple[str, Times]]:
    """Yield the times of threads that came and went, role by role."""
    by_role: dict[str, Counter[State]] = defaultdict(Counter)
    for tid, states in seen.items():
        by_role[roles[tid]] += states
    sampling_s = samples.wall_s / samples.count
    running = sum(states[State.RUNNING] for states in by_role.values())
    for name, states in by_role.items():
        running_s = states[State.RUNNING] * sampling_s
        used_s = cpu_s * states[State.RUNNING] / running if running else cpu_s / len(by_role)
        blocked_s = (states.total() - states[State.RUNNING]) * sampling_s
        yield name, {CPU: used_s, RUN_QUEUE: max(0.0, running_s - used_s)} | _divide(blocked_s, states)


def _divide(blocked_s: float, states: Counter[State]) -> Times:
    """Divide blocked time among states, in proportion to a thread's samples."""
    blocked = sum(states[state] for state in BLOCKED)
    if not blocked:  # too short for any sample to catch it
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


def _errors(samples: Samples, tids: set[int]) -> Times:
    batches = min(BATCHES, samples.count)
    counts = [Counter[State]() for _ in range(batches)]
    for sample, tid, doing in samples.rows:
        if tid in tids:
            counts[sample * batches // samples.count][_state(samples, tid, doing)] += 1
    shares = [{state: batch[state] / batch.total() for state in BLOCKED} for batch in counts if batch.total()]
    if len(shares) < 2:
        return {}
    return {state.value: statistics.stdev(share[state] for share in shares) / len(shares) ** 0.5 for state in BLOCKED}
