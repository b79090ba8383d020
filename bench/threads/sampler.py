"""Sampler of every thread of a server, a few hundred times per second or as often as its cost allows.

The times between two samples are random, so that nothing periodic in the server, such as the switch interval, is always
sampled in the same phase. Sampling neither stops a thread nor needs its cooperation.
"""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from bench.threads.descriptors import Descriptors, listeners
from bench.threads.tree import Scheduled, Thread, Tree
from bench.threads.wait_state import RUNNING_LINE, Place, State, classify, is_supported, parse, place

COST_CORES: Final = 0.02  # limit on the cost of sampling: 1% of a machine with two CPUs
QUIET_CORES: Final = 0.05
"""CPU-seconds per second below which a server counts as one without load."""
FASTEST_S: Final = 1 / 300
FIRST_S: Final = 1 / 50
SLOWEST_S: Final = 1 / 10

_QUIET_WITHIN_S: Final = 0.5
_BETWEEN_S: Final = 0.005
_ASLEEP_S: Final = 0.015
_QUIET_TRIES: Final = 5

StateAndPlace = tuple[State, Place | None]


@dataclass(slots=True)
class Samples:
    """Samples of all threads between two edges.

    Attributes:
        root: pid of the server.
        wall_s: time from one edge to the other.
        count: number of samples.
        rows: one for each thread and sample: number of the sample, id of the thread, index into ``doings``.
        doings: states, each with the place where a thread waited.
        exact_ns: CPU and run-queue time of the threads that existed at both edges.
        still: those of them that were not put on a CPU once.
        of_the_kernel: threads that the kernel started, for io_uring.
        process_of: process of each thread seen.
        waiting: connections in the listening socket's queue, for each sample; empty where unknown.
        cost_s: CPU time of sampling.
        idle_places: where each thread waited while the server had no load.
    """

    root: int
    wall_s: float = 0.0
    count: int = 0
    rows: list[tuple[int, int, int]] = field(default_factory=list)
    doings: list[StateAndPlace] = field(default_factory=list)
    exact_ns: dict[int, tuple[int, int]] = field(default_factory=dict)
    still: set[int] = field(default_factory=set)
    of_the_kernel: set[int] = field(default_factory=set)
    process_of: dict[int, int] = field(default_factory=dict)
    waiting: list[int] = field(default_factory=list)
    cost_s: float = 0.0
    idle_places: dict[int, set[Place]] = field(default_factory=dict)

    def without(self, pids: Collection[int]) -> Samples:
        """Return the samples of the other processes' threads."""
        out = {tid for tid, pid in self.process_of.items() if pid in pids}
        if not out:
            return self
        return replace(
            self,
            rows=[row for row in self.rows if row[1] not in out],
            exact_ns={tid: exact for tid, exact in self.exact_ns.items() if tid not in out},
            still=self.still - out,
            of_the_kernel=self.of_the_kernel - out,
            process_of={tid: pid for tid, pid in self.process_of.items() if tid not in out},
        )


def next_gap_s(gap_s: float, cost_s: float) -> float:
    """Return the mean time to the next sample, such that the cost of sampling approaches :data:`COST_CORES`.

    It changes slowly, so that one expensive sample among cheap ones does not matter.

    Args:
        gap_s: mean time to the last sample.
        cost_s: CPU time of the last sample.
    """
    return min(max(0.8 * gap_s + 0.2 * cost_s / COST_CORES, FASTEST_S), SLOWEST_S)


