"""Who runs on which CPUs: servers pinned to the first N, and the load generator to those that are left over.

The kernel hands a process's CPUs on to all that it starts, so a server is pinned by what stands before its command, and
the engine threads by their parent at the moment they start.
"""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
from collections.abc import Collection, Iterator
from typing import Final

SHARES: Final = "generator_shares_cpus"
"""Code of the windows in which the load generator could not be put elsewhere."""


@functools.cache
def available_cpus() -> tuple[int, ...]:
    """Return the CPUs that this process may use, as they were before it was put anywhere."""
    return tuple(sorted(os.sched_getaffinity(0)))


def first(count: int) -> tuple[int, ...]:
    """Return the CPUs of a server that is pinned to N of them: the same ones for every launch."""
    return available_cpus()[:count]


def prefix(count: int) -> list[str]:
    """Return what stands before a command so that all of its processes have so many CPUs."""
    return ["taskset", "--cpu-list", ",".join(map(str, first(count)))]


def unable(count: int) -> str:
    """Return why no server can be pinned to so many CPUs; empty: one can."""
    if shutil.which("taskset") is None:
        return "taskset is missing: install util-linux"
    if count > len(available_cpus()):
        have = len(available_cpus())
        return f"this process may use {have} CPU{'s' * (have > 1)}: name at most {have}, or give it more"
    return ""


def left_over(counts: Collection[int]) -> tuple[int, ...]:
    """Return the CPUs that none of the servers with so many is pinned to; empty: there are none."""
    return available_cpus()[max(counts, default=0) :]


@contextlib.contextmanager
def pinned(cpus: Collection[int]) -> Iterator[None]:
    """Let this thread, and those that it starts meanwhile, run on these CPUs; if none are named, where it may."""
    before = os.sched_getaffinity(0)
    try:
        if cpus:
            os.sched_setaffinity(0, cpus)
        yield
    finally:
        os.sched_setaffinity(0, before)
