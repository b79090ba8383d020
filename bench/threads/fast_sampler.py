"""Timeline sampler of every thread of a server, a thousand times per second or as often as its cost allows."""

from __future__ import annotations

import contextlib
import itertools
import os
import threading
import time
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from bench.threads.fast_sample import GONE, NEW, RUNNING, make_buffer, sample
from bench.threads.sampler import Sampler
from bench.threads.timeline import ABSENT, CODE, Activity, Lane, Timeline, enter_queues, find_spans, mark_holders
from bench.threads.tree import Process, Tree
from bench.threads.wait_state import Call, Place, State, classify, place

RATE_HZ: Final = 2000.0
FAST_COST_CORES: Final = 0.04  # limit on the cost of sampling; with many threads samples are less frequent
SHORTEST_S, LONGEST_S = 0.004, 0.032
"""Longest time for which a new thread goes unseen: longer if none came or went for a while."""
MAX_THREADS: Final = 512

_WORD: Final = 2**64 - 1
_OF_STATE: Final = {
    State.RUNNING: Activity.RUNNING,
    State.GIL: Activity.GIL,
    State.LOCK: Activity.LOCK,
    State.OWN: Activity.OWN,
    State.CLIENT: Activity.IDLE,
    State.IDLE: Activity.IDLE,
}
_UNCLEAR: Final = frozenset({CODE[Activity.LOCK], CODE[Activity.OWN]})


class _Change(NamedTuple):
    """State of a thread from one sample on."""

    tick: int
    code: int
    where: Place | None
    queued_ns: int


@dataclass(slots=True)
class _Seen:
    """A thread, its files (``syscall`` and ``schedstat``), and its changes of state."""

    tid: int
    process: Process
    name: str
    files: tuple[int, int]
    changes: list[_Change] = field(default_factory=list)
    known: dict[tuple[int, int, int], tuple[int, Place | None]] = field(default_factory=dict)


