"""How each thread of a process tree spent a second or so: the sampler's account, refined by Python frames.

The account of :mod:`bench.threads.account` divides each thread's time. This module refines two of its states. A wait in
epoll is idle even if no server's clients are known: an event loop with nothing to do. And a wait at a place (system
call, argument, stack) where py-spy has seen the frames of a wait for work is idle too; a wait for a lock without a
snapshot stays unclear for now.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from bench.live.blocked import BLOCKED_IN, OTHER, blocked_in
from bench.live.meaning import Meaning
from bench.live.snapshots import StackSnapshot
from bench.live.tasks import TaskSamples
from bench.threads.account import CPU, RUN_QUEUE, STATES, Account, account
from bench.threads.sampler import Samples, StateAndPlace
from bench.threads.wait_state import Place, State, is_event_loop

GIL: Final = State.GIL.value
LOCK: Final = State.LOCK.value
OWN: Final = State.OWN.value
IDLE: Final = State.IDLE.value
WORK: Final = "work_wait"
UNCLEAR: Final = "unclear_wait"
KINDS: Final = (CPU, RUN_QUEUE, GIL, LOCK, OWN, IDLE, WORK, UNCLEAR)
"""WORK: in a lock, and its frames show a wait for work; UNCLEAR: in a lock, and its frames were not seen."""

_REMEMBERED: Final = 16
_FIRST_ADDRESS: Final = 1 << 20  # greater than any descriptor

Times = dict[str, float]
"""Seconds by each of :data:`KINDS`."""


@dataclass(frozen=True, slots=True)
class Spent:
    """How one thread spent its time.

    Attributes:
        pid: its process.
        times: by kind.
        seen: how often its frames were.
        work: how often they waited for work.
        turn: how often they sat in a lock and did not.
        blocked: how the time in :data:`OWN` divides, in seconds by those of :data:`~bench.live.blocked.BLOCKED_IN` that
            were met.
        ran: whether it was put on a CPU at all.
    """

    pid: int
    times: Times
    seen: int = 0
    work: int = 0
    turn: int = 0
    blocked: Times = field(default_factory=dict)
    ran: bool = True

    def __add__(self, other: Spent) -> Spent:
        times = {kind: self.times[kind] + other.times[kind] for kind in KINDS}
        blocked = {
            kind: self.blocked.get(kind, 0.0) + other.blocked.get(kind, 0.0)
            for kind in self.blocked.keys() | other.blocked.keys()
        }
        seen, work, turn = (self.seen + other.seen, self.work + other.work, self.turn + other.turn)
        return Spent(other.pid, times, seen, work, turn, blocked, self.ran or other.ran)


@dataclass(frozen=True, slots=True)
class Interval:
    """How all threads spent an interval.

    Attributes:
        wall_s: its length.
        threads: those that existed at both of its edges, by id.
        passing: the others together, as process 0.
        samples: number of samples.
        cost_s: CPU time of sampling.
        snapshots_cost_s: CPU time of py-spy.
        tasks: what asyncio tasks awaited; ``None``: they cannot be read.
    """

    wall_s: float
    threads: dict[int, Spent]
    passing: Spent
    samples: int
    cost_s: float
    snapshots_cost_s: float
    tasks: TaskSamples | None = None

    def __add__(self, other: Interval) -> Interval:
        threads = dict(self.threads)
        for tid, spent in other.threads.items():
            threads[tid] = threads[tid] + spent if tid in threads else spent
        return Interval(
            wall_s=self.wall_s + other.wall_s,
            threads=threads,
            passing=self.passing + other.passing,
            samples=self.samples + other.samples,
            cost_s=self.cost_s + other.cost_s,
            snapshots_cost_s=self.snapshots_cost_s + other.snapshots_cost_s,
            tasks=self.tasks.together(other.tasks) if self.tasks and other.tasks else self.tasks or other.tasks,
        )


@dataclass(slots=True)
class Places:
    """What threads waited for at their places, from the last few snapshots at each."""

    _known: dict[int, dict[Place, deque[bool]]] = field(default_factory=lambda: defaultdict(dict))

    def learn(self, snapshot: StackSnapshot) -> None:
        if snapshot.where is None or snapshot.meaning is Meaning.EITHER:
            return
        for where in {snapshot.where, _roughly(snapshot.where)}:
            known = self._known[snapshot.tid].setdefault(where, deque(maxlen=_REMEMBERED))
            known.append(snapshot.meaning is Meaning.WORK)

    def work(self, tid: int, where: Place | None) -> float | None:
        """Return the share of a thread's waits at a place that are for work; ``None``: no snapshot found it there."""
        known = self._known.get(tid, {}).get(where) if where is not None else None
        return sum(known) / len(known) if known else None

    def forget_all_but(self, tids: Iterable[int]) -> None:
        alive = set(tids)
        for tid in [tid for tid in self._known if tid not in alive]:
            del self._known[tid]


def _roughly(where: Place) -> Place:
    """Return a place without an argument that is an address, such as poll's list, which is new in each call."""
    return where if where.first_argument < _FIRST_ADDRESS else where._replace(first_argument=0)


