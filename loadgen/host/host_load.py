"""Host load during a run: CPU time taken by the virtual machine's host and by other programs."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

import psutil


@dataclass(frozen=True, slots=True)
class MachineTime:
    """CPU-seconds since boot, over all CPUs.

    Attributes:
        at_s: when they were read, on the monotonic clock.
        busy_s: spent on anything for this machine.
        steal_s: taken by the host of a virtual machine; ``None`` if not available on this system.
        own_s: spent by this process, the generator's engine included.
    """

    at_s: float
    busy_s: float
    steal_s: float | None
    own_s: float


def read_time() -> MachineTime:
    """Read the machine's CPU times."""
    at_s, times = time.monotonic(), psutil.cpu_times()
    own = psutil.Process().cpu_times()
    busy_s = sum(getattr(times, kind, 0.0) for kind in ("user", "nice", "system", "irq", "softirq"))
    return MachineTime(at_s, busy_s, getattr(times, "steal", None), own.user + own.system)


def steal_share(before: MachineTime, after: MachineTime) -> float | None:
    """Return the share of the machine's CPU time that its host took between two readings; ``None`` if unknown."""
    if before.steal_s is None or after.steal_s is None:
        return None
    return (after.steal_s - before.steal_s) / (after.at_s - before.at_s) / (psutil.cpu_count() or cpus())


def cpus() -> int:
    """Return how many CPUs this process may run on."""
    return len(os.sched_getaffinity(0))