class FastSampler:
    """Samples a server thousands of times per second from :meth:`begin` to :meth:`end`, in a separate thread.

    Raises:
        OSError: the server has ended, may not be inspected, or sampling is not available on this system.
    """

    def __init__(self, pid: int, ports: frozenset[int], rate_hz: float = RATE_HZ) -> None:
        self._idle = Sampler(pid, ports)  # finds out at the end where threads wait for work
        self._tree = Tree(pid, ports)
        self._gap_ns = 1e9 / rate_hz
        self._ticks_ns: list[int] = []
        self._now: dict[int, _Seen] = {}
        self._all: list[_Seen] = []
        self._cost_s = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def begin(self) -> None:
        """Start sampling."""
        self._thread.start()

    def end(self) -> None:
        """Stop sampling."""
        self._over.set()
        self._thread.join()

    def timeline(self) -> Timeline:
        """Return the timeline; call it when the load has ended, so that waiting for work can be recognised."""
        idle_places = self._idle.sample_idle().idle_places
        self.close()
        ticks_ns = np.array(self._ticks_ns, np.int64)
        codes = np.full((len(self._all), len(ticks_ns)), ABSENT, np.int8)
        for row, seen in enumerate(self._all):
            _enter(codes[row], seen, idle_places.get(seen.tid, set()))
            enter_queues(codes[row], [(change.tick, change.queued_ns) for change in seen.changes], ticks_ns)
        for pid in {seen.process.pid for seen in self._all if len(seen.process.gils) == 1}:
            rows = [row for row, seen in enumerate(self._all) if seen.process.pid == pid]
            codes[rows] = mark_holders(codes[rows])
        began_ns, ended_ns = (self._ticks_ns[0], self._ticks_ns[-1]) if self._ticks_ns else (0, 0)
        return Timeline(
            root=self._tree.root,
            begin_ns=began_ns,
            end_ns=ended_ns,
            samples=len(ticks_ns),
            overhead_cores=self._cost_s * 1e9 / max(1, ended_ns - began_ns),
            lanes=tuple(
                Lane(seen.tid, seen.process.pid, seen.name, tuple(find_spans(codes[row], ticks_ns)))
                for row, seen in enumerate(self._all)
            ),
        )

    def close(self) -> None:
        """Release everything; can be called at any time, and twice."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()
        for seen in list(self._now.values()):
            self._drop(seen)
        self._tree.close()
        self._idle.close()

    def _run(self) -> None:
        threads: list[_Seen] = []
        at_work, gap_ns, interval_s = make_buffer([], []), self._gap_ns, SHORTEST_S
        spent_s = began_s = time.thread_time()
        while not self._over.is_set():
            interval_s = min(2 * interval_s, LONGEST_S)
            if self._meet():
                last = dict(zip((seen.tid for seen in threads), at_work.last.tolist(), strict=True))
                threads, interval_s = list(self._now.values()), SHORTEST_S
                at_work = make_buffer([seen.files for seen in threads], [last.get(seen.tid, NEW) for seen in threads])
            if not threads:
                time.sleep(SHORTEST_S)
                continue
            filled = sample(at_work, time.monotonic_ns() + int(interval_s * 1e9), int(gap_ns))
            samples = int(at_work.ticks[0])
            self._take(threads, at_work.rows[:filled].tolist())
            self._ticks_ns += at_work.ticks[1 : samples + 1].tolist()
            now_s = time.thread_time()
            gap_ns = next_gap_ns(gap_ns, 1e9 * (now_s - spent_s) / max(1, samples), shortest_ns=self._gap_ns)
            spent_s = now_s
        self._cost_s = time.thread_time() - began_s

    def _meet(self) -> bool:
        """Open the files of new threads, close those of ended ones, and return whether there were any."""
        self._tree.refresh()
        threads = self._tree.threads
        if threads.keys() == self._now.keys():
            return False
        for seen in [seen for tid, seen in self._now.items() if tid not in threads]:
            self._drop(seen)
        for tid in list(threads.keys() - self._now.keys())[: MAX_THREADS - len(self._now)]:
            process = threads[tid].process
            with contextlib.suppress(OSError):  # it has ended in the meantime
                self._now[tid] = seen = _Seen(tid, process, *_open(process.pid, tid))
                self._all.append(seen)
        return True

    def _take(self, threads: list[_Seen], rows: list[tuple[int, ...]]) -> None:
        samples_before = len(self._ticks_ns)
        for tick, thread, number, first, second, stack, queued_ns in rows:
            seen = threads[thread]
            if number == GONE and seen.tid in self._tree.threads:
                self._tree.forget(self._tree.threads[seen.tid])
            key = (number, first, stack)
            if key not in seen.known:
                seen.known[key] = _understood(number, (first, second), stack, seen.process)
            seen.changes.append(_Change(samples_before + tick, *seen.known[key], queued_ns))

    def _drop(self, seen: _Seen) -> None:
        for file in seen.files:
            os.close(file)
        self._now.pop(seen.tid, None)
        if seen.changes and seen.changes[-1].code != ABSENT:
            seen.changes.append(_Change(len(self._ticks_ns), ABSENT, None, seen.changes[-1].queued_ns))


def next_gap_ns(gap_ns: float, cost_ns: float, *, shortest_ns: float) -> float:
    """Return the next mean time between samples, such that the cost of sampling approaches :data:`FAST_COST_CORES`.

    It changes slowly, so that one expensive interval among cheap ones does not matter.

    Args:
        gap_ns: mean time between the last samples.
        cost_ns: CPU time of each of them.
        shortest_ns: the time between samples when they cost nothing.
    """
    return max(0.9 * gap_ns + 0.1 * cost_ns / FAST_COST_CORES, shortest_ns)


def _open(pid: int, tid: int) -> tuple[str, tuple[int, int]]:
    """Return a thread's name and its two files.

    Raises:
        OSError: it has ended.
    """
    task = f"/proc/{pid}/task/{tid}"
    call = os.open(f"{task}/syscall", os.O_RDONLY)
    try:
        with open(f"{task}/comm", encoding="utf-8", errors="replace") as comm:  # noqa: PTH123 - hot
            return comm.read().strip(), (call, os.open(f"{task}/schedstat", os.O_RDONLY))
    except OSError:
        os.close(call)
        raise


def _understood(number: int, arguments: tuple[int, int], stack: int, process: Process) -> tuple[int, Place | None]:
    """Return the code and the place of a sample.

    The kind of a call is determined once for each thread: a descriptor's kind hardly ever changes within a second.
    """
    if number == GONE:
        return ABSENT, None
    if number == RUNNING:
        return CODE[Activity.RUNNING], None
    call = Call(number, tuple(word & _WORD for word in arguments), stack & _WORD)
    return CODE[_OF_STATE[classify(call, process)]], place(call)


def _enter(codes: npt.NDArray[np.int8], seen: _Seen, idle_places: set[Place]) -> None:
    """Enter a thread's states; a thread that waits where it waits in an idle server is idle."""
    last = _Change(len(codes), ABSENT, None, 0)
    for change, (end, *_) in itertools.pairwise([*seen.changes, last]):
        idle = change.code in _UNCLEAR and change.where in idle_places
        codes[change.tick : end] = CODE[Activity.IDLE] if idle else change.code
