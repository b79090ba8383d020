"""CPU affinity: servers pinned to the first N CPUs, and the load generator to those that are left over.

Processes and threads inherit their parent's CPUs, so a server is pinned by a prefix of its command, and the engine
threads by their parent when they start.
"""

from __future__ import annotations

import contextlib
import functools
import math
import os
import shutil
from collections.abc import Collection, Iterator
from typing import Final

from loadgen.host.cgroup import read_quota

SHARES: Final = "generator_shares_cpus"
"""Warning code of windows in which the load generator had no CPUs of its own."""


@functools.cache
def available_cpus() -> tuple[int, ...]:
    """Return the CPUs that this process may use, before any pinning."""
    return tuple(sorted(os.sched_getaffinity(0)))


def allowed(pinned_to: int | None = None) -> int:
    """Return the number of CPUs that a server may run on.

    Args:
        pinned_to: number of CPUs that it is pinned to; ``None``: it is not pinned.
    """
    return len(available_cpus()) if pinned_to is None else pinned_to


def pool_size(pinned_to: int | None = None) -> int:
    """Return the number of workers of a pool: one per CPU that its server may run on, no more than a quota can fill."""
    quota, most = read_quota(), allowed(pinned_to)
    return most if quota is None else max(1, math.ceil(min(most, quota.cpus)))


def first(count: int) -> tuple[int, ...]:
    """Return the CPUs of a server that is pinned to ``count`` of them: the same ones for every launch."""
    return available_cpus()[:count]


def prefix(count: int) -> list[str]:
    """Return the prefix of a command that pins all of its processes to ``count`` CPUs."""
    return ["taskset", "--cpu-list", ",".join(map(str, first(count)))]


def unable(count: int) -> str:
    """Return why a server cannot be pinned to ``count`` CPUs; empty if it can."""
    if shutil.which("taskset") is None:
        return "taskset is missing: install util-linux"
    if count > len(available_cpus()):
        have = len(available_cpus())
        return f"this process may use {have} CPU{'s' * (have > 1)}: ask for at most {have}, or give it more"
    return ""


def left_over(counts: Collection[int]) -> tuple[int, ...]:
    """Return the CPUs that no server with one of these counts is pinned to; empty if there are none."""
    return available_cpus()[max(counts, default=0) :]


@contextlib.contextmanager
def pinned(cpus: Collection[int]) -> Iterator[None]:
    """Pin this thread, and threads started in the block, to these CPUs; do not pin if there are none."""
    before = os.sched_getaffinity(0)
    try:
        if cpus:
            os.sched_setaffinity(0, cpus)
        yield
    finally:
        os.sched_setaffinity(0, before)
