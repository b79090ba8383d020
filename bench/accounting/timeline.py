"""What each thread of a server does from one half millisecond to the next, seen from outside and without a stop.

All threads are looked at on a common grid of times. Between two looks a thread counts as what it was at the first.
Two states cannot be seen in one look, and follow from several:

* *waiting for a CPU*: to the kernel such a thread runs. But once it gets its CPU, the time that it has spent in the run
  queue grows by exactly as long as it waited, so the wait is entered backwards from there.
* *holding the GIL*: the one thread of its process that is on a CPU while others of it wait for the GIL. Where several
  are on a CPU it is the one that was so before; where nobody waits, nobody can tell, and a thread just runs.
"""

from __future__ import annotations

import contextlib
import enum
import itertools
import os
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from bench.accounting.close_look import GONE, RUNNING, look, looking
from bench.accounting.sampler import Sampler
from bench.accounting.threads import Process, Tree
from bench.accounting.wait_state import Call, Place, State, classify, place

RATE_HZ: Final = 2000.0
COST_CORES: Final = 0.05  # what looking may cost; with many threads it is done less often
CHUNK_S: Final = 0.005  # how long a thread that has just begun goes unseen, at most
MAX_THREADS: Final = 512
ASLEEP: Final = 0.02  # who is busy for no more than this share of the time has nothing to do

_WORD: Final = 2**64 - 1


class Doing(enum.Enum):
    """What a lane shows."""

    RUNNING = "running"
    """On a CPU, and nobody of its process waits for the GIL (or it has none)."""
    HOLDING = "holding"
    """On a CPU with the GIL, which others wait for."""
    GIL = "gil_wait"
    """Waits for the GIL."""
    QUEUE = "run_queue"
    """Waits for a CPU."""
    LOCK = "lock_wait"
    """Waits for another lock."""
    OWN = "own_wait"
    """Waits for what its handler asked for."""
    IDLE = "idle"
    """Waits for a client, or for work."""


_OF_STATE: Final = {
    State.RUNNING: Doing.RUNNING,
    State.GIL: Doing.GIL,
    State.LOCK: Doing.LOCK,
    State.OWN: Doing.OWN,
    State.CLIENT: Doing.IDLE,
    State.IDLE: Doing.IDLE,
}
DOINGS: Final = tuple(Doing)
ABSENT: Final = len(DOINGS)
_CODE: Final = {doing: code for code, doing in enumerate(DOINGS)}
_RUNNING, _HOLDING, _GIL, _QUEUE, _IDLE = (
    _CODE[doing] for doing in (Doing.RUNNING, Doing.HOLDING, Doing.GIL, Doing.QUEUE, Doing.IDLE)
)

_UNCLEAR: Final = frozenset({_CODE[Doing.LOCK], _CODE[Doing.OWN]})


class Span(NamedTuple):
    """A stretch of a lane; times of the monotonic clock."""

    begin_ns: int
    end_ns: int
    doing: Doing


@dataclass(frozen=True, slots=True)
class Lane:
    """One thread's life within the window.

    Attributes:
        tid: its id.
        pid: of its process.
        name: as the kernel has it.
        spans: one behind the other.
    """

    tid: int
    pid: int
    name: str
    spans: tuple[Span, ...]

    def awake(self, timeline: Timeline) -> bool:
        """Tell whether it did more than wait for work."""
        busy_ns = sum(end_ns - begin_ns for begin_ns, end_ns, doing in self.spans if doing is not Doing.IDLE)
        return busy_ns > ASLEEP * (timeline.end_ns - timeline.begin_ns)


@dataclass(frozen=True, slots=True)
class Timeline:
    """What was seen between two edges; times of the monotonic clock.

    Attributes:
        root: pid of the server.
        begin_ns: first look.
        end_ns: last look.
        looks: how many there were at all threads.
        cost_cores: what looking cost.
        lanes: a thread each, in the order in which they were met.
    """

    root: int
    begin_ns: int
    end_ns: int
    looks: int
    cost_cores: float
    lanes: tuple[Lane, ...]

    @property
    def resolution_ns(self) -> float:
        """Mean time from one look to the next."""
        return (self.end_ns - self.begin_ns) / max(1, self.looks - 1)

    def shares(self) -> dict[Doing, float]:
        """Return how the time of those that serve divides: of all lanes but a main thread that only waits for them."""
        spent = dict.fromkeys(DOINGS, 0)
        for lane in [lane for lane in self.lanes if lane.tid != self.root or lane.awake(self)] or self.lanes:
            for begin_ns, end_ns, doing in lane.spans:
                spent[doing] += end_ns - begin_ns
        whole = sum(spent.values())
        return {doing: ns / whole if whole else 0.0 for doing, ns in spent.items()}