class Sampler:
    """Samples a server from :meth:`begin` to :meth:`end`, in a separate thread.

    Raises:
        OSError: the server has ended, may not be inspected, or sampling is not available on this system.
    """

    def __init__(self, pid: int, ports: frozenset[int]) -> None:
        if not is_supported():
            raise OSError(0, "its system calls on this kind of machine are not known")
        self._tree = Tree(pid, ports)
        self._samples = Samples(pid)
        self._index: dict[StateAndPlace, int] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._chance = random.Random(pid)  # noqa: S311 - times, not secrets
        self._edge: dict[int, Scheduled] = {}
        self._began_s = 0.0
        self._lock = threading.Lock()
        self._listener: Descriptors | None = None
        try:
            self._listener_fd = next(iter(listeners(pid, ports)), -1)
            self._listener = Descriptors(pid, ports)
        except OSError:
            self._tree.close()
            raise

    def begin(self) -> None:
        """Start sampling."""
        self._tree.refresh()
        self._began_s, self._edge = time.monotonic(), self._read_schedstat()
        self._thread.start()

    def end(self) -> None:
        """Stop sampling."""
        self._over.set()
        self._thread.join()
        self._close_window()

    def cut(self) -> Samples:
        """Return the samples since :meth:`begin` or the last cut, and continue sampling."""
        began_s = time.thread_time()
        with self._lock:
            seen = self._samples
            self._began_s, self._edge = self._close_window()
            self._samples, self._index = Samples(seen.root), {}
        seen.cost_s += time.thread_time() - began_s
        return seen

    def _close_window(self) -> tuple[float, dict[int, Scheduled]]:
        """Store the times used since the window's first edge, and return its last edge."""
        samples, after, now_s = self._samples, self._read_schedstat(), time.monotonic()
        samples.wall_s = now_s - self._began_s
        for tid in self._edge.keys() & after.keys():
            first, last = self._edge[tid], after[tid]
            samples.exact_ns[tid] = last.cpu_ns - first.cpu_ns, last.queued_ns - first.queued_ns
            if first == last:
                samples.still.add(tid)
        # One that wants a CPU and gets none is not still.
        samples.still -= {tid for _, tid, doing in samples.rows if samples.doings[doing][0] is State.RUNNING}
        samples.of_the_kernel = {tid for tid, thread in self._tree.threads.items() if thread.of_the_kernel}
        return now_s, after

    def sample_idle(self) -> Samples:
        """Return the samples; call it when the load has ended, so that waiting for work can be recognised.

        Where a thread of a server without clients sleeps, it is idle, even if the kernel can only report a lock. If a
        server is never seen without clients, such waits keep the state that the kernel reports.
        """
        with contextlib.closing(self):
            quiet_by_s = time.monotonic() + _QUIET_WITHIN_S
            while not self._quiet() and time.monotonic() < quiet_by_s:
                time.sleep(_BETWEEN_S)
            for _ in range(_QUIET_TRIES):  # a thread may still be tidying up after the last client
                before = self._asleep()
                time.sleep(_ASLEEP_S)
                if self._quiet():
                    self._note_idle_places(before)
                if self._tree.threads.keys() <= self._samples.idle_places.keys():
                    break
        return self._samples

    def learn_quiet(self, duration_s: float) -> float:
        """Learn where threads wait while the server has no load, before :meth:`begin`.

        Returns:
            CPU-seconds per second that its threads used meanwhile: nearly none, if it really had none.
        """
        self._tree.refresh()
        began_s, first = time.monotonic(), self._read_schedstat()
        while (left_s := began_s + duration_s - time.monotonic()) > 0:
            before = self._asleep()
            time.sleep(min(left_s, _ASLEEP_S))
            self._tree.refresh()
            self._note_idle_places(before)
        last = self._read_schedstat()
        used_ns = sum(last[tid].cpu_ns - first[tid].cpu_ns for tid in first.keys() & last.keys())
        return used_ns / 1e9 / (time.monotonic() - began_s)

    def _note_idle_places(self, before: set[tuple[int, Place]]) -> None:
        """Note where threads still wait that waited there ``before``."""
        for tid, where in before & self._asleep():
            self._samples.idle_places.setdefault(tid, set()).add(where)

    def _quiet(self) -> bool:
        self._tree.refresh()
        return self._waiting() == 0 and not self._tree.has_clients()

    def _asleep(self) -> set[tuple[int, Place]]:
        """Return where each thread waits."""
        return {(thread.tid, where) for thread, (_, where) in self._observe() if where is not None}

    def close(self) -> None:
        """Release everything; can be called at any time, and twice."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()
        self._tree.close()
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def _run(self) -> None:
        gap_s = FIRST_S
        while not self._over.wait(gap_s * self._chance.uniform(0.5, 1.5)):
            with self._lock:
                began_s = time.thread_time()
                self._sample()
                cost_s = time.thread_time() - began_s
                self._samples.cost_s += cost_s
            gap_s = next_gap_s(gap_s, cost_s)

    def _sample(self) -> None:
        samples = self._samples
        self._tree.refresh()
        for thread, doing in self._observe():
            index = self._index.setdefault(doing, len(samples.doings))
            if index == len(samples.doings):
                samples.doings.append(doing)
            samples.rows.append((samples.count, thread.tid, index))
            samples.process_of[thread.tid] = thread.process.pid
        waiting = self._waiting()
        if waiting is not None:
            samples.waiting.append(waiting)
        samples.count += 1

    def _waiting(self) -> int | None:
        """Return how many connections have not been accepted yet."""
        return (
            self._listener.backlog(self._listener_fd) if self._listener is not None and self._listener_fd >= 0 else None
        )

    def _observe(self) -> Iterator[tuple[Thread, StateAndPlace]]:
        """Yield the state of each thread; if one has ended, another may have begun, so new threads are sampled too."""
        new = list(self._tree.threads.values())
        seen: set[int] = set()
        while new:
            for thread in new:
                seen.add(thread.tid)
                try:
                    line = thread.line()
                    call = None if line == RUNNING_LINE else parse(line)
                except (OSError, ValueError):
                    self._tree.forget(thread)
                    continue
                yield thread, (classify(call, thread.process), None if call is None else place(call))
            lost = any(thread.tid not in self._tree.threads for thread in new)
            if lost:
                self._tree.refresh()
            new = [thread for tid, thread in self._tree.threads.items() if tid not in seen] if lost else []

    def _read_schedstat(self) -> dict[int, Scheduled]:
        found = {}
        for tid, thread in self._tree.threads.items():
            with contextlib.suppress(OSError):
                found[tid] = thread.scheduled()
        return found
