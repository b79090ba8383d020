"""Resources that a process and all its descendants have used so far, read from outside.

CPU time is the sum of each living process's own CPU clock, exact to the nanosecond, and of the kernel's total for
children that have ended and were reaped, which is complete but counted in ticks of 10 ms. Linux only: it needs
``/proc`` and the CPU clock of another process, whose id is ``(~pid << 3) | 2`` (clock_getcpuclockid(3)).

The reader may lose its CPU at any point of a reading. So it reads the clocks first and together, between two readings
of the monotonic clock and of the caller's counter, and everything that takes longer after them.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_TRIES = 20


@dataclass(frozen=True, slots=True)
class Usage:
    """A reading.

    Attributes:
        at_s: when the CPU clocks were read, on the monotonic clock: the midpoint.
        took_s: how long it took to read them.
        counted: the caller's counter at the same time: the mean of its readings before and after.
        cpu_s: CPU time of the tree since its start.
        user_ticks: the part of it in user mode, in clock ticks.
        system_ticks: the part of it in kernel mode, in clock ticks.
        voluntary: voluntary context switches of the threads that live now.
        involuntary: involuntary ones.
        threads: their ids.
        peak_rss_bytes: sum of each living process's largest resident set.
        minor_faults: page faults of the tree since its start that needed no disk.
        major_faults: those that did.
        consistent: whether no process started or ended during the reading.
    """

    at_s: float
    took_s: float
    counted: float
    cpu_s: float
    user_ticks: int
    system_ticks: int
    voluntary: int
    involuntary: int
    threads: frozenset[int]
    peak_rss_bytes: int
    minor_faults: int
    major_faults: int
    consistent: bool


def read(pid: int, counter: Callable[[], int] = lambda: 0) -> Usage:
    """Read the resources used by the process ``pid`` and all its descendants, together with a counter.

    A process that ends between two readings would be missed or counted twice, so the reading is repeated, a limited
    number of times, until the tree is the same before and after it.

    Raises:
        OSError: there is no such process.
    """
    usage = None
    for _ in range(_TRIES):
        before = _tree(pid)
        try:
            usage = _read_all(before, counter, consistent=True)
        except OSError:  # one of them has ended
            continue
        if _tree(pid) == before:
            return usage
    if usage is None:
        usage = _read_all([pid], counter, consistent=False)
    return usage


def offset_s(before: Usage, after: Usage, began_s: float, ended_s: float) -> float:
    """Return by how much the interval between two readings may differ from a window, in seconds, both edges together.

    An edge differs by the distance between the two instants and by half of the time that the reading took.
    """
    return abs(before.at_s - began_s) + abs(after.at_s - ended_s) + (before.took_s + after.took_s) / 2


def pss_bytes(pid: int) -> int | None:
    """Return the proportional set size of a process and all its descendants; ``None`` where the system hides it.

    A page that N processes share counts for each of them as an Nth (proc_pid_smaps(5)), so that the sum is the memory
    that they take together. It takes milliseconds for a large process, in which it holds its memory map's lock.
    """
    total = 0
    try:
        for one in _tree(pid):
            with contextlib.suppress(ProcessLookupError, FileNotFoundError):
                total += _field(f"/proc/{one}/smaps_rollup", "Pss:") * 1024
    except OSError:
        return None
    return total or None


def _tree(pid: int) -> list[int]:
    found = [pid]
    for parent in found:
        try:
            for thread in os.listdir(f"/proc/{parent}/task"):
                found += map(int, _text(f"/proc/{parent}/task/{thread}/children").split())
        except (ProcessLookupError, FileNotFoundError):
            continue
    return found


def _read_all(pids: list[int], counter: Callable[[], int], *, consistent: bool) -> Usage:
    cpu_s = 0.0
    user = system = voluntary = involuntary = rss = minor = major = 0
    threads: set[int] = set()
    counted, began_s = counter(), time.monotonic()
    for pid in pids:
        # Fields 10 to 17 (proc(5)), counted from after the name, which may contain anything.
        *faults, own_user, own_system, ended_user, ended_system = map(
            int, _text(f"/proc/{pid}/stat").rpartition(")")[2].split()[7:15]
        )
        cpu_s += time.clock_gettime((~pid << 3) | 2) + (ended_user + ended_system) / _TICKS_PER_S
        user += own_user + ended_user
        system += own_system + ended_system
        minor += faults[0] + faults[1]
        major += faults[2] + faults[3]
    took_s = time.monotonic() - began_s
    counted_after = counter()
    for pid in pids:
        rss += _field(f"/proc/{pid}/status", "VmHWM:") * 1024
        for thread in os.listdir(f"/proc/{pid}/task"):
            status = f"/proc/{pid}/task/{thread}/status"
            voluntary += _field(status, "voluntary_ctxt_switches:")
            involuntary += _field(status, "nonvoluntary_ctxt_switches:")
            threads.add(int(thread))
    return Usage(
        *(began_s + took_s / 2, took_s, (counted + counted_after) / 2, cpu_s, user, system, voluntary, involuntary),
        *(frozenset(threads), rss, minor, major, consistent),
    )


def _field(path: str, name: str) -> int:
    for line in _text(path).splitlines():
        if line.startswith(name):
            return int(line.split()[1])
    return 0  # an ended process has no memory


def _text(path: str) -> str:
    return Path(path).read_text(encoding="ascii", errors="replace")
