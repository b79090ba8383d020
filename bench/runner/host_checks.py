"""Checks for sources of noise on this machine: each reports what it found, its effect and the remedy."""

from __future__ import annotations

import math
import resource
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

import psutil

from bench.runner import machine
from loadgen.host.cgroup import read_quota

ROOM_FOR_BOTH: Final = 4  # CPUs: two for a server that computes in parallel, one for the generator, one for the rest
OPEN_FILES: Final = 4096
STEAL_SAMPLE_S: Final = 1.0
_MORE_FILES: Final = (
    f"as root, ulimit -Hn {OPEN_FILES} before the command; or for good: nofile in /etc/security/limits.conf, "
    f"LimitNOFILE= of a systemd unit, --ulimit nofile={OPEN_FILES} of a container"
)

UNKNOWN: Final = "not available on this system"


class Finding(NamedTuple):
    """Result of a check.

    Attributes:
        check: what was checked.
        found: what was found; ``None``: not available on this system.
        costs: its effect on a measurement; empty if it is as it should be.
        remedy: how to fix it.
    """

    check: str
    found: str | None
    costs: str = ""
    remedy: str = ""


class SystemFiles:
    """Files of the system; tests may use other folders."""

    def __init__(self, sys_: Path = Path("/sys"), proc: Path = Path("/proc")) -> None:
        self.cpu = sys_ / "devices/system/cpu"
        self.proc = proc

    def read(self, path: Path) -> str | None:
        try:
            return path.read_text(encoding="utf-8", errors="replace").strip()
        except OSError:
            return None


def governor(at: SystemFiles) -> Finding:
    found = {at.read(path) for path in at.cpu.glob("cpu[0-9]*/cpufreq/scaling_governor")} - {None}
    shown = ", ".join(sorted(map(str, found))) or None
    if found <= {"performance"}:
        return Finding("frequency governor", shown)
    costs = "the clock follows the load, so a lightly loaded server computes more slowly"
    return Finding("frequency governor", shown, costs, "cpupower frequency-set --governor performance")


def turbo(at: SystemFiles) -> Finding:
    off, boost = at.read(at.cpu / "intel_pstate/no_turbo"), at.read(at.cpu / "cpufreq/boost")
    if off is None and boost is None:
        return Finding("turbo", None)
    if off == "1" or boost == "0":
        return Finding("turbo", "off")
    remedy = "echo 1 > /sys/devices/system/cpu/intel_pstate/no_turbo, or echo 0 > /sys/devices/system/cpu/cpufreq/boost"
    return Finding("turbo", "on", "one busy core runs faster than two, so parallelism looks worse than it is", remedy)


def smt(at: SystemFiles) -> Finding:
    active = at.read(at.cpu / "smt/active")
    if active != "1":
        return Finding("SMT", {"0": "off", None: None}.get(active, active))
    costs = "two CPUs of one core share it, so a second one adds less than a core"
    return Finding("SMT", "on", costs, "echo off > /sys/devices/system/cpu/smt/control")


def cpus(_: SystemFiles) -> Finding:
    count = machine.cpus()
    if count >= ROOM_FOR_BOTH:
        return Finding("CPUs for this process", str(count))
    costs = "the load generator competes with servers that use all of them; speed-ups look smaller"
    return Finding("CPUs for this process", str(count), costs, "measure on a machine with 4 or more")


def isolated(at: SystemFiles) -> Finding:
    return Finding("isolated CPUs", {"": "none"}.get(found := at.read(at.cpu / "isolated") or "", found))


def quota(at: SystemFiles) -> Finding:
    limit = read_quota(at.proc)
    if limit is None or math.isinf(limit.cpus):
        return Finding("CPU quota", None if limit is None else "none")
    shown = f"{limit.cpus:g} CPUs, used up {limit.throttled:,} times"
    return Finding(
        "CPU quota", shown, "the kernel stops all processes when it is used up: long latencies", "lift the limit"
    )


def virtual(at: SystemFiles) -> Finding:
    info = at.read(at.proc / "cpuinfo")
    if info is None:
        return Finding("virtual machine", None)
    if " hypervisor" not in info:
        return Finding("virtual machine", "no")
    costs = "its host may take CPU time at any moment, and an idle CPU wakes slowly"
    return Finding("virtual machine", "yes", costs, "measure more launches (--precision), or use a dedicated machine")


def steal(_: SystemFiles) -> Finding:
    before = machine.read_time()
    time.sleep(STEAL_SAMPLE_S)
    after = machine.read_time()
    if before.steal_s is None or after.steal_s is None:
        return Finding("steal now", None)
    share = (after.steal_s - before.steal_s) / STEAL_SAMPLE_S / (psutil.cpu_count() or 1)
    costs = "the host took this share of the time; windows in which it does are marked" if share > 0.02 else ""
    return Finding("steal now", f"{share:.1%}", costs, "measure at another time" if costs else "")


def load(_: SystemFiles) -> Finding:
    average = psutil.getloadavg()[0]
    costs = "other programs compete for the CPUs; windows in which they do are marked" if average > 0.5 else ""
    return Finding("load of the last minute", f"{average:.2f}", costs, "stop them, and wait a minute" if costs else "")


def swap(_: SystemFiles) -> Finding:
    memory = psutil.swap_memory()
    if not memory.used:
        return Finding("swap in use", "none")
    shown = f"{memory.used / 2**20:,.0f} MiB"
    return Finding(
        "swap in use", shown, "memory that was swapped out is slow when it is used again", "swapoff -a && swapon -a"
    )


def layout(at: SystemFiles) -> Finding:
    mode = at.read(at.proc / "sys/kernel/randomize_va_space")
    if mode in {None, "0"}:
        return Finding("address randomisation", None if mode is None else "off")
    costs = "two launches of one interpreter differ by up to one percent; many launches average that out"
    return Finding("address randomisation", "on", costs, "leave it on; --fixed-layout takes it out of a comparison")


def thread_accounting(at: SystemFiles) -> Finding:
    if at.read(at.proc / "self/syscall") is not None:
        return Finding("threads' system calls", "readable")
    costs = "the thread states of servers remain unknown"
    return Finding("threads' system calls", None, costs, "run outside the container, or let it read /proc")


def files(_: SystemFiles) -> Finding:
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if limit == resource.RLIM_INFINITY or limit >= OPEN_FILES:
        return Finding("open files", "enough")
    return Finding("open files", str(limit), "fewer clients than that", _MORE_FILES)


CHECKS: Final[tuple[Callable[[SystemFiles], Finding], ...]] = (
    *(cpus, governor, turbo, smt, isolated, quota, virtual, steal, load, swap, layout, thread_accounting, files),
)


def run_checks(at: SystemFiles) -> Iterator[Finding]:
    """Yield what each check found."""
    return (check(at) for check in CHECKS)
