"""What a process and all its descendants have used so far, read from outside.

CPU time is the sum of each living process's own CPU clock, exact to the nanosecond, and of what the kernel keeps for
children that have ended and were reaped, exact in all and told in ticks of 10 ms. Linux only: ``/proc`` and the CPU
clock of another process, whose id is ``(~pid << 3) | 2`` (clock_getcpuclockid(3)).
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_TRIES = 20


@dataclass(frozen=True, slots=True)
class Usage:
    """A reading.

    Attributes:
        at_s: when, on the monotonic clock.
        cpu_s: CPU time of the tree since its start.
        user_ticks: of it in user mode, in clock ticks.
        system_ticks: of it in kernel mode, in clock ticks.
        voluntary: context switches of the threads that live now.
        involuntary: the same.
        threads: their ids.
        peak_rss_bytes: sum of each living process's largest resident set.
        minor_faults: page faults of the tree since its start that needed no disk.
        major_faults: those that did.
        consistent: no process came or went during the reading.
    """

    at_s: float
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


def now_s() -> float:
    """Return the time on the clock of :class:`Usage`."""
    return time.monotonic()


def read(pid: int) -> Usage:
    """Read what the process ``pid`` and all its descendants have used.

    A process that ends between two looks would be missed or counted twice, so the reading is repeated until the tree
    is the same before and after it, up to a bound.

    Raises:
        OSError: there is no such process.
    """
    usage = None
    for _ in range(_TRIES):
        before = _tree(pid)
        try:
            usage = _read_all(before, consistent=True)
        except OSError:  # one of them has ended
            continue
        if _tree(pid) == before:
            return usage
    if usage is None:
        usage = _read_all([pid], consistent=False)
    return usage


def _tree(pid: int) -> list[int]:
    found = [pid]
    for parent in found:
        try:
            for thread in os.listdir(f"/proc/{parent}/task"):
                found += map(int, _text(f"/proc/{parent}/task/{thread}/children").split())
        except (ProcessLookupError, FileNotFoundError):
            continue
    return found


def _read_all(pids: list[int], *, consistent: bool) -> Usage:
    at_s = time.monotonic()
    cpu_s = 0.0
    user = system = voluntary = involuntary = rss = minor = major = 0
    threads: set[int] = set()
    for pid in pids:
        # Fields 10 to 17 (proc(5)), counted from behind the name, which may hold anything.
        *faults, own_user, own_system, ended_user, ended_system = map(
            int, _text(f"/proc/{pid}/stat").rpartition(")")[2].split()[7:15]
        )
        cpu_s += time.clock_gettime((~pid << 3) | 2) + (ended_user + ended_system) / _TICKS_PER_S
        user += own_user + ended_user
        system += own_system + ended_system
        minor += faults[0] + faults[1]
        major += faults[2] + faults[3]
        rss += _field(f"/proc/{pid}/status", "VmHWM:") * 1024
        for thread in os.listdir(f"/proc/{pid}/task"):
            status = f"/proc/{pid}/task/{thread}/status"
            voluntary += _field(status, "voluntary_ctxt_switches:")
            involuntary += _field(status, "nonvoluntary_ctxt_switches:")
            threads.add(int(thread))
    return Usage(
        *(at_s, cpu_s, user, system, voluntary, involuntary, frozenset(threads), rss, minor, major, consistent)
    )


def _field(path: str, name: str) -> int:
    for line in _text(path).splitlines():
        if line.startswith(name):
            return int(line.split()[1])
    return 0  # an ended process has no memory


def _text(path: str) -> str:
    return Path(path).read_text(encoding="ascii", errors="replace")