class _Change(NamedTuple):
    """What a thread does from a look on."""

    tick: int
    code: int
    where: Place | None
    queued_ns: int


@dataclass(slots=True)
class _Seen:
    """A thread, its files (``syscall`` and ``schedstat``), and how what it does changed."""

    tid: int
    process: Process
    name: str
    files: tuple[int, int]
    changes: list[_Change] = field(default_factory=list)
    known: dict[tuple[int, int, int], tuple[int, Place | None]] = field(default_factory=dict)


class CloseSampler:
    """Looks at a server thousands of times a second from :meth:`begin` to :meth:`end`, in a thread of its own.

    Raises:
        OSError: the server has gone, is not ours to look at, or the system does not tell.
    """

    def __init__(self, pid: int, ports: frozenset[int], rate_hz: float = RATE_HZ) -> None:
        self._idle = Sampler(pid, ports)  # knows in the end where threads wait for work
        self._tree = Tree(pid, ports)
        self._gap_ns = 1e9 / rate_hz
        self._ticks_ns: list[int] = []
        self._now: dict[int, _Seen] = {}
        self._all: list[_Seen] = []
        self._cost_s = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def begin(self) -> None:
        """Start looking."""
        self._thread.start()

    def end(self) -> None:
        """Look no more."""
        self._over.set()
        self._thread.join()

    def timeline(self) -> Timeline:
        """Return what was seen; to be called when the load has gone, so that waiting for work can be recognised."""
        idle_places = self._idle.without_load().idle_places
        self.close()
        ticks_ns = np.array(self._ticks_ns, np.int64)
        codes = np.full((len(self._all), len(ticks_ns)), ABSENT, np.int8)
        for row, seen in enumerate(self._all):
            _enter(codes[row], seen, idle_places.get(seen.tid, set()))
            enter_queues(codes[row], [(change.tick, change.queued_ns) for change in seen.changes], ticks_ns)
        for pid in {seen.process.pid for seen in self._all if len(seen.process.gils) == 1}:
            rows = [row for row, seen in enumerate(self._all) if seen.process.pid == pid]
            codes[rows] = with_holders(codes[rows])
        began_ns, ended_ns = (self._ticks_ns[0], self._ticks_ns[-1]) if self._ticks_ns else (0, 0)
        return Timeline(
            root=self._tree.root,
            begin_ns=began_ns,
            end_ns=ended_ns,
            looks=len(ticks_ns),
            cost_cores=self._cost_s * 1e9 / max(1, ended_ns - began_ns),
            lanes=tuple(
                Lane(seen.tid, seen.process.pid, seen.name, tuple(_spans(codes[row], ticks_ns)))
                for row, seen in enumerate(self._all)
            ),
        )

    def close(self) -> None:
        """Let go of everything; can be called at any time, and twice."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()
        for seen in list(self._now.values()):
            self._drop(seen)
        self._tree.close()
        self._idle.close()

    def _run(self) -> None:
        threads: list[_Seen] = []
        at_work, gap_ns = looking([]), self._gap_ns
        spent_s = began_s = time.thread_time()
        while not self._over.is_set():
            if self._meet():
                threads = list(self._now.values())
                at_work = looking([seen.files for seen in threads])
            if not threads:
                time.sleep(CHUNK_S)
                continue
            filled = look(at_work, time.monotonic_ns() + int(CHUNK_S * 1e9), int(gap_ns))
            looks = int(at_work.ticks[0])
            self._take(threads, at_work.rows[:filled].tolist())
            self._ticks_ns += at_work.ticks[1 : looks + 1].tolist()
            now_s = time.thread_time()
            # Slowly, so that one dear chunk among cheap ones does not matter.
            gap_ns = max(0.9 * gap_ns + 0.1 * 1e9 * (now_s - spent_s) / max(1, looks) / COST_CORES, self._gap_ns)
            spent_s = now_s
        self._cost_s = time.thread_time() - began_s

    def _meet(self) -> bool:
        """Open the files of who came, close those of who went, and tell whether there was anybody."""
        self._tree.refresh()
        threads = self._tree.threads
        if threads.keys() == self._now.keys():
            return False
        for seen in [seen for tid, seen in self._now.items() if tid not in threads]:
            self._drop(seen)
        for tid in list(threads.keys() - self._now.keys())[: MAX_THREADS - len(self._now)]:
            process = threads[tid].process
            with contextlib.suppress(OSError):  # it has ended meanwhile
                self._now[tid] = seen = _Seen(tid, process, *_open(process.pid, tid))
                self._all.append(seen)
        return True

    def _take(self, threads: list[_Seen], rows: list[tuple[int, ...]]) -> None:
        looks_before = len(self._ticks_ns)
        for tick, thread, number, first, second, stack, queued_ns in rows:
            seen = threads[thread]
            if number == GONE and seen.tid in self._tree.threads:
                self._tree.forget(self._tree.threads[seen.tid])
            key = (number, first, stack)
            if key not in seen.known:
                seen.known[key] = _understood(number, (first, second), stack, seen.process)
            seen.changes.append(_Change(looks_before + tick, *seen.known[key], queued_ns))

    def _drop(self, seen: _Seen) -> None:
        for file in seen.files:
            os.close(file)
        self._now.pop(seen.tid, None)
        if seen.changes and seen.changes[-1].code != ABSENT:
            seen.changes.append(_Change(len(self._ticks_ns), ABSENT, None, seen.changes[-1].queued_ns))


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
    """Return the code and the place of what was seen.

    What a call waits for is looked up once for each thread: a descriptor's kind hardly ever changes within a second.
    """
    if number == GONE:
        return ABSENT, None
    if number == RUNNING:
        return _RUNNING, None
    call = Call(number, tuple(word & _WORD for word in arguments), stack & _WORD)
    return _CODE[_OF_STATE[classify(call, process)]], place(call)


def _enter(codes: npt.NDArray[np.int8], seen: _Seen, idle_places: set[Place]) -> None:
    """Enter what a thread did; who waits where an idle server waits is idle, whatever the kernel calls it."""
    last = _Change(len(codes), ABSENT, None, 0)
    for change, (end, *_) in itertools.pairwise([*seen.changes, last]):
        idle = change.code in _UNCLEAR and change.where in idle_places
        codes[change.tick : end] = _IDLE if idle else change.code


def enter_queues(
    codes: npt.NDArray[np.int8], queued_ns: Iterable[tuple[int, int]], ticks_ns: npt.NDArray[np.int64]
) -> None:
    """Let a running thread wait for a CPU where the growth of its time in the queue says that it did.

    Args:
        codes: what it did at each look, int8[looks]; changed in place.
        queued_ns: looks, and its time in the run queue by then.
        ticks_ns: times of the looks, int64[looks].
    """
    for (_, before_ns), (tick, after_ns) in itertools.pairwise(queued_ns):
        if 0 < before_ns < after_ns and 0 < tick < len(ticks_ns):
            got_cpu_ns = (ticks_ns[tick - 1] + ticks_ns[tick]) / 2  # some time between the two looks
            first = int(np.searchsorted(ticks_ns, got_cpu_ns - (after_ns - before_ns)))
            stretch = codes[first:tick]
            stretch[stretch == _RUNNING] = _QUEUE


def with_holders(codes: npt.NDArray[np.int8]) -> npt.NDArray[np.int8]:
    """Return the codes of the threads of one GIL, with the one that holds it wherever that can be told."""
    found = codes.copy()
    holder = -1
    for tick in np.flatnonzero((codes == _GIL).any(axis=0)):
        running = np.flatnonzero(codes[:, tick] == _RUNNING)
        if len(running) == 1:
            holder = int(running[0])
        if holder in running:
            found[holder, tick] = _HOLDING
    return found


def _spans(codes: npt.NDArray[np.int8], ticks_ns: npt.NDArray[np.int64]) -> Iterator[Span]:
    """Yield the stretches of equal codes; the last look begins none."""
    if len(codes) < 2:
        return
    edges = [0, *(np.flatnonzero(np.diff(codes)) + 1).tolist(), len(codes) - 1]
    for first, end in itertools.pairwise(edges):
        if codes[first] != ABSENT and end > first:
            yield Span(int(ticks_ns[first]), int(ticks_ns[end]), DOINGS[int(codes[first])])
