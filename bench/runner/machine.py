"""Description of the machine; its load is read by :mod:`loadgen.host.host_load`."""

from __future__ import annotations

import math
import os
import platform
from importlib import metadata
from pathlib import Path

import psutil

from bench.schema.run_meta import Machine
from loadgen.host.cgroup import read_quota
from loadgen.host.host_load import MachineTime, cpus, read_time, steal_share

__all__ = ["MachineTime", "cpus", "describe_control", "describe_machine", "read_time", "steal_share"]


def describe_machine() -> Machine:
    """Return what a reader needs to know of the machine."""
    quota = read_quota()
    return Machine(
        system=platform.system(),
        release=platform.release(),
        arch=platform.machine(),
        cpu_model=_cpu_model(),
        cpus=len(os.sched_getaffinity(0)),
        cpu_quota=None if quota is None or math.isinf(quota.cpus) else quota.cpus,
        cpus_of_machine=os.cpu_count(),
        memory_bytes=psutil.virtual_memory().total,
        load_average=psutil.getloadavg(),
    )


def describe_control() -> dict[str, str]:
    """Return the versions of Python and of the packages that the harness and the load engine use."""
    versions = {name: metadata.version(name) for name in ("numba", "llvmlite", "pytest-benchmark", "psutil")}
    return {"version": platform.python_version(), **versions}


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")
