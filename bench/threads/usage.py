"""Resources that a server's whole process tree used between two readings (:mod:`loadgen.host.process_tree`)."""

from __future__ import annotations

import resource

from bench.schema.record_parts import ContextSwitches, CpuTime, PageFaults
from loadgen.host.process_tree import Usage, offset_s, pss_bytes, read

__all__ = [
    "Usage",
    "cpu_between",
    "faults_between",
    "offset_s",
    "pss_bytes",
    "read",
    "switches_between",
    "switches_of_life",
]


def cpu_between(before: Usage, after: Usage) -> CpuTime:
    """Return the CPU time between two readings: exact clocks give the total, ticks its division by kind."""
    total_s = after.cpu_s - before.cpu_s
    user = after.user_ticks - before.user_ticks
    system = after.system_ticks - before.system_ticks
    user_share = user / (user + system) if user + system else 1.0
    return CpuTime(user=total_s * user_share, system=total_s * (1 - user_share))


def faults_between(before: Usage, after: Usage) -> PageFaults:
    """Return the page faults between two readings."""
    return PageFaults(after.minor_faults - before.minor_faults, after.major_faults - before.major_faults)


def switches_between(before: Usage, after: Usage) -> ContextSwitches | None:
    """Return the context switches between two readings, ``None`` if threads came or went."""
    if before.threads != after.threads:
        return None
    return ContextSwitches(after.voluntary - before.voluntary, after.involuntary - before.involuntary, estimated=False)


def switches_of_life(life: resource.struct_rusage, at_ready: Usage, share: float) -> ContextSwitches:
    """Return ``share`` of the context switches from a server's readiness to its end, as an estimate."""
    return ContextSwitches(
        round((life.ru_nvcsw - at_ready.voluntary) * share),
        round((life.ru_nivcsw - at_ready.involuntary) * share),
        estimated=True,
    )
