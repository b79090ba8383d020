"""Looking at every thread of a server a few hundred times a second, as often as the cost of it allows.

The times between two looks are random, so that nothing periodic in the server, as the switch interval, is met always in
the same phase. No look stops a thread, and none needs its help.
"""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from bench.threads.descriptors import Descriptors, doors
from bench.threads.tree import Thread, Tree
from bench.threads.wait_state import RUNNING_LINE, Place, State, classify, is_supported, parse, place

COST_CORES: Final = 0.02  # what looking may cost: 1% of a machine of two CPUs
FASTEST_S: Final = 1 / 300
FIRST_S: Final = 1 / 50
SLOWEST_S: Final = 1 / 10

_QUIET_WITHIN_S: Final = 0.5
_BETWEEN_S: Final = 0.005
_ASLEEP_S: Final = 0.015
_QUIET_TRIES: Final = 5

Doing = tuple[State, Place | None]


@dataclass(slots=True)
class Looks:
    """What was seen between two edges; rows of ``samples`` are look, thread's id, index into ``doings``.

    Attributes:
        root: pid of the server.
        wall_s: from one edge to the other.
        count: of looks.
        samples: one for each thread and look.
        doings: states, and where a thread waited.
        exact_ns: CPU and run-queue time of the threads that lived at both edges.
        process_of: of each thread seen.
        waiting: connections in the listening socket's queue, for each look; empty where unknown.
        cost_s: CPU time of looking.
        idle_places: where each thread waited when there was no load any more.
    """

    root: int
    wall_s: float = 0.0
    count: int = 0
    samples: list[tuple[int, int, int]] = field(default_factory=list)
    doings: list[Doing] = field(default_factory=list)
    exact_ns: dict[int, tuple[int, int]] = field(default_factory=dict)
    process_of: dict[int, int] = field(default_factory=dict)
    waiting: list[int] = field(default_factory=list)
    cost_s: float = 0.0
    idle_places: dict[int, set[Place]] = field(default_factory=dict)


def next_gap_s(gap_s: float, cost_s: float) -> float:
    """Return the mean time to the next look, such that looking comes to cost :data:`COST_CORES`.

    It changes slowly, so that one expensive look among cheap ones does not matter.

    Args:
        gap_s: mean time to the last look.
        cost_s: CPU time of the last look.
    """
    return min(max(0.8 * gap_s + 0.2 * cost_s / COST_CORES, FASTEST_S), SLOWEST_S)


class Sampler:
    """Looks at a server from :meth:`begin` to :meth:`end`, in a thread of its own.

    Raises:
        OSError: the server has gone, is not ours to look at, or the system does not tell.
    """

    def __init__(self, pid: int, ports: frozenset[int]) -> None:
        if not is_supported():
            raise OSError(0, "its system calls on this kind of machine are not known")
        self._tree = Tree(pid, ports)
        self._looks = Looks(pid)
        self._index: dict[Doing, int] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._chance = random.Random(pid)  # noqa: S311 - times, not secrets
        self._edge: dict[int, tuple[int, int]] = {}
        self._began_s = 0.0
        self._looking = threading.Lock()
        self._door: Descriptors | None = None
        try:
            self._door_fd = next(iter(doors(pid, ports)), -1)
            self._door = Descriptors(pid, ports)
        except OSError:
            self._tree.close()
            raise

    def begin(self) -> None:
        """Start looking."""
        self._tree.refresh()
        self._began_s, self._edge = time.monotonic(), self._scheduled()
        self._thread.start()

    def end(self) -> None:
        """Look no more."""
        self._over.set()
        self._thread.join()
        self._close_window()

    def cut(self) -> Looks:
        """Return what was seen since :meth:`begin`, or since it was last cut, and go on looking."""
        began_s = time.thread_time()
        with self._looking:
            seen = self._looks
            self._began_s, self._edge = self._close_window()
            self._looks, self._index = Looks(seen.root), {}
        seen.cost_s += time.thread_time() - began_s
        return seen

    def _close_window(self) -> tuple[float, dict[int, tuple[int, int]]]:
        """Take note of what was used since the window's first edge, and return its last."""
        looks, after, now_s = self._looks, self._scheduled(), time.monotonic()
        looks.wall_s = now_s - self._began_s
        for tid in self._edge.keys() & after.keys():
            (cpu, queued), (cpu_after, queued_after) = self._edge[tid], after[tid]
            looks.exact_ns[tid] = cpu_after - cpu, queued_after - queued
        return now_s, after

    def without_load(self) -> Looks:
        """Return what was seen; to be called when the load has gone, so that waiting for work can be recognised.

        Where a thread of a server without clients sleeps it is idle, even if the kernel can only say "in a lock".
        Where a server is never seen without clients, such waits stay what they seem.
        """
        with contextlib.closing(self):
            quiet_by_s = time.monotonic() + _QUIET_WITHIN_S
            while not self._quiet() and time.monotonic() < quiet_by_s:
                time.sleep(_BETWEEN_S)
            for _ in range(_QUIET_TRIES):  # a thread may still be tidying up after the last client
                before = self._asleep()
                time.sleep(_ASLEEP_S)
                if self._quiet():
                    for tid, where in before & self._asleep():
                        self._looks.idle_places.setdefault(tid, set()).add(where)
                if self._tree.threads.keys() <= self._looks.idle_places.keys():
                    break
        return self._looks

    def _quiet(self) -> bool:
        self._tree.refresh()
        return self._waiting() == 0 and not self._tree.has_clients()

    def _asleep(self) -> set[tuple[int, Place]]:
        """Return where each thread waits."""
        return {(thread.tid, where) for thread, (_, where) in self._seen() if where is not None}

    def close(self) -> None:
        """Let go of everything; can be called at any time, and twice."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()
        self._tree.close()
        if self._door is not None:
            self._door.close()
            self._door = None

    def _run(self) -> None:
        gap_s = FIRST_S
        while not self._over.wait(gap_s * self._chance.uniform(0.5, 1.5)):
            with self._looking:
                began_s = time.thread_time()
                self._look()
                cost_s = time.thread_time() - began_s
                self._looks.cost_s += cost_s
            gap_s = next_gap_s(gap_s, cost_s)

    def _look(self) -> None:
        looks = self._looks
        self._tree.refresh()
        for thread, doing in self._seen():
            index = self._index.setdefault(doing, len(looks.doings))
            if index == len(looks.doings):
                looks.doings.append(doing)
            looks.samples.append((looks.count, thread.tid, index))
            looks.process_of[thread.tid] = thread.process.pid
        waiting = self._waiting()
        if waiting is not None:
            looks.waiting.append(waiting)
        looks.count += 1

    def _waiting(self) -> int | None:
        """Return how many connections nobody has taken yet."""
        return self._door.backlog(self._door_fd) if self._door is not None and self._door_fd >= 0 else None

    def _seen(self) -> Iterator[tuple[Thread, Doing]]:
        """Yield what each thread does; where one has ended another may have begun, so there it looks again."""
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

    def _scheduled(self) -> dict[int, tuple[int, int]]:
        found = {}
        for tid, thread in self._tree.threads.items():
            with contextlib.suppress(OSError):
                found[tid] = thread.scheduled_ns()
        return found