def summarise_samples(
    samples: Samples, cpu_s: float, snapshots: list[StackSnapshot], snapshots_cost_s: float, places: Places
) -> Interval | None:
    """Return how the threads spent the sampled time; ``None`` if no thread was seen.

    Args:
        samples: the samples.
        cpu_s: CPU time of all processes within that time.
        snapshots: the stack snapshots of that time.
        snapshots_cost_s: CPU time that they took.
        places: what earlier snapshots showed, to which these are added.
    """
    found = account(samples, cpu_s)
    if found is None:
        return None
    for snapshot in snapshots:
        places.learn(snapshot)
    met = Counter((tid, doing) for _, tid, doing in samples.rows)
    finer = _finer(samples, met, places)
    counted = _count_frames({(tid, samples.doings[doing]) for tid, doing in met}, snapshots)
    blocked = {tid for tid, doing in met if samples.doings[doing][0] is not State.RUNNING}
    threads = {}
    for tid, one in found.each.items():
        shares = one.shares if tid in blocked else _never_blocked(one.shares)
        times = _times(shares, samples.wall_s, finer[tid])
        ran, blocked_s = tid not in samples.still, _divide_blocked(times[OWN], finer[tid])
        threads[tid] = Spent(samples.process_of[tid], times, *counted[tid], blocked_s, ran)
    others: dict[str, float] = defaultdict(float)
    for tid in finer.keys() - threads.keys():
        for kind, count in finer[tid].items():
            others[kind] += count
    passing = _times(_passing(found), 1.0, others)
    all_passing = Spent(0, passing, blocked=_divide_blocked(passing[OWN], others))
    return Interval(samples.wall_s, threads, all_passing, samples.count, samples.cost_s, snapshots_cost_s)


def _finer(samples: Samples, met: Counter[tuple[int, int]], places: Places) -> dict[int, dict[str, float]]:
    """Count, for each thread, its samples in locks and blocked, and how many of them are something else."""
    finer: dict[int, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for (tid, doing), times in met.items():
        state, where = samples.doings[doing]
        if state not in {State.LOCK, State.OWN}:
            continue
        counts = finer[tid]
        counts[state.value] += times
        if state is State.LOCK:
            work = places.work(tid, where)
            counts[WORK if work is not None else UNCLEAR] += times * (1.0 if work is None else work)
        else:
            loop = where is not None and is_event_loop(where)
            work = places.work(tid, None if where is None else _roughly(where))
            idle = 1.0 if loop else work or 0.0
            counts[IDLE] += times * idle
            kind = OTHER if where is None else blocked_in(samples.process_of[tid], where)
            counts[kind] += times * (1 - idle)
    return finer


def _divide_blocked(own_s: float, counts: Mapping[str, float]) -> Times:
    met = {kind: counts.get(kind, 0.0) for kind in BLOCKED_IN}
    whole = sum(met.values())
    return {kind: own_s * count / whole for kind, count in met.items() if count} if whole else {}


def _count_frames(
    met: set[tuple[int, StateAndPlace]], snapshots: list[StackSnapshot]
) -> dict[int, tuple[int, int, int]]:
    """Count, for each thread, its snapshots: all, in a wait for work, and in another wait for a lock."""
    locks = {(tid, where) for tid, (state, where) in met if state is State.LOCK}
    counted: dict[int, tuple[int, int, int]] = defaultdict(lambda: (0, 0, 0))
    for one in snapshots:
        if one.meaning is Meaning.EITHER:
            continue
        seen, work, turn = counted[one.tid]
        is_work = one.meaning is Meaning.WORK
        is_turn = one.meaning is Meaning.TURN or (one.meaning is None and (one.tid, one.where) in locks)
        counted[one.tid] = seen + 1, work + is_work, turn + is_turn
    return counted


def _never_blocked(shares: dict[str, float]) -> dict[str, float]:
    """Return the shares of a thread that ran or wanted to: the kernel counts a wait for a CPU only when it is over."""
    return dict.fromkeys(shares, 0.0) | {CPU: shares[CPU], RUN_QUEUE: 1 - shares[CPU]}


def _times(shares: dict[str, float], wall_s: float, finer: dict[str, float]) -> Times:
    times = {state: share * wall_s for state, share in shares.items()}
    lock_s, own_s = times[LOCK], times[OWN]
    work_s, unclear_s = (lock_s * finer.get(kind, 0) / max(1, finer.get(LOCK, 0)) for kind in (WORK, UNCLEAR))
    idle_s = own_s * finer.get(IDLE, 0) / max(1, finer.get(OWN, 0))
    return {
        CPU: times[CPU],
        RUN_QUEUE: times[RUN_QUEUE],
        GIL: times[GIL],
        LOCK: max(0.0, lock_s - work_s - unclear_s),
        OWN: max(0.0, own_s - idle_s),
        IDLE: times[IDLE] + times[State.CLIENT.value] + idle_s,
        WORK: work_s,
        UNCLEAR: unclear_s,
    }


def _passing(found: Account) -> dict[str, float]:
    """Return the seconds of the threads that came and went: those of all threads minus those of the others."""
    whole = {state: sum(role.threads * role.shares[state] for role in found.roles) for state in STATES}
    others = {state: sum(one.threads * one.shares[state] for one in found.each.values()) for state in STATES}
    return {state: max(0.0, whole[state] - others[state]) * found.wall_s for state in STATES}
