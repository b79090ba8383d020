"""Timeline of what each thread of a server does, millisecond by millisecond, from outside and without stopping it.

All threads are sampled on a common grid of times. Between two samples a thread keeps its state of the first. Two states
cannot be seen in one sample and follow from several:

* *waiting for a CPU*: the kernel reports such a thread as running. But once it gets a CPU, its time in the run queue
  grows by exactly as long as it waited, so the wait is entered backwards from there.
* *holding the GIL*: the one thread of its process that is on a CPU while others of the process wait for the GIL. If
  several are on a CPU, it is the one that held the GIL before; if no thread waits, the holder is unknown, and a thread
  just runs.
"""

from __future__ import annotations

import enum
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from bench.schema.thread_state import BLOCKED, GIL_WAIT, LOCK_WAIT, RUN_QUEUE

ASLEEP: Final = 0.02  # a thread that is busy for no more than this share of the time has nothing to do


class Activity(enum.Enum):
    """State of a thread in its lane."""

    RUNNING = "running"
    """On a CPU, and no thread of its process waits for the GIL (or there is none)."""
    HOLDING = "holding"
    """On a CPU with the GIL, which others wait for."""
    GIL = GIL_WAIT.key
    """Waits for the GIL."""
    QUEUE = RUN_QUEUE.key
    """Waits for a CPU."""
    LOCK = LOCK_WAIT.key
    """Waits for another lock."""
    OWN = BLOCKED.key
    """Waits for something that its handler asked for."""
    IDLE = "idle"
    """Waits for a client, or for work."""


ACTIVITIES: Final = tuple(Activity)
ABSENT: Final = len(ACTIVITIES)
CODE: Final = {doing: code for code, doing in enumerate(ACTIVITIES)}
"""Code of each state in arrays; :data:`ABSENT` for none."""


class Span(NamedTuple):
    """A part of a lane with one state; times of the monotonic clock."""

    begin_ns: int
    end_ns: int
    doing: Activity


@dataclass(frozen=True, slots=True)
class Lane:
    """One thread's life within the window.

    Attributes:
        tid: its id.
        pid: id of its process.
        name: its name in the kernel.
        spans: its spans, one after another.
    """

    tid: int
    pid: int
    name: str
    spans: tuple[Span, ...]

    def awake(self, timeline: Timeline) -> bool:
        """Return whether it did more than wait for work."""
        busy_ns = sum(end_ns - begin_ns for begin_ns, end_ns, doing in self.spans if doing is not Activity.IDLE)
        return busy_ns > ASLEEP * (timeline.end_ns - timeline.begin_ns)


@dataclass(frozen=True, slots=True)
class Timeline:
    """Timeline of all threads between two edges; times of the monotonic clock.

    Attributes:
        root: pid of the server.
        begin_ns: time of the first sample.
        end_ns: time of the last sample.
        samples: number of samples of all threads.
        overhead_cores: CPU-seconds per second that sampling took.
        lanes: one per thread, in the order in which they were first seen.
    """

    root: int
    begin_ns: int
    end_ns: int
    samples: int
    overhead_cores: float
    lanes: tuple[Lane, ...]

    @property
    def resolution_ns(self) -> float:
        """Mean time from one sample to the next."""
        return (self.end_ns - self.begin_ns) / max(1, self.samples - 1)

    def shares(self) -> dict[Activity, float]:
        """Return how the serving threads' time divides: all lanes but a main thread that only waits for the others."""
        spent = dict.fromkeys(ACTIVITIES, 0)
        for lane in [lane for lane in self.lanes if lane.tid != self.root or lane.awake(self)] or self.lanes:
            for begin_ns, end_ns, doing in lane.spans:
                spent[doing] += end_ns - begin_ns
        whole = sum(spent.values())
        return {doing: ns / whole if whole else 0.0 for doing, ns in spent.items()}


def enter_queues(
    codes: npt.NDArray[np.int8], queued_ns: Iterable[tuple[int, int]], ticks_ns: npt.NDArray[np.int64]
) -> None:
    """Mark a running thread as waiting for a CPU where the growth of its run-queue time shows that it did.

    Args:
        codes: its state at each sample, int8[samples]; changed in place.
        queued_ns: numbers of samples, each with its time in the run queue by then.
        ticks_ns: times of the samples, int64[samples].
    """
    for (_, before_ns), (tick, after_ns) in itertools.pairwise(queued_ns):
        if 0 <= before_ns < after_ns and 0 < tick < len(ticks_ns):
            got_cpu_ns = (ticks_ns[tick - 1] + ticks_ns[tick]) / 2  # at some time between the two samples
            first = int(np.searchsorted(ticks_ns, got_cpu_ns - (after_ns - before_ns)))
            stretch = codes[first:tick]
            stretch[stretch == CODE[Activity.RUNNING]] = CODE[Activity.QUEUE]


def mark_holders(codes: npt.NDArray[np.int8]) -> npt.NDArray[np.int8]:
    """Return the codes of the threads of one GIL, with its holder marked wherever it is known."""
    found = codes.copy()
    holder = -1
    for tick in np.flatnonzero((codes == CODE[Activity.GIL]).any(axis=0)):
        running = np.flatnonzero(codes[:, tick] == CODE[Activity.RUNNING])
        if len(running) == 1:
            holder = int(running[0])
        if holder in running:
            found[holder, tick] = CODE[Activity.HOLDING]
    return found


def find_spans(codes: npt.NDArray[np.int8], ticks_ns: npt.NDArray[np.int64]) -> Iterator[Span]:
    """Yield the spans of equal codes; the last sample begins none."""
    if len(codes) < 2:
        return
    edges = [0, *(np.flatnonzero(np.diff(codes)) + 1).tolist(), len(codes) - 1]
    for first, end in itertools.pairwise(edges):
        if codes[first] != ABSENT and end > first:
            yield Span(int(ticks_ns[first]), int(ticks_ns[end]), ACTIVITIES[int(codes[first])])
