"""The machine: what it is, and how busy all of it was."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil


@dataclass(frozen=True, slots=True)
class MachineTime:
    """CPU-seconds since boot, over all CPUs.

    Attributes:
        busy_s: doing anything for this machine.
        steal_s: taken by the host of a virtual machine; ``None`` where the system does not tell.
        own_s: of this process, the generator's engine included.
    """

    busy_s: float
    steal_s: float | None
    own_s: float


def read_time() -> MachineTime:
    """Read the machine's CPU times."""
    times = psutil.cpu_times()
    own = psutil.Process().cpu_times()
    busy_s = sum(getattr(times, kind, 0.0) for kind in ("user", "nice", "system", "irq", "softirq"))
    return MachineTime(busy_s, getattr(times, "steal", None), own.user + own.system)


def cpus() -> int:
    """Return how many CPUs this process may use."""
    return len(os.sched_getaffinity(0))


def describe() -> dict[str, Any]:
    """Return what a reader needs to know of the machine, for ``run.json``."""
    return {
        "system": platform.system(),
        "release": platform.release(),
        "arch": platform.machine(),
        "cpu_model": _cpu_model(),
        "cpus": cpus(),
        "cpus_of_machine": os.cpu_count(),
        "memory_bytes": psutil.virtual_memory().total,
        "load_average": list(psutil.getloadavg()),
    }


def describe_control() -> dict[str, str]:
    """Return what the harness and the load engine run on."""
    versions = {name: metadata.version(name) for name in ("numba", "llvmlite", "pytest-benchmark", "psutil")}
    return {"version": platform.python_version(), **versions}


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")
